//! What all states share around their work: selecting the input, shaping the result, assigning variables.

use crate::data::{Expression, Json, JsonPath, JsonataTemplate, ReferencePath, Scope, Template};
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::StateError;

/// The output of a state, and the variables that it gave values.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) output: Json,
    pub(crate) assigned: Option<Json>,
}

/// The fields for data, in one of the two languages.
#[derive(Debug)]
pub(crate) enum Processing {
    JsonPath(Box<JsonPathFields>),
    Jsonata(Box<JsonataFields>),
}

/// `InputPath`, `Parameters`, `ResultSelector`, `ResultPath`, `OutputPath`, `Assign`.
#[derive(Debug)]
pub(crate) struct JsonPathFields {
    input_path: Selection,
    parameters: Option<Template>,
    result_selector: Option<Template>,
    result_path: ResultPath,
    output_path: Selection,
    assign: Option<Template>,
}

/// `Arguments`, `Output`, `Assign`.
#[derive(Debug)]
pub(crate) struct JsonataFields {
    arguments: Option<JsonataTemplate>,
    output: Option<JsonataTemplate>,
    assign: Option<JsonataTemplate>,
}

/// `InputPath` or `OutputPath`: everything unless it is given; `null` is an empty object.
#[derive(Debug)]
enum Selection {
    Everything,
    Nothing,
    Path(JsonPath),
}

/// Where the result goes: instead of the input unless it is given; `null` drops it.
#[derive(Debug)]
pub(crate) enum ResultPath {
    Everything,
    Nowhere,
    Path(ReferencePath),
}

impl Selection {
    fn parse(fields: &Fields<'_>, field: &str) -> Result<Selection, DefinitionError> {
        match fields.json(field) {
            None => Ok(Selection::Everything),
            Some(Json::Null) => Ok(Selection::Nothing),
            Some(Json::String(text)) if &**text == "$" => Ok(Selection::Everything),
            Some(Json::String(text)) => JsonPath::parse(text)
                .map(Selection::Path)
                .map_err(|error| fields.wrong(field, &error.to_string())),
            Some(_) => Err(fields.wrong(field, "must be a path or null")),
        }
    }

    fn of(&self, cx: &Scope<'_>, json: &Json) -> Result<Json, StateError> {
        match self {
            Selection::Everything => Ok(json.clone()),
            Selection::Nothing => Ok(Json::empty_object()),
            Selection::Path(path) => Ok(path.query(&cx.with_input(json))?),
        }
    }
}

impl ResultPath {
    pub(crate) fn parse(fields: &Fields<'_>) -> Result<ResultPath, DefinitionError> {
        match fields.json("ResultPath") {
            None => Ok(ResultPath::Everything),
            Some(Json::Null) => Ok(ResultPath::Nowhere),
            Some(Json::String(text)) if &**text == "$" => Ok(ResultPath::Everything),
            Some(Json::String(text)) => ReferencePath::parse(text)
                .map(ResultPath::Path)
                .map_err(|error| fields.wrong("ResultPath", &error.to_string())),
            Some(_) => Err(fields.wrong("ResultPath", "must be a reference path or null")),
        }
    }

    pub(crate) fn put(&self, input: &Json, result: Json) -> Result<Json, StateError> {
        match self {
            ResultPath::Everything => Ok(result),
            ResultPath::Nowhere => Ok(input.clone()),
            ResultPath::Path(path) => Ok(path.set(input.clone(), result)?),
        }
    }
}

/// A JSONPath template of a field, if it is there.
pub(crate) fn template(fields: &Fields<'_>, field: &str) -> Result<Option<Template>, DefinitionError> {
    fields
        .json(field)
        .map(|json| {
            Template::parse(json).map_err(|errors| {
                let message = errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join("; ");
                fields.wrong(field, &message)
            })
        })
        .transpose()
}

/// A JSONata template of a field, if it is there.
pub(crate) fn jsonata(fields: &Fields<'_>, field: &str) -> Result<Option<JsonataTemplate>, DefinitionError> {
    fields
        .json(field)
        .map(|json| {
            JsonataTemplate::parse(json).map_err(|faults| {
                let message =
                    faults.into_iter().map(|fault| fault.error.message).collect::<Vec<_>>().join("; ");
                fields.wrong(field, &message)
            })
        })
        .transpose()
}

/// A field that is one JSONata expression, if it is there and is one.
pub(crate) fn expression(fields: &Fields<'_>, field: &str) -> Result<Option<Expression>, DefinitionError> {
    match fields.json(field).and_then(Json::as_str).filter(|text| Expression::is(text)) {
        None => Ok(None),
        Some(text) => Expression::parse(text).map(Some).map_err(|errors| {
            let message = errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join("; ");
            fields.wrong(field, &message)
        }),
    }
}

impl Processing {
    pub(crate) fn parse(fields: &Fields<'_>, language: Language) -> Result<Processing, DefinitionError> {
        Ok(match language {
            Language::JsonPath => Processing::JsonPath(Box::new(JsonPathFields {
                input_path: Selection::parse(fields, "InputPath")?,
                parameters: template(fields, "Parameters")?,
                result_selector: template(fields, "ResultSelector")?,
                result_path: ResultPath::parse(fields)?,
                output_path: Selection::parse(fields, "OutputPath")?,
                assign: template(fields, "Assign")?,
            })),
            Language::Jsonata => Processing::Jsonata(Box::new(JsonataFields {
                arguments: jsonata(fields, "Arguments")?,
                output: jsonata(fields, "Output")?,
                assign: jsonata(fields, "Assign")?,
            })),
        })
    }

    /// The input after `InputPath`.
    pub(crate) fn select(&self, cx: &Scope<'_>) -> Result<Json, StateError> {
        match self {
            Processing::JsonPath(fields) => fields.input_path.of(cx, cx.input),
            Processing::Jsonata(_) => Ok(cx.input.clone()),
        }
    }

    /// The parameters of the state's work: `Parameters` or `Arguments`, or the selected input.
    pub(crate) fn arguments(&self, cx: &Scope<'_>) -> Result<Json, StateError> {
        match self {
            Processing::JsonPath(fields) => {
                let selected = fields.input_path.of(cx, cx.input)?;
                match &fields.parameters {
                    None => Ok(selected),
                    Some(parameters) => Ok(parameters.evaluate(&cx.with_input(&selected))?),
                }
            }
            Processing::Jsonata(fields) => match &fields.arguments {
                None => Ok(cx.input.clone()),
                Some(arguments) => Ok(arguments.evaluate(cx, "Arguments")?),
            },
        }
    }

    /// The output of the state from the result of its work.
    pub(crate) fn finish(&self, cx: &Scope<'_>, result: Json) -> Result<Finished, StateError> {
        match self {
            Processing::JsonPath(fields) => {
                let result = match &fields.result_selector {
                    None => result,
                    Some(selector) => selector.evaluate(&cx.with_input(&result))?,
                };
                let assigned = match &fields.assign {
                    None => None,
                    Some(assign) => Some(assign.evaluate(&cx.with_input(&result))?),
                };
                let output = fields.result_path.put(cx.input, result)?;
                Ok(Finished { output: fields.output_path.of(cx, &output)?, assigned })
            }
            Processing::Jsonata(fields) => {
                let scope = cx.with_result(&result);
                let assigned =
                    fields.assign.as_ref().map(|assign| assign.evaluate(&scope, "Assign")).transpose()?;
                let output = match &fields.output {
                    None => result,
                    Some(output) => output.evaluate(&scope, "Output")?,
                };
                Ok(Finished { output, assigned })
            }
        }
    }

    /// The selected input as the output, without `Assign` and `Output`: that of a rule that has its own.
    pub(crate) fn unprocessed_output(&self, cx: &Scope<'_>) -> Result<Json, StateError> {
        match self {
            Processing::JsonPath(fields) => fields.output_path.of(cx, &fields.input_path.of(cx, cx.input)?),
            Processing::Jsonata(_) => Ok(cx.input.clone()),
        }
    }

    /// The output of a state without work, from its input.
    pub(crate) fn finish_without_work(&self, cx: &Scope<'_>) -> Result<Finished, StateError> {
        match self {
            Processing::JsonPath(fields) => {
                let selected = fields.input_path.of(cx, cx.input)?;
                let assigned = match &fields.assign {
                    None => None,
                    Some(assign) => Some(assign.evaluate(&cx.with_input(&selected))?),
                };
                Ok(Finished { output: fields.output_path.of(cx, &selected)?, assigned })
            }
            Processing::Jsonata(fields) => {
                let scope = *cx;
                let assigned =
                    fields.assign.as_ref().map(|assign| assign.evaluate(&scope, "Assign")).transpose()?;
                let output = match &fields.output {
                    None => cx.input.clone(),
                    Some(output) => output.evaluate(&scope, "Output")?,
                };
                Ok(Finished { output, assigned })
            }
        }
    }
}
