//! A randomness beacon of the stack's own: a BLS key made at first start, and drand's HTTP API on the AWS port.
//!
//! Its rounds go the same way as those of the public beacon, and every proof says that they are not public:
//! the owner of the key knows them beforehand.

use std::path::Path;

use asl_engine::Clock;
use bytes::Bytes;
use lottery::DrawStatus;
use lottery::beacon::local::LocalBeacon;
use lottery::beacon::{BeaconRound, Chain, Period};
use lottery::signature::OrganiserKey;
use lottery::timestamp::ProofTimestamp;
use lottery_store::{Store, StoreError};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;

use crate::StartError;
use crate::data_directory::{DataDirectory, write_secret};

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

    /// The beacon with the key in this file.
    pub(crate) fn read(path: &Path, clock: Clock) -> Result<Found, StartError> {
        let unreadable = |source| StartError::Unwritable { path: path.to_owned(), source };
        let Some(words) = read_secret(path).map_err(unreadable)? else { return Ok(Found::Missing) };
        let beacon = std::str::from_utf8(&words).ok().and_then(|words| Beacon::from_words(words, clock));
        Ok(beacon.map_or(Found::Damaged, |beacon| Found::Beacon(Box::new(beacon))))
    }

    /// A new beacon, whose key is kept in this file.
    pub(crate) fn create(path: &Path, clock: Clock) -> Result<Beacon, StartError> {
        let words = new_words(&clock)?;
        write_secret(path, words.as_bytes())
            .map_err(|source| StartError::Unwritable { path: path.to_owned(), source })?;
        Beacon::from_words(&words, clock).ok_or_else(|| set_up("its key is none"))
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
            ["public", round] => Some(self.round(round).map(|round| relay_answer(&round).into())),
            _ => None,
        }
    }

    fn round(&self, asked: &str) -> Result<BeaconRound, &'static str> {
        let missing = "there is no such round yet\n";
        let now = ProofTimestamp::from_millisecond(self.clock.now().as_millisecond()).map_err(|_| missing)?;
        // The first round after now is the one that comes next.
        let after_now = ProofTimestamp::from_millisecond(now.as_millisecond() + 1).map_err(|_| missing)?;
        let latest = self.chain().first_round_at(after_now).saturating_sub(1);
        let round = match asked {
            "latest" => latest,
            number => number.parse().map_err(|_| missing)?,
        };
        if round == 0 || round > latest { Err(missing) } else { Ok(self.local.round(round)) }
    }
}

/// What was found in the file of a beacon's key.
pub(crate) enum Found {
    /// The key.
    Beacon(Box<Beacon>),
    /// There is no file.
    Missing,
    /// Something else than a key.
    Damaged,
}

/// At most so many unfinished draws are looked at.
const MAX_DRAWS: usize = 2_000;

/// The sealed draws that wait for a round of another beacon than `own` and the public one, by lottery and draw.
pub(crate) async fn draws_of_other_beacons(
    store: &Store,
    own: Option<&Chain>,
) -> Result<Vec<String>, StoreError> {
    let known = [Some(Chain::quicknet().hash()), own.map(Chain::hash)];
    let mut waiting = Vec::new();
    for listing in store.unfinished_draws().await?.into_iter().take(MAX_DRAWS) {
        let (lottery_id, draw_id) = (listing.lottery_id, listing.draw_id);
        let draw = store.unfinished_draw(&lottery_id, &draw_id).await?;
        if draw.is_none_or(|it| it.draw.status != DrawStatus::Sealed) {
            continue;
        }
        let seal = store.seal(&lottery_id, &draw_id).await?;
        let is_other = seal.is_some_and(|seal| !known.contains(&Some(seal.chain.hash())));
        if is_other && store.round(&lottery_id, &draw_id).await?.is_none() {
            waiting.push(format!("{lottery_id}/{draw_id}"));
        }
    }
    Ok(waiting)
}

/// These draws, in words.
pub(crate) fn named(draws: &[String]) -> String {
    const MAX_NAMED: usize = 5;
    let named = draws.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let what = if draws.len() == 1 { "the sealed draw" } else { "the sealed draws" };
    match draws.len().saturating_sub(MAX_NAMED) {
        0 => format!("{what} {named}"),
        more => format!("{what} {named} and {more} more"),
    }
}

/// The organiser's signing key, made of the secret in this file; without a file the key is gone with the process. The
/// secret is made if the file is not there and the directory is new.
pub(crate) fn organiser_key(file: Option<(&Path, &DataDirectory)>) -> Result<OrganiserKey, StartError> {
    let new_secret = || random_hex().map(|secret| secret + "\n");
    let Some((path, directory)) = file else {
        return Ok(OrganiserKey::from_secret(new_secret()?.as_bytes()));
    };
    let failed = |source| StartError::Unwritable { path: path.to_owned(), source };
    let damaged = |reason: &str| StartError::Damaged {
        path: path.to_owned(),
        reason: format!(
            "{reason}; it signs what draws commit to, so put it back from a backup. If there is none, openssl rand -hex 32 > \
             {} makes a new one, and whoever checks later draws sees another organiser",
            path.display()
        ),
    };
    let secret = match read_secret(path).map_err(failed)? {
        Some(secret) => secret,
        None if directory.is_used() => return Err(damaged("it is missing")),
        None => {
            let secret = new_secret()?.into_bytes();
            write_secret(path, &secret).map_err(failed)?;
            secret
        }
    };
    let digits = secret.trim_ascii();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(damaged("it does not hold the 64 hexadecimal digits that the stack wrote there"));
    }
    Ok(OrganiserKey::from_secret(&secret))
}

/// What is in a file; `None` if it is not there.
fn read_secret(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(secret) => Ok(Some(secret)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
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

fn relay_answer(round: &BeaconRound) -> String {
    json!({"round": round.round, "randomness": round.randomness, "signature": round.signature}).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use asl_engine::ManualClock;

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
    fn the_keys_are_made_once_and_a_damaged_file_is_no_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("beacon.key");
        let read = || Beacon::read(&path, Clock::system()).unwrap();
        assert!(matches!(read(), Found::Missing));
        let made = Beacon::create(&path, Clock::system()).unwrap();
        assert!(matches!(read(), Found::Beacon(found) if found.chain() == made.chain()));
        let good = std::fs::read(&path).unwrap();
        for bad in [&b""[..], b"nonsense", &good[..40], &[0xff; 70]] {
            std::fs::write(&path, bad).unwrap();
            assert!(matches!(read(), Found::Damaged), "{bad:?}");
        }
    }

    #[test]
    fn the_organisers_key_is_made_once_and_nothing_else_takes_its_part() {
        let parent = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(parent.path()).unwrap();
        let path = directory.file("organiser.key");
        let open = || organiser_key(Some((&path, &directory))).map(|key| key.public_key());
        let made = open().unwrap();
        assert_eq!(open().unwrap(), made);
        assert_ne!(organiser_key(None).unwrap().public_key(), made);
        let good = std::fs::read(&path).unwrap();
        for bad in [&b""[..], b"\n", &good[..63], &[0; 65], &[0xff; 64]] {
            std::fs::write(&path, bad).unwrap();
            let error = open().unwrap_err().to_string();
            assert!(
                error.contains("organiser.key cannot be used") && error.contains("from a backup"),
                "{error}"
            );
            assert_eq!(std::fs::read(&path).unwrap(), bad, "it is left as it is");
        }
        std::fs::create_dir(directory.file("executions")).unwrap();
        std::fs::write(directory.evidence(), "a stack has run here").unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(open().unwrap_err().to_string().contains("it is missing"));
    }
}
