//! Tells winners by e-mail: through the lottery's topic with their label as audience, or through SES.

use lottery::Channel;

use crate::notify::{Output, notify};
use crate::{SendInput, TaskContext, TaskError};

/// Tells winners, from a position in the ranking on, by e-mail.
pub async fn handle(cx: &TaskContext, input: SendInput) -> Result<Output, TaskError> {
    notify(cx, input, Channel::Email).await
}
