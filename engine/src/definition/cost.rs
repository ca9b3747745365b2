//! [`Cost`]: whether the code of a definition takes next to no time, as far as that can be known without running it.

use crate::data::{Expression, Json};

/// How much one state of a machine can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// At most about as much as reading the state's input a few times.
    Small,
    /// It may be much: an expression with loops, a path that looks everywhere.
    Unknown,
}

impl Cost {
    /// The cost of the most costly thing in a definition.
    pub(crate) fn of(definition: &Json) -> Cost {
        match definition {
            Json::String(text) => Cost::of_text(text),
            Json::Array(items) => Cost::of_all(items.iter()),
            Json::Object(object) => Cost::of_all(object.values()),
            Json::Null | Json::Bool(_) | Json::Number(_) => Cost::Small,
        }
    }

    fn of_all<'a>(mut values: impl Iterator<Item = &'a Json>) -> Cost {
        if values.any(|value| Cost::of(value) == Cost::Unknown) { Cost::Unknown } else { Cost::Small }
    }

    /// A text that only looks like an expression or a path may be taken for one without harm.
    fn of_text(text: &str) -> Cost {
        let is_costly = if Expression::is(text) {
            Expression::parse(text).is_ok_and(|expression| !expression.is_cheap())
        } else if text.starts_with('$') || text.trim_start().starts_with("States.") {
            // One step to many values reads each of them once; two steps read each for each.
            text.contains("..") || text.matches('*').count() + text.matches("?(").count() > 1
        } else {
            false
        };
        if is_costly { Cost::Unknown } else { Cost::Small }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(text: &str) -> Cost {
        Cost::of(&Json::object([("States", Json::array([Json::string(text)]))]))
    }

    #[test]
    fn loops_and_paths_that_look_everywhere_may_cost_much() {
        for text in [
            "$.a.b[0]",
            "$.items[*].id",
            "States.Format('{} of {}', $.a, $.b)",
            "a comment .. * * *",
            "{% $states.input.a + 1 %}",
            "{% $states.input.name & '!' %}",
        ] {
            assert_eq!(cost(text), Cost::Small, "{text}");
        }
        for text in [
            "$..a",
            "$.a[*].b[*]",
            "$.a[?(@.b)][?(@.c)]",
            "States.ArrayLength($..*)",
            "{% [1..$states.input.n] %}",
            "{% $map($states.input.a, function($v) { $v }) %}",
            "{% ($f := function($n) { $f($n + 1) }; $f(1)) %}",
        ] {
            assert_eq!(cost(text), Cost::Unknown, "{text}");
        }
    }
}
