//! A time stamp (RFC 3161): a CMS message (RFC 5652) with one signer, about a hash and a time.

use super::certificate::{Certificate, Hash, Scheme};
use super::der::{
    BOOLEAN, INTEGER, Malformed, OBJECT_ID, OCTET_STRING, Reader, SEQUENCE, SET, element, field, number, time,
};

pub(super) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
pub(super) const TIME_STAMP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
pub(super) const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
pub(super) const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];

/// What a time stamp without a word on its accuracy is taken for, in milliseconds: it may have left a fraction out.
const ACCURACY_UNSAID: i64 = 1000;
/// The most certificates that a time stamp may bring along.
const MAX_CERTIFICATES: usize = 8;

/// A time stamp as it says of itself; nothing is verified yet.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    /// The hash that was stamped, by SHA-256; none if by another function.
    pub(super) imprint: Option<&'a [u8]>,
    /// When, in milliseconds since 1970.
    pub(super) time: i64,
    /// How far that may be off, in milliseconds.
    pub(super) accuracy: i64,
    pub(super) certificates: Vec<Certificate<'a>>,
    content: &'a [u8],
    attributes: Vec<u8>,
    message_digest: &'a [u8],
    hash: Option<Hash>,
    scheme: Option<Scheme>,
    signature: &'a [u8],
    issuer: &'a [u8],
    serial: &'a [u8],
}

impl<'a> Token<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut message = Reader::only(bytes, SEQUENCE)?;
        is(&mut message, SIGNED_DATA)?;
        let signed_data = message.expect(field(0))?;
        message.end()?;
        let mut signed_data = Reader::only(signed_data.content, SEQUENCE)?;
        signed_data.number()?;
        signed_data.expect(SET)?;
        let mut stamp = signed_data.take(SEQUENCE)?;
        is(&mut stamp, TIME_STAMP)?;
        let content = stamp.expect(field(0))?;
        stamp.end()?;
        let mut content = Reader::new(content.content);
        let octets = content.expect(OCTET_STRING)?.content;
        content.end()?;

        let mut certificates = Vec::new();
        if let Some(list) = signed_data.optional(field(0))? {
            let mut list = Reader::new(list.content);
            while !list.is_empty() {
                // Other kinds than X.509 may be there, and are not looked at; neither is one that cannot be read.
                certificates.extend(Certificate::read(list.element()?.whole));
            }
        }
        signed_data.optional(field(1))?;
        let mut signers = signed_data.take(SET)?;
        signed_data.end()?;
        let mut signer = signers.take(SEQUENCE)?;
        signers.end()?;
        if certificates.len() > MAX_CERTIFICATES {
            return Err(Malformed);
        }

        signer.number()?;
        let mut id = signer.take(SEQUENCE)?;
        let (issuer, serial) = (id.expect(SEQUENCE)?.whole, id.expect(INTEGER)?.content);
        id.end()?;
        let hash = Hash::read(signer.take(SEQUENCE)?);
        let attributes = signer.expect(field(0))?.content;
        let scheme = Scheme::read(signer.take(SEQUENCE)?);
        let signature = signer.expect(OCTET_STRING)?.content;
        signer.optional(field(1))?;
        signer.end()?;
        let message_digest = message_digest(attributes)?;
        // They are signed as a SET OF, under whose tag they do not stand here.
        let attributes = element(SET, attributes);
        let Stamp { imprint, time, accuracy } = read_stamp(octets)?;
        let content = octets;
        Ok(Self {
            imprint,
            time,
            accuracy,
            certificates,
            content,
            attributes,
            message_digest,
            hash,
            scheme,
            signature,
            issuer,
            serial,
        })
    }

    /// The certificate that the signer names, if the time stamp brings it along.
    pub(super) fn signer(&self) -> Option<&Certificate<'a>> {
        self.certificates.iter().find(|it| it.issuer == self.issuer && it.serial == self.serial)
    }

    /// Whether this certificate's key signed the time stamp.
    pub(super) fn is_signed_by(&self, signer: &Certificate<'_>) -> bool {
        let (Some(hash), Some(scheme)) = (self.hash, self.scheme) else { return false };
        hash.of(self.content) == self.message_digest
            && signer.signed(scheme, Some(hash), &self.attributes, self.signature)
    }
}

/// The next element must be this object identifier.
fn is(reader: &mut Reader<'_>, id: &[u8]) -> Result<(), Malformed> {
    if reader.expect(OBJECT_ID)?.content == id { Ok(()) } else { Err(Malformed) }
}

/// The hash that the signed attributes name; they must be about a time stamp.
fn message_digest(attributes: &[u8]) -> Result<&[u8], Malformed> {
    let mut attributes = Reader::new(attributes);
    let (mut is_stamp, mut digest) = (false, None);
    while !attributes.is_empty() {
        let mut attribute = attributes.take(SEQUENCE)?;
        let id = attribute.expect(OBJECT_ID)?.content;
        let mut values = attribute.take(SET)?;
        attribute.end()?;
        if id == CONTENT_TYPE && !is_stamp {
            is(&mut values, TIME_STAMP)?;
            values.end()?;
            is_stamp = true;
        } else if id == MESSAGE_DIGEST && digest.is_none() {
            digest = Some(values.expect(OCTET_STRING)?.content);
            values.end()?;
        } else if id == CONTENT_TYPE || id == MESSAGE_DIGEST {
            return Err(Malformed);
        }
    }
    digest.filter(|_| is_stamp).ok_or(Malformed)
}

/// What is signed: TSTInfo.
struct Stamp<'a> {
    imprint: Option<&'a [u8]>,
    time: i64,
    accuracy: i64,
}

fn read_stamp(bytes: &[u8]) -> Result<Stamp<'_>, Malformed> {
    let mut info = Reader::only(bytes, SEQUENCE)?;
    if info.number()? != 1 {
        return Err(Malformed);
    }
    info.expect(OBJECT_ID)?;
    let mut imprint = info.take(SEQUENCE)?;
    let hash = Hash::read(imprint.take(SEQUENCE)?);
    let hashed = imprint.expect(OCTET_STRING)?.content;
    imprint.end()?;
    info.expect(INTEGER)?;
    let stamped_at = info.expect(super::der::GENERALIZED_TIME)?;
    let accuracy = match info.optional(SEQUENCE)? {
        Some(accuracy) => read_accuracy(Reader::new(accuracy.content))?,
        None => ACCURACY_UNSAID,
    };
    info.optional(BOOLEAN)?;
    info.optional(INTEGER)?;
    info.optional(field(0))?;
    info.optional(field(1))?;
    info.end()?;
    Ok(Stamp { imprint: (hash == Some(Hash::Sha256)).then_some(hashed), time: time(stamped_at)?, accuracy })
}

/// Seconds, thousandths, millionths, each of which may be left out; in milliseconds, rounded up.
fn read_accuracy(mut accuracy: Reader<'_>) -> Result<i64, Malformed> {
    let mut part = |tag, most| match accuracy.optional(tag)? {
        None => Ok(0),
        Some(part) => {
            number(part.content).and_then(|it| if it <= most { Ok(it as i64) } else { Err(Malformed) })
        }
    };
    let (seconds, thousandths, millionths) =
        (part(INTEGER, u64::from(u32::MAX))?, part(0x80, 999)?, part(0x81, 999)?);
    accuracy.end()?;
    Ok(seconds * 1000 + thousandths + i64::from(millionths > 0))
}
