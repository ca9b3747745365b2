//! Templates with one statement, or one action of it, less: each must be missed.

use serde_json::Value;

use super::resolve::Resolver;

/// Something that can be taken out of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Where it is, as a JSON pointer.
    pointer: String,
}

impl std::fmt::Display for Removal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.pointer)
    }
}

/// Every statement of the policies of this deployment, every action of statements with several, and every permission to
/// call a function.
pub(super) fn removals(body: &Value) -> Result<Vec<Removal>, String> {
    let resolver = Resolver::new(body);
    let mut found = Vec::new();
    for (name, resource) in body["Resources"].as_object().into_iter().flatten() {
        if !resolver.exists(resource)? {
            continue;
        }
        let pointer = format!("/Resources/{}", escaped(name));
        if resource["Type"] == "AWS::Lambda::Permission" {
            found.push(Removal { pointer: pointer.clone() });
        }
        search(&resolver, resource, &pointer, &mut found)?;
    }
    Ok(found)
}

/// The template without it.
pub(super) fn without(body: &Value, removal: &Removal) -> Value {
    let mut body = body.clone();
    let (parent, last) = removal.pointer.rsplit_once('/').unwrap_or_default();
    match body.pointer_mut(parent) {
        Some(Value::Array(items)) => {
            if let Ok(index) = last.parse::<usize>() {
                items.remove(index);
            }
        }
        Some(Value::Object(members)) => {
            members.remove(&last.replace("~1", "/").replace("~0", "~"));
        }
        _ => {}
    }
    body
}

fn search(
    resolver: &Resolver<'_>,
    value: &Value,
    pointer: &str,
    found: &mut Vec<Removal>,
) -> Result<(), String> {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let pointer = format!("{pointer}/{}", escaped(name));
                match (name.as_str(), member) {
                    ("Statement", Value::Array(statements)) => {
                        for (index, statement) in statements.iter().enumerate() {
                            note(resolver, statement, &format!("{pointer}/{index}"), found)?;
                        }
                    }
                    ("Fn::If", Value::Array(branches)) => {
                        let (index, branch) = chosen(resolver, branches)?;
                        search(resolver, branch, &format!("{pointer}/{index}"), found)?;
                    }
                    _ => search(resolver, member, &pointer, found)?,
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                search(resolver, item, &format!("{pointer}/{index}"), found)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn note(
    resolver: &Resolver<'_>,
    statement: &Value,
    pointer: &str,
    found: &mut Vec<Removal>,
) -> Result<(), String> {
    let (inner, actions_at) = match statement["Fn::If"].as_array() {
        Some(branches) => {
            let (index, branch) = chosen(resolver, branches)?;
            (branch, format!("{pointer}/Fn::If/{index}/Action"))
        }
        None => (statement, format!("{pointer}/Action")),
    };
    if inner.get("Effect").is_none() {
        return Ok(());
    }
    found.push(Removal { pointer: pointer.to_owned() });
    if let Some(actions) = inner["Action"].as_array().filter(|actions| actions.len() > 1) {
        found.extend((0..actions.len()).map(|index| Removal { pointer: format!("{actions_at}/{index}") }));
    }
    Ok(())
}

/// The branch of `Fn::If` that this deployment has.
fn chosen<'a>(resolver: &Resolver<'_>, branches: &'a [Value]) -> Result<(usize, &'a Value), String> {
    let condition = branches.first().and_then(Value::as_str).unwrap_or_default();
    let index = if resolver.condition(condition)? { 1 } else { 2 };
    Ok((index, branches.get(index).unwrap_or(&Value::Null)))
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
