//! A webhook: an address of the organiser's that hears what happens to the draws of a lottery.
//!
//! - [`WebhookUrl`]: which addresses there may be; [`is_public`]: which hosts they may lead to
//! - [`DrawEvent`]: what happened, as an event of the draw says it
//! - [`message`](WebhookMessage): the request in the form that the receiver takes, signed

mod address;
mod message;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use address::{Reach, WebhookUrl, is_public};
pub use message::{DrawEvent, WebhookMessage, refusal_of_bot, sign};

use crate::text::line;
use crate::{Invalid, Refusal};

/// How often the delivery of an event is tried before it is given up.
pub const MAX_ATTEMPTS: u32 = 8;

/// How often the queue of the events gives one out before it is among the dead letters. An attempt that broke off, such as while
/// the function was throttled, is made up for.
pub const MAX_RECEIVES: u32 = MAX_ATTEMPTS + 2;

/// The pauses before the second attempt and, at most, before the last one, in seconds. Each is three times the one before it.
const FIRST_PAUSE: u32 = 10;
const MAX_PAUSE: u32 = 10_800;

/// How long the delivery waits after so many attempts, in seconds: three hours in all.
#[must_use]
pub fn pause_after(attempts: u32) -> u32 {
    FIRST_PAUSE.saturating_mul(3_u32.saturating_pow(attempts.saturating_sub(1))).min(MAX_PAUSE)
}

/// The form of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// Our own JSON.
    Json,
    /// A text to a bot of WeCom (企业微信).
    Wecom,
    /// A text to a bot of DingTalk (钉钉).
    Dingtalk,
    /// A text to a bot of Feishu (飞书) or Lark.
    Feishu,
    /// A text to an incoming webhook of Slack, or of whatever takes the same.
    Slack,
}

impl WebhookFormat {
    /// Every form.
    pub const ALL: [Self; 5] = [Self::Json, Self::Wecom, Self::Dingtalk, Self::Feishu, Self::Slack];

    /// Parses the name of a form.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let values = "json, wecom, dingtalk, feishu, slack";
        let found = Self::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| Refusal::NotOneOf { values }.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Wecom => "wecom",
            Self::Dingtalk => "dingtalk",
            Self::Feishu => "feishu",
            Self::Slack => "slack",
        }
    }

    /// Whether its bots can ask for a signature of their own, with a secret that the bot shows.
    #[must_use]
    pub fn has_bot_secret(self) -> bool {
        matches!(self, Self::Dingtalk | Self::Feishu)
    }
}

impl std::str::FromStr for WebhookFormat {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

/// A secret that signs messages. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// Parses a secret: 1 to 200 characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        line(text, 200).map(Self)
    }

    /// Its text, to store it and to show it once.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for WebhookSecret {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookSecret")
    }
}

/// The webhook of a lottery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where messages go.
    pub url: WebhookUrl,
    /// Their form.
    pub format: WebhookFormat,
    /// Signs every message.
    pub secret: WebhookSecret,
    /// The secret that the bot asks for, if it does.
    pub bot_secret: Option<WebhookSecret>,
}
