//! Objects that are packed with gzip: what is read of them is unpacked a little at a time.

use std::io::Write as _;

use flate2::write::MultiGzDecoder;

use super::Piece;

/// How many packed bytes are unpacked at once: the most that these may become is some megabytes.
const STEP: usize = 4 * 1024;

/// The unpacked bytes of an object, from somewhere on. It only goes forward.
pub(super) struct Unpacker {
    /// With the bytes that were unpacked.
    decoder: MultiGzDecoder<Vec<u8>>,
    /// Where these bytes are in the unpacked object.
    start: u64,
    /// Packed bytes that were read and are not unpacked yet.
    packed: Vec<u8>,
    used: usize,
    /// Where the packed bytes go on.
    next: u64,
    is_read: bool,
    is_over: bool,
}

impl Default for Unpacker {
    fn default() -> Unpacker {
        Unpacker {
            decoder: MultiGzDecoder::new(Vec::new()),
            start: 0,
            packed: Vec::new(),
            used: 0,
            next: 0,
            is_read: false,
            is_over: false,
        }
    }
}

impl Unpacker {
    /// Whether it can still give what begins there.
    pub(super) fn reaches(&self, at: u64) -> bool {
        self.start <= at
    }

    /// So many bytes from there on, if they are unpacked already.
    pub(super) fn piece(&mut self, at: u64, length: u64) -> Option<Piece> {
        let (start, is_over) = (self.start, self.is_over);
        let bytes = self.decoder.get_mut();
        let passed = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes.len());
        bytes.drain(..passed);
        self.start += passed as u64;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let is_there = is_over || (self.start == at && bytes.len() >= length);
        is_there.then(|| Piece {
            bytes: bytes[..bytes.len().min(length)].to_vec(),
            is_end: is_over && bytes.len() <= length,
        })
    }

    /// Where packed bytes have to be read, if there are none left.
    pub(super) fn wants(&self) -> Option<u64> {
        (self.used == self.packed.len() && !self.is_read).then_some(self.next)
    }

    pub(super) fn take(&mut self, Piece { bytes, is_end }: Piece) {
        self.next += bytes.len() as u64;
        (self.packed, self.used, self.is_read) = (bytes, 0, is_end);
    }

    /// Unpacks some more.
    pub(super) fn step(&mut self) -> Result<(), String> {
        let rest = &self.packed[self.used..];
        let step = &rest[..rest.len().min(STEP)];
        let unpacked = if step.is_empty() {
            self.is_over = true;
            self.decoder.try_finish()
        } else {
            self.used += step.len();
            self.decoder.write_all(step)
        };
        unpacked.map_err(|error| format!("The file cannot be unpacked as gzip: {error}"))
    }
}
