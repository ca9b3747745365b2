//! A randomness beacon of the stack's own: a BLS key made at first start, and drand's HTTP API on the AWS port.
//!
//! Its rounds go the same way as those of the public beacon, and every proof says that they are not public:
//! whoever has the key knows them beforehand.

use std::path::Path;

use bytes::Bytes;
use lottery::beacon::local::LocalBeacon;
use lottery::beacon::{BeaconRound, Chain, Period};
use lottery::moment::Moment;
use lottery::signature::OrganiserKey;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use statemachine::Clock;

use crate::StartError;
use crate::data_directory::write_secret;

/// Seconds between two rounds: as short as drand's format has it, so that a draw waits no longer than it must.
const PERIOD: u32 = 1;

/// The beacon with the clock that it goes by.
pub(crate) struct Beacon {
    local: LocalBeacon,
    clock: Clock,
}

impl Beacon {
    /// A beacon with a key of its own, which is gone with the process.
    pub(crate) fn in_memory(clock: Clock) -> Result<Beacon, StartError> {
        Beacon::from_words(&new_words(&clock)?, clock).ok_or_else(|| set_up("its key is none"))
    }

    /// The beacon with the key in this file, which is created if it is not there.
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Beacon, StartError> {
        let words = secret_file(path, || new_words(&clock))?;
        Beacon::from_words(&words, clock).ok_or_else(|| StartError::Damaged {
            path: path.to_owned(),
            reason: "it holds no seed and first round; remove it to have a new beacon made".to_owned(),
        })
    }

    /// The seed in hexadecimal, and the time of the first round in seconds since 1970.
    fn from_words(words: &str, clock: Clock) -> Option<Beacon> {
        let (seed, genesis_time) = words.trim().split_once(' ')?;
        let seed = lottery::HexBytes::<32>::parse(seed).ok()?;
        let period = Period::try_from(PERIOD).ok()?;
        let local = LocalBeacon::from_seed(seed.as_bytes(), genesis_time.parse().ok()?, period);
        Some(Beacon { local, clock })
    }

    /// What its rounds are verified with.
    pub(crate) fn chain(&self) -> &Chain {
        self.local.chain()
    }

    /// The answer to a GET of drand's HTTP API; none if this path is not one of its paths. A round before its time is
    /// not there, for anybody.
    pub(crate) fn answer(&self, path: &str) -> Option<Result<Bytes, &'static str>> {
        let chain = self.chain();
        let hash = chain.hash().to_string();
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        let parts = match parts.as_slice() {
            [first, rest @ ..] if *first == hash => rest,
            all => all,
        };
        match parts {
            ["chains"] => Some(Ok(json!([hash]).to_string().into())),
            ["info"] => Some(Ok(info(chain).into())),
            ["public", round] => Some(self.round(round).map(|round| told(&round).into())),
            _ => None,
        }
    }

    fn round(&self, asked: &str) -> Result<BeaconRound, &'static str> {
        let missing = "there is no such round yet\n";
        let now = Moment::from_millisecond(self.clock.now().as_millisecond()).map_err(|_| missing)?;
        // The first round at a moment behind now is the one that comes next.
        let behind = Moment::from_millisecond(now.as_millisecond() + 1).map_err(|_| missing)?;
        let latest = self.chain().first_round_at(behind).saturating_sub(1);
        let round = match asked {
            "latest" => latest,
            number => number.parse().map_err(|_| missing)?,
        };
        if round == 0 || round > latest { Err(missing) } else { Ok(self.local.round(round)) }
    }
}

/// The organiser's signing key, made of the secret in this file, which is created if it is not there; without a file
/// the key is gone with the process.
pub(crate) fn organiser_key(path: Option<&Path>) -> Result<OrganiserKey, StartError> {
    let new_secret = || random_hex().map(|secret| secret + "\n");
    let secret = match path {
        Some(path) => secret_file(path, new_secret)?,
        None => new_secret()?,
    };
    Ok(OrganiserKey::from_secret(secret.as_bytes()))
}

fn secret_file(path: &Path, new: impl FnOnce() -> Result<String, StartError>) -> Result<String, StartError> {
    let unwritable = |source| StartError::Unwritable { path: path.to_owned(), source };
    match std::fs::read_to_string(path) {
        Ok(secret) => Ok(secret),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = new()?;
            write_secret(path, secret.as_bytes()).map_err(unwritable)?;
            Ok(secret)
        }
        Err(source) => Err(unwritable(source)),
    }
}

/// A beacon whose first round is out already.
fn new_words(clock: &Clock) -> Result<String, StartError> {
    Ok(format!("{} {}\n", random_hex()?, clock.now().as_second() - i64::from(PERIOD)))
}

fn random_hex() -> Result<String, StartError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| set_up("the operating system gave no random bytes"))?;
    Ok(lottery::HexBytes::from(bytes).to_string())
}

fn set_up(reason: &str) -> StartError {
    StartError::SetUp { what: "the beacon".to_owned(), reason: reason.to_owned() }
}

fn info(chain: &Chain) -> String {
    json!({
        "public_key": chain.public_key,
        "period": chain.period,
        "genesis_time": chain.genesis_time,
        "hash": chain.hash(),
        "groupHash": chain.group_hash,
        "schemeID": chain.scheme,
        "metadata": {"beaconID": chain.beacon_id},
    })
    .to_string()
}

fn told(round: &BeaconRound) -> String {
    json!({"round": round.round, "randomness": round.randomness, "signature": round.signature}).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use statemachine::ManualClock;

    use super::*;

    #[test]
    fn it_answers_as_drand_does_and_gives_no_round_before_its_time() {
        let clock = ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap());
        let beacon = Beacon::in_memory(clock.clone().into()).unwrap();
        let hash = beacon.chain().hash();
        let get = |path: &str| beacon.answer(path).unwrap();
        assert_eq!(Chain::parse_info(&get("/info").unwrap()).as_ref(), Ok(beacon.chain()));
        assert_eq!(get(&format!("/{hash}/info")), get("/info"));
        assert_eq!(get("/chains").unwrap(), json!([hash]).to_string().as_bytes());
        let latest = BeaconRound::parse_answer(&get("/public/latest").unwrap()).unwrap();
        assert!(beacon.chain().verify(latest.round, &latest).is_ok());
        let next = format!("/{hash}/public/{}", latest.round + 1);
        assert!(get(&next).is_err());
        clock.advance(Duration::from_millis(999));
        assert!(get(&next).is_err());
        clock.advance(Duration::from_millis(1));
        let round = BeaconRound::parse_answer(&get(&next).unwrap()).unwrap();
        assert!(beacon.chain().verify(latest.round + 1, &round).is_ok());
        for path in ["/public/0", "/public/-1", "/public/x"] {
            assert!(get(path).is_err(), "{path}");
        }
        assert!(beacon.answer("/").is_none() && beacon.answer("/other/info").is_none());
    }

    #[test]
    fn the_keys_are_made_once_and_a_damaged_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("beacon.key");
        let open = || Beacon::open(&path, Clock::system());
        assert_eq!(open().unwrap().chain(), open().unwrap().chain());
        let organiser = directory.path().join("organiser.key");
        let key = || organiser_key(Some(&organiser)).unwrap().public_key();
        assert_eq!(key(), key());
        assert_ne!(organiser_key(None).unwrap().public_key(), key());
        std::fs::write(&path, "nonsense").unwrap();
        assert!(open().err().unwrap().to_string().contains("remove it"));
    }
}
