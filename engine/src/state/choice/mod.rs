//! `Choice`: follow the first rule that matches.
//!
//! Spec: <https://states-language.net/#choice-state>
//!
//! A rule is written in the language of its state: `jsonpath` has comparisons, `jsonata` one expression.

mod jsonata;
mod jsonpath;

use crate::data::Scope;
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::{Finished, Processing, StateError, StateIndices, Step, Transition};

#[derive(Debug)]
pub(crate) struct Choice {
    processing: Processing,
    rules: Rules,
    default: Option<usize>,
}

/// The rules, in their order. Each has the index of the state that it leads to.
#[derive(Debug)]
enum Rules {
    JsonPath(Vec<(jsonpath::Rule, usize)>),
    Jsonata(Vec<(jsonata::Rule, usize)>),
}

impl Choice {
    pub(crate) fn enter(&self, cx: &Scope<'_>) -> Result<Step, StateError> {
        let matched = match &self.rules {
            Rules::JsonPath(rules) => self.first_jsonpath(rules, cx)?,
            Rules::Jsonata(rules) => self.first_jsonata(rules, cx)?,
        };
        match (matched, self.default) {
            (Some((finished, next)), _) => Ok(Step::Exit(finished, Transition::Next(next))),
            // The state's own `Assign` and `Output` are for where no rule matches.
            (None, Some(next)) => {
                Ok(Step::Exit(self.processing.finish_without_work(cx)?, Transition::Next(next)))
            }
            // AWS names it so, and not `States.NoChoiceMatched` as the specification does.
            (None, None) => Err(StateError::runtime(
                "Failed to transition out of the state. The state does not point to a next state.",
            )),
        }
    }

    /// What the first rule that matches gives, and where it leads.
    fn first_jsonpath(
        &self,
        rules: &[(jsonpath::Rule, usize)],
        cx: &Scope<'_>,
    ) -> Result<Option<(Finished, usize)>, StateError> {
        let selected = self.processing.select(cx)?;
        let scope = cx.with_input(&selected);
        for (rule, next) in rules {
            if rule.matches(&scope)? {
                let assigned = rule.assigned(&scope)?;
                let output = self.processing.unprocessed_output(cx)?;
                return Ok(Some((Finished { output, assigned }, *next)));
            }
        }
        Ok(None)
    }

    fn first_jsonata(
        &self,
        rules: &[(jsonata::Rule, usize)],
        cx: &Scope<'_>,
    ) -> Result<Option<(Finished, usize)>, StateError> {
        for (index, (rule, next)) in rules.iter().enumerate() {
            if rule.matches(cx, index)? {
                return Ok(Some((rule.finish(cx, index)?, *next)));
            }
        }
        Ok(None)
    }

    pub(crate) fn parse(
        fields: &Fields<'_>,
        language: Language,
        indices: &StateIndices<'_>,
    ) -> Result<Choice, DefinitionError> {
        let rules = fields.objects("Choices")?;
        if rules.is_empty() {
            return Err(fields.wrong("Choices", "must have at least one rule"));
        }
        let processing = Processing::parse(fields, language)?;
        let rules = match language {
            Language::JsonPath => Rules::JsonPath(with_targets(&rules, indices, jsonpath::Rule::parse)?),
            Language::Jsonata => Rules::Jsonata(with_targets(&rules, indices, jsonata::Rule::parse)?),
        };
        let default = if fields.has("Default") { Some(indices.of(fields, "Default")?) } else { None };
        Ok(Choice { processing, rules, default })
    }
}

/// Parses rules and their `Next`.
fn with_targets<T>(
    rules: &[Fields<'_>],
    indices: &StateIndices<'_>,
    parse: impl Fn(&Fields<'_>) -> Result<T, DefinitionError>,
) -> Result<Vec<(T, usize)>, DefinitionError> {
    rules.iter().map(|rule| Ok((parse(rule)?, indices.of(rule, "Next")?))).collect()
}
