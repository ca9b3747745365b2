//! Why a line is not taken, or not read: besides what is wrong with one of its fields, which the domain says; and what is to
//! be known of what was taken.

use std::time::Duration;

use lottery::{EmailThrough, Lottery};

lottery::refusals! {
    /// What an import has against a line, as the end of a sentence that begins with its place.
    #[allow(missing_docs, reason = "the sentence of each says it")]
    pub(crate) enum LineRefusal {
        #[error("the body is empty")]
        Empty,
        #[error("the body is UTF-16; save it as UTF-8 (in Excel: `CSV UTF-8`)")]
        Utf16,
        #[error("is not UTF-8; save the file as UTF-8")]
        NotUtf8,
        #[error("is longer than {most} bytes")]
        LineTooLong { most: usize },
        #[error("its quotation mark is never closed")]
        QuoteNotClosed,
        #[error("a quotation mark within a quoted field must be doubled, and after the closing one a comma must follow")]
        QuoteMisplaced,
        #[error("has {found} fields, but the header has {expected}; quote a field that holds a comma")]
        FieldCount { found: usize, expected: usize },
        #[error("the header must name only these columns, in any order: {known}")]
        UnknownColumn { known: String },
        #[error("the header must name only these columns, in any order: {known}; separate the columns with commas")]
        WrongSeparator { known: String },
        #[error("the header names this column twice")]
        ColumnTwice,
        #[error("the header must name the column {column}")]
        ColumnMissing { column: &'static str },
        #[error("is not JSON: see column {column}")]
        NotJson { column: usize },
        #[error("the body must be a JSON object or an array of objects")]
        NotJsonObjects,
        #[error("is longer than {most} bytes; from here on the JSON is not read")]
        JsonTooLong { most: usize },
        #[error("begins here and never ends; from here on the JSON is not read")]
        JsonNotClosed,
        #[error("the array ends without its closing bracket; from here on the JSON is not read")]
        JsonArrayNotClosed,
        #[error("a comma is missing in front of it; from here on the JSON is not read")]
        JsonCommaMissing,
        #[error("an element is missing between two commas; from here on the JSON is not read")]
        JsonElementMissing,
        #[error("stands behind the end of the JSON; from here on the JSON is not read")]
        JsonBehindEnd,
        #[error("belongs to another participant of this lottery")]
        AddressTaken,
        #[error(
            "this lottery reaches at most {most} e-mail addresses through SNS, and all are taken; leave the e-mail \
             out and give a phone number, or use SES v2 (`email_through: \"ses\"`), which has no such limit"
        )]
        EmailsFull { most: u64 },
        #[error(
            "SNS takes no more filter policies in this account; give a phone number, or use SES v2 \
             (`email_through: \"ses\"`), which has no such limit"
        )]
        EmailAccountFull,
        #[error("this lottery has no topic for e-mails")]
        NoEmailTopic,
        #[error("SNS does not take this address; correct it and import the line again")]
        EmailNotTaken,
        #[error("the address is not subscribed yet; import this line again")]
        EmailNotSubscribed,
        #[error("the former address could not be unsubscribed")]
        EmailNotUnsubscribed,
    }
}

lottery::refusals! {
    /// What an organiser should know of what was done.
    #[allow(missing_docs, reason = "the sentence of each says it")]
    pub(crate) enum Notice {
        #[error(
            "SNS takes up to {minutes} minutes to apply what keeps a letter from the other addresses of a lottery: e-mails \
             to addresses that were imported since are held back for so long. SES v2 (`email_through: \"ses\"`), which is \
             recommended, has no such delay"
        )]
        EmailHeldBySns { minutes: u64 },
    }
}

impl Notice {
    /// That e-mails are held back, where the lottery's go through SNS and its filter policies take their time.
    pub(crate) fn of_email(lottery: &Lottery, wait: Duration) -> Option<Self> {
        let is_held = lottery.email_through == EmailThrough::Sns && !wait.is_zero();
        is_held.then(|| Self::EmailHeldBySns { minutes: wait.as_secs().div_ceil(60) })
    }
}
