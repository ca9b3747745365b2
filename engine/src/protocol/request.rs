//! [`Request`]: the members of a request, and their faults in AWS's words.

use super::exception::Exception;
use crate::data::Json;
use crate::validation::json_fault;

/// The longest input, output or cause, in bytes.
pub(crate) const MAX_PAYLOAD: usize = 262_144;

/// The body of a request. Faults of its members are collected until [`Request::check`] reports them, all at once.
pub(crate) struct Request {
    body: Json,
    faults: Vec<String>,
    /// A member of the wrong JSON type: reported before all else.
    mistyped: Option<Exception>,
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Result<Request, Exception> {
        let body = if body.is_empty() { Ok(Json::empty_object()) } else { Json::parse_bytes(body) };
        match body {
            Ok(body) if body.is_object() => Ok(Request::of(body)),
            Ok(_) => Err(serialization("Start of structure or map found where not expected.")),
            Err(error) => Err(serialization(format!("The request is not JSON: {error}"))),
        }
    }

    /// A request whose body has been read.
    pub(crate) fn of(body: Json) -> Request {
        Request { body, faults: Vec::new(), mistyped: None }
    }

    /// Reports the faults that were found so far.
    pub(crate) fn check(&mut self) -> Result<(), Exception> {
        if let Some(mistyped) = self.mistyped.take() {
            return Err(mistyped);
        }
        let faults = std::mem::take(&mut self.faults);
        let errors = match faults.len() {
            0 => return Ok(()),
            1 => "1 validation error".to_owned(),
            count => format!("{count} validation errors"),
        };
        Err(Exception::validation(format!("{errors} detected: {}", faults.join("; "))))
    }

    /// A member, or by `outer.inner` a member of a member.
    fn member(&self, name: &str) -> Option<Json> {
        let value = name.split('.').try_fold(&self.body, |outer, inner| outer.get(inner))?;
        Some(value).filter(|value| !value.is_null()).cloned()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    fn mistype(&mut self, name: &str, expected: &str, value: &Json) {
        let given = value.type_name().to_uppercase();
        let exception = serialization(format!("{given}_VALUE cannot be converted to {expected} at '{name}'"));
        self.mistyped.get_or_insert(exception);
    }

    /// Adds a fault, in the wording of AWS's parameter validation.
    pub(crate) fn fault(&mut self, value: &str, name: &str, constraint: &str) {
        self.faults.push(format!(
            "Value {value} at '{name}' failed to satisfy constraint: Member must {constraint}"
        ));
    }

    /// A text that may be left out.
    pub(crate) fn text(&mut self, name: &str, min: usize, max: usize) -> Option<String> {
        let value = self.member(name)?;
        let Some(text) = value.as_str() else {
            self.mistype(name, "String", &value);
            return None;
        };
        let length = text.chars().count();
        if length < min {
            self.fault(&format!("'{text}'"), name, &format!("have length greater than or equal to {min}"));
        } else if length > max {
            self.fault(&format!("'{text}'"), name, &format!("have length less than or equal to {max}"));
        }
        Some(text.to_owned())
    }

    /// A required text; empty if it is missing, until [`Request::check`] reports that.
    pub(crate) fn required_text(&mut self, name: &str, min: usize, max: usize) -> String {
        if !self.has(name) {
            self.fault("null", name, "not be null");
        }
        self.text(name, min, max).unwrap_or_default()
    }

    /// One of several words.
    pub(crate) fn word(&mut self, name: &str, words: &[&str]) -> Option<String> {
        let word = self.text(name, 0, usize::MAX)?;
        if !words.contains(&word.as_str()) {
            self.fault(
                &format!("'{word}'"),
                name,
                &format!("satisfy enum value set: [{}]", words.join(", ")),
            );
        }
        Some(word)
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.member(name)?;
        if value.as_bool().is_none() {
            self.mistype(name, "Boolean", &value);
        }
        value.as_bool()
    }

    pub(crate) fn integer(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        let value = self.member(name)?;
        let Some(number) = value.as_number().and_then(crate::data::Number::to_whole) else {
            self.mistype(name, "Integer", &value);
            return None;
        };
        if number < min {
            self.fault(&format!("'{number}'"), name, &format!("have value greater than or equal to {min}"));
        } else if number > max {
            self.fault(&format!("'{number}'"), name, &format!("have value less than or equal to {max}"));
        }
        Some(number)
    }

    pub(crate) fn number(&mut self, name: &str, min: f64, max: f64) -> Option<f64> {
        let value = self.member(name)?;
        let Some(number) = value.as_f64() else {
            self.mistype(name, "Float", &value);
            return None;
        };
        if number < min {
            self.fault(&format!("'{number}'"), name, &format!("have value greater than or equal to {min}"));
        } else if number > max {
            self.fault(&format!("'{number}'"), name, &format!("have value less than or equal to {max}"));
        }
        Some(number)
    }

    /// `maxResults`: the default if it is 0 or missing.
    pub(crate) fn max_results(&mut self, default: usize, max: usize) -> usize {
        let given = self.integer("maxResults", 0, i64::try_from(max).unwrap_or(i64::MAX)).unwrap_or(0);
        match usize::try_from(given) {
            Ok(0) | Err(_) => default,
            Ok(given) => given,
        }
    }

    pub(crate) fn object(&mut self, name: &str) -> Option<Json> {
        let value = self.member(name)?;
        if !value.is_object() {
            self.mistype(name, "Object", &value);
            return None;
        }
        Some(value)
    }

    pub(crate) fn array(&mut self, name: &str) -> Option<Json> {
        let value = self.member(name)?;
        if !value.is_array() {
            self.mistype(name, "Array", &value);
            return None;
        }
        Some(value)
    }

    pub(crate) fn required_array(&mut self, name: &str) -> Json {
        if !self.has(name) {
            self.fault("null", name, "not be null");
        }
        self.array(name).unwrap_or_else(|| Json::array([]))
    }
}

/// `loggingConfiguration`, its members held against their types.
pub(crate) fn logging_configuration(request: &mut Request) -> Option<Json> {
    request.word("loggingConfiguration.level", &["ALL", "ERROR", "FATAL", "OFF"]);
    request.flag("loggingConfiguration.includeExecutionData");
    request.array("loggingConfiguration.destinations");
    request.object("loggingConfiguration")
}

/// `tracingConfiguration`, likewise.
pub(crate) fn tracing_configuration(request: &mut Request) -> Option<Json> {
    request.flag("tracingConfiguration.enabled");
    request.object("tracingConfiguration")
}

/// `encryptionConfiguration`, likewise.
pub(crate) fn encryption_configuration(request: &mut Request) -> Option<Json> {
    let configuration = request.object("encryptionConfiguration")?;
    if !request.has("encryptionConfiguration.type") {
        request.fault("null", "encryptionConfiguration.type", "not be null");
    }
    request.word("encryptionConfiguration.type", &["AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY"]);
    request.text("encryptionConfiguration.kmsKeyId", 1, 2048);
    request.integer("encryptionConfiguration.kmsDataKeyReusePeriodSeconds", 60, 900);
    Some(configuration)
}

fn serialization(message: impl Into<String>) -> Exception {
    Exception::new("SerializationException", message)
}

/// A JSON text in a member, with AWS's exception for one that is none.
pub(crate) fn payload(text: &str, name: &'static str, title: &str) -> Result<Json, Exception> {
    Json::parse_verbatim(text).map_err(|error| {
        let fault = json_fault(text).unwrap_or_else(|| error.to_string());
        Exception::new(name, format!("{title}: '{fault}'"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_of_a_request_are_told_at_once() {
        let mut request = Request::parse(br#"{"maxResults": 1001, "type": "X"}"#).unwrap();
        request.required_text("name", 1, 80);
        request.max_results(100, 1000);
        request.word("type", &["STANDARD", "EXPRESS"]);
        assert_eq!(
            request.check().unwrap_err().message,
            "3 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; \
             Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000; \
             Value 'X' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, EXPRESS]"
        );
    }

    #[test]
    fn a_member_of_the_wrong_type_is_a_serialization_exception() {
        let mut request = Request::parse(br#"{"name": 1}"#).unwrap();
        request.required_text("name", 1, 80);
        assert_eq!(request.check().unwrap_err().name, "SerializationException");
    }
}
