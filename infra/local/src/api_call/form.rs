//! Bodies in the form of HTML forms, `a=1&b%5B0%5D=2`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde_json::Value;

/// What stays as it is (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How items of an array are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrayFormat {
    /// `a[0]=x&a[1]=y`.
    Indices,
    /// `a[]=x&a[]=y`.
    Brackets,
    /// `a=x&a=y`.
    Repeat,
    /// `a=x,y`.
    Commas,
}

impl ArrayFormat {
    /// What the `Transform` of a task asks for; none if the body is not encoded so.
    pub(crate) fn of(transform: &Value) -> Result<Option<ArrayFormat>, String> {
        match transform["RequestBodyEncoding"].as_str() {
            None if transform["RequestBodyEncoding"].is_null() => return Ok(None),
            Some("NONE") => return Ok(None),
            Some("URL_ENCODED") => {}
            _ => return Err("Transform.RequestBodyEncoding is neither NONE nor URL_ENCODED".to_owned()),
        }
        let format = &transform["RequestEncodingOptions"]["ArrayFormat"];
        match format.as_str() {
            Some("INDICES") => Ok(Some(ArrayFormat::Indices)),
            Some("BRACKETS") => Ok(Some(ArrayFormat::Brackets)),
            Some("REPEAT") => Ok(Some(ArrayFormat::Repeat)),
            Some("COMMAS") => Ok(Some(ArrayFormat::Commas)),
            None if format.is_null() => Ok(Some(ArrayFormat::Indices)),
            _ => Err(format!("ArrayFormat {format} is none of INDICES, REPEAT, COMMAS, BRACKETS")),
        }
    }
}

/// Encodes an object.
pub(super) fn encode(body: &Value, format: ArrayFormat) -> Result<String, String> {
    let Value::Object(members) = body else {
        return Err("a RequestBody that is encoded as a form is an object".to_owned());
    };
    let mut pairs = Vec::new();
    for (name, value) in members {
        flatten(name, value, format, &mut pairs);
    }
    Ok(encode_pairs(&pairs))
}

/// Encodes names and values.
pub(super) fn encode_pairs(pairs: &[(String, String)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// Encodes a part of an address.
pub(crate) fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

fn flatten(name: &str, value: &Value, format: ArrayFormat, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(member, value)| flatten(&format!("{name}[{member}]"), value, format, pairs));
        }
        Value::Array(items) if format == ArrayFormat::Commas => {
            pairs.push((name.to_owned(), items.iter().map(text).collect::<Vec<_>>().join(",")));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| {
            let name = match format {
                ArrayFormat::Indices => format!("{name}[{index}]"),
                ArrayFormat::Brackets => format!("{name}[]"),
                ArrayFormat::Repeat | ArrayFormat::Commas => name.to_owned(),
            };
            flatten(&name, item, format, pairs);
        }),
        one => pairs.push((name.to_owned(), text(one))),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arrays_are_written_in_each_format() {
        let body = json!({"a": ["x", "y & z"], "b": {"c": 1, "d": [true]}});
        for (format, expected) in [
            (ArrayFormat::Indices, "a[0]=x&a[1]=y & z&b[c]=1&b[d][0]=true"),
            (ArrayFormat::Brackets, "a[]=x&a[]=y & z&b[c]=1&b[d][]=true"),
            (ArrayFormat::Repeat, "a=x&a=y & z&b[c]=1&b[d]=true"),
            (ArrayFormat::Commas, "a=x,y & z&b[c]=1&b[d]=true"),
        ] {
            let encoded = encode(&body, format).unwrap();
            let encoded = encoded.replace("%26", "\u{1}");
            let decoded = percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap();
            assert_eq!(decoded.replace('\u{1}', "&"), expected);
            assert!(!encoded.contains(['[', ' ']), "{encoded}");
        }
        assert!(encode(&json!([1]), ArrayFormat::Indices).is_err());
    }

    #[test]
    fn a_transform_names_its_format() {
        let of = |transform: Value| ArrayFormat::of(&transform);
        assert_eq!(of(Value::Null), Ok(None));
        assert_eq!(of(json!({"RequestBodyEncoding": "NONE"})), Ok(None));
        assert_eq!(of(json!({"RequestBodyEncoding": "URL_ENCODED"})), Ok(Some(ArrayFormat::Indices)));
        let with = |format: &str| json!({"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": format}});
        assert_eq!(of(with("COMMAS")), Ok(Some(ArrayFormat::Commas)));
        assert!(of(with("DOTS")).is_err());
        assert!(of(json!({"RequestBodyEncoding": "GZIP"})).is_err());
        assert!(of(json!({"RequestBodyEncoding": 1})).is_err());
    }
}
