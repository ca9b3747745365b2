//! Messages to those on the sealed list of a draw, of one kind: each person gets one, by e-mail if the draw has that channel
//! and they have an address, by SMS otherwise.
//!
//! A run works for about ten minutes and returns where the next one resumes. It goes through a sequence of places: first all
//! entries for e-mail, then all for SMS. The ledger has lines of each kind, so that nobody gets the same message twice.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use lottery::receipt::short_code;
use lottery::{Channel, Draw, Lottery, ParticipantId};
use lottery_store::{CHUNK_ENTRIES, Contact, Notification, NotificationKind, SealedDraw, SealedEntry};
use platform::Chain;
use tracing::warn;

use crate::due_message::DueMessage;
use crate::entry_message::{Announcement, NotWon};
use crate::notify::{Output, Tally, resume_at};
use crate::notify_winner::{ChannelRun, Outcome, Recipient, Stop};
use crate::pace::Pace;
use crate::position::Position;
use crate::{TaskContext, TaskError};

/// How long one run starts sending messages: longer than for winners, since there are more of them, and an execution has room
/// for few runs. With the calls still running at its end it takes less than the function's time-out of 720 s.
const BUDGET: Duration = Duration::from_secs(600);
/// The entries of one chunk.
const CHUNK: u32 = CHUNK_ENTRIES as u32;

/// What the message to those on the list says.
pub(crate) enum Notice {
    /// What the draw was committed to, of use until this time.
    Commitment {
        /// In hexadecimal.
        commitment: String,
        round: u64,
        /// When the round comes out, in UTC.
        round_at: String,
        latest: Timestamp,
    },
    /// That they have not won: all but those who could not win, and these.
    NotWon {
        /// Who has a seat, or had one.
        drawn: HashSet<ParticipantId>,
    },
}

impl Notice {
    fn kind(&self) -> NotificationKind {
        match self {
            Self::Commitment { .. } => NotificationKind::Commitment,
            Self::NotWon { .. } => NotificationKind::NotWon,
        }
    }

    /// From when on nothing is sent.
    fn latest(&self) -> Option<Timestamp> {
        match self {
            Self::Commitment { latest, .. } => Some(*latest),
            Self::NotWon { .. } => None,
        }
    }

    fn is_for(&self, sealed: &SealedEntry) -> bool {
        match self {
            Self::Commitment { .. } => true,
            Self::NotWon { drawn } => {
                sealed.entry.excluded.is_none() && !drawn.contains(&sealed.participant_id)
            }
        }
    }
}

/// Tells those on the sealed list from a position on.
pub(crate) async fn tell_entries(
    cx: &TaskContext,
    draw: &Draw,
    notice: &Notice,
    position: Position,
) -> Result<Output, TaskError> {
    let began = cx.clock.now();
    let lottery = cx.store.lottery(&draw.lottery_id).await?.ok_or(TaskError::DrawUnknown)?;
    let seal = cx.store.seal(&draw.lottery_id, &draw.draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    let entries = u32::try_from(seal.manifest.entries).unwrap_or(u32::MAX / 2);
    let channels: Vec<_> = [Channel::Email, Channel::Sms]
        .into_iter()
        .filter(|channel| draw.channels.contains(channel))
        .collect();
    let before = position.next.saturating_sub(1);
    let (pass, index) = (before / entries.max(1), before % entries.max(1));
    let Some(&channel) = channels.get(pass as usize).filter(|_| position.next > 0) else {
        return Ok(over(position));
    };

    let configured = match channel {
        Channel::Sms => cx.config.delivery.sms_per_second,
        Channel::Email => cx.config.delivery.emails_per_second,
    };
    let pace = Pace::new(configured, position.per_minute, began);
    let deadline = notice.latest().map_or(began + BUDGET, |latest| latest.min(began + BUDGET));
    let run = ChannelRun::new(cx, &lottery, draw, channel, &pace, deadline, None).of_kind(notice.kind());
    let telling = EntryRun { cx, run: &run, lottery: &lottery, draw, seal: &seal, notice };
    let mut tally = Tally::default();
    let end = telling.go_through(pass * entries, index, entries, &mut tally).await;
    count(cx, draw, notice.kind(), channel, &tally).await;
    if let Some(error) = tally.error {
        return Err(error);
    }
    let is_last = pass as usize + 1 == channels.len();
    let next = match tally.left {
        Some(place) => place,
        // The next channel begins in a run of its own, at its own rate.
        None if end < entries || !is_last => pass * entries + end + 1,
        None => 0,
    };
    let mut resumed = resume_at(cx, position, &pace, configured, &tally, run.stopped(), next, began);
    if resumed.next > (pass + 1) * entries {
        resumed.per_minute = 0;
    }
    let resumes_at = cx.clock.now() + SignedDuration::from_secs(resumed.wait_seconds.into());
    // A run that stopped since its turns came too late would begin another with a turn of its own.
    let is_too_late =
        |latest| resumes_at >= latest || (deadline == latest && run.stopped() == Some(Stop::Budget));
    if notice.latest().is_some_and(is_too_late) {
        resumed = over(resumed).position;
    }
    Ok(Output { position: resumed, sent: tally.sent, unsent: tally.unsent })
}

/// Nothing is sent any more.
pub(crate) fn over(position: Position) -> Output {
    let position = Position { next: 0, postponed: 0, wait_seconds: 0, ..position };
    Output { position, sent: 0, unsent: 0 }
}

/// A run through the sealed list.
struct EntryRun<'a> {
    cx: &'a TaskContext,
    run: &'a ChannelRun<'a>,
    lottery: &'a Lottery,
    draw: &'a Draw,
    seal: &'a SealedDraw,
    notice: &'a Notice,
}

impl EntryRun<'_> {
    /// Goes through the entries from an index on, a chunk at a time; returns the index at which it stopped. The entries'
    /// places begin behind `places`.
    async fn go_through(&self, places: u32, from: u32, entries: u32, tally: &mut Tally) -> u32 {
        let mut index = from;
        while index < entries && self.run.stopped().is_none() {
            let number = index / CHUNK;
            if let Err(error) = self.tell_chunk(number, index % CHUNK, places, tally).await {
                tally.error.get_or_insert(error);
                break;
            }
            index = ((number + 1) * CHUNK).min(entries);
        }
        index
    }

    /// Tells the entries of one chunk, from an index in it on, many concurrently.
    async fn tell_chunk(
        &self,
        number: u32,
        skip: u32,
        places: u32,
        tally: &mut Tally,
    ) -> Result<(), TaskError> {
        let Self { cx, run, draw, .. } = self;
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let chunk = cx.store.chunks(self.seal, number..number + 1).await?.pop().unwrap_or_default();
        let entries: Vec<(u32, SealedEntry)> =
            (places + number * CHUNK + 1..).zip(chunk).skip(skip as usize).collect();
        let entries: Vec<_> = entries.into_iter().filter(|(_, sealed)| self.notice.is_for(sealed)).collect();
        let people = entries.iter().map(|(_, sealed)| (&sealed.participant_id, sealed.member));
        let contacts = cx.store.contacts_labelled(lottery_id, people).await?;
        let due = |sealed: &SealedEntry| self.due_to(contacts.get(&sealed.participant_id)?);
        let due: Vec<_> =
            entries.iter().filter_map(|(place, sealed)| Some((*place, sealed, due(sealed)?))).collect();
        let ids: Vec<ParticipantId> =
            due.iter().map(|(_, sealed, _)| sealed.participant_id.clone()).collect();
        let kind = self.notice.kind();
        let ledger = cx.store.ledger_lines_of(kind, lottery_id, draw_id, run.channel(), &ids).await?;
        // Collected first: a stream over a borrowing closure would not be `Send`.
        let telling: Vec<_> = due
            .iter()
            .map(|(place, sealed, due)| async {
                (*place, self.tell(sealed, due, ledger.get(&sealed.participant_id)).await)
            })
            .collect();
        let mut telling = stream::iter(telling).buffer_unordered(run.concurrency());
        while let Some((place, outcome)) = telling.next().await {
            tally.add(place, outcome, run);
        }
        Ok(())
    }

    /// What is due to somebody on this channel: one message for each person, by e-mail where that is possible.
    fn due_to<'c>(&self, contact: &'c Contact) -> Option<DueMessage<'c>> {
        let by_email = contact.email.as_ref().filter(|_| self.draw.channels.contains(&Channel::Email));
        match (self.run.channel(), by_email, &contact.phone) {
            (Channel::Email, Some(email), _) => Some(DueMessage::Email(contact, email)),
            (Channel::Sms, None, Some(phone)) => Some(DueMessage::Sms(contact, phone)),
            _ => None,
        }
    }

    async fn tell(
        &self,
        entry: &SealedEntry,
        due: &DueMessage<'_>,
        line: Option<&Notification>,
    ) -> Result<Outcome, TaskError> {
        let Self { run, lottery, .. } = self;
        let (DueMessage::Email(contact, _) | DueMessage::Sms(contact, _)) = due else {
            return Ok(Outcome::NothingDue);
        };
        let to = Recipient { participant_id: &entry.participant_id, member: &entry.member };
        let (lottery_id, name, own_entry) = (&lottery.lottery_id, &contact.name, run.check(contact));
        match self.notice {
            Notice::Commitment { commitment, round, round_at, .. } => {
                let wording = Announcement {
                    locale: lottery.locale,
                    lottery_id: lottery_id.as_str(),
                    lottery: lottery.name.as_str(),
                    name: name.as_str(),
                    commitment,
                    round: *round,
                    round_at,
                    code: &short_code(&contact.label),
                    link: run.link(),
                    entry: &own_entry,
                };
                run.tell(to, due, line, &wording).await
            }
            Notice::NotWon { .. } => {
                let wording = NotWon {
                    locale: lottery.locale,
                    lottery_id: lottery_id.as_str(),
                    lottery: lottery.name.as_str(),
                    name: name.as_str(),
                    link: run.link(),
                    entry: &own_entry,
                    own: lottery.messages.of(lottery.locale),
                };
                run.tell(to, due, line, &wording).await
            }
        }
    }
}

/// Counts on the draw's item, and for the operator's metrics. The ledger remains the source.
async fn count(cx: &TaskContext, draw: &Draw, kind: NotificationKind, channel: Channel, tally: &Tally) {
    cx.metrics.notifications(channel, tally.recorded, cx.clock.now());
    if tally.recorded.total() == 0 {
        return;
    }
    let counted = cx.store.count_told(&draw.lottery_id, &draw.draw_id, kind, &tally.recorded).await;
    if let Err(error) = counted {
        warn!(cause = %Chain(&error), "not counted on the draw");
    }
}
