//! Draws as everyone may see them.

use jiff::Timestamp;
use lottery::claim::ClaimCounts;
use lottery::seat_changes::PassedOnCounts;
use lottery::{Channel, Draw, Group, NotificationCounts, NotificationsByChannel, Prize, Quota, mask};
use lottery_store::{Contact, Winner};
use serde::Serialize;
use utoipa::ToSchema;

use crate::spreadsheet::Cell;
use crate::watch::WatchedDraw;

/// A prize of a draw.
#[derive(Serialize, ToSchema)]
pub(crate) struct PrizeView {
    name: String,
    /// How many win it.
    winners: u32,
    /// How many of them come from which group.
    quota: Vec<QuotaView>,
}

/// How many winners of a prize come from a group, or from several groups together.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuotaView {
    /// The group, if it is one alone; else `groups` and `without_group` name the groups of the quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// Several groups together.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
    /// Whether the people without a group belong to them too.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_group: Option<bool>,
    at_least: Option<u32>,
    at_most: Option<u32>,
}

impl From<&Quota> for QuotaView {
    fn from(quota: &Quota) -> Self {
        let &Quota { at_least, at_most, ref groups, without_group } = quota;
        let group = quota.only_group().map(Group::to_string);
        let several = || groups.iter().map(Group::to_string).collect();
        let (groups, without_group) = match group {
            Some(_) => (None, None),
            None => (Some(several()), Some(without_group)),
        };
        Self { group, groups, without_group, at_least, at_most }
    }
}

impl From<&Prize> for PrizeView {
    fn from(prize: &Prize) -> Self {
        let quota = prize.quota.iter().map(QuotaView::from);
        Self { name: prize.name.to_string(), winners: prize.winners, quota: quota.collect() }
    }
}

/// Why a draw came to its status.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReasonView {
    /// The error's name, for programs.
    #[schema(example = "NotEnoughParticipants")]
    name: String,
    /// What happened, for people.
    sentence: String,
    /// The groups of a quota that have no members, if the name is `UnknownGroup`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
}

/// What of a draw is held back.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseView {
    /// `on_reveal` or `manual`.
    mode: String,
    /// By when everything is released; null as long as it follows from a recording to come.
    #[schema(value_type = Option<String>, format = DateTime)]
    release_by: Option<Timestamp>,
    /// How many winners are released, of those who have their seats.
    released: u32,
    /// How many winners have their seats; 0 before they are official.
    total: u32,
}

impl ReleaseView {
    fn of(draw: &Draw) -> Option<Self> {
        let hold = draw.hold.as_ref()?;
        Some(Self {
            mode: hold.mode.to_string(),
            release_by: draw.release_by(),
            released: draw.released(),
            total: draw.seated(),
        })
    }
}

/// How many seats of a draw were passed on, and why. The proof shows each.
#[derive(Serialize, ToSchema)]
pub(crate) struct PassedOnView {
    /// By winners who withdrew before the round.
    withdrawn: u32,
    /// By winners who had to be there and were not.
    absent: u32,
    /// By winners who did not want the prize.
    declined: u32,
    /// By winners who could not be reached.
    unreachable: u32,
    /// By winners who may not have the prize.
    ineligible: u32,
    /// By winners who did not claim the prize in time.
    unclaimed: u32,
    /// How many of them nobody took.
    empty: u32,
}

impl PassedOnView {
    fn of(draw: &Draw) -> Self {
        let counts = PassedOnCounts::of(&draw.passed_on);
        let PassedOnCounts { withdrawn, absent, declined, unreachable, ineligible, unclaimed, empty } =
            counts;
        Self { withdrawn, absent, declined, unreachable, ineligible, unclaimed, empty }
    }
}

/// How the claims of a draw stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimsView {
    /// How long each winner has, in seconds.
    within_seconds: u32,
    /// How many seats are claimed by their holders.
    claimed: u32,
    /// How many are not claimed by their holders.
    open: u32,
    /// How many seats were passed on because they were not claimed.
    passed_on: u32,
    /// Until when the winners asked last can claim; null before anybody was asked.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

impl ClaimsView {
    fn of(draw: &Draw) -> Option<Self> {
        let (claims, counts) = (draw.claims.as_ref()?, draw.claim_counts()?);
        let ClaimCounts { claimed, open, passed_on } = counts;
        Some(Self {
            within_seconds: claims.within_seconds,
            claimed,
            open,
            passed_on,
            until: claims.last_deadline(),
        })
    }
}

/// A draw, in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct DrawSummary {
    pub(crate) lottery_id: String,
    pub(crate) draw_id: String,
    /// Its gap-free number in the lottery, once it is sealed.
    pub(crate) sequence: Option<u64>,
    /// WAITING, SEALED, DRAWN, RECORDED, SUCCEEDED, INCOMPLETE, REJECTED, FAILED, CANCELLED or ABANDONED.
    #[schema(example = "SUCCEEDED")]
    pub(crate) status: String,
    /// Why it came to its status, if it did not simply succeed.
    pub(crate) reason: Option<ReasonView>,
    /// What can be won.
    pub(crate) prizes: Vec<PrizeView>,
    /// How many are ranked after the winners, for forfeited seats.
    pub(crate) alternates: u32,
    /// Whether past winners of the lottery cannot win.
    pub(crate) exclude_past_winners: bool,
    /// Whether only those can win who were marked as present when the list was sealed.
    pub(crate) present_only: bool,
    /// Whether it is a rehearsal, and no draw.
    pub(crate) rehearsal: bool,
    /// Whether the commitment is sent to everybody on the sealed list who has an address.
    pub(crate) announce_commitment: bool,
    /// The messages about it so far.
    pub(crate) announced: Counts,
    /// Whether those who took part and have not won are notified of that.
    pub(crate) notify_others: bool,
    /// The messages to them so far.
    pub(crate) others_notified: Counts,
    /// How winners are notified: `sms`, `email`.
    pub(crate) channels: Vec<String>,
    /// What is held back; null if winners are named and notified at once.
    pub(crate) release: Option<ReleaseView>,
    /// How its claims stand; null if nobody has to claim.
    pub(crate) claims: Option<ClaimsView>,
    /// Until when it waits before it seals the entries.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) closes_at: Option<Timestamp>,
    /// When its round is to come out, if that was requested; `round_at` says when it does.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) draw_at: Option<Timestamp>,
    /// When it was requested.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    /// When its entries were sealed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) sealed_at: Option<Timestamp>,
    /// When its round was fetched and verified.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) beacon_at: Option<Timestamp>,
    /// When its winners were chosen.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) drawn_at: Option<Timestamp>,
    /// When its winners became official.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) recorded_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) completed_at: Option<Timestamp>,
    /// How many entries were sealed.
    pub(crate) entries: Option<u64>,
    /// What was committed to before winners were chosen, hexadecimal.
    pub(crate) commitment: Option<String>,
    /// The beacon round that decides it, named by the commitment.
    pub(crate) round: Option<u64>,
    /// How many seats were passed on, and why.
    pub(crate) passed_on: PassedOnView,
    /// When the organiser closed the draw: from then on nobody is replaced.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) closed_at: Option<Timestamp>,
    /// When that round comes out; from then on the draw waits for nothing else.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) round_at: Option<Timestamp>,
    /// The execution that carries it.
    pub(crate) execution_arn: Option<String>,
}

impl From<&Draw> for DrawSummary {
    fn from(draw: &Draw) -> Self {
        Self {
            lottery_id: draw.lottery_id.to_string(),
            draw_id: draw.draw_id.to_string(),
            sequence: draw.sequence,
            status: draw.status.to_string(),
            reason: draw.reason.as_ref().map(|reason| ReasonView {
                name: reason.name.clone(),
                sentence: reason.sentence.clone(),
                groups: reason.groups.iter().map(Group::to_string).collect(),
            }),
            prizes: draw.prizes.as_slice().iter().map(PrizeView::from).collect(),
            alternates: draw.alternates,
            exclude_past_winners: draw.exclude_past_winners,
            present_only: draw.present_only,
            rehearsal: draw.rehearsal,
            announce_commitment: draw.announce_commitment,
            announced: draw.announced.into(),
            notify_others: draw.notify_others,
            others_notified: draw.others_notified.into(),
            channels: draw.channels.iter().map(Channel::to_string).collect(),
            release: ReleaseView::of(draw),
            claims: ClaimsView::of(draw),
            closes_at: draw.closes_at,
            draw_at: draw.draw_at,
            created_at: draw.created_at,
            sealed_at: draw.sealed_at,
            beacon_at: draw.beacon_at,
            drawn_at: draw.drawn_at,
            recorded_at: draw.recorded_at,
            completed_at: draw.completed_at,
            entries: draw.entries,
            commitment: draw.commitment.map(|commitment| commitment.to_string()),
            round: draw.round,
            passed_on: PassedOnView::of(draw),
            closed_at: draw.closed_at,
            round_at: draw.round_at,
            execution_arn: draw.execution_arn.clone(),
        }
    }
}

/// How many notifications of one channel are in each state, as last counted by the tasks that send them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Counts {
    /// Accepted for delivery.
    pub(crate) sent: u64,
    /// Refused.
    pub(crate) failed: u64,
    /// Handed over without a response: perhaps sent, and sent again only if the organiser requests it.
    pub(crate) unknown: u64,
    /// Being sent.
    pub(crate) pending: u64,
}

/// How many notifications are in each state, by channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CountsByChannel {
    pub(crate) sms: Counts,
    pub(crate) email: Counts,
}

impl From<NotificationCounts> for Counts {
    fn from(counts: NotificationCounts) -> Self {
        let NotificationCounts { claimed, sent, failed, unknown } = counts;
        Self { sent, failed, unknown, pending: claimed }
    }
}

impl From<NotificationsByChannel> for CountsByChannel {
    fn from(counts: NotificationsByChannel) -> Self {
        Self { sms: counts.sms.into(), email: counts.email.into() }
    }
}

/// What became of a winner's seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct SeatView {
    /// Whether the winner forfeited the seat, having withdrawn before the round.
    pub(crate) forfeited: bool,
    /// Why the winner was replaced, if so: `absent`, `declined`, `unreachable` or `ineligible` by the organiser, `unclaimed` when
    /// the time to claim was over.
    #[schema(example = "absent")]
    pub(crate) replaced: Option<String>,
    /// The rank of the entry that took the seat that this winner left; absent if it stays empty.
    pub(crate) taken_by: Option<u32>,
    /// The rank of the entry that left this seat, if this winner took it.
    pub(crate) instead_of: Option<u32>,
    /// When the winner claimed the prize, in a draw that asks for it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) claimed_at: Option<Timestamp>,
}

impl SeatView {
    pub(crate) fn of(winner: &Winner) -> Self {
        Self {
            forfeited: winner.left.is_some_and(|left| left.reason.is_none()),
            replaced: winner.left.and_then(|left| left.reason).map(|reason| reason.to_string()),
            taken_by: winner.left.and_then(|left| left.taken_by),
            instead_of: winner.instead_of,
            claimed_at: winner.claimed_at,
        }
    }

    /// The five as cells of a table.
    pub(crate) fn cells(&self) -> [Cell; 5] {
        let rank = |rank: Option<u32>| rank.map_or(Cell::Empty, Cell::Number);
        let forfeited = Cell::optional(self.forfeited.then_some("forfeited"));
        let replaced = Cell::optional(self.replaced.as_ref());
        let claimed_at = Cell::optional(self.claimed_at.as_ref());
        [forfeited, rank(self.taken_by), rank(self.instead_of), replaced, claimed_at]
    }
}

/// A winner as everyone may see them: enough to know oneself, not enough to know another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct MaskedWinner {
    /// The prize won.
    pub(crate) prize: String,
    /// The winner's rank in the draw, from 1.
    pub(crate) rank: u32,
    /// The winner's random name in the list of entries.
    pub(crate) label: String,
    /// Whether the winner is released: until then there is no name here.
    pub(crate) released: bool,
    /// The masked name; absent if the winner has withdrawn, or is not released.
    #[schema(example = "R*** T***")]
    pub(crate) name: Option<String>,
    /// The masked phone number.
    pub(crate) phone: Option<String>,
    /// The masked e-mail address.
    pub(crate) email: Option<String>,
    #[serde(flatten)]
    pub(crate) seat: SeatView,
}

impl MaskedWinner {
    pub(crate) fn new(draw: &Draw, winner: &Winner, contact: Option<&Contact>) -> Self {
        // Nobody wins by a rehearsal, and nobody is to be taken for a winner.
        let released = draw.is_released(winner.rank) && !draw.rehearsal;
        let contact = contact.filter(|_| released);
        Self {
            prize: winner.prize.to_string(),
            rank: winner.rank,
            label: winner.label.to_string(),
            released,
            name: contact.map(|contact| mask::name(&contact.name)),
            phone: contact.and_then(|contact| contact.phone.as_ref()).map(mask::phone),
            email: contact.and_then(|contact| contact.email.as_ref()).map(mask::email),
            seat: SeatView::of(winner),
        }
    }
}

/// The first winners of a draw.
#[derive(Debug, Default)]
pub(crate) struct FirstWinners {
    pub(crate) winners: Vec<MaskedWinner>,
    pub(crate) total: usize,
    pub(crate) next_cursor: Option<String>,
}

/// A draw, in full.
#[derive(Serialize, ToSchema)]
pub(crate) struct DrawView {
    #[serde(flatten)]
    draw: DrawSummary,
    /// The state that its execution is in, the outermost if it is within several.
    #[schema(example = "Notify")]
    current_state: Option<String>,
    /// All states that its execution is in, from the outside in.
    current_states: Vec<String>,
    /// What became of the notifications.
    notifications: CountsByChannel,
    /// The first hundred winners, masked, by rank; none before they are official. Those who left their seats are listed among
    /// them.
    winners: Vec<MaskedWinner>,
    /// How many winners there are, those who left their seats and those who took them.
    winners_total: usize,
    /// What to pass as `cursor` to the list of winners for the next ones.
    winners_next_cursor: Option<String>,
}

impl DrawView {
    pub(crate) fn new(watched: &WatchedDraw, first: FirstWinners) -> Self {
        Self {
            draw: DrawSummary::from(&watched.draw),
            current_state: watched.current_states.first().cloned(),
            current_states: watched.current_states.clone(),
            notifications: watched.draw.notified.into(),
            winners: first.winners,
            winners_total: first.total,
            winners_next_cursor: first.next_cursor,
        }
    }
}
