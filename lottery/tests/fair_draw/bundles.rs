//! Whole draws for the tests: sealed, drawn and proven as an organiser would.

use lottery::beacon::local::LocalBeacon;
use lottery::beacon::{BeaconRound, Chain, Period};
use lottery::manifest::{Algorithm, Manifest, NamedRound, OperatorPlace, Version};
use lottery::proof::{Proof, ProofBeacon};
use lottery::ranking::Prk;
use lottery::seal::Seal;
use lottery::signature::OrganiserKey;
use lottery::timestamp::ProofTimestamp;
use lottery::verify::{Options, Report, verify};
use lottery::{DrawId, DrawStatus, Entry, Exclusion, HexBytes, LotteryId, PrizeList};

use super::naive::{self, bytes, prize};

/// A draw and everybody who has a part in it.
pub(crate) struct Draw {
    pub(crate) entries: Vec<Entry>,
    pub(crate) manifest: Manifest,
    pub(crate) beacon: LocalBeacon,
    pub(crate) organiser: OrganiserKey,
}

/// The beacon of these tests.
pub(crate) fn beacon() -> LocalBeacon {
    LocalBeacon::from_seed(&bytes("beacon", 1), 1_750_000_000, Period::try_from(3).unwrap())
}

/// Entries with groups, tickets and a few that cannot win, sorted as they are sealed.
pub(crate) fn entries(count: u64) -> Vec<Entry> {
    let groups = [None, Some("Vertrieb"), Some("研发"), Some("\"Q\"\\A")];
    let entry = |number: u64| {
        let mut entry = naive::entry(number, (number % 7 + 1) as u32, groups[number as usize % 4]);
        entry.excluded = match number % 11 {
            7 => Some(Exclusion::Organiser),
            9 => Some(Exclusion::PastWinner(DrawId::parse("spring").unwrap())),
            _ => None,
        };
        entry
    };
    let mut entries: Vec<_> = (0..count).map(entry).collect();
    entries.sort_by_key(|entry| entry.label);
    entries
}

/// Two prizes with quotas that `entries` can fill.
pub(crate) fn prizes() -> PrizeList {
    let bounds = [("Vertrieb", Some(1), Some(2)), ("研发", None, Some(2))];
    PrizeList::try_from(vec![prize(2, &[]), prize(4, &bounds)]).unwrap()
}

/// Two prizes with quotas for several groups together and for people without one, that `entries` can fill.
pub(crate) fn prizes_of_several() -> PrizeList {
    let first = [("Vertrieb+研发", Some(2), Some(3)), ("-", None, Some(1))];
    let second = [("研发+-", Some(1), Some(4)), ("\"Q\"\\A", None, Some(1))];
    PrizeList::try_from(vec![prize(4, &first), prize(6, &second)]).unwrap()
}

impl Draw {
    /// Seals entries. The first draw of its lottery.
    pub(crate) fn seal(entries: Vec<Entry>, prizes: PrizeList) -> Self {
        let (beacon, organiser) = (beacon(), OrganiserKey::from_seed(&bytes("organiser", 1)));
        Self::seal_with(beacon.chain(), entries, prizes, |manifest| Self {
            entries: Vec::new(),
            manifest,
            beacon: beacon.clone(),
            organiser,
        })
    }

    /// Seals entries for a round of `chain`, which need not be the local beacon's.
    pub(crate) fn seal_with(
        chain: &Chain,
        entries: Vec<Entry>,
        prizes: PrizeList,
        draw: impl FnOnce(Manifest) -> Self,
    ) -> Self {
        let mut seal = Seal::new(&prizes);
        for entry in &entries {
            seal.push(entry).unwrap();
        }
        let sealed = seal.finish().unwrap();
        let sealed_at = ProofTimestamp::parse("2026-04-20T12:30:45.120Z").unwrap();
        let margin_seconds = 10;
        let manifest = Manifest {
            algorithm: Algorithm::LowestTicket,
            alternates: 3,
            beacon: NamedRound::after(chain, sealed_at, margin_seconds).unwrap(),
            claim_within_seconds: None,
            closes_at: Some(ProofTimestamp::parse("2026-04-20T12:30:00.000Z").unwrap()),
            draw_id: DrawId::parse("summer").unwrap(),
            entries: sealed.entries,
            kind: None,
            lottery_id: LotteryId::parse("party-2026").unwrap(),
            margin_seconds,
            previous_commitment: Some(lottery::Commitment::from(bytes("previous", 1))),
            previous_status: Some(DrawStatus::Abandoned),
            prizes,
            root: sealed.root,
            sealed_at,
            sequence: 2,
            tickets: sealed.tickets,
            version: Version::One,
            exclude_past_winners: None,
            operator: None,
        };
        Self { entries, ..draw(manifest) }
    }

    /// The same with a manifest of the second version.
    pub(crate) fn second(mut self) -> Self {
        self.manifest.version = Version::Two;
        self.manifest.exclude_past_winners = Some(true);
        self.manifest.operator = Some(OperatorPlace {
            lane: OperatorPlace::lane_of(&self.manifest.lottery_id),
            previous_commitment: Some(lottery::Commitment::from(bytes("lane", 1))),
            sequence: 7,
        });
        self
    }

    /// The round that decides, as the beacon publishes it.
    pub(crate) fn round(&self) -> BeaconRound {
        self.beacon.round(self.manifest.beacon.round)
    }

    /// The proof of the draw with this round, signed by the organiser.
    pub(crate) fn proof_with(&self, round: BeaconRound) -> Proof {
        let commitment = self.manifest.commitment();
        let prk = Prk::extract(commitment.as_bytes(), round.randomness.as_bytes());
        let ranking = naive::draw(prk, &self.entries, &self.manifest.prizes, self.manifest.alternates);
        let beacon = ProofBeacon { chain: self.beacon.chain().clone(), round: Some(round) };
        let signature = self.organiser.sign(&commitment);
        Proof::new(beacon, self.manifest.clone(), Some(ranking), signature, Vec::new(), Vec::new())
    }

    /// The proof of the draw.
    pub(crate) fn proof(&self) -> Proof {
        self.proof_with(self.round())
    }

    /// The bytes that are published.
    pub(crate) fn bundle(&self) -> String {
        self.proof().to_canonical_json(Some(&self.entries))
    }
}

/// Checks a bundle without knowing anything beforehand.
pub(crate) fn check(bundle: &str) -> Report {
    verify(bundle.as_bytes(), &Options::default())
}

/// A hash that belongs to nothing.
pub(crate) fn strange_hash() -> HexBytes<32> {
    HexBytes::from(bytes("strange", 1))
}
