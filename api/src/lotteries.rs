//! Lotteries: created by an organiser, read by everyone.

use aws_sdk_sns::error::DisplayErrorContext;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use lottery::list::Country;
use lottery::{EmailThrough, Lottery, LotteryId, NewLottery};
use lottery_store::CreateLottery;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::{Answer, Fit};
use crate::cache_control::CacheRule;
use crate::draws::DrawSummary;
use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, Paging, unknown_lottery};
use crate::idempotency::IdempotencyKey;
use crate::participants::country_of;
use crate::settings::JoiningView;
use crate::state::AppState;

/// The draws that a lottery's own response lists; the others are on further pages.
const DRAWS_SHOWN: usize = 100;

/// The lottery to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `NewLottery` parses")]
pub(crate) struct NewLotteryBody {
    /// Names the lottery in addresses: lower-case letters, digits and hyphens; made up if absent.
    #[schema(example = "summer-party", min_length = 1, max_length = 63, pattern = "^[a-z0-9][a-z0-9-]*$")]
    id: Option<String>,
    /// What people call it.
    #[schema(example = "Summer party 2026", min_length = 1, max_length = 100)]
    name: String,
    /// The language of its messages: `en`, which it is if absent, or `zh-CN`.
    #[schema(pattern = "^(en|zh-CN)$")]
    locale: Option<String>,
    /// Its IANA time zone.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Whose national phone numbers its lists hold, as an ISO 3166-1 code; the country of its time zone if absent, or else,
    /// in Chinese, China.
    #[schema(example = "DE", min_length = 2, max_length = 2)]
    country: Option<String>,
    /// Whether people may enter themselves.
    open_to_join: Option<bool>,
    /// What carries its e-mails: `ses` reaches any number of addresses, and is the default where a sender is set up; `sns` asks
    /// each address for its consent and reaches few.
    #[schema(pattern = "^(sns|ses)$")]
    email_through: Option<String>,
}

/// A lottery.
#[derive(Serialize, ToSchema)]
pub(crate) struct LotteryView {
    /// Names it in addresses.
    lottery_id: String,
    /// What people call it.
    name: String,
    /// The language of its messages.
    locale: String,
    /// Its time zone.
    time_zone: String,
    /// Whose national phone numbers its lists hold; null if only international ones can be read.
    country: Option<String>,
    /// What carries its e-mails: `sns` or `ses`.
    #[schema(pattern = "^(sns|ses)$")]
    email_through: &'static str,
    /// Whether people may enter themselves.
    open_to_join: bool,
    /// When and how they enter.
    joining: JoiningView,
    /// When its organiser closed it; null if it is open.
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_at: Option<Timestamp>,
    /// When its list was deleted with all contact data; null if it was not.
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl LotteryView {
    pub(crate) fn new(lottery: &Lottery, now: Timestamp) -> Self {
        Self {
            lottery_id: lottery.lottery_id.to_string(),
            name: lottery.name.to_string(),
            locale: lottery.locale.to_string(),
            time_zone: lottery.time_zone.to_string(),
            country: country_of(lottery).map(|country| country.to_string()),
            email_through: match lottery.email_through {
                EmailThrough::Sns => "sns",
                EmailThrough::Ses => "ses",
            },
            open_to_join: lottery.open_to_join,
            joining: JoiningView::new(lottery, now),
            closed_at: lottery.closed_at,
            deleted_at: lottery.deleted_at,
            created_at: lottery.created_at,
        }
    }
}

/// A lottery with its draws.
#[derive(Serialize, ToSchema)]
pub(crate) struct LotteryWithDraws {
    #[serde(flatten)]
    lottery: LotteryView,
    /// Its newest draws, with their sequence numbers and commitments.
    draws: Vec<DrawSummary>,
    /// The cursor of its further draws, if there are any.
    next_cursor: Option<String>,
}

/// A page of lotteries.
#[derive(Serialize, ToSchema)]
pub(crate) struct Lotteries {
    lotteries: Vec<LotteryView>,
    /// What to pass as `cursor` for the next page.
    next_cursor: Option<String>,
}

/// Where a list begins and how long it is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query that `Paging` reads")]
pub(crate) struct PagingQuery {
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, at most: 1 to 1000, 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Create a lottery, with its topic for e-mails.
#[utoipa::path(post, path = "/lotteries", tag = "lotteries", request_body = NewLotteryBody,
    params((
        "Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer",
        min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$"
    )),
    responses((status = 201, description = "Created", body = LotteryView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    key: IdempotencyKey,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let seed = key.seed();
    let action = async {
        let mut new = NewLottery::parse(&body.value)?;
        if let Some(code) = &new.country {
            Country::parse(code.as_str()).map_err(|error| error.in_field("country"))?;
        }
        let through = if state.config.has_email_sender { EmailThrough::Ses } else { EmailThrough::Sns };
        new.email_through.get_or_insert(through);
        let mut lottery = new.begin(id_bytes(seed), state.clock.now());
        lottery.country = country_of(&lottery).map(Country::code);
        begin(&state, lottery).await
    };
    key.once(&state, &body.bytes, action).await
}

/// The topic first: its name follows from the lottery's, and creating it again finds it. The other way round a
/// crash between the two would leave a lottery without one.
async fn begin(state: &AppState, mut lottery: Lottery) -> Result<Response, ApiError> {
    if lottery.email_through == EmailThrough::Ses && !state.config.has_email_sender {
        let sentence =
            "this service has no sender for e-mails through SES; leave this out, or set EMAIL_SENDER";
        return Err(ApiError::invalid("SesUnavailable", sentence).at("email_through"));
    }
    lottery.topic_arn = Some(create_topic(state, &lottery.lottery_id).await?);
    match state.store.create_lottery(&lottery).await? {
        CreateLottery::Created => {}
        CreateLottery::Exists => {
            return Err(ApiError::conflict(
                "LotteryExists",
                format!("there is a lottery of the id `{}` already; choose another", lottery.lottery_id),
            )
            .at("id"));
        }
    }
    tracing::info!(lottery_id = %lottery.lottery_id, "created a lottery");
    let location = format!("/lotteries/{}", lottery.lottery_id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(LotteryView::new(&lottery, state.clock.now())))
        .into_response())
}

async fn create_topic(state: &AppState, lottery_id: &LotteryId) -> Result<String, ApiError> {
    let name = format!("{}{lottery_id}", state.config.topic_prefix);
    let created = state.sns.create_topic().name(name).send().await;
    let created = created.map_err(|error| ApiError::unavailable(DisplayErrorContext(error)))?;
    created.topic_arn.ok_or_else(|| ApiError::internal("CreateTopic answered without an ARN"))
}

/// What a made-up id derives from: the idempotency key, so that a repetition makes the same; else chance.
fn id_bytes(seed: Option<String>) -> [u8; 16] {
    match seed {
        Some(seed) => {
            let digest: [u8; 32] = Sha256::digest(seed).into();
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest[..16]);
            bytes
        }
        None => Uuid::new_v4().into_bytes(),
    }
}

/// List the lotteries.
#[utoipa::path(get, path = "/lotteries", tag = "lotteries", params(PagingQuery),
    responses((status = 200, description = "A page of lotteries", body = Lotteries)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    paging: Paging,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (cursor, limit) = (paging.cursor.as_deref(), paging.limit);
    let key = state.cache.key(format_args!("lotteries/{limit}/{}", cursor.unwrap_or_default()));
    let answer = async {
        let now = state.clock.now();
        let page = state.store.lotteries(cursor, limit).await?;
        let lotteries = page.items.iter().map(|lottery| LotteryView::new(lottery, now)).collect();
        Answer::json(&Lotteries { lotteries, next_cursor: page.cursor }, CacheRule::List)
    };
    Ok(state.cache.answer(key, state.cache.freshness(), answer).await?.respond(&headers))
}

/// One lottery, with its draws.
#[utoipa::path(get, path = "/lotteries/{lottery_id}", tag = "lotteries",
    responses((status = 200, description = "The lottery and its newest draws", body = LotteryWithDraws)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = state.cache.key(format_args!("lottery/{lottery_id}"));
    let answer = async {
        let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
        let mut fit = Fit::new(DRAWS_SHOWN);
        loop {
            let page = state.store.draws(&lottery_id, None, fit.limit).await?;
            let view = LotteryWithDraws {
                lottery: LotteryView::new(&lottery, state.clock.now()),
                draws: page.items.iter().map(DrawSummary::from).collect(),
                next_cursor: page.cursor,
            };
            let answer = Answer::json(&view, CacheRule::List)?;
            if fit.holds(&answer) {
                return Ok(answer);
            }
        }
    };
    Ok(state.cache.answer(key, state.cache.freshness(), answer).await?.respond(&headers))
}
