//! Pictures: how numbers and times are written and read, after XPath's functions.

mod calendar;
mod integer;
mod number;
mod read_time;
mod time;

use super::error::{Error, Outcome};

pub(super) use self::integer::IntegerFormat;
pub(super) use self::number::format_number;
pub(super) use self::read_time::{parse_iso, parse_time};
pub(super) use self::time::format_time;

/// The longest picture, and the widest component that one may ask for.
const MAX_PICTURE: usize = 1_000;

fn check_picture(picture: &str) -> Outcome<()> {
    if picture.chars().take(MAX_PICTURE + 1).count() > MAX_PICTURE { Err(Error::memory()) } else { Ok(()) }
}
