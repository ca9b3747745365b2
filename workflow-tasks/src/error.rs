//! The errors of tasks, with the names that the state machine's retriers and catchers match.

use lottery::DrawId;
use lottery_store::StoreError;

/// The error of a task. Its text goes into the history of the execution, so it holds no personal data.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The draw asks for more winners than there are participants who can win.
    #[error("{0}")]
    NotEnoughParticipants(String),
    /// A quota names a group that nobody is in.
    #[error("{0}")]
    UnknownGroup(String),
    /// The quotas may leave a seat that nobody may take.
    #[error("{0}")]
    QuotaNotSatisfiable(String),
    /// Another draw of the lottery is under way.
    #[error("the lottery is held by draw {0}")]
    LotteryBusy(DrawId),
    /// The organiser cancelled the draw.
    #[error("the draw was cancelled")]
    DrawCancelled,
    /// There is no such draw.
    #[error("there is no such draw")]
    DrawUnknown,
    /// The draw has a status from which the task cannot continue: it has ended, or has not reached the task's step.
    #[error("the draw is {0}, from which this task cannot continue")]
    WrongStatus(lottery::DrawStatus),
    /// The input is not what the function takes.
    #[error("the input is not what the function takes")]
    WrongInput,
    /// No function has this name.
    #[error("no function has this name")]
    UnknownFunction,
    /// The draw's closing time is in the future by the clock of the function: retried later.
    #[error("entries are still taken")]
    NotClosedYet,
    /// The clock of the function is so many seconds behind the beacon's: a retry may run where the clock is right.
    #[error("the clock here is {0} s behind the beacon's")]
    ClockBehind(i64),
    /// The reconciler gave up this attempt to seal as dead: a retry begins another attempt.
    #[error("the attempt to seal was given up")]
    AttemptGivenUp,
    /// Winners of a held draw were released before its execution began to wait.
    #[error("winners were released meanwhile")]
    ReleasedMeanwhile,
    /// Before the execution began to wait for claims, all were claimed or the draw was changed.
    #[error("the claims have changed meanwhile")]
    ClaimedMeanwhile,
    /// A setting is missing that only this function requires.
    #[error("{0} is not set")]
    NotConfigured(&'static str),
    /// No relay has the round of the draw: it may be late, and a retry may get it.
    #[error("no relay of the beacon gave round {0}")]
    BeaconUnavailable(u64),
    /// The round of the draw was published before the commitment, so the draw is not valid.
    #[error("the commitment was stored after the time of its beacon round")]
    SealedTooLate,
    /// The store did not respond, or is busy: a retry may succeed.
    #[error("the store is unavailable")]
    StoreUnavailable(#[source] StoreError),
    /// The store refuses the request because a permission or a table is missing: an operator can fix that.
    #[error("the store refuses the request")]
    StoreRefused(#[source] StoreError),
    /// The store holds an item that does not parse: retries fail until the item is repaired.
    #[error("the store cannot do this")]
    StoreBroken(#[source] StoreError),
    /// The sealed entries are damaged or missing: the winners can no longer be computed.
    #[error("what was sealed is damaged")]
    SealBroken(#[source] StoreError),
    /// SNS or SES has not taken a message to the organiser: a retry may get it through.
    #[error("the message to the organiser was not taken")]
    MessageNotTaken,
    /// The import of an uploaded list is over: it has ended, was cancelled, or another execution has it.
    #[error("the import is over")]
    ImportOver,
    /// An uploaded list cannot be read; its record says why.
    #[error("the list cannot be read")]
    ListUnreadable,
    /// An uploaded list is gone, or another one is in its place.
    #[error("the list is gone")]
    ListLost,
    /// S3 did not respond, or with an error that may pass.
    #[error("the bucket of lists is unavailable")]
    StorageUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// S3 refuses the request because a permission or the bucket is missing.
    #[error("the bucket of lists refuses the request")]
    StorageRefused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Step Functions did not respond, or with an error.
    #[error("Step Functions is unavailable")]
    ExecutionsUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl TaskError {
    /// Every name that [`TaskError::name`] gives.
    pub const NAMES: [&str; 28] = [
        "NotEnoughParticipants",
        "UnknownGroup",
        "QuotaNotSatisfiable",
        "LotteryBusy",
        "DrawCancelled",
        "DrawUnknown",
        "DrawElsewhere",
        "WrongInput",
        "UnknownFunction",
        "NotClosedYet",
        "ClockBehind",
        "AttemptGivenUp",
        "ReleasedMeanwhile",
        "ClaimedMeanwhile",
        "NotConfigured",
        "BeaconUnavailable",
        "SealedTooLate",
        "StoreUnavailable",
        "StoreRefused",
        "StoreBroken",
        "SealBroken",
        "MessageNotTaken",
        "ImportOver",
        "ListUnreadable",
        "ListLost",
        "StorageUnavailable",
        "StorageRefused",
        "ExecutionsUnavailable",
    ];

    /// The names of the permanent errors. Before the winners are official only these end a draw, and after its commitment only
    /// these make it ABANDONED. After any other error the draw is resumed.
    pub const PERMANENT: [&str; 3] = ["SealBroken", "SealedTooLate", "DrawUnknown"];

    /// The error name that retriers and catchers match.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotEnoughParticipants(_) => "NotEnoughParticipants",
            Self::UnknownGroup(_) => "UnknownGroup",
            Self::QuotaNotSatisfiable(_) => "QuotaNotSatisfiable",
            Self::LotteryBusy(_) => "LotteryBusy",
            Self::DrawCancelled => "DrawCancelled",
            Self::DrawUnknown => "DrawUnknown",
            Self::WrongStatus(_) => "DrawElsewhere",
            Self::WrongInput => "WrongInput",
            Self::UnknownFunction => "UnknownFunction",
            Self::NotClosedYet => "NotClosedYet",
            Self::ClockBehind(_) => "ClockBehind",
            Self::AttemptGivenUp => "AttemptGivenUp",
            Self::ReleasedMeanwhile => "ReleasedMeanwhile",
            Self::ClaimedMeanwhile => "ClaimedMeanwhile",
            Self::NotConfigured(_) => "NotConfigured",
            Self::BeaconUnavailable(_) => "BeaconUnavailable",
            Self::SealedTooLate => "SealedTooLate",
            Self::StoreUnavailable(_) => "StoreUnavailable",
            Self::StoreRefused(_) => "StoreRefused",
            Self::StoreBroken(_) => "StoreBroken",
            Self::SealBroken(_) => "SealBroken",
            Self::MessageNotTaken => "MessageNotTaken",
            Self::ImportOver => "ImportOver",
            Self::ListUnreadable => "ListUnreadable",
            Self::ListLost => "ListLost",
            Self::StorageUnavailable(_) => "StorageUnavailable",
            Self::StorageRefused(_) => "StorageRefused",
            Self::ExecutionsUnavailable(_) => "ExecutionsUnavailable",
        }
    }

    /// The severity of the error, which is the level of its log line.
    pub(crate) fn severity(&self) -> Severity {
        match self {
            Self::NotEnoughParticipants(_)
            | Self::UnknownGroup(_)
            | Self::QuotaNotSatisfiable(_)
            | Self::LotteryBusy(_)
            | Self::DrawCancelled
            | Self::NotClosedYet
            | Self::ReleasedMeanwhile
            | Self::ClaimedMeanwhile
            | Self::BeaconUnavailable(_) => Severity::Expected,
            Self::AttemptGivenUp
            | Self::StoreUnavailable(_)
            | Self::MessageNotTaken
            | Self::StorageUnavailable(_)
            | Self::ExecutionsUnavailable(_) => Severity::Transient,
            _ => Severity::Fault,
        }
    }

    /// The error of a read of sealed data: a broken item there is permanent.
    pub(crate) fn of_seal(error: StoreError) -> Self {
        match error {
            StoreError::Broken(_) => Self::SealBroken(error),
            error => error.into(),
        }
    }
}

/// The severity of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// A normal result, such as too few participants.
    Expected,
    /// Transient.
    Transient,
    /// An operator should look at it.
    Fault,
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        match error {
            error if error.is_transient() => Self::StoreUnavailable(error),
            StoreError::Refused(_) => Self::StoreRefused(error),
            error => Self::StoreBroken(error),
        }
    }
}

/// Left to itself, the Lambda runtime reports a Rust type path, which no catcher can name.
impl From<TaskError> for lambda_runtime::Diagnostic {
    fn from(error: TaskError) -> Self {
        Self { error_type: error.name().to_owned(), error_message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use lottery::DrawStatus;

    use super::*;

    #[test]
    fn every_error_has_one_of_the_listed_names_and_no_two_share_one() {
        let errors = [
            TaskError::NotEnoughParticipants(String::new()),
            TaskError::UnknownGroup(String::new()),
            TaskError::QuotaNotSatisfiable(String::new()),
            TaskError::LotteryBusy(DrawId::parse("d1").unwrap()),
            TaskError::DrawCancelled,
            TaskError::DrawUnknown,
            TaskError::WrongStatus(DrawStatus::Failed),
            TaskError::WrongInput,
            TaskError::UnknownFunction,
            TaskError::NotClosedYet,
            TaskError::ClockBehind(7),
            TaskError::AttemptGivenUp,
            TaskError::ReleasedMeanwhile,
            TaskError::ClaimedMeanwhile,
            TaskError::NotConfigured("X"),
            TaskError::BeaconUnavailable(7),
            TaskError::SealedTooLate,
            StoreError::Contended.into(),
            StoreError::Refused("no such table".into()).into(),
            StoreError::TooLarge.into(),
            TaskError::of_seal(StoreError::Broken("chunk 7".to_owned())),
            TaskError::MessageNotTaken,
            TaskError::ImportOver,
            TaskError::ListUnreadable,
            TaskError::ListLost,
            TaskError::StorageUnavailable("down".into()),
            TaskError::StorageRefused("no".into()),
            TaskError::ExecutionsUnavailable("down".into()),
        ];
        assert_eq!(errors.map(|error| error.name()), TaskError::NAMES);
        assert!(TaskError::PERMANENT.iter().all(|name| TaskError::NAMES.contains(name)));
    }

    #[test]
    fn lambda_reports_the_name_and_not_a_type_path() {
        let diagnostic = lambda_runtime::Diagnostic::from(TaskError::DrawUnknown);
        assert_eq!(diagnostic.error_type, "DrawUnknown");
        assert_eq!(diagnostic.error_message, "there is no such draw");
    }
}
