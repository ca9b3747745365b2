//! The domain of the prize draw, pure: no clock, no network, no random source.
//!
//! A moment, randomness and a commitment come in as arguments, so that everything here can be
//! recomputed by anyone. Values are parsed once and trusted by their type from then on.
//!
//! In reading order:
//!
//! - [`id`]: what names a lottery, a draw, a participant, and the random label of an entry
//! - [`participant`]: a person of the pool, with their [`contact`] addresses
//! - [`lottery`]: the event with its pool; [`locale`]: its language and time zone
//! - [`draw_request`]: what an organiser asks for; [`draw`]: one run that picks winners
//! - [`entry`]: a participant's place in one sealed draw
//! - [`ranking`]: from a commitment, randomness and entries to the winners
//! - [`mask`]: how names and addresses look to the public

mod error;
mod text;

pub mod channel;
pub mod contact;
pub mod draw;
pub mod draw_request;
pub mod entry;
pub mod id;
pub mod locale;
pub mod lottery;
pub mod mask;
pub mod participant;
pub mod ranking;

pub use channel::Channel;
pub use contact::{EmailAddress, PhoneNumber};
pub use draw::{Commitment, Draw, DrawStatus, NotificationCounts, Prize, PrizeName, Reason};
pub use draw_request::{DrawRequest, DrawRequestError};
pub use entry::{Entry, Exclusion, Holder, Nonce};
pub use error::{FieldError, Invalid};
pub use id::{DrawId, Label, LotteryId, ParticipantId};
pub use locale::{Locale, TimeZoneName};
pub use lottery::{EmailThrough, Lottery, LotteryName, NewLottery};
pub use participant::{Group, Name, Participant, ParticipantFields, Tickets};
