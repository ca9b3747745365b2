//! Sends the commitment to everybody on the sealed list who has an address, for ten minutes and no longer than until the
//! round: afterwards it would witness nothing. The draw never waits for it.

use jiff::{SignedDuration, Timestamp};
use lottery::{Draw, DrawStatus};

use crate::notify::Output;
use crate::tell_entries::{Notice, over, tell_entries};
use crate::{SendInput, TaskContext, TaskError};

/// So long before the round nothing is sent any more.
const LATEST: SignedDuration = SignedDuration::from_secs(2);

/// Tells those on the sealed list from a position on.
pub async fn handle(cx: &TaskContext, input: SendInput) -> Result<Output, TaskError> {
    let SendInput { lottery_id, draw_id, position } = input;
    let draw = cx.store.draw(&lottery_id, &draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match announced(&draw, cx.clock.now()) {
        Some(notice) => tell_entries(cx, &draw, &notice, position).await,
        None => Ok(over(position)),
    }
}

/// What there is to tell, as long as it is of use.
fn announced(draw: &Draw, now: Timestamp) -> Option<Notice> {
    let is_due = draw.announce_commitment && draw.status == DrawStatus::Sealed;
    let (commitment, round, round_at) = (draw.commitment?, draw.round?, draw.round_at?);
    let latest = round_at - LATEST;
    (is_due && now < latest).then(|| Notice::Commitment {
        commitment: commitment.to_string(),
        round,
        round_at: round_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        latest,
    })
}
