//! [`Template`]: a JSON value with values to put in, marked by keys that end in `.$`.
//!
//! Spec: <https://states-language.net/#payload-template>

use std::sync::Arc;

use super::scope::{EvalError, Scope};
use super::selector::Selector;
use super::{Json, Object};

/// A payload template: `Parameters`, `ResultSelector`, `ItemSelector`, `Assign` of JSONPath states.
#[derive(Clone, Debug)]
pub struct Template(Node);

#[derive(Clone, Debug)]
enum Node {
    /// Nothing to put in, at any depth: evaluating shares it.
    Constant(Json),
    /// The value of a key that ends in `.$`, and that key.
    Selected(Selector, Arc<str>),
    Array(Vec<Node>),
    /// The keys differ from one another and no longer end in `.$`.
    Object(Vec<(Arc<str>, Node)>),
}

/// A fault of a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// The location inside the template as a JSON pointer: `/a/0/b.$`.
    pub location: String,
    /// The key at that location.
    pub field: String,
    /// AWS's words.
    pub message: String,
    /// The detail of what cannot be read.
    pub reason: String,
}

impl Template {
    /// Reads a template, finding everything that is wrong in it.
    pub fn parse(value: &Json) -> Result<Template, Vec<TemplateError>> {
        let mut errors = Vec::new();
        let node = parse(value, "", &mut errors);
        if errors.is_empty() { Ok(Template(node)) } else { Err(errors) }
    }

    /// The value with everything put in.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Json, EvalError> {
        evaluate(&self.0, scope)
    }

    /// The selectors in it.
    pub fn selectors(&self) -> Vec<&Selector> {
        let mut selectors = Vec::new();
        collect_selectors(&self.0, &mut selectors);
        selectors
    }

    /// The variables that it uses.
    pub fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.selectors().into_iter().for_each(|selector| selector.collect_variables(&mut names));
        names
    }

    /// The keys at the top: the names of the variables, for `Assign`.
    pub fn keys(&self) -> Vec<&str> {
        match &self.0 {
            Node::Constant(value) => {
                value.as_object().map(|object| object.keys().map(|key| &**key).collect()).unwrap_or_default()
            }
            Node::Object(entries) => entries.iter().map(|(key, _)| &**key).collect(),
            Node::Selected(..) | Node::Array(_) => Vec::new(),
        }
    }
}

/// One step of a JSON pointer.
pub(super) fn pointer(location: &str, step: &str) -> String {
    format!("{location}/{}", step.replace('~', "~0").replace('/', "~1"))
}

fn parse(value: &Json, location: &str, errors: &mut Vec<TemplateError>) -> Node {
    match value {
        Json::Array(items) => {
            let nodes: Vec<_> = items
                .iter()
                .enumerate()
                .map(|(at, item)| parse(item, &format!("{location}/{at}"), errors))
                .collect();
            if nodes.iter().all(|node| matches!(node, Node::Constant(_))) {
                Node::Constant(value.clone())
            } else {
                Node::Array(nodes)
            }
        }
        Json::Object(object) => parse_object(value, object, location, errors),
        other => Node::Constant(other.clone()),
    }
}

fn parse_object(whole: &Json, object: &Object, location: &str, errors: &mut Vec<TemplateError>) -> Node {
    let mut entries: Vec<(Arc<str>, Node)> = Vec::with_capacity(object.len());
    let mut constant = true;
    for (key, value) in object.iter() {
        let here = pointer(location, key);
        let (name, node) = match key.strip_suffix(".$") {
            Some(name) => match selected(key, value, here) {
                Ok(node) => (Arc::from(name), node),
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            },
            None => (Arc::clone(key), parse(value, &here, errors)),
        };
        constant &= matches!(node, Node::Constant(_));
        match entries.iter_mut().find(|(known, _)| *known == name) {
            // `"a"` and `"a.$"` side by side: the later one counts, as with any key given twice.
            Some((_, earlier)) => *earlier = node,
            None => entries.push((name, node)),
        }
    }
    if constant { Node::Constant(whole.clone()) } else { Node::Object(entries) }
}

fn selected(key: &Arc<str>, value: &Json, location: String) -> Result<Node, TemplateError> {
    let reason = match value.as_str().map(Selector::parse) {
        Some(Ok(selector)) => return Ok(Node::Selected(selector, Arc::clone(key))),
        Some(Err(error)) => error.to_string(),
        None => "expected a string".to_owned(),
    };
    let message = format!(
        "The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call"
    );
    Err(TemplateError { location, field: key.to_string(), message, reason })
}

fn evaluate(node: &Node, scope: &Scope<'_>) -> Result<Json, EvalError> {
    match node {
        Node::Constant(value) => Ok(value.clone()),
        Node::Selected(selector, field) => selector.evaluate(scope, field),
        Node::Array(nodes) => nodes.iter().map(|node| evaluate(node, scope)).collect(),
        Node::Object(entries) => {
            let mut evaluated = Vec::with_capacity(entries.len());
            for (key, node) in entries {
                evaluated.push((Arc::clone(key), evaluate(node, scope)?));
            }
            Ok(Object::from_distinct(evaluated).into())
        }
    }
}

fn collect_selectors<'a>(node: &'a Node, selectors: &mut Vec<&'a Selector>) {
    match node {
        Node::Constant(_) => {}
        Node::Selected(selector, _) => selectors.push(selector),
        Node::Array(nodes) => nodes.iter().for_each(|node| collect_selectors(node, selectors)),
        Node::Object(entries) => entries.iter().for_each(|(_, node)| collect_selectors(node, selectors)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::data::{Random, Variables};

    fn evaluate(template: serde_json::Value, input: serde_json::Value) -> Result<Json, EvalError> {
        let template = Template::parse(&template.into()).unwrap();
        let (input, context) = (Json::from(input), Json::from(json!({"Task": {"Token": "t"}})));
        let mut variables = Variables::new();
        variables.assign("x", Json::from(json!([1, 2])));
        let random = Random::new(1);
        template.evaluate(&Scope::new(&input, &context, &variables, &random, jiff::Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn marked_keys_are_filled_at_any_depth_and_others_stay() {
        let template = json!({
            "flag": true, "$": "$.a", "text": "$.a",
            "a.$": "$.a",
            "deep": {"list": [{"token.$": "$$.Task.Token"}, ["x", {"y.$": "$x[1]"}], "$.a"]},
            "made.$": "States.Format('<{}>', $.a)"
        });
        let expected = json!({
            "flag": true, "$": "$.a", "text": "$.a",
            "a": "A",
            "deep": {"list": [{"token": "t"}, ["x", {"y": 2}], "$.a"]},
            "made": "<A>"
        });
        assert_eq!(evaluate(template, json!({"a": "A"})).unwrap().to_text(), Json::from(expected).to_text());
    }

    #[test]
    fn a_template_without_marks_is_shared() {
        let value = Json::from(json!({"a": [1, {"b": 2}]}));
        let template = Template::parse(&value).unwrap();
        let random = Random::new(1);
        let variables = Variables::new();
        let scope = Scope::new(&Json::Null, &Json::Null, &variables, &random, jiff::Timestamp::UNIX_EPOCH);
        let (Json::Object(original), Json::Object(made)) = (&value, template.evaluate(&scope).unwrap())
        else {
            panic!("both are objects")
        };
        assert!(Arc::ptr_eq(original, &made));
    }

    #[test]
    fn a_missing_value_names_the_key() {
        let error = evaluate(json!({"a": {"b.$": "$.no"}}), json!({})).unwrap_err();
        assert_eq!(
            error.cause,
            "The JSONPath '$.no' specified for the field 'b.$' could not be found in the input '{}'"
        );
    }

    #[test]
    fn everything_wrong_is_found_at_once_with_its_location() {
        let template =
            json!({"a.$": 1, "b": [{"c/d.$": "no path"}], "e.$": "States.Nothing()", "f.$": "$.ok"});
        let errors = Template::parse(&template.into()).unwrap_err();
        let locations: Vec<_> = errors.iter().map(|error| error.location.as_str()).collect();
        assert_eq!(locations, ["/a.$", "/b/0/c~1d.$", "/e.$"]);
        assert_eq!(
            errors[1].message,
            "The value for the field 'c/d.$' must be a valid JSONPath or a valid intrinsic function call"
        );
    }

    #[test]
    fn of_a_key_given_plain_and_marked_the_later_one_counts() {
        assert_eq!(evaluate(json!({"a": 1, "a.$": "$"}), json!(2)).unwrap().to_text(), r#"{"a":2}"#);
        assert_eq!(
            evaluate(json!({"a.$": "$", "b.$": "$", "a": 1}), json!(2)).unwrap().to_text(),
            r#"{"a":1,"b":2}"#
        );
    }

    #[test]
    fn the_keys_and_variables_of_a_template_are_known() {
        let template =
            Template::parse(&json!({"a.$": "$x", "b": {"c.$": "States.Array($y, $.z)"}}).into()).unwrap();
        assert_eq!(template.keys(), ["a", "b"]);
        assert_eq!(template.variables(), ["x", "y"]);
    }
}
