//! Certificates (RFC 5280) as far as the chain of a time stamp needs them, and the signatures that they check.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::der::{
    BIT_STRING, BOOLEAN, Element, INTEGER, Malformed, OBJECT_ID, OCTET_STRING, Reader, SEQUENCE, SET, field,
    number, time, whole_bits,
};

/// The lengths of RSA keys that are taken, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const SHA384_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c];
const SHA512_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d];
pub(super) const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
const ECDSA_WITH_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
pub(super) const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
pub(super) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
pub(super) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
pub(super) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
pub(super) const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

/// The hash functions that are taken; SHA-1 is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The hash function of an AlgorithmIdentifier, which has no parameters or NULL.
    pub(super) fn read(algorithm: Reader<'_>) -> Option<Self> {
        match plain(algorithm).ok()? {
            SHA256 => Some(Self::Sha256),
            SHA384 => Some(Self::Sha384),
            SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    /// What PKCS #1 puts before the hash.
    fn prefix(self) -> Vec<u8> {
        let (id, length) = match self {
            Self::Sha256 => (SHA256, 32),
            Self::Sha384 => (SHA384, 48),
            Self::Sha512 => (SHA512, 64),
        };
        [&[0x30, 17 + length, 0x30, 13, OBJECT_ID, 9][..], id, &[5, 0, OCTET_STRING, length]].concat()
    }
}

/// How something was signed. A time stamp may leave the hash function of RSA to its own field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Rsa(Option<Hash>),
    Ecdsa(Hash),
}

impl Scheme {
    /// The scheme of an AlgorithmIdentifier, if it is one of those taken.
    pub(super) fn read(algorithm: Reader<'_>) -> Option<Self> {
        match plain(algorithm).ok()? {
            RSA => Some(Self::Rsa(None)),
            SHA256_WITH_RSA => Some(Self::Rsa(Some(Hash::Sha256))),
            SHA384_WITH_RSA => Some(Self::Rsa(Some(Hash::Sha384))),
            SHA512_WITH_RSA => Some(Self::Rsa(Some(Hash::Sha512))),
            ECDSA_WITH_SHA256 => Some(Self::Ecdsa(Hash::Sha256)),
            ECDSA_WITH_SHA384 => Some(Self::Ecdsa(Hash::Sha384)),
            ECDSA_WITH_SHA512 => Some(Self::Ecdsa(Hash::Sha512)),
            _ => None,
        }
    }
}

/// The object identifier of an AlgorithmIdentifier without parameters, or with NULL.
fn plain(mut algorithm: Reader<'_>) -> Result<&[u8], Malformed> {
    let id = algorithm.expect(OBJECT_ID)?.content;
    if !algorithm.is_empty() && algorithm.element()?.whole != [5, 0] {
        return Err(Malformed);
    }
    algorithm.end()?;
    Ok(id)
}

/// What a certificate may be used for, as its extensions say.
#[derive(Debug, Clone, Default)]
struct Usage {
    /// Whether it is an authority's, and how many more may stand between it and the signer.
    authority: Option<Option<u64>>,
    /// Whether its key may sign certificates.
    signs_certificates: Option<bool>,
    /// Whether its key is for time stamps, and for these alone, marked as critical.
    time_stamping: Option<(bool, bool)>,
    /// Whether something is critical that is not known here.
    has_unknown: bool,
}

/// A certificate, by its own bytes.
#[derive(Debug, Clone)]
pub(super) struct Certificate<'a> {
    signed: &'a [u8],
    scheme: Option<Scheme>,
    signature: &'a [u8],
    pub(super) serial: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    not_before: i64,
    not_after: i64,
    key: &'a [u8],
    usage: Usage,
}

impl<'a> Certificate<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut certificate = Reader::only(bytes, SEQUENCE)?;
        let signed = certificate.expect(SEQUENCE)?;
        let algorithm = certificate.expect(SEQUENCE)?;
        let signature = whole_bits(certificate.expect(BIT_STRING)?.content)?;
        certificate.end()?;

        let mut fields = Reader::new(signed.content);
        fields.optional(field(0))?;
        let serial = fields.expect(INTEGER)?.content;
        if fields.expect(SEQUENCE)?.whole != algorithm.whole {
            return Err(Malformed);
        }
        let issuer = fields.expect(SEQUENCE)?.whole;
        let mut validity = fields.take(SEQUENCE)?;
        let (not_before, not_after) = (time(validity.element()?)?, time(validity.element()?)?);
        validity.end()?;
        let subject = fields.expect(SEQUENCE)?.whole;
        let key = fields.expect(SEQUENCE)?.whole;
        // Unique identifiers of issuer and subject, which nobody uses.
        fields.optional(0x81)?;
        fields.optional(0x82)?;
        let usage = match fields.optional(field(3))? {
            Some(extensions) => usage(Reader::only(extensions.content, SEQUENCE)?)?,
            None => Usage::default(),
        };
        fields.end()?;
        let scheme = Scheme::read(Reader::new(algorithm.content));
        let signed = signed.whole;
        Ok(Self { signed, scheme, signature, serial, issuer, subject, not_before, not_after, key, usage })
    }

    /// Whether it was valid at this time, in milliseconds since 1970.
    pub(super) fn is_valid_at(&self, time: i64) -> bool {
        (self.not_before..=self.not_after).contains(&time)
    }

    /// Whether its key is for time stamps and nothing else, as RFC 3161 asks of a signer.
    pub(super) fn is_for_stamps_alone(&self) -> bool {
        !self.usage.has_unknown && self.usage.time_stamping == Some((true, true))
    }

    /// Whether its key may sign the certificate of a signer of time stamps, with so many others between.
    pub(super) fn may_issue(&self, between: u64) -> bool {
        let Usage { authority, signs_certificates, time_stamping, has_unknown } = self.usage;
        authority.is_some_and(|most| most.is_none_or(|most| between <= most))
            && signs_certificates != Some(false)
            && time_stamping.is_none_or(|(is_among, _)| is_among)
            && !has_unknown
    }

    /// Whether this one's key signed the other.
    pub(super) fn issued(&self, other: &Certificate<'_>) -> bool {
        let Some(scheme) = other.scheme else { return false };
        other.issuer == self.subject && self.signed(scheme, None, other.signed, other.signature)
    }

    /// Whether its key made this signature of these bytes; `hash` is the hash function that a scheme leaves open.
    pub(super) fn signed(&self, scheme: Scheme, hash: Option<Hash>, bytes: &[u8], signature: &[u8]) -> bool {
        let (is_rsa, own) = match scheme {
            Scheme::Rsa(own) => (true, own),
            Scheme::Ecdsa(own) => (false, Some(own)),
        };
        let Some(hash) = own.or(hash).filter(|it| hash.is_none_or(|hash| hash == *it)) else { return false };
        let digest = hash.of(bytes);
        match Key::read(self.key) {
            Ok(Key::Rsa(key)) if is_rsa => {
                let padding = Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: hash.prefix().into() };
                key.verify(padding, &digest, signature).is_ok()
            }
            Ok(Key::P256(key)) if !is_rsa => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&digest, &signature).is_ok()),
            Ok(Key::P384(key)) if !is_rsa => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&digest, &signature).is_ok()),
            _ => false,
        }
    }

    /// The common name of the subject, or else the first part of its name.
    pub(super) fn name(&self) -> Option<String> {
        let mut names = Reader::only(self.subject, SEQUENCE).ok()?;
        let mut found = None;
        while !names.is_empty() {
            let mut name = names.take(SET).ok()?.take(SEQUENCE).ok()?;
            let id = name.expect(OBJECT_ID).ok()?.content;
            let text = std::str::from_utf8(name.element().ok()?.content).ok()?;
            if id == COMMON_NAME || found.is_none() {
                found = Some(text.to_owned());
            }
        }
        found.filter(|name| !name.is_empty() && !name.chars().any(char::is_control))
    }
}

/// A public key of a kind that is taken.
enum Key {
    Rsa(RsaPublicKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
}

impl Key {
    /// Reads a SubjectPublicKeyInfo.
    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut info = Reader::only(bytes, SEQUENCE)?;
        let mut algorithm = info.take(SEQUENCE)?;
        let key = whole_bits(info.expect(BIT_STRING)?.content)?;
        info.end()?;
        let id = algorithm.expect(OBJECT_ID)?.content;
        let parameters = algorithm.element()?;
        algorithm.end()?;
        match (id, parameters) {
            (RSA, Element { whole: [5, 0], .. }) => {
                let mut numbers = Reader::only(key, SEQUENCE)?;
                let modulus = BigUint::from_bytes_be(positive(numbers.expect(INTEGER)?.content)?);
                let exponent = numbers.number()?;
                numbers.end()?;
                if !RSA_BITS.contains(&modulus.bits()) || exponent > u64::from(u32::MAX) {
                    return Err(Malformed);
                }
                RsaPublicKey::new(modulus, exponent.into()).map(Self::Rsa).map_err(|_| Malformed)
            }
            (EC_KEY, Element { tag: OBJECT_ID, content: P256, .. }) if key.len() == 65 => {
                p256::ecdsa::VerifyingKey::from_sec1_bytes(key).map(Self::P256).map_err(|_| Malformed)
            }
            (EC_KEY, Element { tag: OBJECT_ID, content: P384, .. }) if key.len() == 97 => {
                p384::ecdsa::VerifyingKey::from_sec1_bytes(key).map(Self::P384).map_err(|_| Malformed)
            }
            _ => Err(Malformed),
        }
    }
}

/// The bytes of a whole number above zero.
fn positive(content: &[u8]) -> Result<&[u8], Malformed> {
    match content {
        [] | [0x80..=0xff, ..] | [0] | [0, 0..=0x7f, ..] => Err(Malformed),
        content => Ok(content),
    }
}

fn usage(mut extensions: Reader<'_>) -> Result<Usage, Malformed> {
    let mut usage = Usage::default();
    while !extensions.is_empty() {
        let mut extension = extensions.take(SEQUENCE)?;
        let id = extension.expect(OBJECT_ID)?.content;
        let is_critical = match extension.optional(BOOLEAN)? {
            None => false,
            Some(Element { content: [0xff], .. }) => true,
            Some(_) => return Err(Malformed),
        };
        let value = extension.expect(OCTET_STRING)?.content;
        extension.end()?;
        match id {
            BASIC_CONSTRAINTS => {
                let mut constraints = Reader::only(value, SEQUENCE)?;
                if constraints.optional(BOOLEAN)?.is_some_and(|is| is.content == [0xff]) {
                    let most = constraints.optional(INTEGER)?;
                    usage.authority = Some(most.map(|most| number(most.content)).transpose()?);
                }
            }
            KEY_USAGE => {
                let mut bits = Reader::new(value);
                let bits = bits.expect(BIT_STRING)?.content;
                // Bit 5, from the most significant one, is keyCertSign.
                usage.signs_certificates = Some(bits.get(1).is_some_and(|first| first & 0x04 != 0));
            }
            EXTENDED_KEY_USAGE => {
                let mut purposes = Reader::only(value, SEQUENCE)?;
                let (mut is_among, mut count) = (false, 0);
                while !purposes.is_empty() {
                    let purpose = purposes.expect(OBJECT_ID)?.content;
                    is_among |= purpose == TIME_STAMPING || purpose == ANY_USAGE;
                    count += 1 + usize::from(purpose == ANY_USAGE);
                }
                usage.time_stamping = Some((is_among, count == 1 && is_critical));
            }
            _ => usage.has_unknown |= is_critical,
        }
    }
    Ok(usage)
}
