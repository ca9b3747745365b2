//! The one table from a function's name to the function.

use serde_json::Value;

use crate::task::call;
use crate::{
    Function, TaskContext, TaskError, announce_commitment, await_claims, await_mapping, await_release,
    check_claims, check_release, complete_draw, draw_winners, fail_import, fetch_beacon, finish_import,
    import_batch, inspect_list, mark_incomplete, notify_organiser, notify_others, reconcile_draws,
    record_delivery, record_winners, release_winners, seal_entries, send_email, send_sms, send_webhook,
    split_list, stamp_commitment, start_repeat,
};

/// Calls the function of this name, over the same JSON border that Lambda has.
pub async fn invoke(cx: &TaskContext, function: &str, payload: Value) -> Result<Value, TaskError> {
    match Function::parse(function)? {
        Function::SealEntries => call(|input| seal_entries::handle(cx, input), payload).await,
        Function::StampCommitment => call(|input| stamp_commitment::handle(cx, input), payload).await,
        Function::AnnounceCommitment => call(|input| announce_commitment::handle(cx, input), payload).await,
        Function::FetchBeacon => call(|input| fetch_beacon::handle(cx, input), payload).await,
        Function::DrawWinners => call(|input| draw_winners::handle(cx, input), payload).await,
        Function::RecordWinners => call(|input| record_winners::handle(cx, input), payload).await,
        Function::CheckRelease => call(|input| check_release::handle(cx, input), payload).await,
        Function::AwaitRelease => call(|input| await_release::handle(cx, input), payload).await,
        Function::CheckClaims => call(|input| check_claims::handle(cx, input), payload).await,
        Function::AwaitClaims => call(|input| await_claims::handle(cx, input), payload).await,
        Function::SendSms => call(|input| send_sms::handle(cx, input), payload).await,
        Function::SendEmail => call(|input| send_email::handle(cx, input), payload).await,
        Function::NotifyOthers => call(|input| notify_others::handle(cx, input), payload).await,
        Function::CompleteDraw => call(|input| complete_draw::handle(cx, input), payload).await,
        Function::NotifyOrganiser => call(|input| notify_organiser::handle(cx, input), payload).await,
        Function::ReleaseWinners => call(|input| release_winners::handle(cx, input), payload).await,
        Function::MarkIncomplete => call(|input| mark_incomplete::handle(cx, input), payload).await,
        Function::ReconcileDraws => call(|input| reconcile_draws::handle(cx, input), payload).await,
        Function::RecordDelivery => call(|input| record_delivery::handle(cx, input), payload).await,
        Function::SendWebhook => call(|input| send_webhook::handle(cx, input), payload).await,
        Function::StartRepeat => call(|input| start_repeat::handle(cx, input), payload).await,
        Function::InspectList => call(|input| inspect_list::handle(cx, input), payload).await,
        Function::AwaitMapping => call(|input| await_mapping::handle(cx, input), payload).await,
        Function::SplitList => call(|input| split_list::handle(cx, input), payload).await,
        Function::ImportBatch => call(|input| import_batch::handle(cx, input), payload).await,
        Function::FinishImport => call(|input| finish_import::handle(cx, input), payload).await,
        Function::FailImport => call(|input| fail_import::handle(cx, input), payload).await,
    }
}
