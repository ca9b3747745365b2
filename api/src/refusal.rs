//! What the API itself refuses, and what it notes, beyond the refusals of `lottery`: each a code with its parameters and an
//! English sentence.

use std::time::Duration;

use lottery::{EmailThrough, Lottery};

lottery::refusals! {
    /// What an import has against a line, or against an address of it, as the end of a sentence that begins with its location.
    #[allow(missing_docs, reason = "the sentence of each says it")]
    pub(crate) enum LineRefusal {
        #[error("belongs to another participant of this lottery")]
        AddressTaken,
        #[error("stands in an earlier piece of the list too: an id names one person")]
        IdInEarlierPiece,
        #[error(
            "this lottery reaches at most {most} e-mail addresses through SNS, and all are taken: nothing will be sent to \
             this one; SES v2 (`email_through: \"ses\"`) has no such limit"
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
            "SNS takes up to {minutes} minutes to apply what keeps an e-mail from the other addresses of a lottery: e-mails \
             to addresses that were imported since are held back for so long. SES v2 (`email_through: \"ses\"`), which is \
             recommended, has no such delay"
        )]
        EmailHeldBySns { minutes: u64 },
        #[error(
            "another import began meanwhile: all lines of this one that could be taken are in, but it can no longer be undone"
        )]
        AnotherImport,
        #[error(
            "draw {draw} holds the lottery: whoever is not on the list is withdrawn once it has released the lottery; ask again then"
        )]
        WithdrawalWaits { draw: String },
        #[error(
            "{lines} refused lines have no id that could be read: if one of them is about somebody whom no other line names, \
             that person counts as missing from the list"
        )]
        LinesWithoutId { lines: u64 },
    }
}

lottery::refusals! {
    /// Why a request for the list is refused.
    #[allow(missing_docs, reason = "the sentence of each says it")]
    pub(crate) enum ListRefusal {
        #[error("a list of {total} people can be had by id alone: above {most} it is not sorted; ask without `sort`, or export it")]
        TooManyToSort { total: u64, most: u64 },
        #[error("a workbook holds at most {most} people here; ask for CSV")]
        WorkbookFull { most: u64 },
        #[error("is not the id in the address; an id cannot be changed")]
        OtherId,
    }
}

impl Notice {
    /// That e-mails are held back, where the lottery's go through SNS and its filter policies take their time.
    pub(crate) fn of_email(lottery: &Lottery, wait: Duration) -> Option<Self> {
        let is_held = lottery.email_through == EmailThrough::Sns && !wait.is_zero();
        is_held.then(|| Self::EmailHeldBySns { minutes: wait.as_secs().div_ceil(60) })
    }
}
