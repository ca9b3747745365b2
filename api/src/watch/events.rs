//! The events of a draw, derived from its item alone: the public part of its path through the state machine.
//!
//! The tasks record on the draw's item when they have completed a step. From these timestamps follow the states that the
//! execution has entered and left, in the shape of an execution's history, so that the picture of the state machine shows
//! them. Nothing else is read for watchers: no history, no ledger. What a state machine does between its milestones, such as
//! an attempt that fails and is repeated, is not public.
//!
//! An event's id is its ordinal. Published events never change: later items and later times only append to them; but when
//! messages are sent again, a draw that had ended resumes at the notifications.

use jiff::Timestamp;
use lottery::{Channel, ClaimRound, Draw, DrawStatus};

use super::event::{Committed, EventsBuilder, Open, PublicEvent};

/// The events of a draw as they are known at `now`.
pub(crate) fn events(draw: &Draw, now: Timestamp) -> Vec<PublicEvent> {
    let mut builder = EventsBuilder { events: Vec::new(), last: 0, time: draw.created_at };
    builder.add("ExecutionStarted", None);
    builder.pass("Choice", "IsResumed");
    builder.pass("Choice", "HasClosingTime");
    if let Some(state) = before_notifying(&mut builder, draw, now) {
        end_at(&mut builder, draw, state);
    } else {
        notify(&mut builder, draw);
    }
    builder.events
}

/// The states that are entered and not left, in the order of entering: none once the draw has ended.
pub(crate) fn open_states(events: &[PublicEvent]) -> Vec<String> {
    if events.last().is_some_and(|event| is_end(&event.r#type)) {
        return Vec::new();
    }
    let mut open: Vec<&str> = Vec::new();
    for event in events {
        let Some(state) = event.state.as_deref() else { continue };
        if event.r#type.ends_with("StateEntered") {
            open.push(state);
        } else if event.r#type.ends_with("StateExited") {
            open.retain(|entered| *entered != state);
        }
    }
    open.into_iter().map(str::to_owned).collect()
}

fn is_end(kind: &str) -> bool {
    kind.starts_with("Execution") && kind != "ExecutionStarted"
}

const CLOSING: Open = Open { kind: "Wait", state: "WaitUntilClosed" };
const SEALING: Open = Open { kind: "Task", state: "SealEntries" };
const WAITING: Open = Open { kind: "Wait", state: "WaitForBeacon" };
const FETCHING: Open = Open { kind: "Task", state: "FetchBeacon" };
const DRAWING: Open = Open { kind: "Task", state: "DrawWinners" };
const RECORDING: Open = Open { kind: "Task", state: "RecordWinners" };
const HOLDING: Open = Open { kind: "Task", state: "AwaitRelease" };
const NOTIFYING: Open = Open { kind: "Parallel", state: "Notify" };
const CLAIMING: Open = Open { kind: "Task", state: "AwaitClaims" };

/// The type of the event for a release: AWS has none.
const RELEASED: &str = "WinnersReleased";

/// One branch of `Notify`: a loop that sends until nothing is left.
#[derive(Clone, Copy)]
struct Branch {
    channel: Channel,
    left: &'static str,
    send: &'static str,
    done: &'static str,
}

const BRANCHES: [Branch; 2] = [
    Branch { channel: Channel::Sms, left: "SmsLeft", send: "SendSms", done: "SmsDone" },
    Branch { channel: Channel::Email, left: "EmailLeft", send: "SendEmail", done: "EmailDone" },
];

impl Branch {
    fn sending(self) -> Open {
        Open { kind: "Task", state: self.send }
    }
}

/// The events up to official winners; returns the current state if the draw has not reached them.
fn before_notifying(builder: &mut EventsBuilder, draw: &Draw, now: Timestamp) -> Option<Open> {
    let is_sealed = draw.sealed_at.is_some();
    // A draw that was not cancelled has ended by a task, so that it was past its closing time.
    let has_ended = draw.status.is_final() && draw.status != DrawStatus::Cancelled;
    if let Some(closes_at) = draw.closes_at {
        builder.enter(CLOSING);
        if !is_sealed && !has_ended && now < closes_at {
            return Some(CLOSING);
        }
        builder.exit(CLOSING, Some(closes_at));
    }
    builder.enter(SEALING);
    if !is_sealed {
        return Some(SEALING);
    }
    builder.exit(SEALING, draw.sealed_at);
    if let (Some(sealed), Some(commitment)) = (builder.events.last_mut(), draw.commitment) {
        let commitment = commitment.to_string();
        sealed.committed = Some(Committed { commitment, round: draw.round, round_at: draw.round_at });
    }
    builder.pass("Task", "StampCommitment");
    builder.pass("Task", "PutDrawSealed");
    builder.pass("Choice", "IsAnnounced");
    if draw.announce_commitment && !draw.channels.is_empty() {
        builder.pass("Pass", "BeginAnnouncement");
        builder.pass("Task", "AnnounceCommitment");
        builder.pass("Choice", "AllAreTold");
    }
    builder.enter(WAITING);
    // Draws that were drawn before these timestamps were kept have none of them.
    let has_winners = draw.status.has_official_winners();
    let is_drawn = draw.drawn_at.is_some() || draw.status == DrawStatus::Drawn || has_winners;
    let has_beacon = draw.beacon_at.is_some() || is_drawn;
    if !has_beacon && draw.round_at.is_none_or(|round_at| now < round_at) {
        return Some(WAITING);
    }
    builder.exit(WAITING, draw.round_at);
    builder.enter(FETCHING);
    if !has_beacon {
        return Some(FETCHING);
    }
    builder.exit(FETCHING, draw.beacon_at);
    builder.enter(DRAWING);
    if !is_drawn {
        return Some(DRAWING);
    }
    builder.exit(DRAWING, draw.drawn_at);
    builder.enter(RECORDING);
    if !has_winners {
        return Some(RECORDING);
    }
    builder.exit(RECORDING, draw.recorded_at);
    None
}

/// The events of a hold: the wait, and one event for each release, without names (watchers read the draw again). Returns
/// `false` while the draw waits.
fn hold(builder: &mut EventsBuilder, draw: &Draw) -> bool {
    builder.pass("Task", "PutWinnersRecorded");
    builder.pass("Choice", "IsHeld");
    let Some(hold) = &draw.hold else { return true };
    builder.pass("Task", "CheckRelease");
    builder.pass("Choice", "IsReleased");
    builder.enter(HOLDING);
    for _ in 0..hold.revision {
        // When the earlier ones were made is not kept.
        builder.add_at(RELEASED, Some(HOLDING.state), None, None);
    }
    if !hold.is_over {
        return false;
    }
    builder.exit(HOLDING, hold.released_at);
    builder.pass("Task", "CheckRelease");
    builder.pass("Choice", "IsReleased");
    true
}

/// The events from official winners to the end.
fn notify(builder: &mut EventsBuilder, draw: &Draw) {
    if !hold(builder, draw) {
        return;
    }
    builder.enter(NOTIFYING);
    let entered = builder.last;
    let mut heads = Vec::new();
    for branch in BRANCHES {
        builder.last = entered;
        builder.pass("Choice", branch.left);
        if draw.channels.contains(&branch.channel) {
            builder.enter(branch.sending());
            heads.push((branch, builder.last));
        } else {
            builder.pass("Pass", branch.done);
        }
    }
    let is_complete = draw.status == DrawStatus::Succeeded;
    let rounds = draw.asks_to_claim().map_or(&[][..], |claims| &claims.rounds);
    if !draw.status.is_final() && rounds.is_empty() {
        return;
    }
    let notified_at = rounds.first().map(|round| round.opened_at).or(draw.completed_at);
    for (branch, head) in heads {
        builder.last = head;
        builder.exit(branch.sending(), notified_at);
        builder.pass("Choice", branch.left);
        builder.pass("Pass", branch.done);
    }
    builder.exit(NOTIFYING, notified_at);
    builder.pass("Choice", "IsStillHeld");
    if !claims(builder, draw, rounds) {
        return;
    }
    builder.pass("Choice", "HasOthers");
    if draw.notify_others && !draw.channels.is_empty() {
        builder.pass("Pass", "BeginOthers");
        builder.pass("Task", "NotifyOthers");
        builder.pass("Choice", "OthersLeft");
    }
    builder.pass("Task", "CompleteDraw");
    builder.pass("Choice", "AllWereSent");
    if !is_complete {
        builder.pass("Task", "MarkIncomplete");
        builder.pass("Choice", "IsIncomplete");
        builder.pass("Task", "AlertOfUnsent");
    }
    let (put, end) =
        if is_complete { ("PutDrawCompleted", "Succeed") } else { ("PutDrawIncomplete", "DrawIncomplete") };
    notify_organiser(builder, put);
    builder.pass("Succeed", end);
    builder.add("ExecutionSucceeded", None);
}

/// The summary to the organiser and the event for other systems, before the execution ends as the draw did.
fn notify_organiser(builder: &mut EventsBuilder, put: &'static str) {
    builder.pass("Task", "NotifyOrganiser");
    builder.pass("Choice", "HowItEnded");
    builder.pass("Task", put);
}

/// The events of the rounds of claims. Returns `false` while the draw waits.
fn claims(builder: &mut EventsBuilder, draw: &Draw, rounds: &[ClaimRound]) -> bool {
    if draw.asks_to_claim().is_none() {
        return true;
    }
    for (index, round) in rounds.iter().enumerate() {
        if index > 0 {
            builder.exit(CLAIMING, Some(round.opened_at));
        }
        builder.pass("Task", "CheckClaims");
        builder.pass("Choice", "HasClaims");
        builder.enter(CLAIMING);
    }
    if !draw.status.is_final() {
        return false;
    }
    if !rounds.is_empty() {
        builder.exit(CLAIMING, draw.completed_at);
    }
    builder.pass("Task", "CheckClaims");
    builder.pass("Choice", "HasClaims");
    true
}

/// The end of a draw without winners, if it has come, from the state that it was in.
fn end_at(builder: &mut EventsBuilder, draw: &Draw, state: Open) {
    let error = draw.reason.as_ref().map(|reason| reason.name.clone());
    if let Some(completed_at) = draw.completed_at.filter(|_| draw.status.is_final()) {
        builder.time = builder.time.max(completed_at);
    }
    match draw.status {
        DrawStatus::Cancelled => builder.add_error("ExecutionAborted", None, error),
        DrawStatus::Rejected => {
            builder.fail(state, error.clone());
            notify_organiser(builder, "PutDrawRejected");
            builder.add("FailStateEntered", Some("DrawRejected"));
            builder.add_error("ExecutionFailed", None, error);
        }
        // Given up before its round came out: by no state.
        DrawStatus::Abandoned if state == WAITING => {
            builder.add_error("ExecutionFailed", None, error);
        }
        DrawStatus::Failed | DrawStatus::Abandoned => {
            builder.fail(state, error.clone());
            builder.pass("Task", "ReleaseWinners");
            builder.pass("Choice", "WasReleased");
            builder.pass("Task", "AlertOfFailure");
            notify_organiser(builder, "PutDrawFailed");
            builder.add("FailStateEntered", Some("DrawFailed"));
            builder.add_error("ExecutionFailed", None, error);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use jiff::SignedDuration;
    use lottery::{DrawId, DrawRequest, Locale, LotteryId, Reason};
    use serde_json::Value;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn draw(closes_at: Option<Timestamp>) -> Draw {
        let request = DrawRequest::parse(&serde_json::json!({ "winners": 2 }), Locale::En, at(0)).unwrap();
        let (lottery_id, draw_id) = (LotteryId::parse("party").unwrap(), DrawId::parse("summer").unwrap());
        let mut draw = request.begin(lottery_id, draw_id, at(0));
        draw.channels = Channel::ALL.to_vec();
        draw.closes_at = closes_at;
        draw
    }

    /// The draw after each of its steps.
    fn steps(closes_at: Option<Timestamp>, end: DrawStatus) -> Vec<(Draw, Timestamp)> {
        let mut draw = draw(closes_at);
        let mut steps = vec![(draw.clone(), at(1))];
        if closes_at.is_some() {
            steps.push((draw.clone(), at(10)));
        }
        (draw.status, draw.sealed_at, draw.round_at) = (DrawStatus::Sealed, Some(at(11)), Some(at(14)));
        draw.commitment = Some([7; 32].into());
        draw.round = Some(9);
        steps.push((draw.clone(), at(12)));
        steps.push((draw.clone(), at(14)));
        draw.beacon_at = Some(at(15));
        steps.push((draw.clone(), at(15)));
        (draw.status, draw.drawn_at) = (DrawStatus::Drawn, Some(at(16)));
        steps.push((draw.clone(), at(16)));
        (draw.status, draw.recorded_at) = (DrawStatus::Recorded, Some(at(17)));
        steps.push((draw.clone(), at(18)));
        (draw.status, draw.completed_at) = (end, Some(at(30)));
        steps.push((draw, at(40)));
        steps
    }

    fn ended(mut draw: Draw, status: DrawStatus, error: &str) -> Draw {
        (draw.status, draw.completed_at) = (status, Some(at(20)));
        draw.reason =
            Some(Reason { name: error.to_owned(), sentence: "It ended.".to_owned(), groups: Vec::new() });
        draw
    }

    /// Every way that a draw can go.
    fn ways() -> Vec<Vec<(Draw, Timestamp)>> {
        let mut ways = Vec::new();
        for closes_at in [None, Some(at(10))] {
            for end in [DrawStatus::Succeeded, DrawStatus::Incomplete] {
                ways.push(steps(closes_at, end));
            }
            let whole = steps(closes_at, DrawStatus::Succeeded);
            let all_are_notified = |(mut draw, now): (Draw, Timestamp)| {
                (draw.announce_commitment, draw.notify_others) = (true, true);
                (draw, now)
            };
            ways.push(whole.iter().cloned().map(all_are_notified).collect());
            for (length, (last, _)) in whole.iter().enumerate().map(|(index, step)| (index + 1, step)) {
                let ends = match last.status {
                    DrawStatus::Waiting => vec![
                        (DrawStatus::Cancelled, "DrawCancelled"),
                        (DrawStatus::Rejected, "NotEnoughParticipants"),
                        (DrawStatus::Failed, "StoreUnavailable"),
                    ],
                    DrawStatus::Sealed | DrawStatus::Drawn => vec![(DrawStatus::Abandoned, "Broken")],
                    _ => vec![],
                };
                for (status, error) in ends {
                    let mut way = whole[..length].to_vec();
                    way.push((ended(last.clone(), status, error), at(40)));
                    ways.push(way);
                }
            }
        }
        ways
    }

    #[test]
    fn published_events_never_change_and_times_never_decrease() {
        for way in ways() {
            let mut published: Vec<PublicEvent> = Vec::new();
            for (draw, now) in way {
                let events = events(&draw, now);
                assert_eq!(events[..published.len()], published[..], "{:?}", draw.status);
                assert!(events.len() > published.len(), "{:?} adds nothing", draw.status);
                assert!(events.iter().zip(1..).all(|(event, id)| event.id == id));
                assert!(events.iter().all(|event| event.previous_id < event.id));
                assert!(events.is_sorted_by_key(|event| event.time));
                assert_eq!(is_end(&events.last().unwrap().r#type), draw.status.is_final());
                assert_eq!(open_states(&events).is_empty(), draw.status.is_final());
                published = events;
            }
        }
    }

    #[test]
    fn the_commitment_is_published_as_the_entries_are_sealed() {
        let (sealed, now) = steps(None, DrawStatus::Succeeded).remove(1);
        let events = events(&sealed, now);
        let committed: Vec<_> = events.iter().filter(|event| event.committed.is_some()).collect();
        assert_eq!(committed.len(), 1);
        assert_eq!(
            (committed[0].state.as_deref(), committed[0].r#type.as_str()),
            (Some("SealEntries"), "TaskStateExited")
        );
        assert_eq!(committed[0].committed.as_ref().unwrap().round_at, Some(at(14)));
        assert_eq!(open_states(&events), ["WaitForBeacon"]);
    }

    #[test]
    fn both_channels_are_open_while_winners_are_notified() {
        let way = steps(None, DrawStatus::Succeeded);
        let (recorded, now) = &way[way.len() - 2];
        assert_eq!(open_states(&events(recorded, *now)), ["Notify", "SendSms", "SendEmail"]);
    }

    #[test]
    fn the_events_of_a_draw_without_the_newer_timestamps_follow_from_its_status() {
        let mut old = steps(None, DrawStatus::Succeeded).pop().unwrap().0;
        (old.beacon_at, old.drawn_at, old.recorded_at) = (None, None, None);
        let events = events(&old, at(40));
        assert_eq!(events.last().unwrap().r#type, "ExecutionSucceeded");
        assert!(events.is_sorted_by_key(|event| event.time));
    }

    #[test]
    fn a_closing_time_far_away_is_waited_for() {
        let later = at(0) + SignedDuration::from_hours(24);
        assert_eq!(open_states(&events(&draw(Some(later)), at(1))), ["WaitUntilClosed"]);
        assert_eq!(open_states(&events(&draw(Some(later)), later)), ["SealEntries"]);
    }

    /// The states of a definition by name: their types, and where they lead.
    fn states(machine: &Value, into: &mut BTreeMap<String, (String, BTreeSet<String>)>) {
        for (name, state) in machine["States"].as_object().unwrap() {
            let mut leads_to = BTreeSet::new();
            let mut lead = |to: &Value| {
                leads_to.extend(to.as_str().map(str::to_owned));
            };
            lead(&state["Next"]);
            lead(&state["Default"]);
            for field in ["Choices", "Catch"] {
                state[field].as_array().into_iter().flatten().for_each(|one| lead(&one["Next"]));
            }
            into.insert(name.clone(), (state["Type"].as_str().unwrap().to_owned(), leads_to));
            state["Branches"].as_array().into_iter().flatten().for_each(|branch| states(branch, into));
            if state["ItemProcessor"].is_object() {
                states(&state["ItemProcessor"], into);
            }
        }
    }

    #[test]
    fn every_state_and_transition_is_one_of_the_state_machine() {
        let machine: Value = serde_json::from_str(state_machines::LOTTERY).unwrap();
        let mut known = BTreeMap::new();
        states(&machine, &mut known);
        for (draw, now) in ways().into_iter().flatten() {
            let events = events(&draw, now);
            for event in events.iter().filter(|event| event.r#type.contains("State")) {
                let state = event.state.as_deref().unwrap();
                let (kind, _) = known.get(state).unwrap_or_else(|| panic!("there is no state {state}"));
                assert!(event.r#type.starts_with(kind.as_str()), "{state} is a {kind}, not {}", event.r#type);
                let before = event.previous_id.checked_sub(1).and_then(|index| events.get(index as usize));
                let Some(before) = before.filter(|before| before.r#type.ends_with("StateExited")) else {
                    continue;
                };
                if event.r#type.ends_with("StateEntered") {
                    let from = before.state.as_deref().unwrap();
                    assert!(known[from].1.contains(state), "{from} does not lead to {state}");
                }
            }
        }
    }
}
