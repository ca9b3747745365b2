//! `Map`: the same states for each item of a list, in this execution or in child executions.
//!
//! Spec: <https://states-language.net/#map-state>

use std::sync::Arc;

use crate::data::{Expected, Expression, Json, JsonPath, JsonataTemplate, Scope, Template};
use crate::fields::{DefinitionError, Fields, Language};
use crate::model::MachineType;
use crate::state::item_reader::{ItemReader, ReadRequest};
use crate::state::processing::{expression, jsonata, template};
use crate::state::quantity::Quantity;
use crate::state::result_writer::{ResultWriter, WriteRequest};
use crate::state::{Handlers, Processing, StateError, Step, guarded};
use crate::state::{StateIndices, States, Transition};

#[derive(Debug)]
pub(crate) struct Map {
    pub(crate) processing: Processing,
    pub(crate) handlers: Handlers,
    items: Items,
    selector: Selector,
    max_concurrency: Option<Quantity>,
    pub(crate) mode: MapMode,
    pub(crate) processor: Arc<States>,
    pub(crate) transition: Transition,
}

/// The fields that an inline Map cannot have here. Those on tolerated failures AWS accepts in one, without effect.
pub(crate) const DISTRIBUTED_ONLY: [&str; 4] = ["ItemBatcher", "ItemReader", "Label", "ResultWriter"];

/// Where the items come from.
#[derive(Debug)]
enum Items {
    /// The state's input itself, in JSONata.
    Input,
    /// `ItemsPath`, or `$`.
    Path(JsonPath),
    /// `Items` as an expression.
    Expression(Expression),
    /// `Items` as a list, which may hold expressions.
    List(JsonataTemplate),
}

/// `ItemSelector`: what an iteration gets instead of its item.
#[derive(Debug)]
enum Selector {
    Item,
    JsonPath(Template),
    Jsonata(JsonataTemplate),
}

/// Where the iterations run.
#[derive(Debug)]
pub(crate) enum MapMode {
    /// In this execution.
    Inline,
    /// In executions of their own.
    Distributed(Box<Distributed>),
}

/// What only a Distributed Map has.
#[derive(Debug)]
pub(crate) struct Distributed {
    pub(crate) execution_type: MachineType,
    pub(crate) label: Option<String>,
    tolerated_count: Option<Quantity>,
    tolerated_percentage: Option<Quantity>,
    batcher: Option<Batcher>,
    reader: Option<ItemReader>,
    writer: Option<ResultWriter>,
}

/// `ItemBatcher`.
#[derive(Debug)]
struct Batcher {
    input: Option<BatchInput>,
    max_items: Option<Quantity>,
    max_bytes: Option<Quantity>,
}

#[derive(Debug)]
enum BatchInput {
    JsonPath(Template),
    Jsonata(JsonataTemplate),
}

/// One item of a Map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MapItem {
    /// The name of the member, where the items are those of an object.
    pub(crate) key: Option<Arc<str>>,
    pub(crate) value: Json,
}

impl MapItem {
    /// What an iteration gets without `ItemSelector`: the item of an array, a pair of an object's member.
    pub(crate) fn input(&self) -> Json {
        match &self.key {
            None => self.value.clone(),
            Some(key) => {
                Json::object([("Key", Json::String(Arc::clone(key))), ("Value", self.value.clone())])
            }
        }
    }
}

impl From<Json> for MapItem {
    fn from(value: Json) -> MapItem {
        MapItem { key: None, value }
    }
}

/// The iterations to start.
pub(crate) struct MapRequest {
    pub(crate) items: Arc<[MapItem]>,
    /// The state's input after `InputPath`: what `ItemSelector` looks at.
    pub(crate) selected: Json,
    /// 0 is no limit of the definition's.
    pub(crate) max_concurrency: u64,
    /// Where the items of a Distributed Map come from instead.
    pub(crate) reader: Option<ReadRequest>,
    /// Where the results of a Distributed Map go.
    pub(crate) writer: Option<WriteRequest>,
}

/// How many items of a Distributed Map may fail; without either limit none may.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tolerance {
    pub(crate) count: Option<u64>,
    pub(crate) percentage: Option<f64>,
}

impl Tolerance {
    /// Whether so many failed items of all are too many. A limit that is not given does not affect the
    /// other.
    pub(crate) fn is_exceeded(self, failed: u64, total: u64) -> bool {
        let by_count = self.count.map(|count| failed > count);
        let by_percentage =
            self.percentage.map(|percentage| failed as f64 * 100.0 > percentage * total as f64);
        match (by_count, by_percentage) {
            (None, None) => failed > 0,
            (by_count, by_percentage) => by_count.unwrap_or(false) || by_percentage.unwrap_or(false),
        }
    }
}

/// How items are put together for the children of a Distributed Map.
#[derive(Debug)]
pub(crate) struct Batching {
    pub(crate) input: Option<Json>,
    pub(crate) max_items: Option<u64>,
    pub(crate) max_bytes: Option<u64>,
}

impl Map {
    pub(crate) fn enter(&self, cx: &Scope<'_>) -> Result<Step, StateError> {
        let selected = self.processing.select(cx)?;
        let max_concurrency = match &self.max_concurrency {
            None => 0,
            Some(quantity) => {
                let whole = quantity.whole(cx, &selected)?;
                u64::try_from(whole).map_err(|_| {
                    quantity.refuse(format!(
                        "Expected non-negative integer for MaxConcurrency, got '{whole}' instead."
                    ))
                })?
            }
        };
        let (reader, writer) = match &self.mode {
            MapMode::Inline => (None, None),
            MapMode::Distributed(distributed) => (
                distributed.reader.as_ref().map(|reader| reader.request(cx, &selected)).transpose()?,
                distributed.writer.as_ref().map(|writer| writer.request(cx, &selected)).transpose()?,
            ),
        };
        // What is read from a store takes the place of the state's own items.
        let items = match reader {
            Some(_) => Arc::default(),
            None => self.items.find(cx, &selected)?,
        };
        Ok(Step::StartIterations(MapRequest { items, selected, max_concurrency, reader, writer }))
    }

    /// The input of one iteration; the context object holds its item.
    pub(crate) fn iteration_input(
        &self,
        cx: &Scope<'_>,
        selected: &Json,
        item: &MapItem,
    ) -> Result<Json, StateError> {
        guarded(|| match &self.selector {
            Selector::Item => Ok(item.input()),
            Selector::JsonPath(template) => Ok(template.evaluate(&cx.with_input(selected))?),
            Selector::Jsonata(template) => Ok(template.evaluate(cx, "ItemSelector")?),
        })
    }

    pub(crate) fn parse(
        fields: &Fields<'_>,
        language: Language,
        outer: Language,
        indices: &StateIndices<'_>,
    ) -> Result<Map, DefinitionError> {
        let processor = match (fields.optional_object("ItemProcessor")?, fields.optional_object("Iterator")?)
        {
            (Some(processor), None) | (None, Some(processor)) => processor,
            _ => {
                return Err(
                    fields.wrong("ItemProcessor", "exactly one of ItemProcessor and Iterator is needed")
                );
            }
        };
        Ok(Map {
            processing: Processing::parse(fields, language)?,
            handlers: Handlers::parse(fields, language, indices)?,
            items: Items::parse(fields, language)?,
            selector: Selector::parse(fields, language)?,
            max_concurrency: Quantity::parse(fields, "MaxConcurrency", "MaxConcurrencyPath", language)?,
            mode: MapMode::parse(fields, &processor, language)?,
            processor: Arc::new(States::parse(&processor, Language::parse(&processor, outer)?)?),
            transition: indices.transition(fields)?,
        })
    }
}

impl Items {
    /// The items: those of an array, or the members of an object that `ItemsPath` names in the input or that is written in
    /// `Items` itself.
    ///
    /// DIFFERENCE: AWS's documentation has members of any object; its recorded answers refuse the context object, an
    /// expression's object and an object as the state's input in JSONata, and so does this.
    fn find(&self, cx: &Scope<'_>, selected: &Json) -> Result<Arc<[MapItem]>, StateError> {
        let json = match self {
            Items::Input => selected.clone(),
            Items::Path(path) => path.query(&cx.with_input(selected))?,
            Items::Expression(expression) => expression.evaluate_as(cx, "Items", Expected::Array)?,
            Items::List(list) => list.evaluate(cx, "Items")?,
        };
        let may_be_object = match self {
            Items::Path(path) => !path.is_in_context(),
            Items::List(_) => true,
            Items::Input | Items::Expression(_) => false,
        };
        if let (Json::Object(object), true) = (&json, may_be_object) {
            let member = |(key, value): (&Arc<str>, &Json)| MapItem {
                key: Some(Arc::clone(key)),
                value: value.clone(),
            };
            return Ok(object.iter().map(member).collect());
        }
        let Some(items) = json.as_array() else {
            return Err(match self {
                Items::Path(path) => {
                    // AWS names a path into the context object as one into the input.
                    let path = path.text().replacen("$$", "$", 1);
                    StateError::runtime(format!("Reference path \"{path}\" must point to array."))
                }
                _ => StateError::unfit_before(format!("Map state input must be an array but was: {json}")),
            });
        };
        Ok(items.iter().cloned().map(MapItem::from).collect())
    }

    fn parse(fields: &Fields<'_>, language: Language) -> Result<Items, DefinitionError> {
        match language {
            Language::JsonPath => JsonPath::parse(fields.optional_text("ItemsPath")?.unwrap_or("$"))
                .map(Items::Path)
                .map_err(|error| fields.wrong("ItemsPath", &error.to_string())),
            Language::Jsonata => match expression(fields, "Items")? {
                Some(expression) => Ok(Items::Expression(expression)),
                None => Ok(jsonata(fields, "Items")?.map_or(Items::Input, Items::List)),
            },
        }
    }
}

impl Selector {
    fn parse(fields: &Fields<'_>, language: Language) -> Result<Selector, DefinitionError> {
        match language {
            Language::Jsonata => {
                Ok(jsonata(fields, "ItemSelector")?.map_or(Selector::Item, Selector::Jsonata))
            }
            Language::JsonPath => {
                // `Parameters` is the older name.
                for field in ["ItemSelector", "Parameters"] {
                    if let Some(template) = template(fields, field)? {
                        return Ok(Selector::JsonPath(template));
                    }
                }
                Ok(Selector::Item)
            }
        }
    }
}

impl MapMode {
    /// In this execution, where nothing may fail and nothing is put together.
    fn inline(fields: &Fields<'_>) -> Result<MapMode, DefinitionError> {
        match DISTRIBUTED_ONLY.into_iter().find(|field| fields.has(field)) {
            None => Ok(MapMode::Inline),
            Some(field) => Err(fields.wrong(field, "is supported here only in DISTRIBUTED mode")),
        }
    }

    fn parse(
        fields: &Fields<'_>,
        processor: &Fields<'_>,
        language: Language,
    ) -> Result<MapMode, DefinitionError> {
        let Some(config) = processor.optional_object("ProcessorConfig")? else {
            return MapMode::inline(fields);
        };
        match config.optional_text("Mode")? {
            None | Some("INLINE") => MapMode::inline(fields),
            Some("DISTRIBUTED") => Ok(MapMode::Distributed(Box::new(Distributed {
                execution_type: match config.optional_text("ExecutionType")? {
                    None | Some("STANDARD") => MachineType::Standard,
                    Some("EXPRESS") => MachineType::Express,
                    Some(_) => return Err(config.wrong("ExecutionType", "must be STANDARD or EXPRESS")),
                },
                label: fields.optional_text("Label")?.map(str::to_owned),
                tolerated_count: Quantity::parse(
                    fields,
                    "ToleratedFailureCount",
                    "ToleratedFailureCountPath",
                    language,
                )?,
                tolerated_percentage: Quantity::parse(
                    fields,
                    "ToleratedFailurePercentage",
                    "ToleratedFailurePercentagePath",
                    language,
                )?,
                batcher: fields
                    .optional_object("ItemBatcher")?
                    .map(|batcher| Batcher::parse(&batcher, language))
                    .transpose()?,
                reader: fields
                    .optional_object("ItemReader")?
                    .map(|reader| ItemReader::parse(&reader, language))
                    .transpose()?,
                writer: fields
                    .optional_object("ResultWriter")?
                    .map(|writer| ResultWriter::parse(&writer, language))
                    .transpose()?,
            }))),
            Some(_) => Err(config.wrong("Mode", "must be INLINE or DISTRIBUTED")),
        }
    }
}

impl Batcher {
    fn parse(fields: &Fields<'_>, language: Language) -> Result<Batcher, DefinitionError> {
        let input = match language {
            Language::JsonPath => template(fields, "BatchInput")?.map(BatchInput::JsonPath),
            Language::Jsonata => jsonata(fields, "BatchInput")?.map(BatchInput::Jsonata),
        };
        Ok(Batcher {
            input,
            max_items: Quantity::parse(fields, "MaxItemsPerBatch", "MaxItemsPerBatchPath", language)?,
            max_bytes: Quantity::parse(
                fields,
                "MaxInputBytesPerBatch",
                "MaxInputBytesPerBatchPath",
                language,
            )?,
        })
    }
}

impl Distributed {
    /// `ToleratedFailureCount` and `ToleratedFailurePercentage`; without either nothing may fail.
    pub(crate) fn tolerance(&self, cx: &Scope<'_>, selected: &Json) -> Result<Tolerance, StateError> {
        let count = match &self.tolerated_count {
            None => None,
            Some(quantity) => Some(
                u64::try_from(quantity.whole(cx, selected)?)
                    .map_err(|_| quantity.refuse("ToleratedFailureCount cannot be negative."))?,
            ),
        };
        let percentage = match &self.tolerated_percentage {
            None => None,
            Some(quantity) => match quantity.number(cx, selected)? {
                percentage if (0.0..=100.0).contains(&percentage) => Some(percentage),
                _ => return Err(quantity.refuse("ToleratedFailurePercentage must be between 0 and 100.")),
            },
        };
        Ok(Tolerance { count, percentage })
    }

    /// `ItemBatcher`, if there is one.
    pub(crate) fn batching(&self, cx: &Scope<'_>, selected: &Json) -> Result<Option<Batching>, StateError> {
        let Some(batcher) = &self.batcher else { return Ok(None) };
        let input = match &batcher.input {
            None => None,
            Some(BatchInput::JsonPath(template)) => Some(template.evaluate(&cx.with_input(selected))?),
            Some(BatchInput::Jsonata(template)) => Some(template.evaluate(cx, "ItemBatcher/BatchInput")?),
        };
        let limit = |quantity: &Option<Quantity>, field: &str| match quantity {
            None => Ok(None),
            Some(quantity) => match u64::try_from(quantity.whole(cx, selected)?) {
                Ok(limit) if limit > 0 => Ok(Some(limit)),
                _ => Err(quantity.refuse(format!("{field} must be positive"))),
            },
        };
        Ok(Some(Batching {
            input,
            max_items: limit(&batcher.max_items, "MaxItemsPerBatch")?,
            max_bytes: limit(&batcher.max_bytes, "MaxInputBytesPerBatch")?,
        }))
    }
}
