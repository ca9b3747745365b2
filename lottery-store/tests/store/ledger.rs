//! The ledger by rank, its counters on the draw, and having messages sent again.

use lottery::selection::{Ranked, Seat};
use lottery::{
    Channel, Draw, DrawId, DrawRequest, DrawStatus, HexBytes, Label, Locale, LotteryId, NotificationCounts,
    NotificationsByChannel, Part, ParticipantId, Reason,
};
use lottery_store::{
    NotificationClaim, NotificationKind, NotificationState, RankedEntry, Reopened, ReopenedCounts,
    RetryRequest, SendOutcome, Store, StoreError,
};
use serde_json::json;

use test_support::dynamodb::{DynamoDb, now, store_with_party};

const STATES: [NotificationState; 3] =
    [NotificationState::Sent, NotificationState::Failed, NotificationState::Unknown];

struct World {
    store: Store,
    database: DynamoDb,
    party: LotteryId,
    draw_id: DrawId,
}

impl World {
    /// A draw of six winners, of whom the first was notified by SMS and e-mail, the second could not be, of the third
    /// nobody knows; and so on.
    async fn new() -> Self {
        let (store, database, party) = store_with_party().await;
        let draw_id = DrawId::parse("d1").unwrap();
        let request = DrawRequest::parse(&json!({"winners": 6}), Locale::En, now()).unwrap();
        store.create_draw(&request.begin(party.clone(), draw_id.clone(), now())).await.unwrap();
        let ranking: Vec<_> = (1..=6).map(entry).collect();
        store.put_pending_ranking(&party, &draw_id, &ranking).await.unwrap();
        let world = Self { store, database, party, draw_id };
        world.set_status("RECORDED");
        for (rank, state) in (1..=6).zip(STATES.into_iter().cycle()) {
            for channel in Channel::ALL {
                let claim = world.claim(rank, channel, "first");
                assert_eq!(world.store.claim_notification(&claim).await.unwrap(), None);
                let outcome = match state {
                    NotificationState::Sent => SendOutcome::Sent { message_id: format!("m{rank}") },
                    NotificationState::Failed => SendOutcome::Failed { reason: "OptedOut".to_owned() },
                    _ => SendOutcome::Unknown { reason: "Timeout".to_owned() },
                };
                world.store.record_outcome(&claim, &outcome, now()).await.unwrap();
            }
        }
        let counts = NotificationCounts { claimed: 0, sent: 2, failed: 2, unknown: 2 };
        let counts = NotificationsByChannel { sms: counts, email: counts };
        let reason = Reason {
            name: "NotificationsUnsent".to_owned(),
            sentence: "8 of 12.".to_owned(),
            groups: Vec::new(),
        };
        let draw = world.draw().await;
        let ended = world.store.end_draw(&draw, DrawStatus::Incomplete, Some(&reason), &counts, now()).await;
        assert!(ended.unwrap());
        assert_eq!(world.draw().await.notified, counts);
        world
    }

    fn set_status(&self, status: &str) {
        self.database.set("Lottery", "LOTTERY#party#DRAW#d1", "META", "status", status);
    }

    async fn draw(&self) -> Draw {
        self.store.draw(&self.party, &self.draw_id).await.unwrap().unwrap()
    }

    fn claim(&self, rank: u32, channel: Channel, owner: &str) -> NotificationClaim {
        NotificationClaim {
            lottery_id: self.party.clone(),
            draw_id: self.draw_id.clone(),
            participant_id: participant(rank),
            channel,
            kind: NotificationKind::Won,
            owner: owner.to_owned(),
            at: now(),
        }
    }

    async fn reopen(&self, request: &RetryRequest) -> Reopened {
        self.store.reopen_notifications(&self.party, &self.draw_id, request, now()).await.unwrap()
    }

    async fn states(&self, channel: Channel) -> Vec<NotificationState> {
        let page = self.store.notifications_page(&self.draw().await, None, 100).await.unwrap();
        let lines = page.items.into_iter().map(|line| line.notification);
        lines.filter(|line| line.channel == channel).map(|line| line.state).collect()
    }
}

fn participant(rank: u32) -> ParticipantId {
    ParticipantId::parse(&format!("{rank:03}")).unwrap()
}

fn entry(rank: u32) -> RankedEntry {
    RankedEntry {
        participant_id: participant(rank),
        member: Label::from_random([rank as u8; 16]),
        fingerprints: None,
        rank,
        ranked: Ranked {
            label: Label::from_random([rank as u8; 16]),
            prize: Some(0),
            score: HexBytes::from([rank as u8; 32]),
            seat: Seat::Open,
        },
        part: Part::Other,
    }
}

#[tokio::test]
async fn the_ledger_is_read_by_rank_in_pages() {
    let world = World::new().await;
    let draw = world.draw().await;
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let page = world.store.notifications_page(&draw, cursor.as_deref(), 4).await.unwrap();
        seen.extend(page.items.iter().map(|line| (line.rank, line.notification.channel)));
        match page.cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    let all: Vec<_> = (1..=6).flat_map(|rank| Channel::ALL.map(|channel| (rank, channel))).collect();
    assert_eq!(seen, all);
    let beyond = world.store.notifications_page(&draw, Some("6"), 4).await.unwrap();
    assert_eq!((beyond.items, beyond.cursor), (Vec::new(), None));
    let wrong = world.store.notifications_page(&draw, Some("x"), 4).await;
    assert!(matches!(wrong, Err(StoreError::InvalidCursor)));
    world.set_status("DRAWN");
    let early = world.store.notifications_page(&world.draw().await, None, 4).await.unwrap();
    assert!(early.items.is_empty(), "nobody has won yet");
}

#[tokio::test]
async fn what_failed_is_reopened_and_its_draw_goes_back_to_recorded() {
    let world = World::new().await;
    let Reopened::Resume { draw, resumes, counts } = world.reopen(&RetryRequest::default()).await else {
        panic!("reopened")
    };
    assert_eq!((resumes, counts), (1, ReopenedCounts { sms: 2, email: 2 }));
    assert_eq!((draw.status, draw.reopened), (DrawStatus::Recorded, 1));
    assert_eq!((draw.completed_at, draw.notifications, draw.reason.clone()), (None, None, None));
    assert_eq!(draw.notified.sms, NotificationCounts { claimed: 0, sent: 2, failed: 0, unknown: 2 });
    let unfinished = world.store.unfinished_draw(&world.party, &world.draw_id).await.unwrap().unwrap();
    assert_eq!(unfinished.resumes, 1);
    assert!(world.database.dump("Lottery").contains("UNFINISHED_DRAWS"));
    let [sent, pending, unknown] =
        [NotificationState::Sent, NotificationState::Pending, NotificationState::Unknown];
    assert_eq!(world.states(Channel::Sms).await, [sent, pending, unknown, sent, pending, unknown]);

    // It is claimed as one that was never entered, and keeps what it was.
    let claim = world.claim(2, Channel::Sms, "second");
    assert_eq!(world.store.claim_notification(&claim).await.unwrap(), None);
    let late = world.store.claim_notification(&world.claim(2, Channel::Sms, "third")).await.unwrap();
    assert_eq!(late.unwrap().state, NotificationState::Claimed);
    assert!(world.store.release_notification(&claim).await.unwrap());
    assert_eq!(world.states(Channel::Sms).await[1], pending);
    assert_eq!(world.store.claim_notification(&claim).await.unwrap(), None);
    let outcome = SendOutcome::Sent { message_id: "again".to_owned() };
    world.store.record_outcome(&claim, &outcome, now()).await.unwrap();
    let page = world.store.notifications_page(&draw, Some("1"), 1).await.unwrap();
    let line = &page.items[0].notification;
    assert_eq!((line.state, line.message_id.as_deref()), (sent, Some("again")));
    assert_eq!(line.earlier.len(), 1);
    assert_eq!(
        (line.earlier[0].state, line.earlier[0].reason.as_deref()),
        (NotificationState::Failed, Some("OptedOut"))
    );
}

#[tokio::test]
async fn a_late_run_records_no_outcome_of_a_line_that_was_reopened() {
    let world = World::new().await;
    let request = RetryRequest { states: vec![NotificationState::Unknown], ..RetryRequest::default() };
    world.reopen(&request).await;
    let outcome = SendOutcome::Sent { message_id: "late".to_owned() };
    world.store.record_outcome(&world.claim(3, Channel::Sms, "first"), &outcome, now()).await.unwrap();
    assert_eq!(world.states(Channel::Sms).await[2], NotificationState::Pending);
}

#[tokio::test]
async fn states_channels_and_ranks_choose_what_is_reopened() {
    let world = World::new().await;
    let request = RetryRequest {
        states: STATES.to_vec(),
        channels: vec![Channel::Email],
        ranks: Some(vec![1, 2, 3, 99]),
    };
    let Reopened::Resume { counts, .. } = world.reopen(&request).await else { panic!("reopened") };
    assert_eq!(counts, ReopenedCounts { sms: 0, email: 2 }, "what was sent stays sent");
    assert_eq!(world.states(Channel::Sms).await, [STATES, STATES].concat());
    let [sent, failed, unknown] = STATES;
    let pending = NotificationState::Pending;
    assert_eq!(world.states(Channel::Email).await, [sent, pending, pending, sent, failed, unknown]);
}

#[tokio::test]
async fn a_draw_under_way_needs_no_further_execution_and_does_not_end_unnoticed() {
    let world = World::new().await;
    world.reopen(&RetryRequest::default()).await;
    let read = world.draw().await;
    let request = RetryRequest { states: vec![NotificationState::Unknown], ..RetryRequest::default() };
    let Reopened::UnderWay(counts) = world.reopen(&request).await else { panic!("under way") };
    // Those that the first call left pending are sent as well.
    assert_eq!(counts, ReopenedCounts { sms: 4, email: 4 });
    let counts = NotificationsByChannel::default();
    let ended = world.store.end_draw(&read, DrawStatus::Succeeded, None, &counts, now()).await.unwrap();
    assert!(!ended, "it was reopened since it was read");
    let draw = world.draw().await;
    assert_eq!((draw.status, draw.reopened), (DrawStatus::Recorded, 2));
    assert!(world.store.end_draw(&draw, DrawStatus::Succeeded, None, &counts, now()).await.unwrap());
    assert!(world.store.end_draw(&read, DrawStatus::Succeeded, None, &counts, now()).await.unwrap());
    assert_eq!(world.draw().await.status, DrawStatus::Succeeded);
}

#[tokio::test]
async fn a_call_that_died_halfway_is_finished_by_the_next() {
    let world = World::new().await;
    let down = || json!({"__type": "InternalServerError", "message": "down"});
    for _ in 0..3 {
        world.database.fail_next("TransactWriteItems", 500, down());
    }
    let died =
        world.store.reopen_notifications(&world.party, &world.draw_id, &RetryRequest::default(), now()).await;
    assert!(matches!(died, Err(StoreError::Unavailable(_))));
    assert_eq!(world.draw().await.status, DrawStatus::Incomplete);
    let Reopened::Resume { counts, .. } = world.reopen(&RetryRequest::default()).await else {
        panic!("reopened")
    };
    assert_eq!(counts, ReopenedCounts { sms: 2, email: 2 });
}

#[tokio::test]
async fn nothing_is_reopened_where_nothing_is_to_be_sent() {
    let world = World::new().await;
    let none = RetryRequest { states: vec![NotificationState::Sent], ..RetryRequest::default() };
    assert_eq!(world.reopen(&none).await, Reopened::Nothing);
    assert_eq!(world.draw().await.status, DrawStatus::Incomplete);
    world.set_status("SEALED");
    assert_eq!(world.reopen(&RetryRequest::default()).await, Reopened::NotOfficial(DrawStatus::Sealed));
    let unknown = DrawId::parse("unknown").unwrap();
    let answer =
        world.store.reopen_notifications(&world.party, &unknown, &RetryRequest::default(), now()).await;
    assert_eq!(answer.unwrap(), Reopened::Unknown);
}

#[tokio::test]
async fn what_runs_count_adds_up_on_the_draw() {
    let world = World::new().await;
    let before = world.draw().await.notified;
    let counts = NotificationsByChannel {
        sms: NotificationCounts { sent: 3, ..NotificationCounts::default() },
        email: NotificationCounts { unknown: 1, ..NotificationCounts::default() },
    };
    for _ in 0..2 {
        world.store.count_notifications(&world.party, &world.draw_id, &counts).await.unwrap();
    }
    let after = world.draw().await.notified;
    assert_eq!((after.sms.sent, after.email.unknown), (before.sms.sent + 6, before.email.unknown + 2));
    assert_eq!((after.sms.failed, after.email.sent), (before.sms.failed, before.email.sent));
}
