//! The functions by name: what the state machine, the deployment and the local stack call them.

use crate::TaskError;

/// A function of the workflow. Its name is that of its binary, and of its state in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// Takes the lottery and fixes who takes part.
    SealEntries,
    /// Has the commitment stamped by time-stamp authorities.
    StampCommitment,
    /// Sends the commitment to everybody on the sealed list, for ten minutes.
    AnnounceCommitment,
    /// Fetches and verifies the beacon round that decides.
    FetchBeacon,
    /// Ranks the sealed entries.
    DrawWinners,
    /// Makes the winners official.
    RecordWinners,
    /// Decides whether winners of a held draw are to be notified now.
    CheckRelease,
    /// Waits until winners of a held draw are released.
    AwaitRelease,
    /// Asks winners to claim their prizes in time, and passes on the seats that were not claimed.
    CheckClaims,
    /// Waits until every prize is claimed, or the time to claim is over.
    AwaitClaims,
    /// Sends SMS, for about a minute.
    SendSms,
    /// Sends e-mails, for about a minute.
    SendEmail,
    /// Tells those who have not won, for ten minutes.
    NotifyOthers,
    /// Ends the draw if every notification was sent.
    CompleteDraw,
    /// Sends the organiser how the draw ended.
    NotifyOrganiser,
    /// Undoes a draw whose winners are not official.
    ReleaseWinners,
    /// Ends the draw with its unsent notifications made visible.
    MarkIncomplete,
    /// Runs on a timer and resumes draws whose execution has ended.
    ReconcileDraws,
    /// Enters into the ledger what SES reports of e-mails.
    RecordDelivery,
    /// Sends what happens to draws to the webhooks of their lotteries.
    SendWebhook,
    /// Starts the draw of a repeating draw that is due.
    StartRepeat,
    /// Finds out what an uploaded list is, and whether its organiser is to be asked.
    InspectList,
    /// Waits until the organiser has said how an uploaded list is to be read.
    AwaitMapping,
    /// Reads all of an uploaded list and cuts it into batches.
    SplitList,
    /// Imports one batch of an uploaded list.
    ImportBatch,
    /// Withdraws who is missing, and sums up what came of an uploaded list.
    FinishImport,
    /// Ends the import of an uploaded list that cannot go on.
    FailImport,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 27] = [
        Self::SealEntries,
        Self::StampCommitment,
        Self::AnnounceCommitment,
        Self::FetchBeacon,
        Self::DrawWinners,
        Self::RecordWinners,
        Self::CheckRelease,
        Self::AwaitRelease,
        Self::CheckClaims,
        Self::AwaitClaims,
        Self::SendSms,
        Self::SendEmail,
        Self::NotifyOthers,
        Self::CompleteDraw,
        Self::NotifyOrganiser,
        Self::ReleaseWinners,
        Self::MarkIncomplete,
        Self::ReconcileDraws,
        Self::RecordDelivery,
        Self::SendWebhook,
        Self::StartRepeat,
        Self::InspectList,
        Self::AwaitMapping,
        Self::SplitList,
        Self::ImportBatch,
        Self::FinishImport,
        Self::FailImport,
    ];

    /// The function's name, such as `seal-entries`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SealEntries => "seal-entries",
            Self::StampCommitment => "stamp-commitment",
            Self::AnnounceCommitment => "announce-commitment",
            Self::FetchBeacon => "fetch-beacon",
            Self::DrawWinners => "draw-winners",
            Self::RecordWinners => "record-winners",
            Self::CheckRelease => "check-release",
            Self::AwaitRelease => "await-release",
            Self::CheckClaims => "check-claims",
            Self::AwaitClaims => "await-claims",
            Self::SendSms => "send-sms",
            Self::SendEmail => "send-email",
            Self::NotifyOthers => "notify-others",
            Self::CompleteDraw => "complete-draw",
            Self::NotifyOrganiser => "notify-organiser",
            Self::ReleaseWinners => "release-winners",
            Self::MarkIncomplete => "mark-incomplete",
            Self::ReconcileDraws => "reconcile-draws",
            Self::RecordDelivery => "record-delivery",
            Self::SendWebhook => "send-webhook",
            Self::StartRepeat => "start-repeat",
            Self::InspectList => "inspect-list",
            Self::AwaitMapping => "await-mapping",
            Self::SplitList => "split-list",
            Self::ImportBatch => "import-batch",
            Self::FinishImport => "finish-import",
            Self::FailImport => "fail-import",
        }
    }

    /// The function's placeholder in the state machine, such as `SealEntries`.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::SealEntries => "SealEntries",
            Self::StampCommitment => "StampCommitment",
            Self::AnnounceCommitment => "AnnounceCommitment",
            Self::FetchBeacon => "FetchBeacon",
            Self::DrawWinners => "DrawWinners",
            Self::RecordWinners => "RecordWinners",
            Self::CheckRelease => "CheckRelease",
            Self::AwaitRelease => "AwaitRelease",
            Self::CheckClaims => "CheckClaims",
            Self::AwaitClaims => "AwaitClaims",
            Self::SendSms => "SendSms",
            Self::SendEmail => "SendEmail",
            Self::NotifyOthers => "NotifyOthers",
            Self::CompleteDraw => "CompleteDraw",
            Self::NotifyOrganiser => "NotifyOrganiser",
            Self::ReleaseWinners => "ReleaseWinners",
            Self::MarkIncomplete => "MarkIncomplete",
            Self::ReconcileDraws => "ReconcileDraws",
            Self::RecordDelivery => "RecordDelivery",
            Self::SendWebhook => "SendWebhook",
            Self::StartRepeat => "StartRepeat",
            Self::InspectList => "InspectList",
            Self::AwaitMapping => "AwaitMapping",
            Self::SplitList => "SplitList",
            Self::ImportBatch => "ImportBatch",
            Self::FinishImport => "FinishImport",
            Self::FailImport => "FailImport",
        }
    }

    /// The functions of `import-participants.asl.json`.
    pub const OF_LISTS: [Self; 6] = [
        Self::InspectList,
        Self::AwaitMapping,
        Self::SplitList,
        Self::ImportBatch,
        Self::FinishImport,
        Self::FailImport,
    ];

    /// The function of this name.
    pub fn parse(name: &str) -> Result<Self, TaskError> {
        Self::ALL.into_iter().find(|function| function.name() == name).ok_or(TaskError::UnknownFunction)
    }
}

impl std::fmt::Display for Function {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
