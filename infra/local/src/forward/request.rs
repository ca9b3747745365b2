//! Requests in the protocols of AWS, made of the parameters of a Task state.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::model::{Member, Model, Operation, Protocol, Reference, Shape, small};

/// What stays as it is in a path and in a query.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same where a member of a path may hold slashes.
const ENCODED_BUT_SLASHES: &AsciiSet = &ENCODED.remove(b'/');

/// A request before it is signed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parts {
    pub(super) method: String,
    /// With the query, encoded.
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The request of an operation.
pub(super) fn build(model: &Model, name: &str, operation: &Operation, parameters: &Value) -> Parts {
    let input = operation.input();
    match model.protocol {
        Protocol::Json => Parts {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers: vec![
                ("content-type".to_owned(), format!("application/x-amz-json-{}", model.json_version)),
                ("x-amz-target".to_owned(), format!("{}.{name}", model.target)),
            ],
            body: to_json(model, input.as_ref(), parameters, "").to_string().into_bytes(),
        },
        Protocol::Query | Protocol::Ec2 => {
            let mut fields =
                vec![("Action".to_owned(), name.to_owned()), ("Version".to_owned(), model.version.clone())];
            flatten(model, input.as_ref(), parameters, "", &mut fields);
            let mut body = form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(fields);
            let content_type = "application/x-www-form-urlencoded; charset=utf-8".to_owned();
            Parts {
                method: "POST".to_owned(),
                path: "/".to_owned(),
                headers: vec![("content-type".to_owned(), content_type)],
                body: body.finish().into_bytes(),
            }
        }
        Protocol::RestJson | Protocol::RestXml => rest(model, operation, input.as_ref(), parameters),
    }
}

/// A value as JSON on the wire. `format` is the format of timestamps where the shape names none: the protocol's own is
/// seconds since 1970.
fn to_json(model: &Model, reference: Option<&Reference>, value: &Value, format: &str) -> Value {
    let Some(reference) = reference else { return guessed(model, value) };
    match reference {
        Reference::Simple(kind) => simple_to_json(kind, value, format),
        Reference::Index(_) => {
            let Some(shape) = model.shape(reference) else { return value.clone() };
            match value {
                Value::Object(members) if shape.members.is_some() => {
                    object_to_json(model, shape, members, |_| true)
                }
                Value::Object(members) if shape.value.is_some() => {
                    let value = shape.value.as_ref().and_then(Option::as_ref);
                    members
                        .iter()
                        .map(|(key, item)| (key.clone(), to_json(model, value, item, format)))
                        .collect()
                }
                Value::Array(items) if shape.element.is_some() => {
                    let element = shape.element.as_ref().and_then(Option::as_ref);
                    items.iter().map(|item| to_json(model, element, item, format)).collect()
                }
                _ => value.clone(),
            }
        }
    }
}

fn object_to_json(
    model: &Model,
    shape: &Shape,
    members: &Map<String, Value>,
    is_wanted: impl Fn(Option<&Member>) -> bool,
) -> Value {
    let mut object = Map::new();
    for (given, value) in members {
        let known = shape.member(given);
        let (name, member) = known.map_or((given.as_str(), None), |(name, member)| (name, Some(member)));
        if is_wanted(member) {
            let inner = member.and_then(|member| member.shape.as_ref());
            object.insert(model.wire_name(name, member), to_json(model, inner, value, ""));
        }
    }
    for (name, member) in shape.members.iter().flatten() {
        if member.token == 1 && member.location.is_none() {
            let wire = model.wire_name(name, Some(member));
            object.entry(wire).or_insert_with(|| json!(Uuid::new_v4().to_string()));
        }
    }
    Value::Object(object)
}

/// A value about which the model says nothing: the names of its members are as usual in the service.
fn guessed(model: &Model, value: &Value) -> Value {
    match value {
        Value::Object(members) if model.is_camel() => {
            members.iter().map(|(name, item)| (small(name), guessed(model, item))).collect()
        }
        Value::Array(items) if model.is_camel() => items.iter().map(|item| guessed(model, item)).collect(),
        _ => value.clone(),
    }
}

fn simple_to_json(kind: &str, value: &Value, format: &str) -> Value {
    match kind.as_bytes() {
        [b'd', ..] => json!(STANDARD.encode(blob(value))),
        [b'j', ..] => json!(text(value)),
        [b't', own @ ..] => {
            let format = if own.is_empty() { format.as_bytes() } else { own };
            let Some(timestamp) = value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) else {
                return value.clone();
            };
            match format {
                [b'i', ..] | [b'r', ..] => json!(written(timestamp, format)),
                _ => json!(timestamp.as_millisecond() as f64 / 1000.0),
            }
        }
        _ => value.clone(),
    }
}

/// A timestamp as text: ISO 8601, or with `r` as HTTP writes it.
fn written(timestamp: Timestamp, format: &[u8]) -> String {
    match format {
        [b'r', ..] => timestamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        [b'u', ..] => timestamp.as_second().to_string(),
        _ => timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }
}

/// The bytes of a blob: a text as it is, any other value as JSON.
fn blob(value: &Value) -> Vec<u8> {
    text(value).into_bytes()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A simple value as text in a query, a path, a header or XML.
fn simple_text(reference: Option<&Reference>, value: &Value, format: &str) -> String {
    match reference {
        Some(Reference::Simple(kind)) if kind.starts_with('d') => STANDARD.encode(blob(value)),
        Some(Reference::Simple(kind)) if kind.starts_with('t') => {
            let own = kind.get(1..).filter(|own| !own.is_empty()).unwrap_or(format);
            match value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
                Some(timestamp) => written(timestamp, own.as_bytes()),
                None => text(value),
            }
        }
        _ => text(value),
    }
}

/// The fields of a query: `Entries.member.1.Id`.
fn flatten(
    model: &Model,
    reference: Option<&Reference>,
    value: &Value,
    prefix: &str,
    fields: &mut Vec<(String, String)>,
) {
    let is_ec2 = model.protocol == Protocol::Ec2;
    let below = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    let shape = reference.and_then(|reference| model.shape(reference));
    match value {
        Value::Object(members) if shape.is_some_and(|shape| shape.value.is_some()) => {
            let Some(shape) = shape else { return };
            let (key_name, value_name) =
                shape.entry.clone().unwrap_or_else(|| ("key".to_owned(), "value".to_owned()));
            let inner = shape.value.as_ref().and_then(Option::as_ref);
            for (index, (key, item)) in (1..).zip(members) {
                fields.push((below(&format!("{index}.{key_name}")), key.clone()));
                flatten(model, inner, item, &below(&format!("{index}.{value_name}")), fields);
            }
        }
        Value::Object(members) => {
            for (given, item) in members {
                let known = shape.and_then(|shape| shape.member(given));
                let (name, member) =
                    known.map_or((given.as_str(), None), |(name, member)| (name, Some(member)));
                let wire = match member.and_then(|member| member.query.clone()) {
                    Some(query) if is_ec2 => query,
                    _ if is_ec2 => super::model::capital(&model.wire_name(name, member)),
                    _ => model.wire_name(name, member),
                };
                let inner = member.and_then(|member| member.shape.as_ref());
                let mut at = below(&wire);
                let list = inner.and_then(|inner| model.shape(inner));
                let is_flat = is_ec2 || member.is_some_and(|member| member.flat == 1);
                match list {
                    Some(list) if list.element.is_some() && !is_flat => {
                        at = format!("{at}.{}", list.element_name.as_deref().unwrap_or("member"));
                    }
                    Some(Shape { element: Some(_), element_name: Some(element), .. }) if !is_ec2 => {
                        at = below(element);
                    }
                    Some(list) if list.value.is_some() && !is_flat => at = format!("{at}.entry"),
                    _ => {}
                }
                flatten(model, inner, item, &at, fields);
            }
        }
        Value::Array(items) => {
            let inner = shape.and_then(|shape| shape.element.as_ref()).and_then(Option::as_ref);
            for (index, item) in (1..).zip(items) {
                flatten(model, inner, item, &below(&index.to_string()), fields);
            }
        }
        Value::Null => {}
        _ => fields.push((prefix.to_owned(), simple_text(reference, value, "i"))),
    }
}

fn rest(model: &Model, operation: &Operation, input: Option<&Reference>, parameters: &Value) -> Parts {
    let empty = Shape::default();
    let shape = input.and_then(|input| model.shape(input)).unwrap_or(&empty);
    let none = Map::new();
    let members = parameters.as_object().unwrap_or(&none);
    let (template, fixed) = operation.path().split_once('?').unwrap_or((operation.path(), ""));
    let mut parts = Parts { method: operation.method().to_owned(), ..Parts::default() };
    let mut path = template.to_owned();
    let mut query: Vec<String> =
        fixed.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    for (given, value) in members {
        let Some((name, member)) = shape.member(given) else { continue };
        let (wire, inner) = (model.wire_name(name, Some(member)), member.shape.as_ref());
        match member.location {
            Some('u') => {
                let value = simple_text(inner, value, "i");
                path =
                    path.replace(&format!("{{{wire}}}"), &utf8_percent_encode(&value, ENCODED).to_string());
                let with_slashes = utf8_percent_encode(&value, ENCODED_BUT_SLASHES).to_string();
                path = path.replace(&format!("{{{wire}+}}"), &with_slashes);
            }
            Some('q') => add_to_query(model, &wire, inner, value, &mut query),
            Some('h') => parts.headers.push((wire.to_ascii_lowercase(), header(model, inner, value))),
            Some('H') => {
                let prefixed = value.as_object().into_iter().flatten();
                parts.headers.extend(
                    prefixed.map(|(key, item)| (format!("{wire}{key}").to_ascii_lowercase(), text(item))),
                );
            }
            _ => {}
        }
    }
    parts.path = if path.is_empty() { "/".to_owned() } else { path };
    if !query.is_empty() {
        parts.path = format!("{}?{}", parts.path, query.join("&"));
    }
    let is_xml = model.protocol == Protocol::RestXml;
    let (body, content_type) = match shape.payload.as_deref().and_then(|name| shape.member(name)) {
        Some((name, member)) => {
            let given = members.iter().find(|(given, _)| shape.member(given).is_some_and(|it| it.0 == name));
            payload(model, member, &model.wire_name(name, Some(member)), given.map(|(_, value)| value))
        }
        None if is_xml => match operation.element() {
            Some((element, namespace)) => {
                let xml = super::xml::write(model, input, element, namespace, parameters);
                (xml.into_bytes(), "application/xml")
            }
            None => (Vec::new(), ""),
        },
        None => {
            let body =
                object_to_json(model, shape, members, |member| member.is_none_or(|it| it.location.is_none()));
            let has_body = !matches!(parts.method.as_str(), "GET" | "HEAD")
                && body.as_object().is_some_and(|body| !body.is_empty());
            if has_body { (body.to_string().into_bytes(), "application/json") } else { (Vec::new(), "") }
        }
    };
    if !content_type.is_empty() && !parts.headers.iter().any(|(name, _)| name == "content-type") {
        parts.headers.push(("content-type".to_owned(), content_type.to_owned()));
    }
    parts.body = body;
    parts
}

/// The body that one member is.
fn payload(model: &Model, member: &Member, wire: &str, value: Option<&Value>) -> (Vec<u8>, &'static str) {
    let Some(value) = value else { return (Vec::new(), "") };
    match &member.shape {
        Some(reference @ Reference::Index(_)) if model.protocol == Protocol::RestXml => {
            let xml = super::xml::write(model, Some(reference), wire, member.namespace.as_deref(), value);
            (xml.into_bytes(), "application/xml")
        }
        Some(reference @ Reference::Index(_)) => {
            (to_json(model, Some(reference), value, "").to_string().into_bytes(), "application/json")
        }
        _ => (blob(value), "application/octet-stream"),
    }
}

fn add_to_query(
    model: &Model,
    wire: &str,
    reference: Option<&Reference>,
    value: &Value,
    query: &mut Vec<String>,
) {
    let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let shape = reference.and_then(|reference| model.shape(reference));
    match value {
        Value::Array(items) => {
            let inner = shape.and_then(|shape| shape.element.as_ref()).and_then(Option::as_ref);
            for item in items {
                query.push(format!("{}={}", encode(wire), encode(&simple_text(inner, item, "i"))));
            }
        }
        Value::Object(members) => {
            for (key, item) in members {
                query.push(format!("{}={}", encode(key), encode(&text(item))));
            }
        }
        _ => query.push(format!("{}={}", encode(wire), encode(&simple_text(reference, value, "i")))),
    }
}

fn header(model: &Model, reference: Option<&Reference>, value: &Value) -> String {
    match (reference, value) {
        (Some(Reference::Simple(kind)), _) if kind == "j" => STANDARD.encode(text(value)),
        (_, Value::Array(items)) => {
            let inner = reference.and_then(|reference| model.shape(reference));
            let inner = inner.and_then(|shape| shape.element.as_ref()).and_then(Option::as_ref);
            items.iter().map(|item| simple_text(inner, item, "r")).collect::<Vec<_>>().join(",")
        }
        _ => simple_text(reference, value, "r"),
    }
}

/// A simple value in XML.
pub(super) fn xml_text(reference: Option<&Reference>, value: &Value) -> String {
    simple_text(reference, value, "i")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(service: &str, action: &str, parameters: Value) -> Parts {
        let model = Model::of(service).unwrap();
        let (name, operation) = model.operation(action).unwrap();
        build(&model, name, operation, &parameters)
    }

    fn body(parts: &Parts) -> String {
        String::from_utf8(parts.body.clone()).unwrap()
    }

    #[test]
    fn json_has_the_services_own_names_blobs_and_timestamps() {
        let parts = request(
            "kinesis",
            "putRecord",
            json!({"StreamName": "s", "PartitionKey": "k", "Data": {"a": 1}}),
        );
        assert_eq!(parts.headers[1].1, "Kinesis_20131202.PutRecord");
        let sent: Value = serde_json::from_slice(&parts.body).unwrap();
        assert_eq!(sent, json!({"StreamName": "s", "PartitionKey": "k", "Data": "eyJhIjoxfQ=="}));
        let parts = request(
            "eventbridge",
            "putEvents",
            json!({"Entries": [{"Time": "2026-01-01T00:00:00.5Z", "Detail": "{}"}]}),
        );
        assert_eq!(body(&parts), r#"{"Entries":[{"Time":1767225600.5,"Detail":"{}"}]}"#);
        // Members of this service begin with a small letter; keys of its maps are the user's.
        let parts = request(
            "ecs",
            "runTask",
            json!({"TaskDefinition": "t", "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["Sub"]}}}),
        );
        let sent: Value = serde_json::from_slice(&parts.body).unwrap();
        assert_eq!(sent["networkConfiguration"], json!({"awsvpcConfiguration": {"subnets": ["Sub"]}}));
        assert!(sent["clientToken"].is_string(), "{sent}");
        let tags = json!({"LogGroupName": "g", "Tags": {"Team": "Draws"}});
        assert_eq!(
            body(&request("cloudwatchlogs", "createLogGroup", tags)),
            r#"{"logGroupName":"g","tags":{"Team":"Draws"}}"#
        );
    }

    #[test]
    fn rest_puts_members_into_path_query_headers_and_body() {
        let parts = request(
            "s3",
            "putObject",
            json!({"Bucket": "b", "Key": "a b/c", "Body": "text", "ContentType": "text/plain", "Metadata": {"x": "y"}}),
        );
        assert_eq!(
            (parts.method.as_str(), parts.path.as_str(), body(&parts).as_str()),
            ("PUT", "/b/a%20b/c", "text")
        );
        assert!(parts.headers.contains(&("content-type".to_owned(), "text/plain".to_owned())), "{parts:?}");
        assert!(parts.headers.contains(&("x-amz-meta-x".to_owned(), "y".to_owned())), "{parts:?}");
        let parts = request("s3", "listObjectsV2", json!({"Bucket": "b", "Prefix": "a/", "MaxKeys": 3}));
        assert_eq!(
            (parts.method.as_str(), parts.path.as_str()),
            ("GET", "/b?list-type=2&prefix=a%2F&max-keys=3")
        );
        let delete = json!({"Bucket": "b", "Delete": {"Objects": [{"Key": "<1>"}], "Quiet": true}});
        assert_eq!(
            body(&request("s3", "deleteObjects", delete)),
            r#"<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>&lt;1&gt;</Key></Object><Quiet>true</Quiet></Delete>"#
        );
        let parts = request(
            "batch",
            "submitJob",
            json!({"JobName": "n", "JobQueue": "q", "Parameters": {"Key": "v"}}),
        );
        assert_eq!(parts.path, "/v1/submitjob");
        assert_eq!(body(&parts), r#"{"jobName":"n","jobQueue":"q","parameters":{"Key":"v"}}"#);
    }

    #[test]
    fn a_query_numbers_lists_and_maps() {
        let parts = request(
            "sns",
            "publish",
            json!({"TopicArn": "t", "MessageAttributes": {"a": {"DataType": "String"}}}),
        );
        assert_eq!(
            body(&parts),
            "Action=Publish&Version=2010-03-31&TopicArn=t&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=String"
        );
        let parts = request(
            "ec2",
            "describeInstances",
            json!({"InstanceIds": ["i-1"], "Filters": [{"Name": "n", "Values": ["v"]}]}),
        );
        let sent = body(&parts);
        assert!(sent.contains("InstanceId.1=i-1") && sent.contains("Filter.1.Name=n"), "{sent}");
        assert!(sent.contains("Filter.1.Value.1=v"), "{sent}");
        let sent = body(&request("cloudwatch", "listMetrics", json!({"Dimensions": [{"Name": "d"}]})));
        assert!(sent.contains("d"), "{sent}");
    }
}
