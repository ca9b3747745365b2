//! `ItemReader`: the items of a Distributed Map in an object store.

use std::sync::Arc;

use crate::data::{Json, JsonataTemplate, Scope, Template};
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::StateError;
use crate::state::processing::{jsonata, template};
use crate::state::quantity::Quantity;

/// The most items that AWS reads.
const MAX_ITEMS: u64 = 100_000_000;

/// `ItemReader`, as the definition has it.
#[derive(Debug)]
pub(crate) struct ItemReader {
    action: Arc<str>,
    parameters: Option<Parameters>,
    format: Format,
    max_items: Option<Quantity>,
}

/// `Parameters` or `Arguments` of an `ItemReader` or a `ResultWriter`.
#[derive(Debug)]
pub(super) enum Parameters {
    JsonPath(Template),
    Jsonata(JsonataTemplate),
}

/// How items lie in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv {
        /// Without them the first row has them.
        headers: Option<Vec<Arc<str>>>,
        delimiter: u8,
    },
    /// An array, or the members of an object; at this JSON pointer.
    Json { pointer: Vec<String> },
    /// One JSON value a line.
    JsonLines,
    /// Rows of Apache Parquet.
    Parquet,
    /// Rows of a data file of an S3 inventory, whose manifest names the columns unless these are given or in the first row.
    Inventory { headers: Option<Vec<Arc<str>>>, first_row: bool, delimiter: u8 },
    /// The objects of a bucket are the items.
    Listing,
    /// The items are in many objects of this format.
    Files(Files, Box<Format>),
}

/// What names the objects that hold the items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Files {
    /// A listing: `LOAD_AND_FLATTEN`.
    Listing,
    /// The `manifest.json` of an S3 inventory.
    Inventory,
    /// The manifest of a query of Athena that unloads.
    Athena,
}

/// What is to be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadRequest {
    /// `getObject` or `listObjectsV2`.
    pub(crate) action: Arc<str>,
    pub(crate) parameters: Json,
    pub(crate) format: Format,
    /// How many items at most; a negative number is refused when the map run has started.
    pub(crate) max_items: Result<u64, Arc<str>>,
}

impl ReadRequest {
    /// `$$.Map.Item.Source` of its items.
    pub(crate) fn source(&self) -> Arc<str> {
        let text = |name| self.parameters.get(name).and_then(Json::as_str).unwrap_or_default();
        match self.format {
            Format::Listing | Format::Files(Files::Listing, _) => format!("S3://{}", text("Bucket")).into(),
            _ => format!("S3://{}/{}", text("Bucket"), text("Key")).into(),
        }
    }
}

impl Parameters {
    pub(super) fn parse(
        fields: &Fields<'_>,
        language: Language,
    ) -> Result<Option<Parameters>, DefinitionError> {
        Ok(match language {
            Language::JsonPath => template(fields, "Parameters")?.map(Parameters::JsonPath),
            Language::Jsonata => jsonata(fields, "Arguments")?.map(Parameters::Jsonata),
        })
    }

    pub(super) fn evaluate(&self, cx: &Scope<'_>, selected: &Json, field: &str) -> Result<Json, StateError> {
        match self {
            Parameters::JsonPath(template) => Ok(template.evaluate(&cx.with_input(selected))?),
            Parameters::Jsonata(template) => Ok(template.evaluate(cx, field)?),
        }
    }
}

impl ItemReader {
    /// What is to be read for this input.
    pub(crate) fn request(&self, cx: &Scope<'_>, selected: &Json) -> Result<ReadRequest, StateError> {
        let parameters = match &self.parameters {
            None => Json::empty_object(),
            Some(parameters) => parameters.evaluate(cx, selected, "ItemReader/Arguments")?,
        };
        let max_items = match &self.max_items {
            None => Ok(MAX_ITEMS),
            Some(quantity) => match quantity.whole(cx, selected)? {
                // As without a limit.
                0 => Ok(MAX_ITEMS),
                limit => u64::try_from(limit)
                    .map(|limit| limit.min(MAX_ITEMS))
                    .map_err(|_| "field MaxItems must be positive".into()),
            },
        };
        Ok(ReadRequest {
            action: Arc::clone(&self.action),
            parameters,
            format: self.format.clone(),
            max_items,
        })
    }

    pub(super) fn parse(fields: &Fields<'_>, language: Language) -> Result<ItemReader, DefinitionError> {
        let action = match fields.text("Resource")?.rsplit(':').next() {
            Some(action @ ("getObject" | "listObjectsV2")) => action,
            _ => return Err(fields.wrong("Resource", "must be s3:getObject or s3:listObjectsV2")),
        };
        let config = fields.optional_object("ReaderConfig")?;
        let format = match (&config, action) {
            (Some(config), "listObjectsV2")
                if config.optional_text("Transformation")? == Some("LOAD_AND_FLATTEN") =>
            {
                Format::Files(Files::Listing, Box::new(Format::of_objects(config)?))
            }
            (_, "listObjectsV2") => Format::Listing,
            (Some(config), _) => Format::parse(config)?,
            (None, _) => Format::Json { pointer: Vec::new() },
        };
        let max_items = match &config {
            None => None,
            Some(config) => Quantity::parse(config, "MaxItems", "MaxItemsPath", language)?,
        };
        Ok(ItemReader {
            action: action.into(),
            parameters: Parameters::parse(fields, language)?,
            format,
            max_items,
        })
    }
}

impl Format {
    fn parse(config: &Fields<'_>) -> Result<Format, DefinitionError> {
        match (config.optional_text("ManifestType")?, config.optional_text("InputType")?) {
            (Some("S3_INVENTORY"), _) | (None, Some("MANIFEST")) => {
                let format = Format::Inventory {
                    headers: Self::headers(config)?,
                    first_row: config.optional_text("CSVHeaderLocation")? == Some("FIRST_ROW"),
                    delimiter: Self::delimiter(config)?,
                };
                Ok(Format::Files(Files::Inventory, Box::new(format)))
            }
            (Some("ATHENA_DATA"), _) => Ok(Format::Files(Files::Athena, Box::new(Self::of_objects(config)?))),
            (None, _) => Self::of_objects(config),
            (Some(_), _) => Err(config.wrong("ManifestType", "must be ATHENA_DATA or S3_INVENTORY")),
        }
    }

    /// How items lie in an object that has no others beside it.
    fn of_objects(config: &Fields<'_>) -> Result<Format, DefinitionError> {
        match config.optional_text("InputType")? {
            Some("CSV") => {
                Ok(Format::Csv { headers: Self::headers(config)?, delimiter: Self::delimiter(config)? })
            }
            Some("JSON") | None => {
                let pointer = config.optional_text("ItemsPointer")?.unwrap_or_default();
                let unescaped = |part: &str| part.replace("~1", "/").replace("~0", "~");
                Ok(Format::Json { pointer: pointer.split('/').skip(1).map(unescaped).collect() })
            }
            Some("JSONL") => Ok(Format::JsonLines),
            Some("PARQUET") => Ok(Format::Parquet),
            Some(_) => Err(config.wrong("InputType", "must be CSV, JSON, JSONL, PARQUET or MANIFEST")),
        }
    }

    /// The headers that are given.
    fn headers(config: &Fields<'_>) -> Result<Option<Vec<Arc<str>>>, DefinitionError> {
        match (config.optional_text("CSVHeaderLocation")?, config.json("CSVHeaders")) {
            (Some("GIVEN"), Some(headers)) => {
                let names = headers.as_array().unwrap_or_default().iter();
                let names: Option<Vec<Arc<str>>> = names.map(|name| name.as_str().map(Arc::from)).collect();
                names.map(Some).ok_or_else(|| config.wrong("CSVHeaders", "must be a list of strings"))
            }
            _ => Ok(None),
        }
    }

    fn delimiter(config: &Fields<'_>) -> Result<u8, DefinitionError> {
        match config.optional_text("CSVDelimiter")? {
            None | Some("COMMA") => Ok(b','),
            Some("PIPE") => Ok(b'|'),
            Some("SEMICOLON") => Ok(b';'),
            Some("SPACE") => Ok(b' '),
            Some("TAB") => Ok(b'\t'),
            Some(_) => Err(config.wrong("CSVDelimiter", "is no delimiter")),
        }
    }
}
