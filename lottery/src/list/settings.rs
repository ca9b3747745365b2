//! What an organiser says of a list, as JSON: kept with it until it is read.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::remark::{ListRemark, Why};
use super::{Charset, Country, HeaderRow, Mapping, Options};
use crate::ClearWord;

/// How a list is read; what is absent is found out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListSettings {
    /// The encoding of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Whose national phone numbers the list holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// From columns to fields, or to null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Map<String, Value>>,
    /// The line of the header, or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_row: Option<String>,
    /// The sheet of a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Refuses a person whose phone number or e-mail address cannot be used.
    pub strict: bool,
    /// The word that erases a field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear: Option<String>,
}

/// A setting that is refused: which, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRefused {
    /// The setting.
    pub field: &'static str,
    /// Why.
    pub why: Why,
}

impl ListSettings {
    /// The options of the reader; `country` is whose phone numbers are meant if the settings name none.
    pub fn options(&self, country: Option<Country>) -> Result<Options, SettingRefused> {
        let value = |field, why: crate::Refusal| SettingRefused { field, why: Why::Value(why) };
        let charset = self.charset.as_deref().map(Charset::parse).transpose();
        let charset = charset.map_err(|why| SettingRefused { field: "charset", why: Why::List(why) })?;
        let named = self.country.as_deref().map(Country::parse).transpose();
        let named = named.map_err(|error| value("country", error.in_field("country").reason))?;
        let clear = self.clear.as_deref().map(ClearWord::parse).transpose();
        let clear = clear.map_err(|error| value("clear", error.in_field("clear").reason))?;
        let mapping = match &self.mapping {
            None => Mapping::default(),
            Some(columns) => {
                Mapping::parse(&json!(columns).to_string()).map_err(|error| value("mapping", error.reason))?
            }
        };
        let header_row = match self.header_row.as_deref() {
            None => HeaderRow::Find,
            Some("none") => HeaderRow::None,
            Some(line) => match line.parse() {
                Ok(line) if line > 0 => HeaderRow::Line(line),
                _ => return Err(value("header_row", crate::Refusal::NotCount { least: 1 })),
            },
        };
        Ok(Options {
            charset,
            country: named.or(country),
            mapping,
            header_row,
            sheet: self.sheet.clone(),
            strict: self.strict,
            clear,
            shown_rows: 0,
        })
    }
}

/// Whether another setting may make a list readable that is not: then its organiser is asked.
pub fn is_question(why: &Why) -> bool {
    matches!(
        why,
        Why::List(
            ListRemark::UnknownEncoding
                | ListRemark::UnknownCharset { .. }
                | ListRemark::NotDecodable { .. }
                | ListRemark::TooManyColumns { .. }
                | ListRemark::HeaderNotFound { .. }
                | ListRemark::ColumnAmbiguous { .. }
                | ListRemark::NameColumnMissing
                | ListRemark::MappedColumnMissing { .. }
                | ListRemark::WorkbookEmpty
                | ListRemark::SheetMissing { .. }
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_options_and_a_wrong_one_is_named() {
        let settings: ListSettings = serde_json::from_value(json!({
            "charset": "gbk", "country": "cn", "mapping": {"工号": "participant_id", "备注": null},
            "header_row": "3", "strict": true, "clear": "-",
        }))
        .unwrap();
        let options = settings.options(None).unwrap();
        assert_eq!(options.charset.unwrap().name(), "gb18030");
        assert_eq!(options.header_row, HeaderRow::Line(3));
        assert!(options.strict && options.clear.is_some() && options.country.is_some());
        for (field, value) in [
            ("charset", json!("klingon")),
            ("country", json!("Atlantis")),
            ("mapping", json!({"a": "shoe_size"})),
            ("header_row", json!("0")),
            ("clear", json!("")),
        ] {
            let settings: ListSettings = serde_json::from_value(json!({ field: value })).unwrap();
            assert_eq!(settings.options(None).unwrap_err().field, field);
        }
    }
}
