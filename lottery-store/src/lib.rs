//! The two DynamoDB tables of the lottery: the one crate that knows keys and conditions.
//!
//! `Lottery` holds what a draw needs, without anything personal; `Contacts` holds names, addresses and
//! nonces. The role that draws is given the first only. Nothing here ever scans a table.
//!
//! In reading order: `keys` is the map of both tables; `item`, `read`, `write`, `transaction` and `batch` are
//! how items are read and written; each further module is one part of the domain and adds its calls to
//! [`Store`].

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
mod chunks;
mod counting;
mod deliveries;
mod draws;
mod email;
mod holding;
mod idempotency;
mod ledger;
mod lotteries;
mod participants;
mod pool;
mod reconcile;
mod reopen;
mod results;
mod seal;
mod winners;

pub use attempts::SealAttempt;
pub use chunks::{CHUNK_ENTRIES, ChunkMark, EntryInclusion, RawChunk, SealedDraw, SealedEntry};
pub use deliveries::Delivery;
pub use draws::{CancelDraw, CreateDraw};
pub use error::StoreError;
pub use idempotency::{Claim, StoredResponse};
pub use ledger::{NotificationClaim, Settlement};
pub use lotteries::CreateLottery;
pub use page::Page;
pub use participants::{
    BeginImport, GroupIs, Import, ImportCounts, ImportMode, ImportPlan, ImportState, ListAnswer, ListQuery,
    MAX_GROUPS, MAX_SORTED, Only, ParticipantCounts, ParticipantSummary, PlanCounts, Planned, PutParticipant,
    Recorded, Replacement, Resubscribe, Sort, UndoImport, UndoStep, WithdrawStep, Withdrawal,
};
pub use pool::{PoolMember, PoolReader};
pub use reconcile::{UnfinishedDraw, UnfinishedListing};
pub use reopen::{NotificationLine, Reopened, ReopenedCounts, RetryRequest};
pub use results::{Contact, EarlierAttempt, Notification, NotificationState, RankedEntry, Winner};
pub use seal::{CommitSeal, TakeLottery};
pub use store::{Store, Tables};
pub use table::{TableDefinition, table_definitions};
pub use winners::{MarkDrawn, RecordWinners, ReleaseWinners};
