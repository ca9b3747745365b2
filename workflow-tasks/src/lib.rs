//! The functions behind the Task states of `statemachine/lottery.asl.json`.
//!
//! Each is `handle(cx, input) -> Result<Output, TaskError>`: JSON in, JSON out, ids and counts only.
//! [`invoke`] is the one table from name to function. Any task may run twice, even at the same time:
//! it writes with a condition, and a second run finds its own result.
//!
//! In the order of a draw:
//!
//! - [`seal_entries`]: takes the lottery, fixes the entries, and commits to them
//! - [`stamp_commitment`]: has the `authorities` stamp the commitment
//! - [`announce_commitment`]: sends it to everybody on the sealed list, by `tell_entries`, with the words of
//!   `entry_message`
//! - [`fetch_beacon`]: fetches the round of the beacon, from one of its `relays`
//! - [`draw_winners`]: ranks the sealed entries
//! - [`record_winners`]: the pivot, from which winners are official
//! - [`check_release`], [`await_release`]: of a held draw, whether winners are to be notified now, and the wait for a
//!   release
//! - [`check_claims`], [`await_claims`]: of a draw whose prizes have to be claimed, the seats that are passed on because they
//!   were not, and the wait for claims
//! - [`send_sms`], [`send_email`]: notify winners for about a minute; both through `notify`, which goes through the
//!   ranking at a `pace`, `notify_winner`, which keeps the ledger, `message`, which has the texts, and `publish`, which knows
//!   what a response of SNS or SES means. A `position` is what one run passes to the next
//! - [`notify_others`]: tells those who have not won, by `tell_entries` too
//! - [`complete_draw`], [`mark_incomplete`]: the two ends after the pivot, decided by `notification_summary`
//! - [`notify_organiser`]: how the draw ended, to its organiser, with the words of `summary_message`
//! - [`release_winners`]: the compensation before the pivot, with `release`
//! - [`reconcile_draws`]: on a timer, resumes draws whose execution has ended, by `executions`, and wakes
//!   or resumes those that wait for a release or for claims, by `held`
//! - [`record_delivery`]: on events of SES, for UNKNOWN messages and bounces
//! - [`send_webhook`]: on events of draws, from a queue: sends them to `webhooks` of organisers
//! - [`start_repeat`]: on schedules of EventBridge: starts the draw of a repeating draw that is due
//!
//! Of `import-participants.asl.json`, which imports a big list that was uploaded; `upload` is what they share, `batch` the files
//! between them, `objects` the bucket:
//!
//! - [`inspect_list`], [`await_mapping`]: what the list is, and the wait for the organiser where that is unsure
//! - [`split_list`]: reads all of it into batches; [`import_batch`] imports one
//! - [`finish_import`], [`fail_import`]: the two ends
//!
//! Around them: [`TaskContext`] with [`Services`] and [`Config`], [`TaskError`] with its names, [`Metrics`], [`Function`], and [`lambda`],
//! which the thin binaries in `src/bin` share.

mod authorities;
mod batch;
mod config;
mod context;
mod due_message;
mod entry_message;
mod error;
mod executions;
mod function;
mod gathering;
mod held;
mod http_response;
mod invoke;
mod message;
mod metrics;
mod notification_summary;
mod notify;
mod notify_winner;
mod objects;
mod pace;
mod past_winners;
mod position;
mod publish;
mod relays;
mod release;
mod sealing;
mod services;
mod summary_message;
mod task;
mod tell_entries;
mod upload;
mod webhooks;

pub mod announce_commitment;
pub mod await_claims;
pub mod await_mapping;
pub mod await_release;
pub mod check_claims;
pub mod check_release;
pub mod complete_draw;
pub mod draw_winners;
pub mod fail_import;
pub mod fetch_beacon;
pub mod finish_import;
pub mod import_batch;
pub mod inspect_list;
pub mod lambda;
pub mod mark_incomplete;
pub mod notify_organiser;
pub mod notify_others;
pub mod reconcile_draws;
pub mod record_delivery;
pub mod record_winners;
pub mod release_winners;
pub mod seal_entries;
pub mod send_email;
pub mod send_sms;
pub mod send_webhook;
pub mod split_list;
pub mod stamp_commitment;
pub mod start_repeat;

pub use config::{BeaconConfig, Config, ConfigError, DeliveryConfig, OrganiserSecret};
pub use context::TaskContext;
pub use error::TaskError;
pub use function::Function;
pub use invoke::invoke;
pub use metrics::Metrics;
pub use platform::{Clock, SystemClock};
pub use position::{Next, Position, Positions, Release};
pub use services::Services;
pub use task::{DrawInput, EndInput, LookInput, SendInput, TaskInput, WaitInput, Waiting};
