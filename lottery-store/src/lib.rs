//! The two DynamoDB tables of the lottery: the one crate that knows keys and conditions.
//!
//! `Lottery` holds what a draw needs, without anything personal; `Contacts` holds names, addresses and
//! nonces. The role that draws is given the first only. Nothing here ever scans a table.
//!
//! In reading order: `keys` is the map of both tables; `item`, `read`, `write`, `transaction` and `batch` read and
//! write items; each further module is one part of the domain, with its types and its calls on [`Store`]:
//!
//! - `lotteries`, and `lottery_lock`, by which one draw at a time holds a lottery
//! - `participants`, `contacts`, `email`: the list of a lottery, and how its people are reached; `pending_joins`: whose
//!   address is not confirmed yet; `own_entry`: what became of one of them
//! - `draws`, and `draw_status` with the four ways in which a draw ends
//! - `pool`, `past_winners`, `attempts`, `chunks`, `seal`, `witnesses`, `beacon_round`, `winners`: the draw itself
//! - `repeats`: draws that repeat, and what came of their times
//! - `release`: the winners of a held draw; `seat_changes`, with `sealed_line`: seats that change hands
//! - `ledger`, `notification_counts`, `deliveries`, `reopen`: the messages to winners
//! - `organiser`: where the organiser is sent how a draw ended
//! - `webhooks`: which address hears of draws, and what became of each event
//! - `reconcile`: the draws that have not ended; `idempotency`: responses that repeated requests get

mod batch;
mod error;
mod item;
mod keys;
mod page;
mod read;
mod store;
mod table;
mod transaction;
mod write;

mod attempts;
mod beacon_round;
mod chunks;
mod claims;
mod contacts;
mod deliveries;
mod draw_status;
mod draws;
mod email;
mod fingerprints;
mod forfeits;
mod idempotency;
mod ledger;
mod lotteries;
mod lottery_lock;
mod notification_counts;
mod operator;
mod organiser;
mod own_entry;
mod participants;
mod past_winners;
mod pending_joins;
mod pool;
mod reconcile;
mod release;
mod reopen;
mod repeats;
mod seal;
mod sealed_line;
mod seat_changes;
mod stage;
mod uploads;
mod webhooks;
mod winners;
mod witnesses;

pub use attempts::SealAttempt;
pub use chunks::{CHUNK_ENTRIES, ChunkMark, EntryInclusion, RawChunk, SealedEntry};
pub use claims::Claimed;
pub use contacts::Contact;
pub use deliveries::Delivery;
pub use draw_status::{CancelDraw, ReleaseWinners};
pub use draws::{ChangeDraw, CreateDraw};
pub use error::StoreError;
pub use forfeits::Forfeited;
pub use idempotency::{Claim, StoredResponse};
pub use ledger::{
    EarlierAttempt, Notification, NotificationClaim, NotificationKind, NotificationState, SendOutcome,
};
pub use lotteries::CreateLottery;
pub use lottery_lock::TakeLottery;
pub use operator::LaneHead;
pub use organiser::OrganiserAddress;
pub use own_entry::OwnPlace;
pub use page::Page;
pub use participants::{
    BeginImport, GroupIs, Import, ImportCounts, ImportMode, ImportPlan, ImportState, Joined, ListAnswer,
    ListQuery, MAX_GROUPS, MAX_SORTED, Only, ParticipantCounts, ParticipantSummary, PlanCounts, Planned,
    Presence, PutParticipant, Recorded, Replacement, Resubscribe, Sort, UndoImport, UndoStep, WithdrawStep,
    Withdrawal,
};
pub use past_winners::PastWinner;
pub use pending_joins::{JoinTry, PendingJoin};
pub use pool::{PoolMember, PoolReader};
pub use reconcile::{UnfinishedDraw, UnfinishedListing};
pub use release::{ReleaseRequest, ReleaseWait, Released, Visit, WaitToken};
pub use reopen::{NotificationLine, Reopened, ReopenedCounts, RetryRequest};
pub use repeats::StoredRepeat;
pub use seal::{CommitSeal, SealedDraw};
pub use seat_changes::{CloseDraw, PassedSeat, Replaced, Resumed, SeatTaker, Withdrawals};
pub use stage::{MoveStage, StageRecord};
pub use store::{Store, Tables};
pub use table::{TableDefinition, table_definitions};
pub use uploads::{BatchCounts, Upload, UploadAnswer, UploadId, UploadState};
pub use webhooks::{WebhookDelivery, WebhookState, parse_event_id};
pub use winners::{MarkDrawn, RankedEntry, RecordWinners, Winner};
