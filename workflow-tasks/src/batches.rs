//! How winners are spread over the iterations of the two Map states.

use std::ops::RangeInclusive;

use lottery::{Channel, Draw};
use serde::Serialize;

/// The most batches of a channel: as many as an inline Map runs at once.
const MOST: u32 = 40;

/// The batch numbers of each channel, which the Map states iterate over.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Batches {
    sms: Vec<u32>,
    email: Vec<u32>,
}

impl Batches {
    /// The batches in which the winners of `draw` are told, on the channels that it asks for. With quotas a
    /// winner may stand behind an alternate, so that batches go over the whole ranking.
    pub(crate) fn of(draw: &Draw) -> Self {
        let on = |channel| match draw.channels.contains(&channel) {
            true => (0..count(draw.ranked())).collect(),
            false => Vec::new(),
        };
        Self { sms: on(Channel::Sms), email: on(Channel::Email) }
    }
}

/// The ranks in one batch, of a ranking of this length.
pub(crate) fn ranks(ranked: u32, batch: u32) -> RangeInclusive<u32> {
    let before = batch.saturating_mul(size(ranked));
    before.saturating_add(1)..=before.saturating_add(size(ranked)).min(ranked)
}

fn count(ranked: u32) -> u32 {
    ranked.div_ceil(size(ranked))
}

fn size(ranked: u32) -> u32 {
    ranked.div_ceil(MOST).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_winner_is_in_one_of_at_most_forty_batches() {
        for winners in [1, 2, 39, 40, 41, 79, 80, 81, 1_000, 9_999, 10_000] {
            assert!(count(winners) <= MOST);
            let told: Vec<u32> = (0..count(winners)).flat_map(|batch| ranks(winners, batch)).collect();
            assert_eq!(told, (1..=winners).collect::<Vec<_>>());
            assert!((0..count(winners)).all(|batch| !ranks(winners, batch).is_empty()));
        }
    }

    #[test]
    fn a_batch_that_does_not_exist_is_empty() {
        assert!(ranks(10, 10).is_empty());
        assert!(ranks(10, u32::MAX).is_empty());
        assert!(ranks(0, 0).is_empty());
    }
}
