//! A local time-stamp authority, for trials and tests: the same formats and the same verification as those of public
//! authorities, but with a clock that its operator can set at will. Its name says so.

use jiff::Timestamp;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use sha2::{Digest, Sha256};

use super::certificate::{
    BASIC_CONSTRAINTS, COMMON_NAME, EC_KEY, ECDSA_WITH_SHA256, EXTENDED_KEY_USAGE, KEY_USAGE, P256,
    TIME_STAMPING,
};
use super::der::{
    BIT_STRING, BOOLEAN, GENERALIZED_TIME, INTEGER, OBJECT_ID, OCTET_STRING, SEQUENCE, SET, UTC_TIME,
    element, field, sequence,
};
use super::request::{imprint, parse_request};
use super::token::{CONTENT_TYPE, MESSAGE_DIGEST, SIGNED_DATA, TIME_STAMP};
use crate::Invalid;

/// The name of the root of every such authority.
pub const NAME: &str = "Local time-stamp authority, a machine's own clock";

const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];
/// A policy that promises nothing: the identifier that examples of authorities use.
const POLICY: &[u8] = &[0x2a, 0x03, 0x04];
const UTF8_STRING: u8 = 0x0c;

/// An authority with its secret keys.
#[derive(Clone)]
pub struct LocalAuthority {
    root: Vec<u8>,
    signer: Vec<u8>,
    key: SigningKey,
}

impl LocalAuthority {
    /// The authority whose keys are made of these 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let [root_key, key] = ["root", "signer"].map(|part| key(seed, part.as_bytes()));
        let root_name = name(NAME);
        let authority = [
            extension(BASIC_CONSTRAINTS, &sequence(&[&element(BOOLEAN, [0xff])])),
            // keyCertSign.
            extension(KEY_USAGE, &element(BIT_STRING, [2, 0x04])),
        ];
        let stamps = [extension(EXTENDED_KEY_USAGE, &sequence(&[&element(OBJECT_ID, TIME_STAMPING)]))];
        let root = certificate(&root_key, &root_name, 1, (&root_key, &root_name), &authority.concat());
        let signer_name = name("Local time stamps");
        let signer = certificate(&root_key, &root_name, 2, (&key, &signer_name), &stamps.concat());
        Self { root, signer, key }
    }

    /// The root certificate, in DER.
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// The reply to a request, stamped with the time `now` as the clock of this machine has it.
    pub fn reply(&self, request: &[u8], now: Timestamp) -> Result<Vec<u8>, Invalid> {
        let (hash, nonce) = parse_request(request).map_err(|_| Invalid::new("is no request of RFC 3161"))?;
        let granted = sequence(&[&element(INTEGER, [0])]);
        Ok(sequence(&[&granted, &self.stamp(hash, nonce, now)]))
    }

    fn stamp(&self, hash: &[u8], nonce: &[u8], now: Timestamp) -> Vec<u8> {
        let milliseconds = format!("{now:.3}");
        let digits: String = milliseconds.chars().filter(char::is_ascii_digit).collect();
        let (seconds, fraction) = digits.split_at(14);
        let time = match fraction.trim_end_matches('0') {
            "" => format!("{seconds}Z"),
            fraction => format!("{seconds}.{fraction}Z"),
        };
        // One thousandth: what is cut off from the time.
        let accuracy = sequence(&[&element(0x80, [1])]);
        // A number that no other stamp has: its hash, positive and without a leading zero.
        let serial = [&[1], &Sha256::digest([hash, time.as_bytes()].concat())[..16]].concat();
        let content = sequence(&[
            &element(INTEGER, [1]),
            &element(OBJECT_ID, POLICY),
            &imprint(hash),
            &element(INTEGER, serial),
            &element(GENERALIZED_TIME, time),
            &accuracy,
            nonce,
        ]);
        let certificate =
            sequence(&[&sequence(&[&sequence(&[&element(OCTET_STRING, Sha256::digest(&self.signer))])])]);
        let mut attributes = [
            attribute(CONTENT_TYPE, &element(OBJECT_ID, TIME_STAMP)),
            attribute(MESSAGE_DIGEST, &element(OCTET_STRING, Sha256::digest(&content))),
            attribute(SIGNING_CERTIFICATE_V2, &certificate),
        ];
        attributes.sort();
        let attributes = attributes.concat();
        let hash_algorithm = sequence(&[&element(OBJECT_ID, SHA256)]);
        let signer = sequence(&[
            &element(INTEGER, [1]),
            &sequence(&[&name(NAME), &element(INTEGER, [2])]),
            &hash_algorithm,
            &element(field(0), &attributes),
            &ecdsa(),
            &element(OCTET_STRING, signature(&self.key, &element(SET, &attributes))),
        ]);
        let mut certificates = [self.root.clone(), self.signer.clone()];
        certificates.sort();
        let stamp =
            sequence(&[&element(OBJECT_ID, TIME_STAMP), &element(field(0), element(OCTET_STRING, content))]);
        let signed_data = sequence(&[
            &element(INTEGER, [3]),
            &element(SET, hash_algorithm),
            &stamp,
            &element(field(0), certificates.concat()),
            &element(SET, signer),
        ]);
        sequence(&[&element(OBJECT_ID, SIGNED_DATA), &element(field(0), signed_data)])
    }
}

/// The key that a seed makes for a part; the first of a row of hashes that is one, which is nearly surely the first.
fn key(seed: &[u8; 32], part: &[u8]) -> SigningKey {
    (0u8..=255)
        .find_map(|number| {
            let hash = Sha256::new().chain_update(seed).chain_update(part).chain_update([number]).finalize();
            SigningKey::from_slice(&hash).ok()
        })
        .expect("of 256 random numbers one is below the order of the curve")
}

fn signature(key: &SigningKey, bytes: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(bytes);
    signature.to_der().as_bytes().to_vec()
}

fn ecdsa() -> Vec<u8> {
    sequence(&[&element(OBJECT_ID, ECDSA_WITH_SHA256)])
}

fn name(common_name: &str) -> Vec<u8> {
    let part = sequence(&[&element(OBJECT_ID, COMMON_NAME), &element(UTF8_STRING, common_name)]);
    sequence(&[&element(SET, part)])
}

fn attribute(id: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&element(OBJECT_ID, id), &element(SET, value)])
}

/// A critical extension.
fn extension(id: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&element(OBJECT_ID, id), &element(BOOLEAN, [0xff]), &element(OCTET_STRING, value)])
}

/// A certificate of `subject`, signed by `issuer`; it is valid until the end of the calendar.
fn certificate(
    issuer: &SigningKey,
    issuer_name: &[u8],
    serial: u8,
    subject: (&SigningKey, &[u8]),
    extensions: &[u8],
) -> Vec<u8> {
    let (subject_key, subject_name) = subject;
    let point = subject_key.verifying_key().to_encoded_point(false);
    let key = sequence(&[
        &sequence(&[&element(OBJECT_ID, EC_KEY), &element(OBJECT_ID, P256)]),
        &element(BIT_STRING, [&[0], point.as_bytes()].concat()),
    ]);
    let validity =
        sequence(&[&element(UTC_TIME, "200101000000Z"), &element(GENERALIZED_TIME, "99991231235959Z")]);
    let signed = sequence(&[
        &element(field(0), element(INTEGER, [2])),
        &element(INTEGER, [serial]),
        &ecdsa(),
        issuer_name,
        &validity,
        subject_name,
        &key,
        &element(field(3), element(SEQUENCE, extensions)),
    ]);
    let signature = signature(issuer, &signed);
    sequence(&[&signed, &ecdsa(), &element(BIT_STRING, [&[0], &signature[..]].concat())])
}

#[cfg(test)]
mod tests {
    use super::super::request::{parse_reply, request};
    use super::super::{Kind, Reason, Roots, Witness, Worth, examine};
    use super::*;
    use crate::Commitment;
    use crate::timestamp::ProofTimestamp;

    #[test]
    fn its_stamps_are_read_and_are_worth_no_more_than_its_machine() {
        let authority = LocalAuthority::from_seed(&[7; 32]);
        let commitment = Commitment::from([3; 32]);
        let now: Timestamp = "2026-04-20T12:30:45.12Z".parse().unwrap();
        let reply = authority.reply(&request(&commitment), now).unwrap();
        let token = parse_reply(&reply, &commitment).unwrap();
        assert!(parse_reply(&reply, &Commitment::from([4; 32])).is_err());
        let witness = Witness { kind: Kind::Rfc3161, token };
        let worth = |round_at: &str, roots: &Roots| {
            examine(&witness, &commitment, ProofTimestamp::parse(round_at).unwrap(), roots)
        };
        let before = ProofTimestamp::parse("2026-04-20T12:30:45.121Z").unwrap();
        assert_eq!(worth("2026-04-20T12:30:45.122Z", &Roots::default()), Worth::Local { before });
        assert_eq!(
            worth("2026-04-20T12:30:45.121Z", &Roots::default()),
            Worth::Nothing { reason: Reason::Late }
        );
        let own = Roots(vec![authority.root().to_vec()]);
        assert_eq!(
            worth("2026-04-21T00:00:00.000Z", &own),
            Worth::Witnessed { authority: NAME.to_owned(), before }
        );
        let another = Roots(vec![LocalAuthority::from_seed(&[8; 32]).root().to_vec()]);
        assert_eq!(worth("2026-04-21T00:00:00.000Z", &another), Worth::Local { before });
    }
}
