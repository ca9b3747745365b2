//! Why something is refused: an English sentence, and a code with its parameters, by which the page words it in the
//! reader's language.

use std::fmt;

use lottery::Refusal;
use lottery::list::ListRemark;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::refusal::{LineRefusal, ListRefusal, Notice};

/// A sentence and its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Explanation {
    pub(crate) reason: String,
    code: String,
    parameters: Map<String, Value>,
}

impl Explanation {
    /// From one of the enums that `lottery::refusals!` declares.
    fn of<R: Serialize + fmt::Display>(refusal: &R) -> Self {
        let value = serde_json::to_value(refusal).expect("a refusal holds texts and numbers only");
        let code = value["code"].as_str().expect("each refusal has a code").to_owned();
        let parameters = value["parameters"].as_object().cloned().unwrap_or_default();
        Self { reason: refusal.to_string(), code, parameters }
    }

    /// Names what is wrong.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// `code` and `parameters`, for a document that has the sentence already.
    pub(crate) fn into_members(self) -> [(&'static str, Value); 2] {
        [("code", self.code.into()), ("parameters", self.parameters.into())]
    }
}

impl From<Refusal> for Explanation {
    fn from(refusal: Refusal) -> Self {
        Self::of(&refusal)
    }
}

impl From<ListRemark> for Explanation {
    fn from(remark: ListRemark) -> Self {
        Self::of(&remark)
    }
}

impl From<LineRefusal> for Explanation {
    fn from(refusal: LineRefusal) -> Self {
        Self::of(&refusal)
    }
}

impl From<ListRefusal> for Explanation {
    fn from(refusal: ListRefusal) -> Self {
        Self::of(&refusal)
    }
}

impl From<Notice> for Explanation {
    fn from(notice: Notice) -> Self {
        Self::of(&notice)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

/// The code of a refusal, as the OpenAPI document lists them.
pub(crate) struct RefusalCode;

impl PartialSchema for RefusalCode {
    fn schema() -> RefOr<Schema> {
        let codes = Refusal::CODES
            .iter()
            .chain(ListRemark::CODES)
            .chain(LineRefusal::CODES)
            .chain(ListRefusal::CODES)
            .chain(Notice::CODES)
            .copied();
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some("Names what is wrong; it never changes, while the sentence may"))
            .enum_values(Some(codes))
            .into()
    }
}

impl ToSchema for RefusalCode {}

/// The values in the sentence of a refusal, by name.
pub(crate) struct RefusalParameters;

impl PartialSchema for RefusalParameters {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("The values in the sentence, by name, such as `{\"most\": 200}`"))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl ToSchema for RefusalParameters {}
