//! The fields that only a Map state has.

use super::checker::Checker;
use super::code;
use super::jsonata::Scene;
use super::machine::Role;
use super::value::{self, Kind};
use crate::data::{Json, Object};
use crate::fields::Language;
use crate::model::MachineType;
use crate::state::DISTRIBUTED_ONLY;

const LABEL_LENGTH: usize = 40;

impl Checker<'_> {
    pub(super) fn map(&mut self, state: &Object, at: &str, language: Language) {
        for field in ["ItemProcessor", "Iterator"] {
            if let Some(processor) = state.get(field) {
                let here = format!("{at}/{field}");
                match processor.as_object() {
                    Some(processor) => {
                        self.processor_config(processor, &here);
                        self.check_machine(processor, &here, Role::ItemProcessor);
                    }
                    None => self.schema(&here, "Expected value of type [OBJECT]"),
                }
            }
        }
        self.items(state, at, language);
        self.label(state, at);
        self.batcher(state, at, language);
        if let Some(reader) = state.get("ItemReader") {
            self.item_reader(reader, &format!("{at}/ItemReader"), language);
        }
        if let Some(writer) = state.get("ResultWriter") {
            self.result_writer(writer, &format!("{at}/ResultWriter"), language);
        }
        if !is_distributed(state) {
            self.distributed_only(state, at);
        }
    }

    fn processor_config(&mut self, processor: &Object, at: &str) {
        let Some(config) = processor.get("ProcessorConfig") else { return };
        let here = format!("{at}/ProcessorConfig");
        let Some(config) = config.as_object() else {
            self.schema(&here, "Expected value of type [OBJECT]");
            return;
        };
        self.only(config, &here, &["Mode", "ExecutionType"]);
        self.value(config, &here, "Mode", Kind::OneOf(&["INLINE", "DISTRIBUTED"]));
        self.value(config, &here, "ExecutionType", Kind::OneOf(&["STANDARD", "EXPRESS"]));
        if config.get("Mode").and_then(Json::as_str) == Some("DISTRIBUTED") {
            self.required(config, &here, &["ExecutionType"]);
            if self.options.machine_type == MachineType::Express {
                self.schema(
                    &format!("{here}/Mode"),
                    "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines",
                );
            }
        } else if config.contains_key("ExecutionType") {
            self.schema(&here, "Field 'ExecutionType' is not supported");
        }
    }

    /// In JSONata, `Items` is an array or an expression that gives one.
    fn items(&mut self, state: &Object, at: &str, language: Language) {
        let (Some(items), Language::Jsonata) = (state.get("Items"), language) else { return };
        let here = format!("{at}/Items");
        if items.is_array() || items.is_object() || value::is_expression(items) {
            self.expressions(items, &here, Scene::Input);
        } else {
            self.schema(&here, "Expected value of type [ARRAY]");
        }
    }

    fn label(&mut self, state: &Object, at: &str) {
        let Some(label) = state.get("Label") else { return };
        let here = format!("{at}/Label");
        let Some(text) = label.as_str() else {
            self.schema(&here, "Expected value of type [STRING]");
            return;
        };
        let forbidden =
            |c: &char| c.is_control() || c.is_whitespace() || "?*<>{}[]:;,\\|^~$#%&`\"".contains(*c);
        if text.chars().count() > LABEL_LENGTH {
            self.error(
                code::INVALID_LABEL_NAME,
                &here,
                format!("Label cannot exceed {LABEL_LENGTH} characters"),
            );
        } else if text.is_empty() {
            self.error(code::INVALID_LABEL_NAME, &here, "Label cannot be empty");
        } else if let Some(character) = text.chars().find(forbidden) {
            self.error(
                code::INVALID_LABEL_NAME,
                &here,
                format!("Label contains invalid character: {character:?}"),
            );
        } else if let Json::String(text) = label
            && !self.labels.insert(text.clone())
        {
            self.error(code::DUPLICATE_LABEL_NAME, &here, format!("Duplicate Label name: {text}"));
        }
    }

    fn batcher(&mut self, state: &Object, at: &str, language: Language) {
        let Some(batcher) = state.get("ItemBatcher") else { return };
        let here = format!("{at}/ItemBatcher");
        let Some(batcher) = batcher.as_object() else {
            self.schema(&here, "Expected value of type [OBJECT]");
            return;
        };
        let paths = ["MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath"];
        self.only(
            batcher,
            &here,
            &["BatchInput", "MaxItemsPerBatch", paths[0], "MaxInputBytesPerBatch", paths[1]],
        );
        self.at_most_one(batcher, &here, &["MaxItemsPerBatch", paths[0]]);
        self.at_most_one(batcher, &here, &["MaxInputBytesPerBatch", paths[1]]);
        for path in paths {
            if batcher.contains_key(path) && language == Language::Jsonata {
                self.wrong_language(&here, path, language, "JSONPath");
            }
            self.value(batcher, &here, path, Kind::ReferencePath);
        }
        let limits = ["MaxItemsPerBatch", "MaxInputBytesPerBatch"];
        if !limits.iter().chain(&paths).any(|field| batcher.contains_key(field)) {
            self.schema(
                &here,
                format!("At least one of the following fields is required: [{}]", limits.join(", ")),
            );
        }
        self.field(batcher, &here, limits[0], Kind::Integer { min: 0, max: None }, language, Scene::Input);
        self.field(
            batcher,
            &here,
            limits[1],
            Kind::Integer { min: 0, max: Some(262_144) },
            language,
            Scene::Input,
        );
        self.field(batcher, &here, "BatchInput", Kind::Payload, language, Scene::Input);
    }

    fn item_reader(&mut self, reader: &Json, at: &str, language: Language) {
        let Some(reader) = reader.as_object() else {
            self.schema(at, "Expected value of type [OBJECT]");
            return;
        };
        self.only(reader, at, &["Resource", "ReaderConfig", "Parameters", "Arguments"]);
        self.required(reader, at, &["Resource"]);
        self.store_resource(reader, at, &["s3:getObject", "s3:listObjectsV2"]);
        self.store_parameters(reader, at, language);
        let config = reader.get("ReaderConfig").and_then(Json::as_object);
        if let Some(config) = config {
            self.reader_config(config, &format!("{at}/ReaderConfig"), language);
        }
        let action = reader.get("Resource").and_then(Json::as_str).and_then(|text| text.rsplit(':').next());
        let is_listing = action == Some("listObjectsV2");
        if let Some(config) = config {
            self.many_objects(config, &format!("{at}/ReaderConfig"), is_listing);
        }
        self.host_must_support("ItemReader", action.unwrap_or_default(), at);
    }

    fn reader_config(&mut self, config: &Object, at: &str, language: Language) {
        let inputs = &["CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"];
        self.value(config, at, "InputType", Kind::OneOf(inputs));
        self.value(config, at, "CSVHeaderLocation", Kind::OneOf(&["FIRST_ROW", "GIVEN"]));
        self.value(config, at, "CSVDelimiter", Kind::OneOf(&["COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"]));
        self.at_most_one(config, at, &["MaxItems", "MaxItemsPath"]);
        self.field(
            config,
            at,
            "MaxItems",
            Kind::Integer { min: 0, max: Some(100_000_000) },
            language,
            Scene::Input,
        );
        self.value(config, at, "MaxItemsPath", Kind::ReferencePath);
        if config.contains_key("MaxItemsPath") && language == Language::Jsonata {
            self.wrong_language(at, "MaxItemsPath", language, "JSONPath");
        }
        let header = config.get("CSVHeaderLocation").and_then(Json::as_str);
        match config.get("InputType").and_then(Json::as_str) {
            Some("CSV") => {
                self.required(config, at, &["CSVHeaderLocation"]);
                if header == Some("GIVEN") {
                    self.required(config, at, &["CSVHeaders"]);
                }
            }
            Some("JSON" | "JSONL" | "PARQUET") if header.is_some() => {
                self.schema(at, "Field 'CSVHeaderLocation' is not supported");
            }
            _ => {}
        }
    }

    /// What is said of items in many objects.
    fn many_objects(&mut self, config: &Object, at: &str, is_listing: bool) {
        let text = |name: &str| config.get(name).and_then(Json::as_str);
        self.value(config, at, "ManifestType", Kind::OneOf(&["ATHENA_DATA", "S3_INVENTORY"]));
        self.value(config, at, "Transformation", Kind::OneOf(&["NONE", "LOAD_AND_FLATTEN"]));
        let input = text("InputType");
        if input == Some("PARQUET") && !cfg!(feature = "parquet") {
            let sentence = "The InputType 'PARQUET' of an ItemReader is not supported by this build";
            self.unsupported(&format!("{at}/InputType"), sentence);
        }
        match text("ManifestType") {
            Some(_) if is_listing => self.schema(at, "Field 'ManifestType' is not supported"),
            Some("S3_INVENTORY") if input.is_some_and(|input| input != "MANIFEST") => {
                self.schema(at, "Field 'InputType' is not supported with the ManifestType 'S3_INVENTORY'");
            }
            Some("ATHENA_DATA") if !matches!(input, Some("CSV" | "JSONL" | "PARQUET")) => {
                self.schema(
                    at,
                    "The ManifestType 'ATHENA_DATA' requires the InputType CSV, JSONL or PARQUET",
                );
            }
            _ => {}
        }
        if text("Transformation") == Some("LOAD_AND_FLATTEN") {
            if !is_listing {
                self.schema(at, "Field 'Transformation' is not supported");
            } else if !matches!(input, Some("CSV" | "JSON" | "JSONL" | "PARQUET")) {
                self.schema(at, "The Transformation 'LOAD_AND_FLATTEN' requires the InputType CSV, JSON, JSONL or PARQUET");
            }
        }
    }

    fn result_writer(&mut self, writer: &Json, at: &str, language: Language) {
        let Some(writer) = writer.as_object() else {
            self.schema(at, "Expected value of type [OBJECT]");
            return;
        };
        self.only(writer, at, &["Resource", "WriterConfig", "Parameters", "Arguments"]);
        if !writer.contains_key("WriterConfig") {
            self.required(writer, at, &["Resource"]);
        }
        self.store_resource(writer, at, &["s3:putObject"]);
        self.store_parameters(writer, at, language);
        if let Some(config) = writer.get("WriterConfig").and_then(Json::as_object) {
            let here = format!("{at}/WriterConfig");
            self.only(config, &here, &["Transformation", "OutputType"]);
            self.required(config, &here, &["Transformation", "OutputType"]);
            self.value(config, &here, "Transformation", Kind::OneOf(&["NONE", "COMPACT", "FLATTEN"]));
            self.value(config, &here, "OutputType", Kind::OneOf(&["JSON", "JSONL"]));
        }
        if writer.contains_key("Resource") {
            self.host_must_support("ResultWriter", "putObject", at);
        }
    }

    /// Refuses a field whose object store the host does not have.
    fn host_must_support(&mut self, field: &str, action: &str, at: &str) {
        let is_missing = self.options.supports.is_some_and(|supports| !supports("s3", action));
        if is_missing && !self.has_error_at(&format!("{at}/Resource")) {
            let sentence = format!(
                "The field '{field}' is not supported here: there is no object store for s3:{action}"
            );
            self.unsupported(at, sentence);
        }
    }

    fn store_resource(&mut self, part: &Object, at: &str, allowed: &[&str]) {
        let Some(resource) = part.get("Resource") else { return };
        let here = format!("{at}/Resource");
        let action =
            resource.as_str().and_then(|text| text.split_once(":states:::")).map(|(_, action)| action);
        if !action.is_some_and(|action| allowed.contains(&action)) {
            self.schema(&here, "The field 'Resource' does not match any of the allowed values");
        }
    }

    fn store_parameters(&mut self, part: &Object, at: &str, language: Language) {
        let (own, other, other_language) = match language {
            Language::JsonPath => ("Parameters", "Arguments", "JSONata"),
            Language::Jsonata => ("Arguments", "Parameters", "JSONPath"),
        };
        if part.contains_key(other) {
            self.wrong_language(at, other, language, other_language);
        }
        self.field(part, at, own, Kind::Payload, language, Scene::Input);
    }

    /// These fields do something in a distributed Map only; the engine does not take some of them elsewhere.
    fn distributed_only(&mut self, state: &Object, at: &str) {
        if ["ItemReader", "ItemBatcher", "ResultWriter"].iter().any(|field| state.contains_key(field)) {
            self.warn(
                code::SUSPICIOUS_VALUE,
                at,
                "ItemReader, ItemBatcher and ResultWriter work in a Map state of Mode 'DISTRIBUTED' only",
            );
        }
        for field in DISTRIBUTED_ONLY.into_iter().filter(|field| state.contains_key(field)) {
            self.unsupported(
                &format!("{at}/{field}"),
                format!("The field '{field}' is supported here only in a Map state of Mode 'DISTRIBUTED'"),
            );
        }
    }
}

fn is_distributed(state: &Object) -> bool {
    let processor = state.get("ItemProcessor").or_else(|| state.get("Iterator"));
    let mode = processor.and_then(|part| part.get("ProcessorConfig")).and_then(|config| config.get("Mode"));
    mode.and_then(Json::as_str) == Some("DISTRIBUTED")
}
