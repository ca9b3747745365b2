//! By what later draws recognise who has won, when an organiser's ids and lists have changed since.
//!
//! A fingerprint is a keyed hash: without the key, which is the lottery's own and kept with the contact data, nobody can find
//! an address by trying all there are. It outlives a withdrawal, and holds no name and no address.

use hkdf::Hkdf;
use sha2::Sha256;

use crate::{Nonce, Participant, ParticipantId, hex};

/// The key of a lottery's fingerprints.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

/// What a participant is recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprints {
    /// Of the id with the name: another person may get the id of one who has gone.
    pub person: [u8; 16],
    /// Of the phone number.
    pub phone: Option<[u8; 16]>,
    /// Of the mailbox, in any case.
    pub email: Option<[u8; 16]>,
}

impl FingerprintKey {
    /// The key that these random bytes are.
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The fingerprints of a participant.
    pub fn of(&self, participant: &Participant) -> Fingerprints {
        let id = participant.participant_id.as_str();
        let name = participant.name.as_str().to_lowercase();
        Fingerprints {
            person: self.hash(&["person", id, &name]),
            phone: participant.phone.as_ref().map(|phone| self.hash(&["phone", phone.as_str()])),
            email: participant.email.as_ref().map(|email| self.hash(&["email", &email.mailbox()])),
        }
    }

    /// The secret of a receipt that is nobody's, for the participant id in it: [`is_decoy`](Self::is_decoy) knows it
    /// again, and to everybody else it is as random as any other.
    pub fn decoy(&self, participant_id: &ParticipantId, random: [u8; 16]) -> Nonce {
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&random);
        secret[16..].copy_from_slice(&self.hash(&["decoy", participant_id.as_str(), &hex(&random)]));
        Nonce::from_random(secret)
    }

    /// Whether a secret was made by [`decoy`](Self::decoy) for this participant id.
    pub fn is_decoy(&self, participant_id: &ParticipantId, secret: &[u8; 32]) -> bool {
        let (random, _) = secret.split_first_chunk().expect("32 bytes have 16");
        self.decoy(participant_id, *random).as_bytes() == secret
    }

    /// No text holds a zero byte.
    fn hash(&self, texts: &[&str]) -> [u8; 16] {
        let mut bytes = [0; 16];
        let hkdf = Hkdf::<Sha256>::from_prk(&self.0).expect("32 bytes are as long as the hash");
        hkdf.expand(texts.join("\0").as_bytes(), &mut bytes).expect("16 bytes are far below HKDF's limit");
        bytes
    }
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("FingerprintKey(***)")
    }
}

impl Fingerprints {
    /// 16 to 48 bytes, after one that says which there are.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.phone.is_some()) | u8::from(self.email.is_some()) << 1];
        bytes.extend(self.person);
        self.phone.iter().chain(&self.email).for_each(|hash| bytes.extend(hash));
        bytes
    }

    /// Reads what [`Fingerprints::to_bytes`] writes; none if these are other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (which, rest) = bytes.split_first()?;
        let (hashes, rest) = rest.as_chunks::<16>();
        let mut hashes = hashes.iter().copied();
        let person = hashes.next()?;
        let phone = if which & 1 > 0 { Some(hashes.next()?) } else { None };
        let email = if which & 2 > 0 { Some(hashes.next()?) } else { None };
        let is_whole = *which < 4 && rest.is_empty() && hashes.next().is_none();
        is_whole.then_some(Self { person, phone, email })
    }
}

#[cfg(test)]
mod tests {
    use crate::{EmailAddress, Name, PhoneNumber, Tickets};

    use super::*;

    fn person(id: &str, phone: Option<&str>, email: Option<&str>) -> Participant {
        Participant {
            participant_id: ParticipantId::parse(id).unwrap(),
            name: Name::parse("Rose").unwrap(),
            phone: phone.map(|phone| PhoneNumber::parse(phone).unwrap()),
            email: email.map(|email| EmailAddress::parse(email).unwrap()),
            group: None,
            tickets: Tickets::ONE,
            excluded: false,
        }
    }

    #[test]
    fn fingerprints_read_as_they_are_written() {
        let key = FingerprintKey::from_random([1; 32]);
        for (phone, email) in [
            (None, None),
            (Some("+12025550101"), None),
            (None, Some("a@example.com")),
            (Some("+12025550101"), Some("a@example.com")),
        ] {
            let found = key.of(&person("1", phone, email));
            let bytes = found.to_bytes();
            assert_eq!(Fingerprints::from_bytes(&bytes), Some(found));
            assert_eq!(Fingerprints::from_bytes(&bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn a_decoy_is_known_again_for_its_participant_and_by_nobody_without_the_key() {
        let [key, other] = [1, 2].map(|byte| FingerprintKey::from_random([byte; 32]));
        let [rose, tracy] = ["rose", "tracy"].map(|id| ParticipantId::parse(id).unwrap());
        let secret = key.decoy(&rose, [3; 16]);
        assert!(key.is_decoy(&rose, secret.as_bytes()));
        assert!(!key.is_decoy(&tracy, secret.as_bytes()) && !other.is_decoy(&rose, secret.as_bytes()));
        assert!(!key.is_decoy(&rose, &[3; 32]));
    }

    #[test]
    fn an_address_is_recognised_under_another_id_and_by_nobody_without_the_key() {
        let [key, other] = [1, 2].map(|byte| FingerprintKey::from_random([byte; 32]));
        let [one, two] = [("1", "Rose@example.com"), ("2", "rose@example.com")]
            .map(|(id, email)| person(id, None, Some(email)));
        assert_eq!(key.of(&one).email, key.of(&two).email);
        assert_ne!(key.of(&one).person, key.of(&two).person);
        assert_ne!(other.of(&one).email, key.of(&one).email);
    }
}
