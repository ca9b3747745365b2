//! `Choice`: go where the first matching rule leads.
//!
//! Spec: <https://states-language.net/#choice-state>

use crate::data::{Comparison, Expected, Expression, Json, JsonataTemplate, Scope, Template};
use crate::definition::{DefinitionError, Fields, Language, Places, Transition};
use crate::state::processing::{expression, jsonata, template};
use crate::state::{Cx, Finished, Processing, StateError, Step};

#[derive(Debug)]
pub(crate) struct Choice {
    processing: Processing,
    rules: Vec<Rule>,
    default: Option<usize>,
}

#[derive(Debug)]
struct Rule {
    condition: Condition,
    next: usize,
}

#[derive(Debug)]
enum Condition {
    JsonPath { test: Test, assign: Option<Template> },
    Jsonata { condition: Truth, output: Option<JsonataTemplate>, assign: Option<JsonataTemplate> },
}

/// `Condition`.
#[derive(Debug)]
enum Truth {
    Fixed(bool),
    Expression(Expression),
}

impl Truth {
    fn parse(fields: &Fields<'_>) -> Result<Truth, DefinitionError> {
        match (expression(fields, "Condition")?, fields.json("Condition")) {
            (Some(expression), _) => Ok(Truth::Expression(expression)),
            (None, Some(Json::Bool(fixed))) => Ok(Truth::Fixed(*fixed)),
            (None, _) => Err(fields.wrong("Condition", "must be a JSONata expression")),
        }
    }
}

/// A rule's condition in JSONPath machines.
#[derive(Debug)]
enum Test {
    Comparison(Comparison),
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
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

impl Choice {
    pub(crate) fn enter(&self, cx: &Cx<'_>) -> Result<Step, StateError> {
        let selected = self.processing.select(cx)?;
        for (index, rule) in self.rules.iter().enumerate() {
            match &rule.condition {
                Condition::JsonPath { test, assign } => {
                    let scope = cx.scope_over(&selected);
                    if test.holds(&scope)? {
                        // The state's own `Assign` is for where no rule matches.
                        let assigned = assign.as_ref().map(|assign| assign.evaluate(&scope)).transpose()?;
                        let output = self.processing.pass_on(cx)?;
                        return Ok(Step::Exit(Finished { output, assigned }, Transition::Next(rule.next)));
                    }
                }
                Condition::Jsonata { condition, output, assign } => {
                    let place = format!("Choices[{index}]");
                    let scope = cx.scope();
                    let matches = match condition {
                        Truth::Fixed(matches) => *matches,
                        Truth::Expression(condition) => {
                            let location = format!("{place}/Condition");
                            condition.evaluate_as(&scope, &location, Expected::Boolean)? == Json::Bool(true)
                        }
                    };
                    if matches {
                        let location = |field: &str| format!("{place}/{field}");
                        let assigned = assign
                            .as_ref()
                            .map(|assign| assign.evaluate(&scope, &location("Assign")))
                            .transpose()?;
                        let output = match output {
                            None => self.processing.pass_on(cx)?,
                            Some(output) => output.evaluate(&scope, &location("Output"))?,
                        };
                        return Ok(Step::Exit(Finished { output, assigned }, Transition::Next(rule.next)));
                    }
                }
            }
        }
        match self.default {
            Some(next) => Ok(Step::Exit(self.processing.pass_through(cx)?, Transition::Next(next))),
            // AWS names it so, and not `States.NoChoiceMatched` as the specification does.
            None => Err(StateError::runtime(
                "Failed to transition out of the state. The state does not point to a next state.",
            )),
        }
    }

    pub(crate) fn parse(
        fields: &Fields<'_>,
        language: Language,
        places: &Places<'_>,
    ) -> Result<Choice, DefinitionError> {
        let rules = fields.objects("Choices")?;
        if rules.is_empty() {
            return Err(fields.wrong("Choices", "must have at least one rule"));
        }
        Ok(Choice {
            processing: Processing::parse(fields, language)?,
            rules: rules.iter().map(|rule| Rule::parse(rule, language, places)).collect::<Result<_, _>>()?,
            default: if fields.has("Default") { Some(places.of(fields, "Default")?) } else { None },
        })
    }
}

impl Rule {
    fn parse(fields: &Fields<'_>, language: Language, places: &Places<'_>) -> Result<Rule, DefinitionError> {
        let condition = match language {
            Language::JsonPath => {
                Condition::JsonPath { test: Test::parse(fields)?, assign: template(fields, "Assign")? }
            }
            Language::Jsonata => Condition::Jsonata {
                condition: Truth::parse(fields)?,
                output: jsonata(fields, "Output")?,
                assign: jsonata(fields, "Assign")?,
            },
        };
        Ok(Rule { condition, next: places.of(fields, "Next")? })
    }
}
