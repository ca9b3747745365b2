//! What winners would read in the organiser's own words, and how many parts the SMS takes.

use axum::Json;
use axum::extract::State;
use lottery::message::{Alphabet, OwnWording, Template, Values, forcing, in_plain_form, plain_form};
use lottery::{Locale, Lottery};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::{JsonBody, LotteryPath, unknown_lottery};
use crate::settings::OwnWordingBody;
use crate::state::AppState;

/// The length of what a claim link ends with.
const CLAIM_TOKEN: usize = 36;

/// The words with examples filled in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Preview {
    /// The name that phones show as the sender of SMS, where the country allows one.
    sms_sender: Option<String>,
    sms: Option<SmsPreview>,
    email_subject: Option<String>,
    email_text: Option<String>,
    /// To those who have not won.
    others_sms: Option<SmsPreview>,
    others_email_subject: Option<String>,
    others_email_text: Option<String>,
}

/// An SMS as it would be sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SmsPreview {
    text: String,
    /// `gsm7`, or `ucs2` if a character needs it, which halves what a part holds.
    #[schema(value_type = String, example = "gsm7")]
    alphabet: Alphabet,
    /// How much it takes: some characters count twice.
    units: usize,
    /// In how many parts it is sent and billed; long names may make it more.
    parts: usize,
    /// The characters of the own words that need `ucs2`.
    forcing: Vec<Forcing>,
    /// The own words with the plain forms of those that have one; null if there are none.
    plain: Option<String>,
}

/// A character that needs `ucs2`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Forcing {
    character: String,
    /// What `gsm7` has in its place, if it has something.
    plain: Option<String>,
}

/// What winners would read in the organiser's own words; nothing is stored.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/messages/preview", tag = "lotteries", request_body = OwnWordingBody,
    responses((status = 200, description = "The words with examples filled in", body = Preview)))]
pub(crate) async fn preview(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    JsonBody { value, .. }: JsonBody,
) -> Result<Json<Preview>, ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let wording = OwnWording::parse(&value, "messages")?;
    let site = state.config.public_url.clone().unwrap_or_else(|| "https://lottery.example".to_owned());
    let link = format!("{site}/lotteries/{lottery_id}/draws/1f0c2a9e");
    let entry = format!("{link}#/…");
    let claim_link = format!("{site}/#/claims/{}", "x".repeat(CLAIM_TOKEN));
    let values = Values { entry: &entry, claim_link: &claim_link, ..example(&lottery, &link) };
    let others = Values { prize: "", claim_link: &link, ..values };
    let fill = |template: &Option<Template>, values| template.as_ref().map(|template| template.fill(values));
    Ok(Json(Preview {
        sms_sender: lottery.sms_sender.as_ref().map(ToString::to_string),
        sms: wording.sms.as_ref().map(|sms| sms_preview(sms, values)),
        email_subject: fill(&wording.email_subject, values),
        email_text: fill(&wording.email_text, values),
        others_sms: wording.others_sms.as_ref().map(|sms| sms_preview(sms, others)),
        others_email_subject: fill(&wording.others_email_subject, others),
        others_email_text: fill(&wording.others_email_text, others),
    }))
}

fn example<'a>(lottery: &'a Lottery, link: &'a str) -> Values<'a> {
    let (name, prize) = match lottery.locale {
        Locale::En => ("Rose Tyler", "First prize"),
        Locale::ZhCn => ("王小明", "一等奖"),
    };
    Values { name, prize, lottery: lottery.name.as_str(), link, entry: link, claim_link: link }
}

fn sms_preview(sms: &Template, values: Values<'_>) -> SmsPreview {
    let text = sms.fill(values);
    let alphabet = Alphabet::of(&text);
    let characters = forcing(sms.as_str()).into_iter();
    let plain = in_plain_form(sms.as_str());
    SmsPreview {
        alphabet,
        units: alphabet.length(&text),
        parts: alphabet.parts(&text),
        forcing: characters
            .map(|character| Forcing {
                character: character.to_string(),
                plain: plain_form(character).map(str::to_owned),
            })
            .collect(),
        plain: Some(plain).filter(|plain| plain != sms.as_str()),
        text,
    }
}
