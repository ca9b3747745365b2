//! What a webhook is sent: the body in the form that its receiver takes, and the signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Webhook, WebhookFormat, WebhookSecret};
use crate::text::hex;
use crate::{DrawId, Locale, Lottery, LotteryId};

/// What happened to a draw: the detail of its event, with the event's type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawEvent {
    /// The event's type, such as `DrawCompleted`.
    #[serde(rename = "event")]
    pub event_type: String,
    /// Names the event: the same whenever it is reported again.
    pub event_id: String,
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// How the draw has ended, if it has winners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The name of the error that has ended it, if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl DrawEvent {
    /// What happened, in a sentence.
    fn sentence(&self, locale: Locale) -> String {
        let (english, chinese) = match (self.event_type.as_str(), self.status.as_deref()) {
            ("DrawSealed", _) => ("the list of the draw is sealed", "抽奖名单已封存"),
            ("WinnersRecorded", _) => ("the draw has its winners", "中奖结果已产生"),
            ("DrawCompleted", Some("INCOMPLETE")) => {
                ("the draw is complete, but some messages could not be sent", "抽奖已结束，但有通知未能发出")
            }
            ("DrawCompleted", _) => ("the draw is complete", "抽奖已完成"),
            ("DrawRejected", _) => ("the draw was rejected: nobody has won", "抽奖未能进行，无人中奖"),
            ("DrawFailed", _) => ("the draw failed: nobody has won", "抽奖失败，无人中奖"),
            (other, _) => (other, other),
        };
        match (locale, &self.error) {
            (Locale::En, Some(error)) => format!("{english} ({error})"),
            (Locale::ZhCn, Some(error)) => format!("{chinese}（{error}）"),
            (Locale::En, None) => english.to_owned(),
            (Locale::ZhCn, None) => chinese.to_owned(),
        }
    }
}

/// A request to a webhook, ready to be sent by POST.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookMessage {
    /// The address, with the parameters that sign it, if the bot wants any.
    pub url: String,
    /// The JSON text.
    pub body: String,
    /// The header `Lottery-Signature`.
    pub signature: String,
    /// The header `Lottery-Event-Id`.
    pub event_id: String,
}

impl WebhookMessage {
    /// The message about an event, to the webhook of `lottery`, whose page is under `public_url`.
    #[must_use]
    pub fn new(
        webhook: &Webhook,
        lottery: &Lottery,
        event: &DrawEvent,
        public_url: &str,
        now: Timestamp,
    ) -> Self {
        let link = format!("{public_url}/lotteries/{}/draws/{}", event.lottery_id, event.draw_id);
        let sentence = event.sentence(lottery.locale);
        let text = match lottery.locale {
            Locale::En => format!("{}: {sentence}. {link}", lottery.name),
            Locale::ZhCn => format!("「{}」{sentence}。{link}", lottery.name),
        };
        let body = match webhook.format {
            WebhookFormat::Json => own(lottery, event, &text, &link),
            WebhookFormat::Wecom | WebhookFormat::Dingtalk => {
                json!({"msgtype": "text", "text": {"content": text}})
            }
            WebhookFormat::Feishu => feishu(&text, webhook.bot_secret.as_ref(), now),
            WebhookFormat::Slack => json!({ "text": text }),
        };
        let url = match (webhook.format, &webhook.bot_secret) {
            (WebhookFormat::Dingtalk, Some(secret)) => dingtalk(webhook.url.as_str(), secret, now),
            _ => webhook.url.as_str().to_owned(),
        };
        let body = body.to_string();
        let signature = sign(&webhook.secret, now, &body);
        Self { url, body, signature, event_id: event.event_id.clone() }
    }
}

fn own(lottery: &Lottery, event: &DrawEvent, text: &str, link: &str) -> Value {
    let mut body = serde_json::to_value(event).expect("texts always serialise");
    body["lottery_name"] = json!(lottery.name.as_str());
    body["text"] = json!(text);
    body["url"] = json!(link);
    body
}

/// The value of `Lottery-Signature`: `t=<seconds>,v1=<hex>`, the HMAC-SHA256 of `<seconds>.<body>` under the secret.
#[must_use]
pub fn sign(secret: &WebhookSecret, now: Timestamp, body: &str) -> String {
    let seconds = now.as_second();
    let signed = hmac(secret.as_str().as_bytes(), format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex(&signed))
}

/// A text to a bot of Feishu, whose signature is keyed by time and secret and is over nothing.
/// <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>
fn feishu(text: &str, secret: Option<&WebhookSecret>, now: Timestamp) -> Value {
    let mut body = json!({"msg_type": "text", "content": {"text": text}});
    if let Some(secret) = secret {
        let seconds = now.as_second();
        let key = format!("{seconds}\n{}", secret.as_str());
        body["timestamp"] = json!(seconds.to_string());
        body["sign"] = json!(STANDARD.encode(hmac(key.as_bytes(), b"")));
    }
    body
}

/// The address of a bot of DingTalk with its signature.
/// <https://open.dingtalk.com/document/robots/customize-robot-security-settings>
fn dingtalk(url: &str, secret: &WebhookSecret, now: Timestamp) -> String {
    let millis = now.as_millisecond();
    let secret = secret.as_str();
    let signed = STANDARD.encode(hmac(secret.as_bytes(), format!("{millis}\n{secret}").as_bytes()));
    let signed = signed.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}timestamp={millis}&sign={signed}")
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes a key of any length");
    hmac.update(text);
    hmac.finalize().into_bytes().into()
}

/// Why a bot has not taken a message that it has answered with success: these say so in the body alone.
#[must_use]
pub fn refusal_of_bot(format: WebhookFormat, body: &[u8]) -> Option<String> {
    let field = match format {
        WebhookFormat::Wecom | WebhookFormat::Dingtalk => "errcode",
        WebhookFormat::Feishu => "code",
        WebhookFormat::Json | WebhookFormat::Slack => return None,
    };
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match answer[field].as_i64() {
        Some(0) => None,
        Some(code) => Some(format!("{field} {code}")),
        None => Some(format!("an answer without {field}")),
    }
}
