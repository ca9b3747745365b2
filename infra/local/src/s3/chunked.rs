//! `aws-chunked`, the encoding in which SDKs send bytes whose checksum they know only at the end.

use super::S3Error;

/// The longest line of a chunk's size with its signature, or of a trailing header.
const MAX_LINE: usize = 1024;

/// Takes the encoding away, piece by piece.
#[derive(Default)]
pub(super) struct Decoder {
    state: State,
    line: Vec<u8>,
    /// The headers after the last chunk, such as `x-amz-checksum-crc32`.
    pub(super) trailers: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// In the line before a chunk.
    #[default]
    Size,
    /// In a chunk, of which so many bytes are to come.
    Data(u64),
    /// In the end of line after a chunk.
    AfterData,
    /// In the headers after the last chunk.
    Trailers,
    Ended,
}

impl Decoder {
    /// Appends the bytes that this piece of the encoding holds.
    pub(super) fn decode(&mut self, mut piece: &[u8], plain: &mut Vec<u8>) -> Result<(), S3Error> {
        while !piece.is_empty() {
            match self.state {
                State::Data(left) => {
                    let taken = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    plain.extend_from_slice(&piece[..taken]);
                    piece = &piece[taken..];
                    let left = left - taken as u64;
                    self.state = if left == 0 { State::AfterData } else { State::Data(left) };
                }
                State::Ended => return Ok(()),
                State::Size | State::AfterData | State::Trailers => {
                    let end = piece.iter().position(|byte| *byte == b'\n');
                    let taken = end.map_or(piece.len(), |end| end + 1);
                    self.line.extend_from_slice(&piece[..taken]);
                    piece = &piece[taken..];
                    if self.line.len() > MAX_LINE {
                        return Err(malformed());
                    }
                    if end.is_some() {
                        self.end_line()?;
                    }
                }
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), S3Error> {
        let line = String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| malformed())?;
        let line = line.trim_end();
        self.state = match self.state {
            State::Size => {
                let digits = line.split(';').next().unwrap_or_default();
                match u64::from_str_radix(digits, 16).map_err(|_| malformed())? {
                    0 => State::Trailers,
                    size => State::Data(size),
                }
            }
            State::AfterData if line.is_empty() => State::Size,
            State::Trailers if line.is_empty() => State::Ended,
            State::Trailers => {
                let (name, value) = line.split_once(':').ok_or_else(malformed)?;
                self.trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                State::Trailers
            }
            State::AfterData | State::Data(_) | State::Ended => return Err(malformed()),
        };
        Ok(())
    }

    /// Whether the last chunk has come.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, State::Trailers | State::Ended)
    }
}

fn malformed() -> S3Error {
    S3Error::new(
        400,
        "InvalidRequest",
        "The body is not in the encoding aws-chunked that its headers announce",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_pieces_the_bytes_and_the_trailers_come_out() {
        let encoded = b"5;chunk-signature=ab\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32: abc=\r\n\r\n";
        for size in 1..encoded.len() {
            let (mut decoder, mut plain) = (Decoder::default(), Vec::new());
            for piece in encoded.chunks(size) {
                decoder.decode(piece, &mut plain).unwrap();
            }
            assert!(decoder.is_complete());
            assert_eq!(plain, b"hello world");
            assert_eq!(decoder.trailers, [("x-amz-checksum-crc32".to_owned(), "abc=".to_owned())]);
        }
        for wrong in [&b"zz\r\n"[..], b"1\r\nab\r\n", &[b'1'; 2000]] {
            assert!(Decoder::default().decode(wrong, &mut Vec::new()).is_err());
        }
    }
}
