//! The domain of the prize draw, pure: no clock, no network, no random source.
//!
//! Timestamps, randomness and commitments are arguments, so that everybody can recompute the results. A value is parsed once,
//! and its type says that it is valid. Without the default feature, which is the program `verify-draw`, the crate builds for
//! `wasm32-unknown-unknown` too.
//!
//! # Example
//!
//! A draw is decided by its entries, a commitment to them, and randomness that is published later. Everybody who knows the
//! three computes the same winners:
//!
//! ```
//! use lottery::ranking::Prk;
//! use lottery::seal::Seal;
//! use lottery::selection::Selection;
//! use lottery::{DrawRequest, Entry, Holder, Label, Locale, Nonce, ParticipantId, Tickets};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let request = serde_json::json!({ "prizes": [{ "name": "Bicycle", "winners": 2 }], "alternates": 1 });
//! let request = DrawRequest::parse(&request, Locale::En, "2026-11-22T12:00:00Z".parse()?)?;
//!
//! // A nonce and a label are random; these are constants so that the example always has the same result.
//! let mut entries = Vec::new();
//! for number in 1..=5 {
//!     let participant_id = ParticipantId::parse(&format!("employee-{number}"))?;
//!     entries.push(Entry {
//!         excluded: None,
//!         group: None,
//!         holder: Holder::commit(&Nonce::from_random([number; 32]), &participant_id),
//!         label: Label::from_random([number; 16]),
//!         tickets: Tickets::ONE,
//!     });
//! }
//!
//! // Before the randomness is known: the root of the entries, which the manifest of the draw commits to.
//! let mut seal = Seal::new(&request.prizes);
//! for entry in &entries {
//!     seal.push(entry)?;
//! }
//! let sealed = seal.finish()?;
//! assert_eq!(sealed.entries, 5);
//!
//! // Afterwards: the ranking of the entries.
//! let (commitment, randomness) = ([1; 32], [2; 32]);
//! let mut selection = Selection::new(Prk::extract(&commitment, &randomness), &request.prizes, request.alternates);
//! entries.iter().for_each(|entry| selection.offer(entry));
//! let ranking = selection.into_ranking();
//! assert_eq!(ranking.iter().filter(|ranked| ranked.prize.is_some()).count(), 2);
//! assert_eq!(ranking.len(), 3);
//! # Ok(())
//! # }
//! ```
//!
//! In reading order:
//!
//! - [`id`]: the ids of lotteries, draws and participants, and the random label of an entry
//! - [`participant`]: a person of the pool, with their [`contact`] addresses; [`record`]: what a list says of one, which may
//!   be only a part
//! - `list`, behind the feature `lists`: lists of participants as people have them, read into people
//! - [`lottery`]: the event with its pool; [`locale`]: its language and time zone; [`joining`]: how people enter by themselves;
//!   [`settings`]: what its organiser changes of it; [`message`]: the organiser's own words to winners
//! - [`draw_request`]: the request with which an organiser starts a draw; [`draw`]: one run that picks winners;
//!   [`release`]: the winners that it holds back until they are released; [`claim`]: the prizes that they have to claim
//! - [`execution`]: how the executions of the state machine that carry a draw are named, and their input
//! - [`entry`]: a participant's line in one sealed draw
//! - [`ranking`]: from a commitment, randomness and an entry to its score
//! - the fair draw: [`prize_list`], [`quota`] and [`feasibility`] before it, [`seal`] and [`manifest`] (with [`merkle`],
//!   [`timestamp`], [`canonical_json`]) for the commitment, [`signature`] for its author; [`beacon`] for the
//!   randomness; [`selection`] for the winners, [`seats`] and [`seat_changes`] for seats that change hands
//! - [`proof`], [`verify`], [`receipt`], [`odds`]: what others can check, and know beforehand; [`witness`]: time stamps of
//!   the commitment
//! - [`webhook`]: the address of the organiser's that hears of draws, and what it is sent
//! - [`mask`]: how names and addresses look to the public; [`search`]: how an organiser finds them; [`guard`]: how they are
//!   written to a file that a spreadsheet program opens

mod entry_list;
mod error;
mod hex_bytes;
mod parts;
mod text;
mod version;

pub mod beacon;
pub mod binding;
pub mod canonical_json;
pub mod channel;
pub mod claim;
pub mod contact;
pub mod draw;
pub mod draw_request;
pub mod entry;
pub mod execution;
pub mod feasibility;
pub mod fingerprint;
pub mod guard;
pub mod history;
pub mod id;
pub mod joining;
#[cfg(feature = "lists")]
pub mod list;
pub mod locale;
pub mod lottery;
pub mod manifest;
pub mod mask;
pub mod merkle;
pub mod message;
pub mod nearest;
pub mod odds;
pub mod participant;
pub mod prize_list;
pub mod proof;
pub mod quota;
pub mod ranking;
pub mod receipt;
pub mod record;
pub mod release;
pub mod repeat;
pub mod seal;
pub mod search;
pub mod seat_changes;
pub mod seats;
pub mod selection;
pub mod settings;
pub mod signature;
pub mod timestamp;
pub mod verify;
pub mod webhook;
pub mod witness;

pub use channel::Channel;
pub use claim::{ClaimRound, Claims, CollectText};
pub use contact::{Address, EmailAddress, PhoneNumber};
pub use draw::{
    Commitment, Draw, DrawStatus, NotificationCounts, NotificationsByChannel, Prize, PrizeName, Reason,
};
pub use draw_request::{DrawRequest, DrawRequestError};
pub use entry::{Entry, Exclusion, Holder, Nonce};
pub use error::{FieldError, Invalid, Refusal};
pub use hex_bytes::HexBytes;
pub use id::{DrawId, Label, LotteryId, ParticipantId};
pub use joining::{JoinCode, JoinState, Joining, OwnWords, Question, VenueCode};
pub use locale::{Locale, TimeZoneName};
pub use lottery::{CountryCode, EmailThrough, Lottery, LotteryName, NewLottery};
pub use message::Messages;
pub use participant::{Group, Name, Participant, ParticipantFields, Tickets};
pub use prize_list::{PrizeList, PrizeListError};
pub use quota::{Part, Quota};
pub use record::{ClearWord, Clearing, Field, Record};
pub use release::{Hold, RankSet, ReleaseMode};
pub use repeat::{Repeat, RepeatId, RepeatResult};
pub use seats::{PassedOn, ReplaceReason};
pub use settings::LotteryChange;
pub use text::hex;
