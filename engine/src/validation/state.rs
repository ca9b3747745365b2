//! One state: which fields its type has, which of them must be there, which exclude each other.

use super::checker::Checker;
use super::jsonata::Scene;
use super::value::Kind;
use crate::data::{Json, Object};
use crate::fields::Language;

/// Which language has a field.
#[derive(Clone, Copy, PartialEq)]
enum In {
    Both,
    JsonPath,
    Jsonata,
}

/// A field of a state. What it holds is checked here, or by its own module if `kind` is `None`.
struct Field {
    name: &'static str,
    of: In,
    kind: Option<Kind>,
    /// What an expression in it may refer to.
    scene: Scene,
}

const fn field(name: &'static str, of: In, kind: Kind) -> Field {
    Field { name, of, kind: Some(kind), scene: Scene::Input }
}

const fn after(name: &'static str, of: In, kind: Kind) -> Field {
    Field { name, of, kind: Some(kind), scene: Scene::Result }
}

/// A field that another module looks into.
const fn part(name: &'static str) -> Field {
    Field { name, of: In::Both, kind: None, scene: Scene::Input }
}

const SECONDS: Kind = Kind::Integer { min: 1, max: Some(99_999_999) };
const COUNT: Kind = Kind::Integer { min: 0, max: None };

const COMMENT: Field = field("Comment", In::Both, Kind::Text);
const QUERY_LANGUAGE: Field = field("QueryLanguage", In::Both, Kind::OneOf(&["JSONPath", "JSONata"]));
const NEXT: Field = field("Next", In::Both, Kind::Text);
const END: Field = field("End", In::Both, Kind::Boolean);
const INPUT_PATH: Field = field("InputPath", In::JsonPath, Kind::PathOrNull);
const OUTPUT_PATH: Field = field("OutputPath", In::JsonPath, Kind::PathOrNull);
const RESULT_PATH: Field = field("ResultPath", In::JsonPath, Kind::ResultPath);
const PARAMETERS: Field = field("Parameters", In::JsonPath, Kind::Payload);
const RESULT_SELECTOR: Field = field("ResultSelector", In::JsonPath, Kind::Payload);
const ARGUMENTS: Field = field("Arguments", In::Jsonata, Kind::Payload);
const OUTPUT: Field = after("Output", In::Jsonata, Kind::Payload);
const ASSIGN: Field = after("Assign", In::Both, Kind::Variables);

static PASS: &[Field] = &[
    INPUT_PATH,
    OUTPUT_PATH,
    field("Result", In::JsonPath, Kind::Constant),
    RESULT_PATH,
    PARAMETERS,
    OUTPUT,
    ASSIGN,
    NEXT,
    END,
];
static TASK: &[Field] = &[
    part("Resource"),
    INPUT_PATH,
    OUTPUT_PATH,
    RESULT_PATH,
    PARAMETERS,
    RESULT_SELECTOR,
    ARGUMENTS,
    OUTPUT,
    ASSIGN,
    part("Credentials"),
    part("Retry"),
    part("Catch"),
    field("TimeoutSeconds", In::Both, SECONDS),
    field("TimeoutSecondsPath", In::JsonPath, Kind::ReferencePath),
    field("HeartbeatSeconds", In::Both, SECONDS),
    field("HeartbeatSecondsPath", In::JsonPath, Kind::ReferencePath),
    NEXT,
    END,
];
static WAIT: &[Field] = &[
    INPUT_PATH,
    OUTPUT_PATH,
    OUTPUT,
    ASSIGN,
    field("SecondsPath", In::JsonPath, Kind::ReferencePath),
    field("Seconds", In::Both, Kind::Integer { min: 0, max: Some(99_999_999) }),
    field("TimestampPath", In::JsonPath, Kind::ReferencePath),
    field("Timestamp", In::Both, Kind::Timestamp),
    NEXT,
    END,
];
static CHOICE: &[Field] =
    &[INPUT_PATH, OUTPUT_PATH, OUTPUT, ASSIGN, part("Choices"), field("Default", In::Both, Kind::Text)];
static SUCCEED: &[Field] = &[INPUT_PATH, OUTPUT_PATH, OUTPUT];
static FAIL: &[Field] = &[
    field("Error", In::Both, Kind::Words),
    field("Cause", In::Both, Kind::Words),
    field("ErrorPath", In::JsonPath, Kind::PathOrCall),
    field("CausePath", In::JsonPath, Kind::PathOrCall),
];
static PARALLEL: &[Field] = &[
    INPUT_PATH,
    OUTPUT_PATH,
    RESULT_PATH,
    PARAMETERS,
    RESULT_SELECTOR,
    ARGUMENTS,
    OUTPUT,
    ASSIGN,
    part("Retry"),
    part("Catch"),
    part("Branches"),
    NEXT,
    END,
];
static MAP: &[Field] = &[
    INPUT_PATH,
    OUTPUT_PATH,
    RESULT_PATH,
    PARAMETERS,
    RESULT_SELECTOR,
    OUTPUT,
    ASSIGN,
    part("Retry"),
    part("Catch"),
    part("ItemProcessor"),
    part("Iterator"),
    field("ItemsPath", In::JsonPath, Kind::ItemsPath),
    Field { name: "Items", of: In::Jsonata, kind: None, scene: Scene::Input },
    Field { name: "ItemSelector", of: In::Both, kind: Some(Kind::Payload), scene: Scene::Input },
    part("ItemReader"),
    part("ItemBatcher"),
    part("ResultWriter"),
    field("MaxConcurrency", In::Both, COUNT),
    field("MaxConcurrencyPath", In::JsonPath, Kind::ReferencePath),
    field("ToleratedFailurePercentage", In::Both, Kind::Decimal { min: 0.0, max: Some(100.0) }),
    field("ToleratedFailurePercentagePath", In::JsonPath, Kind::ReferencePath),
    field("ToleratedFailureCount", In::Both, COUNT),
    field("ToleratedFailureCountPath", In::JsonPath, Kind::ReferencePath),
    part("Label"),
    NEXT,
    END,
];

const TYPES: &[&str] = &["Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map"];

fn fields_of(kind: &str) -> Option<&'static [Field]> {
    Some(match kind {
        "Pass" => PASS,
        "Task" => TASK,
        "Wait" => WAIT,
        "Choice" => CHOICE,
        "Succeed" => SUCCEED,
        "Fail" => FAIL,
        "Parallel" => PARALLEL,
        "Map" => MAP,
        _ => return None,
    })
}

impl Checker<'_> {
    pub(super) fn state(&mut self, at: &str, state: &Json) {
        let Some(state) = state.as_object() else {
            self.schema(at, "Expected value of type [OBJECT]");
            return;
        };
        let Some(kind) = state.get("Type") else {
            self.schema(at, "These fields are required: [Type]");
            return;
        };
        let Some(fields) = kind.as_str().and_then(fields_of) else {
            self.schema(
                &format!("{at}/Type"),
                format!("The field 'Type' should have one of these values: [{}]", TYPES.join(", ")),
            );
            return;
        };
        let kind = kind.as_str().unwrap_or_default();
        let language = self.language_of(state, at, fields);
        self.shape(kind, state, at, language);
        for field in [&COMMENT, &QUERY_LANGUAGE].into_iter().chain(fields) {
            if let Some(value_kind) = field.kind {
                self.field(state, at, field.name, value_kind, language, field.scene);
            }
        }
        match kind {
            "Task" => self.task(state, at, language),
            "Choice" => self.choices(state, at, language),
            "Parallel" => self.branches(state, at),
            "Map" => self.map(state, at, language),
            "Fail" => self.fail(state, at),
            _ => {}
        }
        if matches!(kind, "Task" | "Parallel" | "Map") {
            self.retriers(state, at);
            self.catchers(state, at, language);
        }
    }

    /// The state's own language, with its fields held against it and against the type.
    fn language_of(&mut self, state: &Object, at: &str, fields: &[Field]) -> Language {
        let own = state.get("QueryLanguage");
        let language = Language::resolve(own, self.language);
        let downgraded = self.language == Language::Jsonata && language == Language::JsonPath;
        if downgraded {
            self.schema(
                at,
                "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
            );
        }
        for name in state.keys() {
            if matches!(&**name, "Type" | "Comment" | "QueryLanguage") {
                continue;
            }
            match fields.iter().find(|field| field.name == &**name) {
                None => self.schema(at, format!("Field '{name}' is not supported")),
                Some(_) if downgraded => {}
                Some(field) => self.language_fits(at, name, field.of, language),
            }
        }
        language
    }

    fn language_fits(&mut self, at: &str, name: &str, of: In, language: Language) {
        let only = match (of, language) {
            (In::JsonPath, Language::Jsonata) => "JSONPath",
            (In::Jsonata, Language::JsonPath) => "JSONata",
            _ => return,
        };
        self.wrong_language(at, name, language, only);
    }

    pub(super) fn wrong_language(&mut self, at: &str, name: &str, language: Language, only: &str) {
        self.schema(
            at,
            format!(
                "The QueryLanguage is set to '{}', but field '{name}' is only supported for the '{only}' QueryLanguage",
                language.as_str()
            ),
        );
    }

    /// Which fields must be there, and which exclude each other.
    fn shape(&mut self, kind: &str, state: &Object, at: &str, language: Language) {
        match kind {
            "Task" => {
                self.required(state, at, &["Resource"]);
                self.at_most_one(state, at, &["TimeoutSeconds", "TimeoutSecondsPath"]);
                self.at_most_one(state, at, &["HeartbeatSeconds", "HeartbeatSecondsPath"]);
            }
            "Wait" => match language {
                Language::JsonPath => {
                    self.exactly_one(state, at, &["SecondsPath", "Seconds", "TimestampPath", "Timestamp"]);
                }
                Language::Jsonata => self.exactly_one(state, at, &["Seconds", "Timestamp"]),
            },
            "Choice" => self.required(state, at, &["Choices"]),
            "Fail" => {
                self.at_most_one(state, at, &["Error", "ErrorPath"]);
                self.at_most_one(state, at, &["Cause", "CausePath"]);
            }
            "Parallel" => self.required(state, at, &["Branches"]),
            "Map" => {
                self.exactly_one(state, at, &["ItemProcessor", "Iterator"]);
                self.at_most_one(state, at, &["Parameters", "ItemSelector"]);
                self.at_most_one(state, at, &["MaxConcurrency", "MaxConcurrencyPath"]);
                self.at_most_one(
                    state,
                    at,
                    &["ToleratedFailurePercentage", "ToleratedFailurePercentagePath"],
                );
                self.at_most_one(state, at, &["ToleratedFailureCount", "ToleratedFailureCountPath"]);
            }
            _ => {}
        }
        if matches!(kind, "Pass" | "Task" | "Wait" | "Parallel" | "Map") {
            let ends = state.get("End").and_then(Json::as_bool) != Some(false);
            match (state.contains_key("Next"), state.contains_key("End") && ends) {
                (true, true) => self.at_most_one(state, at, &["Next", "End"]),
                (false, false) => {
                    self.schema(at, "This object should have only one of the following fields: [Next, End]");
                }
                _ => {}
            }
        }
    }

    fn branches(&mut self, state: &Object, at: &str) {
        let here = format!("{at}/Branches");
        let Some(branches) = state.get("Branches") else { return };
        let Some(branches) = branches.as_array() else {
            self.schema(&here, "Expected value of type [ARRAY]");
            return;
        };
        if branches.is_empty() {
            self.schema(&here, "Value cannot be empty");
        }
        for (index, branch) in branches.iter().enumerate() {
            let here = format!("{here}[{index}]");
            match branch.as_object() {
                Some(branch) => self.check_machine(branch, &here, super::machine::Role::Branch),
                None => self.schema(&here, "Expected value of type [OBJECT]"),
            }
        }
    }

    fn fail(&mut self, state: &Object, at: &str) {
        if let Some(error) = state.get("Error").and_then(Json::as_str) {
            self.reserved_error_name(error, &format!("{at}/Error"));
        }
    }
}
