//! Tells one batch of winners by e-mail: through the lottery's topic with their label as audience, or through SES.

use lottery::Channel;

use crate::notify::{Output, notify};
use crate::{BatchInput, TaskContext, TaskError};

/// Tells one batch of winners by e-mail.
pub async fn handle(cx: &TaskContext, input: BatchInput) -> Result<Output, TaskError> {
    notify(cx, input, Channel::Email).await
}
