//! A time-stamp authority of the stack's own: keys made at first start, and RFC 3161 on the AWS port.
//!
//! Its stamps go the same way as those of the public authorities, and every verdict says that they prove nothing to
//! others: they are by this machine's own clock.

use std::path::Path;

use asl_engine::Clock;
use jiff::Timestamp;
use lottery::HexBytes;
use lottery::witness::local::LocalAuthority;
use lottery::witness::request;
use ring::rand::{SecureRandom, SystemRandom};

use crate::StartError;
use crate::data_directory::write_secret;

/// The authority with the clock that it goes by.
pub(crate) struct Authority {
    local: LocalAuthority,
    clock: Clock,
}

impl Authority {
    /// Where it answers.
    pub(crate) const PATH: &str = "/time-stamp";
    /// The content type of what it answers.
    pub(crate) const REPLY_TYPE: &str = request::REPLY_TYPE;

    /// An authority with keys of its own, which are gone with the process.
    pub(crate) fn in_memory(clock: Clock) -> Result<Authority, StartError> {
        Ok(Authority { local: LocalAuthority::from_seed(new_seed()?.as_bytes()), clock })
    }

    /// The authority with the keys in this file, which is made if there is none, or none that can be read: nobody trusts
    /// these keys, so that nothing is lost with them.
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Authority, StartError> {
        let unwritable = |source| StartError::Unwritable { path: path.to_owned(), source };
        let kept = std::fs::read_to_string(path).ok();
        let seed = match kept.and_then(|kept| HexBytes::<32>::parse(kept.trim()).ok()) {
            Some(seed) => seed,
            None => {
                let seed = new_seed()?;
                write_secret(path, format!("{seed}\n").as_bytes()).map_err(unwritable)?;
                seed
            }
        };
        Ok(Authority { local: LocalAuthority::from_seed(seed.as_bytes()), clock })
    }

    /// The reply to a request for a time stamp; none if it is not one.
    pub(crate) fn reply(&self, request: &[u8]) -> Option<Vec<u8>> {
        let now = Timestamp::from_millisecond(self.clock.now().as_millisecond()).ok()?;
        self.local.reply(request, now).ok()
    }
}

fn new_seed() -> Result<HexBytes<32>, StartError> {
    let mut bytes = [0; 32];
    let failed = |_| StartError::SetUp {
        what: "the time-stamp authority".to_owned(),
        reason: "the operating system gave no random bytes".to_owned(),
    };
    SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(HexBytes::from(bytes))
}

#[cfg(test)]
mod tests {
    use asl_engine::ManualClock;
    use lottery::Commitment;
    use lottery::timestamp::ProofTimestamp;
    use lottery::witness::request::{parse_reply, request};
    use lottery::witness::{Kind, Roots, Witness, Worth, examine};

    use super::*;

    #[test]
    fn its_keys_are_kept_and_its_stamps_name_the_time_of_the_stacks_clock() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("time-stamp.key");
        let clock = ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap());
        let open = || Authority::open(&path, clock.clone().into()).unwrap();
        let made = open();
        assert_eq!(open().local.root(), made.local.root());
        let commitment = Commitment::from([5; 32]);
        let token = parse_reply(&made.reply(&request(&commitment)).unwrap(), &commitment).unwrap();
        let worth = examine(
            &Witness { kind: Kind::Rfc3161, token },
            &commitment,
            ProofTimestamp::parse("2026-11-22T12:00:01.000Z").unwrap(),
            &Roots::default(),
        );
        assert_eq!(
            worth,
            Worth::Local { before: ProofTimestamp::parse("2026-11-22T12:00:00.001Z").unwrap() }
        );
        assert!(made.reply(b"hello").is_none());
        std::fs::write(&path, "nonsense").unwrap();
        assert_ne!(open().local.root(), made.local.root());
    }
}
