//! The ways to tell a winner.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// A way to tell a winner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A text message to the phone.
    Sms,
    /// A message to the e-mail address.
    Email,
}

impl Channel {
    /// Every channel, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Sms, Self::Email];

    /// Parses a channel's name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == text)
            .ok_or_else(|| Invalid::new("must be sms or email"))
    }

    /// The channel's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
