//! [`Comparison`]: one data-test of a Choice rule, such as `"NumericLessThan": 10`.
//!
//! Spec: <https://states-language.net/#choice-state>

mod pattern;

use std::cmp::Ordering;

use self::pattern::Pattern;
use super::cursor::PathError;
use super::scope::{EvalError, Scope};
use super::{Json, JsonPath, timestamp};

/// A variable, an operator, and what to compare with.
#[derive(Clone, Debug)]
pub struct Comparison {
    variable: JsonPath,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Order(Kind, Relation, Operand),
    Matches(Pattern),
    /// `IsString: true` and the like; the second says which answer is wanted.
    Is(Property, bool),
    IsPresent(bool),
}

/// What kind of values an operator compares; values of another kind make it false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    String,
    Numeric,
    Boolean,
    Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equals,
    LessThan,
    GreaterThan,
    LessThanEquals,
    GreaterThanEquals,
}

#[derive(Clone, Debug)]
enum Operand {
    Literal(Json),
    Path(JsonPath),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    Null,
    Numeric,
    String,
    Boolean,
    Timestamp,
}

/// Why a comparison cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComparisonError {
    /// The language has no such operator.
    #[error("unknown operator")]
    UnknownOperator,
    /// `Variable` is not a path.
    #[error("Variable is not a path: {0}")]
    Variable(PathError),
    /// The operator asks for a path and got something else.
    #[error("not a path: {0}")]
    Operand(PathError),
    /// The operator asks for a literal of another kind.
    #[error("expected {0}")]
    Literal(&'static str),
}

/// An operator as its name says it.
enum Operator {
    Order(Kind, Relation, Source),
    Matches,
    Is(Property),
    IsPresent,
}

enum Source {
    Literal,
    Path,
}

fn operator(name: &str) -> Option<Operator> {
    match name {
        "StringMatches" => return Some(Operator::Matches),
        "IsNull" => return Some(Operator::Is(Property::Null)),
        "IsNumeric" => return Some(Operator::Is(Property::Numeric)),
        "IsString" => return Some(Operator::Is(Property::String)),
        "IsBoolean" => return Some(Operator::Is(Property::Boolean)),
        "IsTimestamp" => return Some(Operator::Is(Property::Timestamp)),
        "IsPresent" => return Some(Operator::IsPresent),
        _ => {}
    }
    let (name, source) = match name.strip_suffix("Path") {
        Some(name) => (name, Source::Path),
        None => (name, Source::Literal),
    };
    let kinds = [
        ("String", Kind::String),
        ("Numeric", Kind::Numeric),
        ("Boolean", Kind::Boolean),
        ("Timestamp", Kind::Timestamp),
    ];
    let (kind, relation) = kinds.iter().find_map(|(word, kind)| Some((*kind, name.strip_prefix(word)?)))?;
    let relation = match relation {
        "Equals" => Relation::Equals,
        // Truth values have no order.
        _ if kind == Kind::Boolean => return None,
        "LessThan" => Relation::LessThan,
        "GreaterThan" => Relation::GreaterThan,
        "LessThanEquals" => Relation::LessThanEquals,
        "GreaterThanEquals" => Relation::GreaterThanEquals,
        _ => return None,
    };
    Some(Operator::Order(kind, relation, source))
}

impl Comparison {
    /// Whether a field of a Choice rule is an operator.
    pub fn is_operator(field: &str) -> bool {
        operator(field).is_some()
    }

    /// Reads a comparison.
    pub fn parse(variable: &str, field: &str, value: &Json) -> Result<Comparison, ComparisonError> {
        let operator = operator(field).ok_or(ComparisonError::UnknownOperator)?;
        let variable = JsonPath::parse(variable).map_err(ComparisonError::Variable)?;
        let wanted = || value.as_bool().ok_or(ComparisonError::Literal("true or false"));
        let test = match operator {
            Operator::Order(kind, relation, Source::Path) => {
                let path = value.as_str().ok_or(ComparisonError::Literal("a path"))?;
                let path = JsonPath::parse(path).map_err(ComparisonError::Operand)?;
                Test::Order(kind, relation, Operand::Path(path))
            }
            Operator::Order(kind, relation, Source::Literal) => {
                if !kind.holds(value) {
                    return Err(ComparisonError::Literal(kind.described()));
                }
                Test::Order(kind, relation, Operand::Literal(value.clone()))
            }
            Operator::Matches => {
                let pattern = value.as_str().ok_or(ComparisonError::Literal("a string"))?;
                Test::Matches(Pattern::parse(pattern))
            }
            Operator::Is(property) => Test::Is(property, wanted()?),
            Operator::IsPresent => Test::IsPresent(wanted()?),
        };
        Ok(Comparison { variable, test })
    }

    /// The paths it reads.
    pub fn paths(&self) -> Vec<&JsonPath> {
        match &self.test {
            Test::Order(_, _, Operand::Path(path)) => vec![&self.variable, path],
            _ => vec![&self.variable],
        }
    }

    /// Whether the comparison holds. A path that leads nowhere is an error, but for `IsPresent`.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<bool, EvalError> {
        if let Test::IsPresent(wanted) = self.test {
            self.variable.null_input(scope)?;
            return Ok(self.variable.find(scope).is_some() == wanted);
        }
        let variable = find(&self.variable, scope)?;
        Ok(match &self.test {
            Test::Order(kind, relation, Operand::Literal(value)) => {
                kind.order(&variable, value).is_some_and(|order| relation.allows(order))
            }
            Test::Order(kind, relation, Operand::Path(path)) => {
                kind.order(&variable, &find(path, scope)?).is_some_and(|order| relation.allows(order))
            }
            Test::Matches(pattern) => variable.as_str().is_some_and(|text| pattern.matches(text)),
            Test::Is(property, wanted) => property.holds(&variable) == *wanted,
            Test::IsPresent(wanted) => *wanted,
        })
    }
}

fn find(path: &JsonPath, scope: &Scope<'_>) -> Result<Json, EvalError> {
    path.null_input(scope)?;
    path.find(scope).ok_or_else(|| {
        EvalError::runtime(format!(
            "Invalid path '{path}': The choice state's condition path references an invalid value."
        ))
    })
}

impl Kind {
    /// Whether a literal is of this kind.
    fn holds(self, value: &Json) -> bool {
        match self {
            Kind::String => value.as_str().is_some(),
            Kind::Numeric => value.as_number().is_some(),
            Kind::Boolean => value.as_bool().is_some(),
            Kind::Timestamp => Property::Timestamp.holds(value),
        }
    }

    fn described(self) -> &'static str {
        match self {
            Kind::String => "a string",
            Kind::Numeric => "a number",
            Kind::Boolean => "true or false",
            Kind::Timestamp => "a timestamp",
        }
    }

    /// How two values of this kind lie to one another; nothing if either is of another kind.
    fn order(self, left: &Json, right: &Json) -> Option<Ordering> {
        Some(match self {
            // By UTF-16 units, as Java compares.
            Kind::String => left.as_str()?.encode_utf16().cmp(right.as_str()?.encode_utf16()),
            Kind::Numeric => left.as_number()?.cmp(right.as_number()?),
            Kind::Boolean => left.as_bool()?.cmp(&right.as_bool()?),
            Kind::Timestamp => timestamp::parse(left.as_str()?)?.cmp(&timestamp::parse(right.as_str()?)?),
        })
    }
}

impl Relation {
    fn allows(self, order: Ordering) -> bool {
        match self {
            Relation::Equals => order.is_eq(),
            Relation::LessThan => order.is_lt(),
            Relation::GreaterThan => order.is_gt(),
            Relation::LessThanEquals => order.is_le(),
            Relation::GreaterThanEquals => order.is_ge(),
        }
    }
}

impl Property {
    fn holds(self, value: &Json) -> bool {
        match self {
            Property::Null => value.is_null(),
            Property::Numeric => value.as_number().is_some(),
            Property::String => value.as_str().is_some(),
            Property::Boolean => value.as_bool().is_some(),
            Property::Timestamp => value.as_str().is_some_and(|text| timestamp::parse(text).is_some()),
        }
    }
}

#[cfg(test)]
mod tests;
