//! Sends an organiser how a draw ended, to the addresses of their own that the lottery has; and of a rehearsal what winners
//! would have read. It runs after the draw has ended, so nothing here changes how it did.

use std::time::Duration;

use lottery::{Address, Channel, Draw, DrawStatus, Label, Lottery, NotificationCounts, ParticipantId};
use lottery_store::{NotificationKind, NotificationState, RankedEntry, Winner};
use serde::Serialize;

use crate::message::{Facts, Wording};
use crate::notify_winner::{ChannelRun, Outcome, Recipient};
use crate::pace::Pace;
use crate::publish::OPTED_OUT;
use crate::summary_message::{Rehearsed, Summary};
use crate::{DrawInput, TaskContext, TaskError};

/// How long one run starts sending messages. The function's time-out is 120 s.
const BUDGET: Duration = Duration::from_secs(60);
/// So many prizes of a rehearsal have a sample on each channel.
const MAX_SAMPLES: usize = 10;

/// What became of the messages to the organiser.
#[derive(Debug, Default, Serialize)]
pub struct Output {
    /// How many are sent, by this run or before.
    sent: u32,
    /// How many are FAILED or UNKNOWN.
    unsent: u32,
    /// Whether one was not taken, and may be later.
    #[serde(skip)]
    is_left: bool,
}

impl Output {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Recorded(NotificationState::Sent) | Outcome::Found(NotificationState::Sent) => {
                self.sent += 1;
            }
            Outcome::Recorded(_) | Outcome::Found(_) => self.unsent += 1,
            Outcome::NothingDue => {}
            Outcome::Later(_) | Outcome::Left => self.is_left = true,
        }
    }
}

/// Sends the organiser how the draw ended, once; nothing if the lottery has no address of theirs, or the draw goes on.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = input;
    let draw = cx.store.draw(&lottery_id, &draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    let mut output = Output::default();
    if !draw.status.is_final() || draw.status == DrawStatus::Cancelled {
        return Ok(output);
    }
    let addresses: Vec<_> = cx.store.organiser_address(&lottery_id).await?.by_channel().collect();
    if addresses.is_empty() {
        return Ok(output);
    }
    let lottery = cx.store.lottery(&lottery_id).await?.ok_or(TaskError::DrawUnknown)?;
    let end = End::read(cx, &draw).await?;
    let samples = if draw.rehearsal { Sample::all(cx, &draw).await? } else { Vec::new() };
    for (channel, address) in &addresses {
        let run = AddressRun { cx, lottery: &lottery, draw: &draw, channel: *channel, address };
        run.samples(&samples, &mut output).await?;
        run.summary(&end, &mut output).await?;
    }
    if output.is_left {
        return Err(TaskError::MessageNotTaken);
    }
    Ok(output)
}

/// Everything on one of the organiser's addresses.
struct AddressRun<'a> {
    cx: &'a TaskContext,
    lottery: &'a Lottery,
    draw: &'a Draw,
    channel: Channel,
    address: &'a Address,
}

impl AddressRun<'_> {
    async fn summary(&self, end: &End, output: &mut Output) -> Result<(), TaskError> {
        let Self { cx, lottery, draw, .. } = self;
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let public_url = &cx.config.public_url;
        let summary = Summary {
            locale: lottery.locale,
            lottery_id: lottery_id.as_str(),
            lottery: lottery.name.as_str(),
            status: draw.status,
            reason: draw.reason.as_ref(),
            is_rehearsal: draw.rehearsal,
            winners: end.winners,
            alternates: end.alternates,
            released: end.released,
            counts: end.counts,
            opted_out: end.opted_out,
            link: &format!("{public_url}/lotteries/{lottery_id}/draws/{draw_id}"),
            proof: &format!("{public_url}/#/lotteries/{lottery_id}/draws/{draw_id}/check"),
        };
        self.tell(NotificationKind::Summary, "organiser", &summary, output).await
    }

    async fn samples(&self, samples: &[Sample], output: &mut Output) -> Result<(), TaskError> {
        let Self { cx, lottery, draw, .. } = self;
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let public_url = &cx.config.public_url;
        for sample in samples {
            let facts = Facts {
                locale: lottery.locale,
                lottery_id: lottery_id.as_str(),
                lottery: lottery.name.as_str(),
                prize: sample.winner.prize.as_str(),
                winner: &sample.name,
                link: &format!("{public_url}/lotteries/{lottery_id}/draws/{draw_id}"),
                // Without the receipt, which is the participant's own.
                check: &format!("{public_url}/#/lotteries/{lottery_id}/me"),
                claim: None,
                own: lottery.messages.of(lottery.locale),
            };
            let words = Rehearsed { locale: lottery.locale, words: &facts };
            let name = format!("prize-{}", sample.winner.prize_index);
            self.tell(NotificationKind::Sample, &name, &words, output).await?;
        }
        Ok(())
    }

    /// Sends one message, whose line of the ledger has this name.
    async fn tell(
        &self,
        kind: NotificationKind,
        name: &str,
        wording: &(dyn Wording + Sync),
        output: &mut Output,
    ) -> Result<(), TaskError> {
        let Self { cx, lottery, draw, channel, address } = *self;
        let configured = match channel {
            Channel::Sms => cx.config.delivery.sms_per_second,
            Channel::Email => cx.config.delivery.emails_per_second,
        };
        let began = cx.clock.now();
        let pace = Pace::new(configured, 0, began);
        let run = ChannelRun::new(cx, lottery, draw, channel, &pace, began + BUDGET, None).of_kind(kind);
        let id = ParticipantId::parse(name).map_err(|_| TaskError::WrongInput)?;
        // Nobody on a list has this label.
        let nobody = Label::from_random([0; 16]);
        let to = Recipient { participant_id: &id, member: &nobody };
        let ids = std::slice::from_ref(&id);
        let lines = cx.store.ledger_lines_of(kind, &draw.lottery_id, &draw.draw_id, channel, ids).await?;
        output.add(run.tell_organiser(to, address, lines.get(&id), wording).await?);
        Ok(())
    }
}

/// How a draw ended, in numbers.
struct End {
    winners: usize,
    alternates: usize,
    /// How many winners are released, of a draw that held them back.
    released: Option<usize>,
    counts: NotificationCounts,
    opted_out: usize,
}

impl End {
    async fn read(cx: &TaskContext, draw: &Draw) -> Result<Self, TaskError> {
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let ranking = match draw.status.has_official_winners() {
            true => cx.store.ranked_entries(lottery_id, draw_id).await?,
            false => Vec::new(),
        };
        let has_prize =
            |entry: &RankedEntry| entry.ranked.prize.is_some() || draw.taken_by(entry.rank).is_some();
        let has_seat = |entry: &&RankedEntry| has_prize(entry) && draw.left_by(entry.rank).is_none();
        let winners = ranking.iter().filter(has_seat);
        let released = winners.clone().filter(|entry| draw.is_released(entry.rank)).count();
        let ledger = cx.store.notifications(lottery_id, draw_id).await?;
        let mut counts = NotificationCounts::default();
        ledger.iter().for_each(|line| line.state.count_in(&mut counts));
        let opted_out = |reason: &str| [OPTED_OUT, "Unsubscribed"].contains(&reason);
        Ok(Self {
            winners: winners.count(),
            alternates: ranking.iter().filter(|entry| !has_prize(entry)).count(),
            released: draw.hold.as_ref().map(|_| released),
            counts,
            opted_out: ledger.iter().filter(|line| line.reason.as_deref().is_some_and(opted_out)).count(),
        })
    }
}

/// The first winner of a prize of a rehearsal, whose message is shown to the organiser.
struct Sample {
    winner: Winner,
    name: String,
}

impl Sample {
    /// One for each prize, the first so many of them.
    async fn all(cx: &TaskContext, draw: &Draw) -> Result<Vec<Self>, TaskError> {
        let mut winners = cx.store.winners(&draw.lottery_id, &draw.draw_id).await?;
        winners.retain(Winner::has_seat);
        winners.sort_by_key(|winner| (winner.prize_index, winner.rank));
        winners.dedup_by_key(|winner| winner.prize_index);
        winners.truncate(MAX_SAMPLES);
        let contacts = cx.store.contacts_of(&draw.lottery_id, &winners).await?;
        let named = winners.into_iter().filter_map(|winner| {
            let name = contacts.get(&winner.participant_id)?.name.as_str().to_owned();
            Some(Self { winner, name })
        });
        Ok(named.collect())
    }
}
