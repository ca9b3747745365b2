//! The domain of the prize draw, pure: no clock, no network, no random source.
//!
//! A moment, randomness and a commitment come in as arguments, so that everything here can be
//! recomputed by anyone. Values are parsed once and trusted by their type from then on. Without its default feature,
//! which is the program `verify-draw`, it builds for `wasm32-unknown-unknown` too.
//!
//! In reading order:
//!
//! - [`id`]: what names a lottery, a draw, a participant, and the random label of an entry
//! - [`participant`]: a person of the pool, with their [`contact`] addresses; [`record`]: what a list says of one, which may
//!   be only a part
//! - `list`, behind the feature `lists`: lists of participants as people have them, read into people
//! - [`lottery`]: the event with its pool; [`locale`]: its language and time zone
//! - [`draw_request`]: what an organiser asks for; [`draw`]: one run that picks winners
//! - [`execution`]: how the executions of the state machine that carry a draw are named, and their input
//! - [`entry`]: a participant's place in one sealed draw
//! - [`ranking`]: from a commitment, randomness and an entry to its score
//! - the fair draw: [`prize_list`], [`quota`] and [`feasibility`] before it, [`seal`] and [`manifest`] (with [`merkle`],
//!   [`moment`], [`canonical_json`]) for what is committed to, [`signature`] for by whom; [`beacon`] for the
//!   randomness; [`selection`] and [`alternates`] for who wins
//! - [`proof`], [`verify`], [`receipt`], [`odds`]: what others can check, and know beforehand
//! - [`mask`]: how names and addresses look to the public; [`search`]: how an organiser finds them; [`guard`]: how they stand in
//!   a file that a spreadsheet opens

mod entry_list;
mod error;
mod hex_bytes;
mod parts;
mod text;

pub mod alternates;
pub mod beacon;
pub mod canonical_json;
pub mod channel;
pub mod contact;
pub mod draw;
pub mod draw_request;
pub mod entry;
pub mod execution;
pub mod feasibility;
pub mod guard;
pub mod id;
#[cfg(feature = "lists")]
pub mod list;
pub mod locale;
pub mod lottery;
pub mod manifest;
pub mod mask;
pub mod merkle;
pub mod moment;
pub mod nearest;
pub mod odds;
pub mod participant;
pub mod prize_list;
pub mod proof;
pub mod quota;
pub mod ranking;
pub mod receipt;
pub mod record;
pub mod seal;
pub mod search;
pub mod selection;
pub mod signature;
pub mod verify;

pub use alternates::Forfeit;
pub use channel::Channel;
pub use contact::{EmailAddress, PhoneNumber};
pub use draw::{
    Commitment, Draw, DrawStatus, NotificationCounts, NotificationsByChannel, Prize, PrizeName, Reason,
};
pub use draw_request::{DrawRequest, DrawRequestError};
pub use entry::{Entry, Exclusion, Holder, Nonce};
pub use error::{FieldError, Invalid, Refusal};
pub use hex_bytes::HexBytes;
pub use id::{DrawId, Label, LotteryId, ParticipantId};
pub use locale::{Locale, TimeZoneName};
pub use lottery::{CountryCode, EmailThrough, Lottery, LotteryName, NewLottery};
pub use participant::{Group, Name, Participant, ParticipantFields, Tickets};
pub use prize_list::{PrizeList, PrizeListError};
pub use quota::{Part, Quota};
pub use record::{ClearWord, Clearing, Field, Record};
pub use text::hex;
