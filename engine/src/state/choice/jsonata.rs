//! Rules in JSONata: a `Condition`, and what the state gives if it is true.

use crate::data::{Expected, Expression, Json, JsonataTemplate, Scope};
use crate::fields::{DefinitionError, Fields};
use crate::state::processing::{expression, jsonata};
use crate::state::{Finished, StateError};

#[derive(Debug)]
pub(super) struct Rule {
    condition: Condition,
    output: Option<JsonataTemplate>,
    assign: Option<JsonataTemplate>,
}

#[derive(Debug)]
enum Condition {
    Fixed(bool),
    Expression(Expression),
}

impl Rule {
    /// Whether the condition is true. The index in `Choices` is for the location of an error.
    pub(super) fn matches(&self, cx: &Scope<'_>, index: usize) -> Result<bool, StateError> {
        match &self.condition {
            Condition::Fixed(matches) => Ok(*matches),
            Condition::Expression(condition) => {
                let location = format!("Choices[{index}]/Condition");
                Ok(condition.evaluate_as(cx, &location, Expected::Boolean)? == Json::Bool(true))
            }
        }
    }

    /// The output and the variables of the state where this rule matches: without `Output`, its input.
    pub(super) fn finish(&self, cx: &Scope<'_>, index: usize) -> Result<Finished, StateError> {
        let evaluate = |template: &JsonataTemplate, field: &str| {
            template.evaluate(cx, &format!("Choices[{index}]/{field}"))
        };
        let assigned = self.assign.as_ref().map(|assign| evaluate(assign, "Assign")).transpose()?;
        let output = match &self.output {
            None => cx.input.clone(),
            Some(output) => evaluate(output, "Output")?,
        };
        Ok(Finished { output, assigned })
    }

    pub(super) fn parse(fields: &Fields<'_>) -> Result<Rule, DefinitionError> {
        Ok(Rule {
            condition: Condition::parse(fields)?,
            output: jsonata(fields, "Output")?,
            assign: jsonata(fields, "Assign")?,
        })
    }
}

impl Condition {
    fn parse(fields: &Fields<'_>) -> Result<Condition, DefinitionError> {
        match (expression(fields, "Condition")?, fields.json("Condition")) {
            (Some(expression), _) => Ok(Condition::Expression(expression)),
            (None, Some(Json::Bool(fixed))) => Ok(Condition::Fixed(*fixed)),
            (None, _) => Err(fields.wrong("Condition", "must be a JSONata expression")),
        }
    }
}
