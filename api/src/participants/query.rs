//! The parameters of an import, from its query and its headers.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use lottery::ClearWord;
use lottery::list::{Charset, Country, HeaderRow, ListRemark, Mapping, Options};
use lottery::{FieldError, Lottery};
use lottery_store::ImportMode;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::explanation::Explanation;
use crate::extract::{query, unsupported};
use crate::participants::report::SAMPLE;

/// The types of body in which a list comes. What it is, its bytes say.
const TAKEN: [&str; 10] = [
    "text/csv",
    "text/plain",
    "text/tab-separated-values",
    "application/json",
    "application/x-ndjson",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/octet-stream",
    "application/csv",
];

/// How a list is read, and what becomes of it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query that `ImportRequest` reads")]
pub(crate) struct ImportQuery {
    /// The encoding of the text, such as `gb18030`; it is found out if absent. A byte order mark outweighs it.
    #[param(example = "gb18030")]
    charset: Option<String>,
    /// Whose national phone numbers the list holds, as an ISO 3166-1 code; the lottery's country if absent.
    #[param(example = "CN")]
    country: Option<String>,
    /// What columns hold, as a JSON object from their header, or their number from 1, to a field, or to null to leave the
    /// column out: `{"工号": "participant_id", "3": "phone", "备注": null}`.
    mapping: Option<String>,
    /// The line of the header, from 1, or `none`; it is looked for if absent.
    header_row: Option<String>,
    /// The sheet of a workbook; the first with data if absent.
    sheet: Option<String>,
    /// Refuse a person whose phone number or e-mail address cannot be used, instead of taking them without it.
    strict: Option<bool>,
    /// Say what would happen, and store nothing.
    dry_run: Option<bool>,
    /// `merge`, the default: the list adds people and changes those it names. `replace`: people who are not on it are
    /// withdrawn in the end.
    #[param(pattern = "^(merge|replace)$")]
    mode: Option<String>,
    /// The word that erases a field where it is the content of a cell, such as `-`; no word does if absent.
    #[param(min_length = 1, max_length = 16)]
    clear: Option<String>,
    /// How many rows of the list to pass over: those that an earlier request has taken.
    #[param(minimum = 0)]
    offset: Option<u64>,
    /// How many rows to take at most.
    #[param(minimum = 1)]
    limit: Option<u64>,
    /// The number of the import that an earlier request began, to continue it. An empty body adds nothing.
    #[param(minimum = 1)]
    import: Option<u64>,
    /// Further requests follow: the import stays open.
    more: Option<bool>,
}

/// The same, read.
#[derive(Debug, Default)]
pub(crate) struct ImportRequest {
    charset: Option<Charset>,
    country: Option<Country>,
    mapping: Mapping,
    header_row: HeaderRow,
    sheet: Option<String>,
    clear: Option<ClearWord>,
    pub(super) strict: bool,
    pub(super) dry_run: bool,
    pub(super) mode: Option<ImportMode>,
    pub(super) offset: u64,
    pub(super) limit: Option<u64>,
    pub(super) import: Option<u64>,
    pub(super) more: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for ImportRequest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut request = Self { charset: declared_charset(&parts.headers)?, ..Self::default() };
        for (name, value) in query(&parts.uri)? {
            request.set(&name, value)?;
        }
        Ok(request)
    }
}

impl ImportRequest {
    fn set(&mut self, name: &str, value: String) -> Result<(), ApiError> {
        match name {
            "charset" => self.charset = Some(charset(&value)?),
            "country" => {
                let country = Country::parse(&value).map_err(|error| refused(error.in_field(name)))?;
                self.country = Some(country);
            }
            "mapping" => self.mapping = Mapping::parse(&value).map_err(refused)?,
            "header_row" => {
                self.header_row = match value.as_str() {
                    "none" => HeaderRow::None,
                    line => HeaderRow::Line(number(name, line, 1)?),
                }
            }
            "sheet" => self.sheet = Some(value),
            "strict" => self.strict = flag(name, &value)?,
            "dry_run" => self.dry_run = flag(name, &value)?,
            "mode" => {
                self.mode = Some(match value.as_str() {
                    "merge" => ImportMode::Merge,
                    "replace" => ImportMode::Replace,
                    _ => return Err(bad(name, "must be merge or replace")),
                });
            }
            "clear" => {
                let word = ClearWord::parse(&value).map_err(|error| refused(error.in_field(name)))?;
                self.clear = Some(word);
            }
            "offset" => self.offset = number(name, &value, 0)?,
            "limit" => self.limit = Some(number(name, &value, 1)?),
            "import" => self.import = Some(number(name, &value, 1)?),
            "more" => self.more = flag(name, &value)?,
            _ => {}
        }
        Ok(())
    }

    /// How the list is read, for this lottery.
    pub(super) fn options(&self, lottery: &Lottery) -> Options {
        Options {
            charset: self.charset,
            country: self.country.or_else(|| country_of(lottery)),
            mapping: self.mapping.clone(),
            header_row: self.header_row,
            sheet: self.sheet.clone(),
            strict: self.strict,
            clear: self.clear.clone(),
            shown_rows: if self.dry_run && self.offset == 0 { SAMPLE } else { 0 },
        }
    }

    /// Whether the row of this index is within `offset` and `limit`.
    pub(super) fn takes(&self, row: u64) -> bool {
        row >= self.offset && self.limit.is_none_or(|limit| row - self.offset < limit)
    }
}

/// Whose national phone numbers are meant in a lottery.
pub(crate) fn country_of(lottery: &Lottery) -> Option<Country> {
    Country::of_lottery(lottery)
}

/// The encoding that the header `Content-Type` names. Of a type that is no list, the error.
fn declared_charset(headers: &HeaderMap) -> Result<Option<Charset>, ApiError> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(None) };
    let mut parts = value.to_str().unwrap_or_default().split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    if !media_type.is_empty() && !TAKEN.contains(&media_type.as_str()) {
        return Err(unsupported(&TAKEN[..9].join(", ")));
    }
    let named = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
    });
    let named = named.map(|named| charset(&named)).transpose()?;
    // Many programs declare UTF-8 for any body; the bytes decide.
    Ok(named.filter(|charset| charset.name() != "UTF-8"))
}

fn charset(label: &str) -> Result<Charset, ApiError> {
    Charset::parse(label).map_err(|why: ListRemark| {
        ApiError::bad_request("BadQuery", why.to_string()).at("charset").explained(Explanation::from(why))
    })
}

fn refused(error: FieldError) -> ApiError {
    let FieldError { field, reason } = error;
    ApiError::bad_request("BadQuery", format!("{field}: {reason}"))
        .at(&field)
        .explained(Explanation::from(reason))
}

fn bad(name: &str, what: &str) -> ApiError {
    ApiError::bad_request("BadQuery", format!("{name} {what}")).at(name)
}

fn flag(name: &str, value: &str) -> Result<bool, ApiError> {
    value.parse().map_err(|_| bad(name, "must be true or false"))
}

fn number(name: &str, value: &str, least: u64) -> Result<u64, ApiError> {
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| bad(name, &format!("must be a whole number from {least}")))
}
