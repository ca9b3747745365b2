//! Rules in JSONPath: comparisons of a variable, joined by `And`, `Or` and `Not`.

use crate::data::{Comparison, Json, Scope, Template};
use crate::fields::{DefinitionError, Fields};
use crate::state::StateError;
use crate::state::processing::template;

#[derive(Debug)]
pub(super) struct Rule {
    test: Test,
    assign: Option<Template>,
}

#[derive(Debug)]
enum Test {
    Comparison(Comparison),
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
}

impl Rule {
    pub(super) fn matches(&self, scope: &Scope<'_>) -> Result<bool, StateError> {
        self.test.holds(scope)
    }

    /// The variables that the rule assigns.
    pub(super) fn assigned(&self, scope: &Scope<'_>) -> Result<Option<Json>, StateError> {
        Ok(self.assign.as_ref().map(|assign| assign.evaluate(scope)).transpose()?)
    }

    pub(super) fn parse(fields: &Fields<'_>) -> Result<Rule, DefinitionError> {
        Ok(Rule { test: Test::parse(fields)?, assign: template(fields, "Assign")? })
    }
}

impl Test {
    fn holds(&self, scope: &Scope<'_>) -> Result<bool, StateError> {
        match self {
            Test::Comparison(comparison) => Ok(comparison.evaluate(scope)?),
            Test::Not(test) => Ok(!test.holds(scope)?),
            Test::And(tests) => {
                for test in tests {
                    if !test.holds(scope)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Or(tests) => {
                for test in tests {
                    if test.holds(scope)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    fn parse(fields: &Fields<'_>) -> Result<Test, DefinitionError> {
        let list =
            |field: &str| fields.objects(field)?.iter().map(Test::parse).collect::<Result<Vec<_>, _>>();
        match (fields.has("And"), fields.has("Or"), fields.has("Not"), fields.optional_text("Variable")?) {
            (true, false, false, None) => list("And").map(Test::And),
            (false, true, false, None) => list("Or").map(Test::Or),
            (false, false, true, None) => {
                Test::parse(&fields.object("Not")?).map(|test| Test::Not(Box::new(test)))
            }
            (false, false, false, Some(variable)) => {
                let operators: Vec<_> =
                    fields.entries().filter(|(name, _)| Comparison::is_operator(name)).collect();
                let [(operator, value)] = operators[..] else {
                    return Err(fields.wrong("Variable", "exactly one comparison operator is needed"));
                };
                Comparison::parse(variable, operator, value)
                    .map(Test::Comparison)
                    .map_err(|error| fields.wrong(operator, &error.to_string()))
            }
            _ => Err(fields.wrong("Variable", "exactly one of Variable, And, Or, Not is needed")),
        }
    }
}
