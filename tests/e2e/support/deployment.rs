//! What the template of the deployment allows, as `tests/infra/template.py` reads it.

use std::collections::BTreeMap;

use local_stack::Permission;
use serde_json::Value;

use super::summary::summary;

/// The roles of the template by the name of who has them: the functions, and `states`.
pub(crate) struct Roles(BTreeMap<String, Vec<Statement>>);

struct Statement {
    actions: Vec<String>,
    resources: Vec<String>,
    /// Whether it is about what the resources do not match.
    inverted: bool,
}

impl Roles {
    pub(crate) fn read() -> Self {
        let summary = summary();
        let functions = summary["functions"].as_object().unwrap().values();
        let named = functions.map(|it| (it["name"].as_str().unwrap().to_owned(), it));
        let roles = named.chain([("states".to_owned(), &summary["state_machine"])]);
        Self(roles.map(|(name, it)| (name, statements(&it["statements"]))).collect())
    }

    /// Whether the template has a role for the caller.
    pub(crate) fn has(&self, caller: &str) -> bool {
        self.0.contains_key(caller)
    }

    /// Whether the caller's role allows the call.
    pub(crate) fn allow(&self, call: &Permission) -> bool {
        self.0
            .get(&call.caller)
            .into_iter()
            .flatten()
            .any(|statement| statement.actions.contains(&call.action) && statement.covers(&call.resource))
    }

    /// Every action that a role allows on a resource, with whether a call makes use of it.
    pub(crate) fn unused(&self, calls: impl Fn(&str) -> Vec<Permission>) -> Vec<Permission> {
        let mut unused = Vec::new();
        for (caller, statements) in &self.0 {
            let calls = calls(caller);
            for statement in statements {
                for (action, resource) in
                    statement.actions.iter().flat_map(|it| statement.resources.iter().map(move |r| (it, r)))
                {
                    let matches = |call: &Permission| {
                        call.action == *action
                            && (pattern_matches(resource, &call.resource) != statement.inverted)
                    };
                    if !calls.iter().any(matches) {
                        let (caller, action) = (caller.clone(), action.clone());
                        unused.push(Permission { caller, action, resource: resource.clone() });
                    }
                }
            }
        }
        unused
    }
}

/// The memory of each function, in the gigabytes that Lambda charges by.
pub(crate) fn memory_in_gb() -> BTreeMap<String, f64> {
    let summary = summary();
    let functions = summary["functions"].as_object().unwrap().values();
    let memory =
        |it: &Value| (it["name"].as_str().unwrap().to_owned(), it["memory"].as_f64().unwrap() / 1024.0);
    functions.map(memory).collect()
}

impl Statement {
    fn covers(&self, resource: &str) -> bool {
        self.resources.iter().any(|pattern| pattern_matches(pattern, resource)) != self.inverted
    }
}

fn statements(value: &Value) -> Vec<Statement> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let statements = value.as_array().unwrap().iter().map(|statement| {
        assert_eq!(statement["effect"], "Allow", "{statement}");
        let inverted = statement.get("not_resource").is_some();
        let resources = texts(&statement[if inverted { "not_resource" } else { "resource" }]);
        Statement { actions: texts(&statement["actions"]), resources, inverted }
    });
    statements.collect()
}

/// IAM's `*` in a resource: any text, colons too.
fn pattern_matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn a_pattern_matches_as_in_a_policy() {
    for (pattern, text, matches) in [
        ("arn:a:b", "arn:a:b", true),
        ("arn:a:b", "arn:a:bc", false),
        ("arn:*:sns:*", "arn:aws:sns:x:y", true),
        ("arn:*:sns:*", "phone number", false),
        ("a*b*c", "aXbYc", true),
        ("a*b*c", "aXcYb", false),
        ("*", "anything", true),
    ] {
        assert_eq!(pattern_matches(pattern, text), matches, "{pattern} {text}");
    }
}
