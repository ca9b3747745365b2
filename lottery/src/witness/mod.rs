//! Witnesses of the time of a commitment: stamps of time-stamp authorities (RFC 3161), which sign that a hash was there at a
//! time. So that a commitment was made before its round need not be the organiser's word.
//!
//! A stamp is part of the proof, but not of what the organiser signs: it is worth what its own signature is worth. A stamp
//! that does not count does not invalidate the proof; the commitment is then unwitnessed, as if there were none.
//!
//! - [`Witness`]: a stamp as a proof has it; [`examine`] says what it is worth
//! - [`Roots`]: the authorities whose stamps count
//! - [`request`], [`local`]: how to ask an authority, and one of one's own

mod certificate;
mod der;
mod token;

pub mod local;
pub mod request;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::timestamp::ProofTimestamp;
use crate::{Commitment, Invalid};
use certificate::Certificate;
use token::Token;

/// The most bytes that a stamp may have.
pub const MAX_TOKEN_BYTES: usize = 32 * 1024;
/// The most stamps that a proof may have.
pub const MAX_WITNESSES: usize = 8;
/// The most certificates between that of a signer and a root.
const MAX_BETWEEN: u64 = 4;

/// The kind of a witness. There is one so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A time stamp of RFC 3161.
    Rfc3161,
}

/// A witness as a proof has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// What kind of witness it is.
    pub kind: Kind,
    /// The stamp.
    pub token: TokenBytes,
}

/// The bytes of a stamp, at least 1 and at most [`MAX_TOKEN_BYTES`], which JSON shows in base64 with padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenBytes(Vec<u8>);

impl TokenBytes {
    /// These bytes, if they are not too many.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Invalid> {
        if (1..=MAX_TOKEN_BYTES).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(Invalid::new(format!("must have 1 to {MAX_TOKEN_BYTES} bytes")))
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<String> for TokenBytes {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        let bytes = STANDARD.decode(text).map_err(|_| Invalid::new("must be base64 with padding"))?;
        Self::new(bytes)
    }
}

impl From<TokenBytes> for String {
    fn from(token: TokenBytes) -> Self {
        STANDARD.encode(token.0)
    }
}

/// Root certificates: a stamp counts if the chain of its signer ends in one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots(Vec<Vec<u8>>);

impl Default for Roots {
    /// Those of the public authorities that are known here.
    fn default() -> Self {
        Self::parse_pem(include_str!("roots.pem")).expect("the file holds certificates, a test reads them")
    }
}

impl Roots {
    /// Reads one or more certificates in PEM; text between them is ignored.
    pub fn parse_pem(text: &str) -> Result<Self, Invalid> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let parse = |rest: &str| {
            let body = rest.split_once(END).map(|(body, _)| body.split_whitespace().collect::<String>());
            let bytes = body.and_then(|body| STANDARD.decode(body).ok());
            let bytes = bytes.ok_or_else(|| Invalid::new("holds a certificate that is not in PEM"))?;
            match Certificate::read(&bytes) {
                Ok(certificate) if certificate.name().is_some() => Ok(bytes),
                _ => Err(Invalid::new("holds a certificate that cannot be read")),
            }
        };
        let roots = text.split(BEGIN).skip(1).map(parse).collect::<Result<Vec<_>, _>>()?;
        if roots.is_empty() { Err(Invalid::new("holds no certificate")) } else { Ok(Self(roots)) }
    }

    /// These and those of `other`.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The names of the authorities.
    pub fn names(&self) -> Vec<String> {
        self.certificates().filter_map(|root| root.name()).collect()
    }

    fn certificates(&self) -> impl Iterator<Item = Certificate<'_>> {
        self.0.iter().filter_map(|bytes| Certificate::read(bytes).ok())
    }
}

/// What a stamp is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Worth {
    /// It shows that the commitment was there before its round.
    Witnessed {
        /// The authority: the name of the root.
        authority: String,
        /// The latest time at which the stamp may have been made.
        before: ProofTimestamp,
    },
    /// It was made before the round, by a machine's own clock: nobody else vouches for it.
    Local {
        /// The latest time at which the stamp may have been made.
        before: ProofTimestamp,
    },
    /// It does not count.
    Nothing {
        /// Why.
        reason: Reason,
    },
}

/// Why a stamp does not count: the first of these that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is no time stamp in the form that is read here.
    #[error("it is no time stamp of RFC 3161 in a form that is known here")]
    Form,
    /// It is about something else.
    #[error("it stamps something else than this commitment")]
    Imprint,
    /// The signer's certificate is not in it.
    #[error("the certificate of its signer is missing")]
    Signer,
    /// It is not signed by the key of its signer.
    #[error("its signature is not made by its signer's key")]
    Signature,
    /// The signer's certificate is not for time stamps, and for these alone.
    #[error("the certificate of its signer is not one for time stamps alone")]
    Purpose,
    /// A certificate of the chain was not valid at the time of the stamp.
    #[error("a certificate of its authority was not valid at the time that it names")]
    Expired,
    /// The chain ends in no root that is known: another authority, or a certificate between is missing.
    #[error("no certificate of an authority that is known here leads to its signer")]
    Authority,
    /// It may have been made at the time of the round, or later.
    #[error("it was not surely made before the time of the round")]
    Late,
}

/// Says what a stamp of a commitment is worth that a round at `round_at` decides on. The present plays no part: a stamp is
/// worth in years what it is worth today.
pub fn examine(witness: &Witness, commitment: &Commitment, round_at: ProofTimestamp, roots: &Roots) -> Worth {
    match judge(witness.token.as_bytes(), commitment, round_at, roots) {
        Ok(worth) => worth,
        Err(reason) => Worth::Nothing { reason },
    }
}

fn judge(
    token: &[u8],
    commitment: &Commitment,
    round_at: ProofTimestamp,
    roots: &Roots,
) -> Result<Worth, Reason> {
    let token = Token::read(token).map_err(|_| Reason::Form)?;
    if token.imprint != Some(commitment.as_bytes()) {
        return Err(Reason::Imprint);
    }
    let signer = token.signer().ok_or(Reason::Signer)?;
    if !token.is_signed_by(signer) {
        return Err(Reason::Signature);
    }
    if !signer.is_for_stamps_alone() {
        return Err(Reason::Purpose);
    }
    let authority = authority(&token, signer, roots)?;
    let before = ProofTimestamp::from_millisecond(token.time + token.accuracy).map_err(|_| Reason::Late)?;
    if before >= round_at {
        return Err(Reason::Late);
    }
    Ok(match authority {
        Some(authority) => Worth::Witnessed { authority, before },
        None => Worth::Local { before },
    })
}

/// The name of the root in which the chain of a signer ends; none if that is a machine's own.
///
/// At each certificate the roots come first, then those of a machine's own, then the first of the others that made it.
fn authority(token: &Token<'_>, signer: &Certificate<'_>, roots: &Roots) -> Result<Option<String>, Reason> {
    let valid = |it: &Certificate<'_>| if it.is_valid_at(token.time) { Ok(()) } else { Err(Reason::Expired) };
    let mut last = signer;
    for between in 0..=MAX_BETWEEN {
        valid(last)?;
        if let Some(root) = roots.certificates().find(|root| root.issued(last)) {
            valid(&root)?;
            return root.name().map(Some).ok_or(Reason::Authority);
        }
        let above = token.certificates.iter().find(|it| it.may_issue(between) && it.issued(last));
        let above = above.ok_or(Reason::Authority)?;
        if above.issuer == above.subject {
            valid(above)?;
            let is_local = above.name().as_deref() == Some(local::NAME);
            return if is_local { Ok(None) } else { Err(Reason::Authority) };
        }
        last = above;
    }
    Err(Reason::Authority)
}

/// Whether a stamp is about this commitment, by its own word: nothing of its signature is looked at.
pub fn is_about(token: &TokenBytes, commitment: &Commitment) -> bool {
    Token::read(token.as_bytes()).is_ok_and(|token| token.imprint == Some(commitment.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_of_the_public_authorities_are_read() {
        assert_eq!(
            Roots::default().names(),
            [
                "DigiCert Trusted Root G4",
                "GlobalSign",
                "USERTrust RSA Certification Authority",
                "SSL.com Root Certification Authority RSA"
            ]
        );
        for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
            assert!(Roots::parse_pem(text).is_err(), "{text}");
        }
    }
}
