//! What an organiser changes of a lottery: its name, language and time zone, how people enter, whether it is closed; and its
//! end, with all contact data.

use axum::Json;
use axum::extract::State;
use draw_start::StartError;
use jiff::Timestamp;
use lottery::message::{OwnWording, Template};
use lottery::{Group, Locale, Lottery, LotteryChange, LotteryId};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, unknown_lottery};
use crate::lotteries::LotteryView;
use crate::participants::{Expected, ExpectedQuery, withdraw_everybody};
use crate::repeats;
use crate::state::AppState;

/// How often a change that others have come before is made anew.
const ATTEMPTS: u32 = 8;

/// What changes of a lottery: a JSON merge patch (RFC 7396).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `LotteryChange` parses")]
pub(crate) struct LotteryChangeBody {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[schema(pattern = "^(en|zh-CN)$")]
    locale: Option<String>,
    /// Its IANA time zone.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Whose national phone numbers its lists hold.
    #[schema(example = "DE", min_length = 2, max_length = 2)]
    country: Option<String>,
    /// Closed: nobody is added to the list, and no draw begins.
    closed: Option<bool>,
    /// Whether people may enter themselves.
    open_to_join: Option<bool>,
    /// From when they may.
    #[schema(format = DateTime)]
    join_opens_at: Option<String>,
    /// Until when they may.
    #[schema(format = DateTime)]
    join_closes_at: Option<String>,
    /// So many people on the list, and nobody enters any more.
    #[schema(minimum = 1, maximum = 1_000_000)]
    join_max_people: Option<u32>,
    /// The groups from which a participant chooses one when joining.
    #[schema(max_items = 50)]
    join_groups: Option<Vec<String>>,
    /// A question that a participant answers when joining.
    #[schema(max_length = 100)]
    join_question: Option<String>,
    /// Whether aliases of one mailbox count as one address: what follows a plus, and dots at Gmail.
    join_one_mailbox: Option<bool>,
    /// Whether an entry counts only after the code that is sent to its address has been given back.
    join_confirm_addresses: Option<bool>,
    /// What is shown at the venue: 4 to 12 letters and digits. A request to join with it is not rate-limited by
    /// network address, and its participant is marked as present.
    #[schema(min_length = 4, max_length = 12)]
    venue_code: Option<String>,
    /// The name that phones show as the sender of SMS, where the country allows one: 1 to 11 letters and digits, with a letter.
    #[schema(min_length = 1, max_length = 11, example = "YearParty")]
    sms_sender: Option<String>,
    /// The organiser's own words to winners, by language; those of the lottery's language are sent.
    messages: Option<MessagesBody>,
    /// The organiser's words on collecting a prize, shown to winners who claim theirs.
    #[schema(max_length = 500)]
    collect: Option<String>,
}

/// Own words by language; `null` brings the built-in texts back.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessagesBody {
    en: Option<OwnWordingBody>,
    #[serde(rename = "zh-CN")]
    zh_cn: Option<OwnWordingBody>,
}

/// Own words by channel, with the placeholders `{name}`, `{prize}`, `{lottery}`, `{link}`, `{entry}` and `{claim_link}`.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnWordingBody {
    #[schema(max_length = 320)]
    sms: Option<String>,
    #[schema(max_length = 100)]
    email_subject: Option<String>,
    #[schema(max_length = 4000)]
    email_text: Option<String>,
    /// Those to who has not won, in which `{prize}` is nothing.
    #[schema(max_length = 320)]
    others_sms: Option<String>,
    #[schema(max_length = 100)]
    others_email_subject: Option<String>,
    #[schema(max_length = 4000)]
    others_email_text: Option<String>,
}

impl OwnWordingBody {
    fn new(wording: &OwnWording) -> Self {
        let text = |template: &Option<Template>| template.as_ref().map(|one| one.as_str().to_owned());
        Self {
            sms: text(&wording.sms),
            email_subject: text(&wording.email_subject),
            email_text: text(&wording.email_text),
            others_sms: text(&wording.others_sms),
            others_email_subject: text(&wording.others_email_subject),
            others_email_text: text(&wording.others_email_text),
        }
    }
}

/// When and how people enter a lottery, for everybody.
#[derive(Serialize, ToSchema)]
pub(crate) struct JoiningView {
    /// Whether people may enter now, as far as there is room: `open`, `not_yet`, `over` or `not_open`.
    state: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    opens_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    closes_at: Option<Timestamp>,
    /// So many people on the list, and nobody enters any more.
    max_people: Option<u32>,
    /// The groups from which a participant chooses one when joining.
    groups: Vec<String>,
    /// A question that a participant answers when joining.
    question: Option<String>,
    /// Whether aliases of one mailbox count as one address.
    one_mailbox: bool,
    /// Whether an entry counts only after the code that is sent to its address has been given back.
    confirm_addresses: bool,
}

impl JoiningView {
    pub(crate) fn new(lottery: &Lottery, now: Timestamp) -> Self {
        let joining = &lottery.joining;
        Self {
            state: lottery.join_state(now).as_str(),
            opens_at: joining.opens_at,
            closes_at: joining.closes_at,
            max_people: joining.max_people,
            groups: joining.groups.iter().map(Group::to_string).collect(),
            question: joining.question.as_ref().map(ToString::to_string),
            one_mailbox: joining.one_mailbox,
            confirm_addresses: joining.confirm_addresses,
        }
    }
}

/// A lottery as its organiser sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsView {
    #[serde(flatten)]
    lottery: LotteryView,
    /// What is shown at the venue.
    venue_code: Option<String>,
    /// The name that phones show as the sender of SMS.
    sms_sender: Option<String>,
    /// The organiser's own words to winners.
    messages: MessagesBody,
    /// The organiser's words on collecting a prize.
    collect: Option<String>,
}

impl SettingsView {
    fn new(lottery: &Lottery, now: Timestamp) -> Self {
        let venue_code = lottery.joining.venue_code.as_ref().map(ToString::to_string);
        let wording = |locale| Some(OwnWordingBody::new(lottery.messages.of(locale)));
        let messages = MessagesBody { en: wording(Locale::En), zh_cn: wording(Locale::ZhCn) };
        let sms_sender = lottery.sms_sender.as_ref().map(ToString::to_string);
        let collect = lottery.collect.as_ref().map(|collect| collect.as_str().to_owned());
        Self { lottery: LotteryView::new(lottery, now), venue_code, sms_sender, messages, collect }
    }
}

/// Refuses what a closed lottery does not do.
pub(crate) fn check_not_closed(lottery: &Lottery) -> Result<(), ApiError> {
    match lottery.closed_at {
        None => Ok(()),
        Some(_) => Err(StartError::Closed.into()),
    }
}

/// A lottery as its organiser sees it, with the venue's code.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/settings", tag = "lotteries",
    responses((status = 200, description = "The settings", body = SettingsView)))]
pub(crate) async fn settings(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
) -> Result<Json<SettingsView>, ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    Ok(Json(SettingsView::new(&lottery, state.clock.now())))
}

/// Change a lottery: what the body names is changed, `null` takes it away, what it leaves out stays.
#[utoipa::path(patch, path = "/lotteries/{lottery_id}", tag = "lotteries",
    request_body(content(
        (LotteryChangeBody = "application/merge-patch+json"), (LotteryChangeBody = "application/json"))),
    responses((status = 200, description = "The lottery as it is now", body = SettingsView)))]
pub(crate) async fn change(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<SettingsView>, ApiError> {
    let names_time_zone = value.get("time_zone").is_some();
    let change = LotteryChange::parse(value)?;
    let lottery = apply(&state, &lottery_id, |lottery, now| Ok(change.apply(lottery, now)?)).await?;
    if names_time_zone {
        repeats::follow_time_zone(&state, &lottery).await?;
    }
    tracing::info!(%lottery_id, "changed a lottery");
    Ok(Json(SettingsView::new(&lottery, state.clock.now())))
}

/// Changes a lottery that is not deleted, on what is stored.
async fn apply(
    state: &AppState,
    lottery_id: &LotteryId,
    change: impl Fn(&mut Lottery, Timestamp) -> Result<(), ApiError>,
) -> Result<Lottery, ApiError> {
    for _ in 0..ATTEMPTS {
        let mut lottery = state.store.lottery(lottery_id).await?.ok_or_else(unknown_lottery)?;
        if lottery.deleted_at.is_some() {
            return Err(ApiError::conflict("LotteryDeleted", "this lottery was deleted; its proofs stay"));
        }
        change(&mut lottery, state.clock.now())?;
        if state.store.change_settings(&lottery).await? {
            lottery.settings_revision += 1;
            return Ok(lottery);
        }
    }
    Err(lottery_store::StoreError::Contended.into())
}

/// What came of deleting a lottery.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deleted {
    /// People whose data this request erased.
    withdrawn: u64,
    /// People who are still there: if there are any, send the same request with this number as `expected`.
    remaining: u64,
}

/// Delete a lottery with all contact data: names, addresses, answers, the organiser's own addresses, the webhook, repeating draws, and what is kept to undo imports. What draws have sealed
/// stays, with their proofs, and the lottery is found by its address, but listed no longer. It cannot be undone.
///
/// A lottery with a draw that has not ended is not deleted.
#[utoipa::path(delete, path = "/lotteries/{lottery_id}", tag = "lotteries", params(ExpectedQuery),
    responses((status = 200, description = "How many are left to be erased", body = Deleted)))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    expected: Expected,
) -> Result<Json<Deleted>, ApiError> {
    let budget = Instant::now() + state.config.import.withdraw_for;
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    expected.check(&state, &lottery_id).await?;
    let newest = state.store.draws(&lottery_id, None, 100).await?.items;
    if let Some(draw) = newest.iter().find(|draw| !draw.status.is_final()) {
        let detail = format!("draw {} has not ended; cancel it, or wait for its end", draw.draw_id);
        return Err(ApiError::conflict("DrawUnderWay", detail));
    }
    let lottery = match lottery.deleted_at {
        Some(_) => lottery,
        None => {
            apply(&state, &lottery_id, |lottery, now| {
                lottery.closed_at.get_or_insert(now);
                lottery.deleted_at = Some(now);
                lottery.open_to_join = false;
                lottery.joining = lottery::Joining::default();
                lottery.messages = lottery::Messages::default();
                lottery.collect = None;
                Ok(())
            })
            .await?
        }
    };
    state.store.forget_organiser_address(&lottery_id).await?;
    state.store.forget_webhook(&lottery_id).await?;
    repeats::delete_all(&state, &lottery_id).await?;
    let withdrawn = withdraw_everybody(&state, &lottery, budget).await?;
    let remaining = state.store.participant_counts(&lottery_id).await?.total;
    if remaining == 0 {
        state.store.forget_imports(&lottery_id).await?;
        state.store.unlist_lottery(&lottery_id).await?;
    }
    tracing::info!(%lottery_id, withdrawn, remaining, "deleted a lottery");
    Ok(Json(Deleted { withdrawn, remaining }))
}
