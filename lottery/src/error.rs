//! Why a value from outside is refused.

/// Why one value is refused, as the end of a sentence that begins with its name:
/// "must have 1 to 200 characters". It never repeats the value, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl Invalid {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The value of `field` is the one that is refused.
    pub fn in_field(self, field: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), reason: self.0 }
    }
}

/// A field that is refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct FieldError {
    /// The field's name as it came in.
    pub field: String,
    /// Why, without the value itself.
    pub reason: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }

    /// `field` is none that we know.
    pub(crate) fn unknown(field: &str) -> Self {
        let shown: String = field.chars().filter(|c| !c.is_control()).take(64).collect();
        Self::new(shown, "is not a known field")
    }
}
