//! Event patterns: which events a rule is about.
//!
//! A pattern has the structure of the events that it matches; its leaves are lists of values and conditions, one of which
//! has to hold. Conditions are in `matcher`, their parsing with AWS's reasons of refusal in `parse`.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html>

mod matcher;
mod parse;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::{Map, Value};

use matcher::Matcher;

/// A pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern(Fields);

/// The conditions on the members of one object: all of them have to hold.
#[derive(Clone, Debug, Default, PartialEq)]
struct Fields {
    members: Vec<(String, Node)>,
    /// Lists of alternatives, of each of which one has to hold.
    alternatives: Vec<Vec<Fields>>,
}

/// What one member has to be.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// One of these.
    Leaf(Vec<Matcher>),
    /// An object, or a list with an object, of this kind.
    Object(Fields),
}

impl Pattern {
    /// Reads a pattern; the error is the reason in AWS's words.
    pub(super) fn parse(text: &str) -> Result<Pattern, String> {
        parse::pattern(text).map(Pattern)
    }

    /// Whether events of this source could be meant.
    pub(super) fn may_be_about(&self, source: &str) -> bool {
        let source = Value::from(source);
        self.0.members.iter().filter(|(name, _)| name == "source").all(|(_, node)| match node {
            Node::Leaf(matchers) => any_holds(matchers, Some(&source)),
            Node::Object(_) => false,
        })
    }

    /// Whether an event is meant.
    pub(super) fn matches(&self, event: &Value) -> bool {
        let event = if has_points(event) { Cow::Owned(nested(event)) } else { Cow::Borrowed(event) };
        event.as_object().is_some_and(|members| self.0.matches(members))
    }
}

/// Whether the name of a member has a point in it, which means the same as another object.
fn has_points(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('.') || has_points(value)),
        Value::Array(items) => items.iter().any(has_points),
        _ => false,
    }
}

/// The same with objects in place of points.
fn nested(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut whole = Map::new();
            for (name, value) in members {
                insert(&mut whole, name, nested(value));
            }
            Value::Object(whole)
        }
        Value::Array(items) => Value::Array(items.iter().map(nested).collect()),
        leaf => leaf.clone(),
    }
}

/// Inserts a member whose name may have points, beside what is there.
fn insert(members: &mut Map<String, Value>, name: &str, value: Value) {
    let Some((outer, inner)) = name.split_once('.') else {
        match (members.get_mut(name), value) {
            (Some(Value::Object(there)), Value::Object(more)) => {
                more.into_iter().for_each(|(name, value)| insert(there, &name, value));
            }
            (_, value) => drop(members.insert(name.to_owned(), value)),
        }
        return;
    };
    let there = members.entry(outer).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(there) = there {
        insert(there, inner, value);
    }
}

impl Fields {
    fn matches(&self, object: &Map<String, Value>) -> bool {
        let holds = |(name, node): &(String, Node)| match node {
            Node::Leaf(matchers) => any_holds(matchers, object.get(name)),
            Node::Object(fields) => fields.matches_in(object.get(name)),
        };
        self.members.iter().all(holds)
            && self.alternatives.iter().all(|list| list.iter().any(|fields| fields.matches(object)))
    }

    /// Of a list one object has to match as a whole; what is no object has no members.
    fn matches_in(&self, value: Option<&Value>) -> bool {
        match value {
            Some(Value::Object(members)) => self.matches(members),
            Some(Value::Array(items)) if items.iter().any(|item| item.is_object() || item.is_array()) => {
                items.iter().any(|item| self.matches_in(Some(item)))
            }
            _ => self.matches(&Map::new()),
        }
    }
}

/// Whether a condition holds for a value, or for one value of a list.
fn any_holds(matchers: &[Matcher], value: Option<&Value>) -> bool {
    let mut leaves = Vec::new();
    collect_leaves(value, &mut leaves);
    matchers.iter().any(|matcher| match matcher {
        Matcher::Exists(expected) => *expected != leaves.is_empty(),
        matcher => leaves.iter().any(|leaf| matcher.matches(leaf)),
    })
}

fn collect_leaves<'v>(value: Option<&'v Value>, leaves: &mut Vec<&'v Value>) {
    match value {
        Some(Value::Array(items)) => items.iter().for_each(|item| collect_leaves(Some(item), leaves)),
        None | Some(Value::Object(_)) => {}
        Some(leaf) => leaves.push(leaf),
    }
}
