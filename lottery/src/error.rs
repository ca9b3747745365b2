//! Why a value from outside is refused.

/// Declares an enum of refusals: each with its English sentence, and with a code for programs, which is its name.
/// Serialized it is `{code, parameters?}`.
#[macro_export]
macro_rules! refusals {
    ($(#[$($about:tt)*])* $visibility:vis enum $name:ident {
        $($(#[$($attribute:tt)*])* $variant:ident $({ $($field:ident: $type:ty),* })?),* $(,)?
    }) => {
        $(#[$($about)*])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
        #[serde(tag = "code", content = "parameters")]
        $visibility enum $name {
            $($(#[$($attribute)*])* $variant $({ $(
                /// A part of the sentence.
                $field: $type
            ),* })?),*
        }

        impl $name {
            /// The codes of all refusals.
            pub const CODES: &[&str] = &[$(stringify!($variant)),*];
        }
    };
}

refusals! {
    /// Why one value is refused, as the end of a sentence that begins with its name: "must have 1 to 200 characters".
    /// It never repeats the value, which may be personal.
    #[allow(missing_docs, reason = "the sentence of each says it")]
    pub enum Refusal {
        #[error("is missing")]
        Missing,
        #[error("is not a known field")]
        UnknownField,
        #[error("stands twice")]
        StandsTwice,
        #[error("cannot stand beside {other}")]
        NotBeside { other: &'static str },
        #[error("must be text")]
        NotText,
        #[error("must be an object")]
        NotObject,
        #[error("must be an array")]
        NotArray,
        #[error("must be true or false")]
        NotBoolean,
        #[error("must be a whole number from {least}")]
        NotCount { least: u64 },
        #[error("must be a whole number, {least} to {most}")]
        OutOfRange { least: u64, most: u64 },
        #[error("must be one of: {values}")]
        NotOneOf { values: &'static str },
        #[error("must have 1 to {most} characters")]
        Length { most: usize },
        #[error("must have at most {most} characters")]
        TooLong { most: usize },
        #[error("must not hold control characters")]
        ControlCharacters,
        #[error("must hold a character that can be seen")]
        NothingVisible,
        #[error("holds the replacement character U+FFFD: it was damaged on its way; take it from its source again")]
        ReplacementCharacter,
        #[error("must be an international number: + and 8 to 15 digits")]
        NotPhoneNumber,
        #[error("must be an e-mail address such as rose@example.com")]
        NotEmailAddress,
        #[error("must have 1 to {most} letters, digits, dots, underscores or hyphens, and begin with a letter or digit")]
        NotParticipantId { most: usize },
        #[error("must have 1 to {most} lower-case letters, digits or hyphens, and not begin with a hyphen")]
        NotSlug { most: usize },
        #[error("must be a time zone such as UTC or Europe/Berlin")]
        NotTimeZone,
        #[error("must have 4 to 12 letters and digits")]
        NotVenueCode,
        #[error("must be an https address of a host on the public Internet, such as https://example.com/hook")]
        NotWebhookUrl,
        #[error("must have the six digits of the code that was sent to you")]
        NotJoinCode,
        #[error("one address alone can be confirmed: give a phone number or an e-mail address")]
        OneAddress,
        #[error("no code can be sent to such an address from here: {other}")]
        CannotConfirm { other: &'static str },
        #[error("must have 1 to 11 letters A to Z and digits, and at least one letter")]
        NotSmsSender,
        #[error("there is no placeholder {{{name}}}")]
        UnknownPlaceholder { name: String },
        #[error("must be a time such as 2026-12-24T18:00:00Z")]
        NotTime,
        #[error("must be a time of day such as 17:00")]
        NotTimeOfDay,
        #[error("is the time of one draw: a draw that repeats begins when it is due")]
        NotInRepeat,
        #[error("must lie in the future")]
        NotInFuture,
        #[error("must be later than {other}")]
        NotAfter { other: &'static str },
        #[error("must lie at most {days} days ahead")]
        TooFarAhead { days: u32 },
        #[error("must hold at most {most} prizes")]
        TooManyPrizes { most: usize },
        #[error("names more than {most} groups")]
        TooManyGroups { most: usize },
        #[error("names the group {group} twice")]
        GroupTwice { group: String },
        #[error("{group} needs at_least or at_most, and no more at least than at most")]
        QuotaBounds { group: String },
        #[error("people without a group need at_least or at_most, and no more at least than at most")]
        QuotaBoundsWithoutGroup,
        #[error("names the people without a group twice")]
        WithoutGroupTwice,
        #[error("names nobody: give group, groups, or without_group: true")]
        NamesNobody,
        #[error("reserves more seats than the prize has winners")]
        ReservesTooMuch,
        #[error("nobody on the list is in the group {group}{}", among(.nearest))]
        UnknownGroup { group: String, nearest: Vec<String> },
        #[error("a phone number or an e-mail address is needed, or nobody could tell you")]
        NoAddress,
        #[error("{sentence}")]
        Malformed { sentence: String },
    }
}

fn among(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        nearest => format!("; the nearest are: {}", nearest.join(", ")),
    }
}

/// That a value is refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(Refusal);

impl Invalid {
    /// Of a value that no form asks for: the sentence is all there is to say.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(Refusal::Malformed { sentence: sentence.into() })
    }

    /// The value of `field` is the one that is refused.
    pub fn in_field(self, field: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), reason: self.0 }
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        invalid.0
    }
}

impl From<Refusal> for Invalid {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

/// A field that is refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct FieldError {
    /// The field's name as it came in.
    pub field: String,
    /// Why, without the value itself.
    pub reason: Refusal,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, reason: Refusal) -> Self {
        Self { field: field.into(), reason }
    }

    /// Refuses `field` as unknown. It is shown without control characters, and cut to 64 characters.
    pub fn unknown(field: &str) -> Self {
        let shown: String = field.chars().filter(|c| !c.is_control()).take(64).collect();
        Self::new(shown, Refusal::UnknownField)
    }
}
