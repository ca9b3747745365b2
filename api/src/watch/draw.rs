//! A draw as its watchers read it: its item, the events that follow from it, and when to ask again.

use std::fmt::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use lottery::{Draw, DrawStatus, Prize, Quota};
use sha2::{Digest, Sha256};

use super::event::PublicEvent;
use super::events;
use crate::cache_control::CacheRule;

/// Where no request waits, watchers ask again after this time while a step is due: a thousand of them then send two hundred
/// requests a second, of some 15 ms each.
const SOON: Duration = Duration::from_secs(5);
/// Without the expected step for this long, a draw counts as delayed, for example by a throttled service.
const LATE: Duration = Duration::from_secs(60);
/// Watchers of a delayed draw ask again after this time.
const RARELY: Duration = Duration::from_secs(15);
/// The longest time between two requests of a watcher.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// A draw, read once for all its watchers.
pub(crate) struct WatchedDraw {
    pub(crate) draw: Draw,
    /// Differs when anything about the draw does.
    pub(crate) tag: String,
    pub(crate) current_states: Vec<String>,
    /// All events as server-sent events.
    stream: Bytes,
    /// Where each event begins in the stream, by its id less 1.
    starts: Vec<usize>,
}

impl WatchedDraw {
    pub(crate) fn new(draw: Draw, now: Timestamp) -> Self {
        let events = events::events(&draw, now);
        let (mut stream, mut starts) = (String::new(), Vec::with_capacity(events.len()));
        for event in &events {
            starts.push(stream.len());
            stream.push_str(&server_sent(event));
        }
        let tag = tag(&draw, &stream);
        Self { current_states: events::open_states(&events), draw, tag, stream: stream.into(), starts }
    }

    /// How many events there are: the id of the last one.
    pub(crate) fn events(&self) -> u64 {
        self.starts.len() as u64
    }

    /// The events after the one of this id, as server-sent events.
    pub(crate) fn after(&self, id: u64) -> Bytes {
        let start = usize::try_from(id).ok().and_then(|index| self.starts.get(index));
        start.map_or_else(Bytes::new, |start| self.stream.slice(*start..))
    }

    /// For how long it may be cached, where a draw under way is cached for `freshness`.
    pub(crate) fn lifetime(&self, freshness: Duration) -> Duration {
        self.rule().lifetime(freshness)
    }

    /// The rule for responses that show the draw's progress.
    pub(crate) fn rule(&self) -> CacheRule {
        if self.draw.status.is_final() { CacheRule::Ended } else { CacheRule::UnderWay }
    }

    /// The rule for responses that depend on the seal alone: until the round is known, the draw may be sealed anew.
    pub(crate) fn seal_rule(&self) -> CacheRule {
        let is_fixed = self.draw.beacon_at.is_some() || self.draw.status.has_official_winners();
        if is_fixed { CacheRule::Lasting } else { CacheRule::UnderWay }
    }

    /// The rule for the proof: it grows until the winners are official and the draw is closed, or never will be official.
    pub(crate) fn proof_rule(&self) -> CacheRule {
        match self.draw.status {
            status if status.has_official_winners() && self.draw.closed_at.is_some() => CacheRule::Lasting,
            status if status.has_official_winners() => CacheRule::Ended,
            status if status.is_final() => CacheRule::Ended,
            _ => CacheRule::UnderWay,
        }
    }

    /// Its size in the cache.
    pub(crate) fn bytes(&self) -> usize {
        // A quota takes some ten times as much in memory as an event, and each of its groups half of that again.
        let quota = |quota: &Quota| 192 + 96 * quota.groups.len().saturating_sub(1);
        let quotas = |prize: &Prize| prize.quota.iter().map(quota).sum::<usize>();
        let prizes: usize = self.draw.prizes.as_slice().iter().map(|prize| 256 + quotas(prize)).sum();
        1_024 + self.stream.len() + prizes + 16 * self.draw.passed_on.len()
    }

    /// When watchers should ask again, where no request waits: rarely while no step is due, soon around the closing time, the
    /// round and the recording.
    pub(crate) fn next_look(&self, now: Timestamp) -> Duration {
        let since = |at: Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
        let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
        let unless_late = |at: Option<Timestamp>| match at {
            Some(at) if since(at) > LATE => RARELY,
            _ => SOON,
        };
        let draw = &self.draw;
        match draw.status {
            DrawStatus::Waiting => match draw.closes_at {
                // Half of the remaining time, so that a watcher with a wrong clock asks in time.
                Some(closes_at) if now < closes_at => (until(closes_at) / 2).clamp(SOON, MAX_PAUSE),
                closes_at => unless_late(closes_at.or(Some(draw.created_at))),
            },
            DrawStatus::Sealed if draw.beacon_at.is_none() => match draw.round_at {
                Some(round_at) if now < round_at => (until(round_at) / 2).clamp(SOON, MAX_PAUSE),
                round_at => unless_late(round_at),
            },
            DrawStatus::Sealed => unless_late(draw.beacon_at),
            DrawStatus::Drawn => unless_late(draw.drawn_at),
            DrawStatus::Recorded => {
                let released_at = draw.hold.as_ref().and_then(|hold| hold.released_at);
                unless_late(draw.recorded_at.max(released_at))
            }
            _ => RARELY,
        }
    }
}

fn server_sent(event: &PublicEvent) -> String {
    let data = serde_json::to_string(event).expect("an event holds nothing that JSON cannot");
    format!("id: {}\ndata: {data}\n\n", event.id)
}

/// A digest of all fields of a draw.
fn tag(draw: &Draw, stream: &str) -> String {
    struct Digesting(Sha256);

    impl Write for Digesting {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text);
            Ok(())
        }
    }

    let mut digest = Digesting(Sha256::new_with_prefix(stream));
    // `Debug` names every field, also one that is added later.
    let _ = write!(digest, "{draw:?}");
    lottery::hex(&digest.0.finalize()[..12])
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use lottery::{DrawId, DrawRequest, Locale, LotteryId};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn draw() -> Draw {
        let request = DrawRequest::parse(&serde_json::json!({ "winners": 2 }), Locale::En, at(0)).unwrap();
        request.begin(LotteryId::parse("party").unwrap(), DrawId::parse("summer").unwrap(), at(0))
    }

    #[test]
    fn events_are_cut_behind_any_of_them() {
        let watched = WatchedDraw::new(draw(), at(1));
        let text = |id| String::from_utf8(watched.after(id).to_vec()).unwrap();
        assert!(watched.events() > 3);
        assert!(text(0).starts_with("id: 1\ndata: {"));
        assert_eq!(text(0).matches("\n\n").count() as u64, watched.events());
        assert!(text(watched.events() - 1).starts_with(&format!("id: {}\n", watched.events())));
        assert_eq!((text(watched.events()), text(u64::MAX)), (String::new(), String::new()));
    }

    #[test]
    fn a_tag_changes_with_whatever_changes() {
        let tag = |change: fn(&mut Draw)| {
            let mut draw = draw();
            change(&mut draw);
            WatchedDraw::new(draw, at(1)).tag
        };
        let before = tag(|_| {});
        assert_eq!(tag(|_| {}), before);
        assert_ne!(tag(|draw| draw.notified.sms.sent = 1), before);
        assert_ne!(tag(|draw| draw.status = DrawStatus::Sealed), before);
    }

    #[test]
    fn those_who_watch_come_back_seldom_while_nothing_happens_and_soon_when_it_does() {
        let pause = |change: fn(&mut Draw), now| {
            let mut draw = draw();
            change(&mut draw);
            WatchedDraw::new(draw, now).next_look(now)
        };
        let closing: fn(&mut Draw) = |draw| draw.closes_at = Some(at(0) + SignedDuration::from_hours(2));
        assert_eq!(pause(closing, at(0)), MAX_PAUSE);
        assert_eq!(pause(closing, at(7_200 - 40)), Duration::from_secs(20));
        assert_eq!(pause(closing, at(7_200 - 2)), SOON);
        assert_eq!(pause(closing, at(7_200 + 2)), SOON);
        assert_eq!(pause(closing, at(7_200 + 61)), RARELY);
        let sealed: fn(&mut Draw) = |draw| {
            (draw.status, draw.sealed_at, draw.round_at) = (DrawStatus::Sealed, Some(at(5)), Some(at(60)));
        };
        assert_eq!(pause(sealed, at(10)), Duration::from_secs(25));
        assert_eq!(pause(sealed, at(61)), SOON);
        assert_eq!(pause(sealed, at(200)), RARELY);
    }
}
