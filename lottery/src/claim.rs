//! Claiming: winners confirm their prizes in time, or their seats are passed on.
//!
//! Winners are asked in rounds. A round opens once its winners are notified; a winner with a seat by then has
//! `claim_within_seconds` from that time. A seat that is not claimed is passed on by the same rule and in the same log as
//! that of a winner who is replaced ([`crate::seat_changes`]), and the next holder is notified, and asked in the next round.
//! Rounds end when every seat is claimed or nobody is left, and at the latest after [`Claims::MAX_ROUNDS`] of them or
//! [`Claims::MAX_DAYS`] after the winners became official: then seats stay with their holders.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fingerprint::FingerprintKey;
use crate::seat_changes::MAX_CHANGES;
use crate::text::{hex, is_visible, undamaged};
use crate::{Draw, DrawId, FieldError, Invalid, LotteryId, Refusal};

/// The claims of a draw that asks for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// How long a winner has, in seconds.
    pub within_seconds: u32,
    /// How many of those who have their seats have claimed them, as last counted.
    pub claimed: u32,
    /// The rounds that were opened, in order.
    pub rounds: Vec<ClaimRound>,
}

/// A round of claims: it is for those who had seats when it was opened and were not in an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRound {
    /// How many seats had been passed on by then.
    pub passed_on: u32,
    /// When it was opened.
    pub opened_at: Timestamp,
}

impl Claims {
    /// The shortest time to claim, in seconds.
    pub const MIN_SECONDS: u32 = 60;
    /// The longest time to claim, in seconds: 30 days.
    pub const MAX_SECONDS: u32 = 30 * 24 * 60 * 60;
    /// The maximum number of rounds of one draw.
    pub const MAX_ROUNDS: usize = 100;
    /// How long after the winners became official a further round may open, in days.
    pub const MAX_DAYS: i64 = 360;

    /// Claims of which nobody was asked yet.
    pub fn new(within_seconds: u32) -> Self {
        Self { within_seconds, claimed: 0, rounds: Vec::new() }
    }

    /// Parses the field `claim_within_seconds` of a request; none if nobody has to claim.
    pub(crate) fn parse(value: Option<&Value>) -> Result<Option<Self>, FieldError> {
        let (least, most) = (u64::from(Self::MIN_SECONDS), u64::from(Self::MAX_SECONDS));
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .filter(|seconds| (least..=most).contains(seconds))
                .and_then(|seconds| u32::try_from(seconds).ok())
                .map(|seconds| Some(Self::new(seconds)))
                .ok_or_else(|| FieldError::new("claim_within_seconds", Refusal::OutOfRange { least, most })),
        }
    }

    /// Until when the winners asked last can claim.
    pub fn last_deadline(&self) -> Option<Timestamp> {
        self.rounds.last().map(|round| self.deadline(*round))
    }

    fn deadline(&self, round: ClaimRound) -> Timestamp {
        round.opened_at + SignedDuration::from_secs(i64::from(self.within_seconds))
    }
}

/// How the claims of a draw stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClaimCounts {
    /// How many seats are claimed by their holders.
    pub claimed: u32,
    /// How many seats are not claimed by their holders.
    pub open: u32,
    /// How many seats were passed on because they were not claimed.
    pub passed_on: u32,
}

impl Draw {
    /// How its winners claim their prizes; none if they need not. Nobody wins by a rehearsal, so nobody is asked.
    pub fn asks_to_claim(&self) -> Option<&Claims> {
        self.claims.as_ref().filter(|_| !self.rehearsal)
    }

    /// Until when the winner of this rank can claim; none before the winner's round is opened.
    pub fn claim_deadline(&self, rank: u32) -> Option<Timestamp> {
        let claims = self.asks_to_claim()?;
        let taken = self.passed_on.iter().position(|seat| seat.taken_by == Some(rank));
        let after = taken.map_or(0, |index| u32::try_from(index + 1).unwrap_or(u32::MAX));
        let round = claims.rounds.iter().find(|round| round.passed_on >= after)?;
        Some(claims.deadline(*round))
    }

    /// Whether a further round of claims may open.
    pub fn may_open_claim_round(&self, now: Timestamp) -> bool {
        let Some(claims) = self.asks_to_claim() else { return false };
        let longest = SignedDuration::from_hours(24 * Claims::MAX_DAYS);
        claims.rounds.len() < Claims::MAX_ROUNDS
            && self.can_pass_on()
            && self.recorded_at.is_some_and(|recorded_at| now.duration_since(recorded_at) <= longest)
    }

    /// Whether a winner who has not claimed is still waited for, before the seat is passed on or stays as it is.
    pub fn awaits_claim(&self, rank: u32, now: Timestamp) -> bool {
        self.can_pass_on() && (self.claim_deadline(rank).is_some() || self.may_open_claim_round(now))
    }

    fn can_pass_on(&self) -> bool {
        self.asks_to_claim().is_some() && !self.is_closed() && (self.seat_changes as usize) < MAX_CHANGES
    }

    /// Whether something has happened that ends a wait for claims, of which `reopened` was the state when it began.
    pub fn ends_claim_wait(&self, reopened: u32) -> bool {
        let is_all = self.asks_to_claim().is_none_or(|claims| claims.claimed >= self.seated());
        is_all || self.is_closed() || self.reopened > reopened
    }

    /// How its claims stand; none if nobody has to claim.
    pub fn claim_counts(&self) -> Option<ClaimCounts> {
        let claims = self.asks_to_claim()?;
        let claimed = claims.claimed.min(self.seated());
        let unclaimed = |seat: &&crate::PassedOn| seat.reason == Some(crate::ReplaceReason::Unclaimed);
        let passed_on = self.passed_on.iter().filter(unclaimed).count();
        let passed_on = u32::try_from(passed_on).unwrap_or(u32::MAX);
        Some(ClaimCounts { claimed, open: self.seated() - claimed, passed_on })
    }
}

/// By what a claim link names its draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimId([u8; 8]);

impl ClaimId {
    /// The id of a draw's claim links.
    pub fn of(lottery_id: &LotteryId, draw_id: &DrawId) -> Self {
        let hash = Sha256::new().chain_update(b"claims of ").chain_update(lottery_id.as_str());
        let hash: [u8; 32] = hash.chain_update(b"/").chain_update(draw_id.as_str()).finalize().into();
        let (id, _) = hash.split_first_chunk().expect("32 bytes are more than 8");
        Self(*id)
    }
}

impl fmt::Display for ClaimId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

/// The key that makes the claim links of a lottery.
#[derive(Clone)]
pub struct ClaimKey([u8; 32]);

/// How many bytes of a link cannot be guessed.
const MAC: usize = 15;
/// The bytes of a link: whose it is, and what cannot be guessed.
const TOKEN: usize = 8 + 4 + MAC;

impl ClaimKey {
    /// The key that follows from the lottery's secret.
    pub fn of(secret: &FingerprintKey) -> Self {
        let mut key = [0; 32];
        let hkdf = Hkdf::<Sha256>::from_prk(secret.as_bytes()).expect("32 bytes are as long as the hash");
        hkdf.expand(b"claim links", &mut key).expect("32 bytes are far below HKDF's limit");
        Self(key)
    }

    /// The token of the seat that the winner of this rank has. A rank has one label in a draw, and never two seats.
    pub fn token(&self, lottery_id: &LotteryId, draw_id: &DrawId, rank: u32) -> ClaimToken {
        let claim_id = ClaimId::of(lottery_id, draw_id);
        ClaimToken { claim_id, rank, mac: self.mac(lottery_id, draw_id, rank) }
    }

    /// Whether a token is the one of this seat. It takes as long whatever the token.
    pub fn made(&self, token: &ClaimToken, lottery_id: &LotteryId, draw_id: &DrawId) -> bool {
        let expected = self.token(lottery_id, draw_id, token.rank);
        let differs = expected.mac.iter().zip(&token.mac).fold(0, |seen, (one, other)| seen | (one ^ other));
        differs == 0 && expected.claim_id == token.claim_id
    }

    fn mac(&self, lottery_id: &LotteryId, draw_id: &DrawId, rank: u32) -> [u8; MAC] {
        let mut mac = [0; MAC];
        let hkdf = Hkdf::<Sha256>::from_prk(&self.0).expect("32 bytes are as long as the hash");
        let info: [&[u8]; 5] =
            [lottery_id.as_str().as_bytes(), b"/", draw_id.as_str().as_bytes(), b"/", &rank.to_be_bytes()];
        hkdf.expand_multi_info(&info, &mut mac).expect("15 bytes are far below HKDF's limit");
        mac
    }
}

impl fmt::Debug for ClaimKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClaimKey(***)")
    }
}

/// What a claim link holds: its holder can claim. It is written into no log, no history and no proof.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClaimToken {
    /// The draw.
    pub claim_id: ClaimId,
    /// The rank of the winner.
    pub rank: u32,
    mac: [u8; MAC],
}

impl ClaimToken {
    /// Reads a token; none if it is not of the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; TOKEN] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (claim_id, rest) = bytes.split_first_chunk()?;
        let (rank, mac) = rest.split_first_chunk()?;
        let mac = mac.try_into().ok()?;
        Some(Self { claim_id: ClaimId(*claim_id), rank: u32::from_be_bytes(*rank), mac })
    }

    /// The token as a link has it.
    pub fn reveal(&self) -> String {
        let mut bytes = Vec::with_capacity(TOKEN);
        bytes.extend(self.claim_id.0);
        bytes.extend(self.rank.to_be_bytes());
        bytes.extend(self.mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl fmt::Debug for ClaimToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClaimToken(***)")
    }
}

/// The organiser's words on collecting a prize: 1 to 500 characters, on one or more lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CollectText(String);

impl CollectText {
    const MAX: usize = 500;

    /// Parses the words.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = undamaged(text)?.replace("\r\n", "\n");
        let text = text.trim();
        if !is_visible(text) || text.chars().count() > Self::MAX {
            return Err(Refusal::Length { most: Self::MAX }.into());
        }
        match text.chars().any(|c| c.is_control() && c != '\n') {
            true => Err(Refusal::ControlCharacters.into()),
            false => Ok(Self(text.to_owned())),
        }
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{DrawRequest, DrawStatus, Locale, PassedOn, ReplaceReason};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn draw(seconds: u32) -> Draw {
        let now = at("2026-12-18T18:00:00Z");
        let request = json!({"winners": 3, "claim_within_seconds": seconds});
        let request = DrawRequest::parse(&request, Locale::En, now).unwrap();
        let ids = (LotteryId::parse("party").unwrap(), DrawId::parse("d1").unwrap());
        let draw = request.begin(ids.0, ids.1, now);
        Draw { status: DrawStatus::Recorded, recorded_at: Some(now), ..draw }
    }

    fn passed(rank: u32, taken_by: Option<u32>) -> PassedOn {
        PassedOn { rank, prize: 0, taken_by, reason: Some(ReplaceReason::Unclaimed) }
    }

    #[test]
    fn a_winner_has_a_minute_to_thirty_days() {
        for seconds in [60, 2_592_000] {
            assert_eq!(Claims::parse(Some(&json!(seconds))), Ok(Some(Claims::new(seconds))));
        }
        for value in [json!(59), json!(2_592_001), json!(-60), json!("60"), json!(60.5), json!(true)] {
            assert_eq!(Claims::parse(Some(&value)).unwrap_err().field, "claim_within_seconds", "{value}");
        }
        assert_eq!(Claims::parse(Some(&Value::Null)), Ok(None));
    }

    #[test]
    fn whoever_takes_a_seat_has_as_long_as_everybody_else_from_the_round_that_asks() {
        let mut draw = draw(3600);
        let opened = |passed_on, time| ClaimRound { passed_on, opened_at: at(time) };
        assert_eq!(draw.claim_deadline(1), None, "nobody is asked before the first round");
        draw.claims.as_mut().unwrap().rounds.push(opened(0, "2026-12-18T19:00:00Z"));
        assert_eq!(draw.claim_deadline(1), Some(at("2026-12-18T20:00:00Z")));
        draw.passed_on = vec![passed(2, Some(4))];
        assert_eq!(draw.claim_deadline(4), None);
        draw.claims.as_mut().unwrap().rounds.push(opened(1, "2026-12-18T20:00:05Z"));
        assert_eq!(draw.claim_deadline(4), Some(at("2026-12-18T21:00:05Z")));
        assert_eq!(draw.claim_deadline(1), Some(at("2026-12-18T20:00:00Z")));
        // Taken before the first round: asked with the others.
        draw.passed_on.insert(0, passed(1, Some(5)));
        draw.claims.as_mut().unwrap().rounds[0].passed_on = 1;
        assert_eq!(draw.claim_deadline(5), Some(at("2026-12-18T20:00:00Z")));
    }

    #[test]
    fn rounds_end() {
        let now = at("2026-12-18T19:00:00Z");
        let mut draw = draw(60);
        assert!(draw.may_open_claim_round(now) && draw.awaits_claim(1, now));
        assert!(!draw.may_open_claim_round(at("2027-12-14T19:00:00Z")));
        let closed = Draw { closed_at: Some(now), ..draw.clone() };
        assert!(!closed.awaits_claim(1, now) && closed.ends_claim_wait(0));
        let rehearsal = Draw { rehearsal: true, ..draw.clone() };
        assert!(!rehearsal.awaits_claim(1, now) && rehearsal.claim_counts().is_none());
        let round = ClaimRound { passed_on: 0, opened_at: now };
        draw.claims.as_mut().unwrap().rounds = vec![round; Claims::MAX_ROUNDS];
        (draw.passed_on, draw.seat_changes) = (vec![passed(1, Some(4))], 1);
        assert!(draw.awaits_claim(2, now) && !draw.awaits_claim(4, now), "the last round goes to its end");
    }

    #[test]
    fn claims_are_counted_by_seat() {
        let mut draw = draw(60);
        draw.claims.as_mut().unwrap().claimed = 1;
        (draw.passed_on, draw.seat_changes) = (vec![passed(2, Some(4)), passed(4, None)], 2);
        let counts = ClaimCounts { claimed: 1, open: 1, passed_on: 2 };
        assert_eq!((draw.claim_counts(), draw.ends_claim_wait(0)), (Some(counts), false));
        draw.claims.as_mut().unwrap().claimed = 2;
        assert!(draw.ends_claim_wait(0));
    }

    #[test]
    fn a_link_is_for_one_seat_and_cannot_be_made_from_another() {
        let [party, other] = ["party", "other"].map(|id| LotteryId::parse(id).unwrap());
        let [one, two] = ["one", "two"].map(|id| DrawId::parse(id).unwrap());
        let key = ClaimKey::of(&FingerprintKey::from_random([7; 32]));
        let token = key.token(&party, &one, 3);
        assert_eq!(token.reveal().len(), 36);
        assert_eq!(ClaimToken::parse(&token.reveal()), Some(token));
        assert!(key.made(&token, &party, &one));
        assert!(!key.made(&token, &party, &two) && !key.made(&token, &other, &one));
        assert!(!key.made(&ClaimToken { rank: 4, ..token }, &party, &one));
        let theirs = ClaimKey::of(&FingerprintKey::from_random([8; 32]));
        assert!(!theirs.made(&token, &party, &one));
        for bit in 0..MAC * 8 {
            let mut forged = token;
            forged.mac[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.made(&forged, &party, &one), "{bit}");
        }
        for text in ["", "x", &"A".repeat(35), &"A".repeat(37), &"*".repeat(36)] {
            assert!(ClaimToken::parse(text).is_none());
        }
        assert_eq!(format!("{token:?} {key:?}"), "ClaimToken(***) ClaimKey(***)");
    }

    #[test]
    fn words_on_collecting_are_short_and_plain() {
        assert_eq!(CollectText::parse(" Desk 4\r\nuntil 10 pm ").unwrap().as_str(), "Desk 4\nuntil 10 pm");
        for text in ["", " ", "a\u{7}b", &"x".repeat(501)] {
            assert!(CollectText::parse(text).is_err());
        }
    }
}
