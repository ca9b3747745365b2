//! Events and values as bytes: what a record on disk is made of.
//!
//! A value that occurs several times in a record (the output of one state is the input of the next) is written
//! once. It is found again by the identity of its node, not by comparing, so that writing costs what is new.

pub(super) const NULL: u8 = 0;
pub(super) const FALSE: u8 = 1;
pub(super) const TRUE: u8 = 2;
pub(super) const INTEGER: u8 = 3;
pub(super) const FLOAT: u8 = 4;
pub(super) const TEXT: u8 = 5;
pub(super) const ARRAY: u8 = 6;
pub(super) const OBJECT: u8 = 7;
pub(super) const SEEN: u8 = 8;
pub(super) const UNSIGNED: u8 = 9;
pub(super) const HUGE: u8 = 10;
pub(super) const VERBATIM: u8 = 11;

pub(super) const DETAIL_TEXT: u8 = 0;
pub(super) const DETAIL_NUMBER: u8 = 1;
pub(super) const DETAIL_DATA: u8 = 2;
pub(super) const DETAIL_MEMBERS: u8 = 3;
pub(super) const DETAIL_VARIABLES: u8 = 4;

/// Bytes that are no record of ours.
#[derive(Debug, thiserror::Error)]
#[error("the record is damaged")]
pub(crate) struct Malformed;

#[cfg(test)]
mod tests {
    use crate::data::Json;
    use crate::history::{Decoder, Encoder};

    fn there_and_back(json: &Json) -> Json {
        let mut encoder = Encoder::default();
        encoder.json(json);
        encoder.json(json);
        let bytes = encoder.into_bytes();
        let mut decoder = Decoder::new(&bytes);
        let first = decoder.json().unwrap();
        assert_eq!(decoder.json().unwrap(), first);
        assert!(decoder.is_at_end());
        first
    }

    #[test]
    fn values_come_back_as_they_were() {
        let text = r#"{"a":[1,-1,2.0,1e300,18446744073709551615,null,true,false,"longer text","longer text"],"b":{},"":""}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(there_and_back(&json).to_text(), json.to_text());
    }

    #[test]
    fn a_value_keeps_the_text_that_it_was_read_from() {
        let text = r#"{ "a": [1, 2.0], "b": "\u00e9" }"#;
        assert_eq!(there_and_back(&Json::parse_verbatim(text).unwrap()).verbatim(), text);
    }

    #[test]
    fn a_value_used_again_costs_a_few_bytes() {
        let json = Json::array((0..100).map(Json::from));
        let mut encoder = Encoder::default();
        encoder.json(&json);
        let once = encoder.len();
        encoder.json(&json);
        assert!(encoder.len() - once < 4);
    }

    #[test]
    fn cut_or_changed_bytes_are_refused_or_differ_but_never_panic() {
        let json = Json::parse(r#"{"a":[1,2,{"b":"some text"}],"c":"some text"}"#).unwrap();
        let mut encoder = Encoder::default();
        encoder.json(&json);
        let bytes = encoder.into_bytes();
        for end in 0..bytes.len() {
            assert!(Decoder::new(&bytes[..end]).json().is_err());
        }
        for index in 0..bytes.len() {
            for value in 0..=255 {
                let mut changed = bytes.clone();
                changed[index] = value;
                let _ = Decoder::new(&changed).json();
            }
        }
    }
}
