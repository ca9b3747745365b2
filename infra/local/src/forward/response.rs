//! Answers in the protocols of AWS, as results and failures of a Task state.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::model::{Member, Model, Names, Operation, Protocol, Reference, Shape, capital};
use super::xml::Element;

/// How results write names and timestamps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    pub(super) model: &'a Model,
    pub(super) names: Names,
}

/// An error of a service: its code and its message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServiceError {
    pub(super) code: String,
    pub(super) message: String,
}

impl Reader<'_> {
    /// The result of an operation.
    pub(super) fn result(self, operation: &Operation, response: &Response<Bytes>) -> Result<Value, String> {
        let output = operation.output();
        let empty = Shape::default();
        let shape = output.as_ref().and_then(|output| self.model.shape(output)).unwrap_or(&empty);
        let mut result = Map::new();
        self.read_head(shape, response, &mut result);
        let body = response.body();
        if let Some((name, member)) = shape.payload.as_deref().and_then(|name| shape.member(name)) {
            let value = match &member.shape {
                Some(reference @ Reference::Index(_)) => self.document(Some(reference), body, None)?,
                _ => json!(blob_text(body)),
            };
            result.insert(member.shown(name, self.names).to_owned(), value);
            return Ok(Value::Object(result));
        }
        if let Value::Object(members) = self.document(output.as_ref(), body, operation.wrapper())? {
            result.extend(members);
        }
        Ok(Value::Object(result))
    }

    /// The members that are headers or the status.
    fn read_head(self, shape: &Shape, response: &Response<Bytes>, result: &mut Map<String, Value>) {
        for (name, member) in shape.members.iter().flatten() {
            let wire = self.model.wire_name(name, Some(member));
            let value = match member.location {
                Some('c') => json!(response.status().as_u16()),
                Some('h') => match header(response.headers(), &wire) {
                    Some(text) => self.simple(member.shape.as_ref(), text),
                    None => continue,
                },
                Some('H') => prefixed(response.headers(), &wire),
                _ => continue,
            };
            result.insert(member.shown(name, self.names).to_owned(), value);
        }
    }

    fn document(
        self,
        reference: Option<&Reference>,
        body: &[u8],
        wrapper: Option<&str>,
    ) -> Result<Value, String> {
        let unreadable = || "the answer is not in the service's protocol".to_owned();
        if body.is_empty() {
            return Ok(json!({}));
        }
        if matches!(self.model.protocol, Protocol::Json | Protocol::RestJson) {
            let value: Value = serde_json::from_slice(body).map_err(|_| unreadable())?;
            return Ok(self.json(reference, value));
        }
        let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
        let root = Element::parse(text).ok_or_else(unreadable)?;
        let element = wrapper.and_then(|wrapper| root.child(wrapper)).unwrap_or(&root);
        Ok(self.element(reference, element))
    }

    fn json(self, reference: Option<&Reference>, value: Value) -> Value {
        let shape = reference.and_then(|reference| self.model.shape(reference));
        match (value, shape) {
            (Value::Object(members), Some(shape)) if shape.value.is_some() => {
                let inner = shape.value.as_ref().and_then(Option::as_ref);
                members.into_iter().map(|(key, item)| (key, self.json(inner, item))).collect()
            }
            (Value::Object(members), Some(shape)) if shape.members.is_none() => Value::Object(members),
            (Value::Object(members), shape) if shape.is_some() || self.model.is_camel() => members
                .into_iter()
                .filter(|(_, item)| !item.is_null())
                .map(|(wire, item)| {
                    let known = shape.and_then(|shape| self.by_wire(shape, &wire));
                    match known {
                        Some((name, member)) => (
                            member.shown(name, self.names).to_owned(),
                            self.json(member.shape.as_ref(), item),
                        ),
                        None => (capital(&wire), self.json(None, item)),
                    }
                })
                .collect(),
            (Value::Array(items), shape) => {
                let inner = shape.and_then(|shape| shape.element.as_ref()).and_then(Option::as_ref);
                items.into_iter().map(|item| self.json(inner, item)).collect()
            }
            (value, _) => match reference {
                Some(Reference::Simple(kind)) => simple_json(kind, value, self.names),
                _ => value,
            },
        }
    }

    fn by_wire<'s>(self, shape: &'s Shape, wire: &str) -> Option<(&'s str, &'s Member)> {
        let members = shape.members.as_ref()?;
        let found = members.iter().find(|(name, member)| self.model.wire_name(name, Some(member)) == wire);
        found.map(|(name, member)| (name.as_str(), member))
    }

    fn element(self, reference: Option<&Reference>, element: &Element) -> Value {
        let shape = reference.and_then(|reference| self.model.shape(reference));
        let Some(shape) = shape else { return self.simple(reference, &element.text) };
        if let Some(inner) = &shape.element {
            return element.children.iter().map(|child| self.element(inner.as_ref(), child)).collect();
        }
        if let Some(inner) = &shape.value {
            return self.entries(shape, inner.as_ref(), element.children.iter());
        }
        let mut object = Map::new();
        for (name, member) in shape.members.iter().flatten().filter(|(_, it)| it.location.is_none()) {
            if let Some(value) = self.member(name, member, element) {
                object.insert(member.shown(name, self.names).to_owned(), value);
            }
        }
        Value::Object(object)
    }

    fn member(self, name: &str, member: &Member, element: &Element) -> Option<Value> {
        let wire = self.model.wire_name(name, Some(member));
        if member.attribute == 1 {
            let wire = wire.rsplit(':').next().unwrap_or_default().to_owned();
            let (_, text) = element.attributes.iter().find(|(attribute, _)| *attribute == wire)?;
            return Some(self.simple(member.shape.as_ref(), text));
        }
        let inner = member.shape.as_ref();
        if member.flat == 1 {
            let shape = inner.and_then(|inner| self.model.shape(inner))?;
            let repeated = shape.element_name.as_deref().unwrap_or(&wire);
            let mut found = element
                .children
                .iter()
                .filter(|child| child.name == repeated || child.name == wire)
                .peekable();
            found.peek()?;
            if let Some(item) = &shape.element {
                return Some(found.map(|child| self.element(item.as_ref(), child)).collect());
            }
            return Some(self.entries(shape, shape.value.as_ref().and_then(Option::as_ref), found));
        }
        let child = element.child(&wire)?;
        Some(self.element(inner, child))
    }

    fn entries<'e>(
        self,
        shape: &Shape,
        value: Option<&Reference>,
        entries: impl Iterator<Item = &'e Element>,
    ) -> Value {
        let (key_name, value_name) =
            shape.entry.clone().unwrap_or_else(|| ("key".to_owned(), "value".to_owned()));
        let pairs = entries.filter_map(|entry| {
            let key = entry.child(&key_name)?.text.clone();
            Some((key, self.element(value, entry.child(&value_name)?)))
        });
        pairs.collect()
    }

    /// A text in XML or a header as the value that it means.
    fn simple(self, reference: Option<&Reference>, text: &str) -> Value {
        let Some(Reference::Simple(kind)) = reference else { return json!(text) };
        match kind.as_bytes() {
            [b'n', ..] => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            [b'b', ..] => json!(text.eq_ignore_ascii_case("true")),
            _ => simple_json(kind, json!(text), Names::Sdk),
        }
    }

    /// The error that an answer tells of.
    pub(super) fn error(self, response: &Response<Bytes>) -> ServiceError {
        let body = response.body();
        let status = response.status();
        let from_header = header(response.headers(), "x-amzn-errortype").map(str::to_owned);
        let text = std::str::from_utf8(body).unwrap_or_default();
        let (code, message) = match self.model.protocol {
            Protocol::Json | Protocol::RestJson => {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                let member = |names: &[&str]| {
                    names.iter().find_map(|name| body.get(name)?.as_str()).map(str::to_owned)
                };
                (
                    from_header.or_else(|| member(&["__type", "code"])),
                    member(&["message", "Message", "errorMessage"]),
                )
            }
            Protocol::Query | Protocol::RestXml | Protocol::Ec2 => {
                let root = Element::parse(text);
                let error = root.as_ref().and_then(|root| root.find("Error"));
                let member = |name: &str| Some(error?.child(name)?.text.clone());
                (member("Code"), member("Message"))
            }
        };
        let code = code.unwrap_or_else(|| status.as_u16().to_string());
        // A namespace may stand before the name, and an address after it.
        let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
        let reason = || status.canonical_reason().unwrap_or_default().to_owned();
        ServiceError { code: code.to_owned(), message: message.unwrap_or_else(reason) }
    }
}

/// Blobs as text, timestamps as ISO 8601; those of optimized integrations as milliseconds.
fn simple_json(kind: &str, value: Value, names: Names) -> Value {
    match (kind.as_bytes(), value) {
        ([b'd', ..], Value::String(text)) => {
            let decoded = STANDARD.decode(&text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            json!(decoded.unwrap_or(text))
        }
        ([b't', ..], Value::Number(seconds)) => {
            let millis = (seconds.as_f64().unwrap_or_default() * 1000.0).round() as i64;
            match Timestamp::from_millisecond(millis) {
                Ok(_) if names == Names::Service => json!(millis),
                Ok(timestamp) => json!(shown(timestamp)),
                Err(_) => Value::Number(seconds),
            }
        }
        ([b't', ..], Value::String(text)) => {
            let http = || jiff::fmt::rfc2822::parse(&text).ok().map(|zoned| zoned.timestamp());
            match text.parse::<Timestamp>().ok().or_else(http) {
                Some(timestamp) if names == Names::Service => json!(timestamp.as_millisecond()),
                Some(timestamp) => json!(shown(timestamp)),
                None => json!(text),
            }
        }
        (_, value) => value,
    }
}

fn shown(timestamp: Timestamp) -> String {
    match timestamp.subsec_millisecond() {
        0 => timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        millis => format!("{}.{millis:03}Z", timestamp.strftime("%Y-%m-%dT%H:%M:%S")),
    }
}

/// A body as text, in base 64 if it is none.
fn blob_text(body: &[u8]) -> String {
    std::str::from_utf8(body).map_or_else(|_| STANDARD.encode(body), str::to_owned)
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name.to_ascii_lowercase())?.to_str().ok()
}

fn prefixed(headers: &HeaderMap, prefix: &str) -> Value {
    let prefix = prefix.to_ascii_lowercase();
    let found = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().strip_prefix(&prefix)?.to_owned(), json!(value.to_str().ok()?)))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(service: &str, action: &str, headers: &[(&str, &str)], body: &str) -> Value {
        let model = Model::of(service).unwrap();
        let mut response = Response::builder().status(200);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Bytes::from(body.to_owned())).unwrap();
        let (_, operation) = model.operation(action).unwrap();
        Reader { model: &model, names: Names::Sdk }.result(operation, &response).unwrap()
    }

    fn error(service: &str, status: u16, body: &str) -> ServiceError {
        let model = Model::of(service).unwrap();
        let response = Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap();
        Reader { model: &model, names: Names::Sdk }.error(&response)
    }

    #[test]
    fn json_is_shown_with_capital_letters_dates_and_texts() {
        let body = r#"{"Parameter":{"Name":"n","ARN":"a","LastModifiedDate":1767225600.5}}"#;
        assert_eq!(
            result("ssm", "getParameter", &[], body),
            json!({"Parameter": {"Name": "n", "Arn": "a", "LastModifiedDate": "2026-01-01T00:00:00.500Z"}})
        );
        let body = r#"{"Records":[{"Data":"eyJhIjoxfQ==","SequenceNumber":"1"}]}"#;
        assert_eq!(result("kinesis", "getRecords", &[], body)["Records"][0]["Data"], r#"{"a":1}"#);
        let body = r#"{"logGroups":[{"logGroupName":"g","creationTime":1}]}"#;
        assert_eq!(
            result("cloudwatchlogs", "describeLogGroups", &[], body),
            json!({"LogGroups": [{"LogGroupName": "g", "CreationTime": 1}]})
        );
    }

    #[test]
    fn xml_is_read_by_the_types_of_the_model() {
        let body = r#"<ListBucketResult><Name>b</Name><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>
            <Contents><Key>k</Key><Size>3</Size><ETag>"e"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>
            </ListBucketResult>"#;
        assert_eq!(
            result("s3", "listObjectsV2", &[], body),
            json!({"Name": "b", "KeyCount": 1, "IsTruncated": false,
                "Contents": [{"Key": "k", "Size": 3, "ETag": "\"e\"", "LastModified": "2026-01-01T00:00:00Z"}]})
        );
        let headers = [("etag", "\"e\""), ("content-length", "4"), ("x-amz-meta-a", "b")];
        let object = result("s3", "getObject", &headers, "text");
        assert_eq!(
            (&object["Body"], &object["ContentLength"], &object["Metadata"]),
            (&json!("text"), &json!(4), &json!({"a": "b"}))
        );
        let body =
            "<R><GetCallerIdentityResult><Account>1</Account><Arn>a</Arn></GetCallerIdentityResult></R>";
        assert_eq!(result("sts", "getCallerIdentity", &[], body), json!({"Account": "1", "Arn": "a"}));
    }

    #[test]
    fn errors_are_read_in_each_protocol() {
        let expected =
            |code: &str, message: &str| ServiceError { code: code.to_owned(), message: message.to_owned() };
        assert_eq!(
            error("glue", 400, r#"{"__type":"com.amazonaws#EntityNotFoundException","Message":"no"}"#),
            expected("EntityNotFoundException", "no")
        );
        let xml = "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>";
        assert_eq!(error("s3", 404, xml), expected("NoSuchKey", "gone"));
        let xml =
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code></Error></ErrorResponse>";
        assert_eq!(error("sts", 403, xml), expected("AccessDenied", "Forbidden"));
        assert_eq!(error("s3", 404, ""), expected("404", "Not Found"));
    }
}
