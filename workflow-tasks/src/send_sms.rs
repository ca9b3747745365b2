//! Tells one batch of winners by SMS, straight to their phones.

use lottery::Channel;

use crate::notify::{Output, notify};
use crate::{BatchInput, TaskContext, TaskError};

/// Tells one batch of winners by SMS.
pub async fn handle(cx: &TaskContext, input: BatchInput) -> Result<Output, TaskError> {
    notify(cx, input, Channel::Sms).await
}
