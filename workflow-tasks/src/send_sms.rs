//! Tells winners by SMS, straight to their phones.

use lottery::Channel;

use crate::notify::{Output, notify};
use crate::{SendInput, TaskContext, TaskError};

/// Tells winners, from a position in the ranking on, by SMS.
pub async fn handle(cx: &TaskContext, input: SendInput) -> Result<Output, TaskError> {
    notify(cx, input, Channel::Sms).await
}
