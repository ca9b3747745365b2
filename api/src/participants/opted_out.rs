//! Who on a list has opted out of SMS: the account's phones of SNS that have, looked up on the list.
//!
//! SNS takes an SMS to such a phone and delivers nothing, so that only its list tells. The list is the account's, of all
//! lotteries; it is read at the rate that SNS allows, kept for a minute in each process, and bounded.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_sns::error::{DisplayErrorContext, ProvideErrorMetadata};
use axum::Json;
use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use lottery::{Channel, PhoneNumber};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::list::{ParticipantView, Shown};
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{LotteryPath, unknown_lottery};
use crate::state::AppState;

/// The most phones of the account that are looked up. A read of all of them takes 20,000 read units for each lottery.
const MAX_PHONES: usize = 20_000;
/// The pages of a hundred phones that one request reads; SNS allows ten a second.
const PAGES: usize = 50;
/// The longest that one request reads.
const READ_FOR: Duration = Duration::from_secs(8);
/// How long the list counts as current.
const FRESH: SignedDuration = SignedDuration::from_secs(60);
/// The most people who are named.
const MAX_NAMED: usize = 100;

/// The phones of the account that have opted out of SMS, as far as they are read.
#[derive(Default)]
pub(crate) struct OptedOutPhones(Mutex<Reading>);

#[derive(Default)]
struct Reading {
    phones: HashSet<PhoneNumber>,
    /// How many the list had so far; one that is no phone number of ours is not kept.
    count: usize,
    /// Where the list goes on.
    next: Option<String>,
    /// When the reading began; it has not if absent.
    began_at: Option<Timestamp>,
}

impl Reading {
    fn is_complete(&self) -> bool {
        self.began_at.is_some() && self.next.is_none()
    }

    /// Reads on, from the beginning if what is read is old.
    async fn update(&mut self, sns: &aws_sdk_sns::Client, now: Timestamp) -> Result<(), ApiError> {
        if self.began_at.is_none_or(|began| now.duration_since(began).abs() > FRESH) {
            *self = Self::default();
        }
        let until = tokio::time::Instant::now() + READ_FOR;
        for _ in 0..PAGES {
            let is_over = self.count >= MAX_PHONES || tokio::time::Instant::now() > until;
            if self.is_complete() || is_over {
                break;
            }
            match sns.list_phone_numbers_opted_out().set_next_token(self.next.clone()).send().await {
                Ok(page) => {
                    let phones = page.phone_numbers.unwrap_or_default();
                    self.count += phones.len();
                    self.phones.extend(phones.iter().filter_map(|phone| PhoneNumber::parse(phone).ok()));
                    self.next = page.next_token.filter(|token| !token.is_empty());
                    self.began_at.get_or_insert(now);
                }
                // The next request reads on.
                Err(error)
                    if self.began_at.is_some() && error.code().is_some_and(platform::is_throttling) =>
                {
                    break;
                }
                Err(error) => return Err(ApiError::unavailable(DisplayErrorContext(error))),
            }
        }
        Ok(())
    }
}

/// Those on the list whose phones have opted out of SMS.
#[derive(Serialize, ToSchema)]
pub(crate) struct OptedOut {
    /// How many they are; at least so many, if `complete` is false.
    people: usize,
    /// Those of them who have an e-mail address.
    with_email: usize,
    /// The first 100 of them, by id.
    participants: Vec<ParticipantView>,
    /// Whether names and addresses are masked, because the token lacks the scope `participants:read`.
    masked: bool,
    /// Whether all phones of the account that have opted out were looked at; another request reads on, up to 20,000.
    complete: bool,
}

/// Who on the list has opted out of SMS, so that none reaches them.
///
/// The list of phones is that of the AWS account in SNS, at most a minute old. Where no SMS are sent it is not read.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/opted-out", tag = "participants",
    responses((status = 200, description = "Those who have opted out of SMS", body = OptedOut)))]
pub(crate) async fn opted_out(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    caller: Caller,
) -> Result<Json<OptedOut>, ApiError> {
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let shown = Shown::to(&caller);
    let (phones, complete) = if state.config.channels.contains(&Channel::Sms) {
        let mut reading = state.opted_out.0.lock().await;
        reading.update(&state.sns, state.clock.now()).await?;
        (reading.phones.clone(), reading.is_complete())
    } else {
        (HashSet::new(), true)
    };
    let people = state.store.participants_with_phones(&lottery_id, &phones).await?;
    Ok(Json(OptedOut {
        people: people.len(),
        with_email: people.iter().filter(|person| person.email.is_some()).count(),
        participants: people
            .into_iter()
            .take(MAX_NAMED)
            .map(|person| ParticipantView::new(person, shown))
            .collect(),
        masked: shown.is_masked(),
        complete,
    }))
}
