//! From bytes to text: which encoding a list has, and its decoding piece by piece.
//!
//! A byte order mark decides; then valid UTF-8, which other encodings practically never are; then NUL bytes, which among text
//! only UTF-16 has; then what reads most like a list of people, see [`super::plausible`]. Text is never decoded with a
//! replacement: what cannot be decoded becomes [`UNDECODABLE`], by which the line is refused.

use std::fmt;

use encoding_rs::{Decoder, DecoderResult, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};

use super::limits::MAX_SNIFFED_BYTES;
use super::{Country, ListRemark, plausible};
use crate::text::is_ignorable;

/// Stands where bytes were not text: no text holds it, for it is no character.
pub(super) const UNDECODABLE: char = '\u{ffff}';

/// Bytes that are looked at for NUL bytes before anything is decoded. No more of them, however many have arrived: what a list
/// is taken for must not depend on the pieces in which it comes.
const HEAD: usize = 1024;

/// An encoding of text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// Parses a name such as `gbk`, `GB18030`, `big5`, `cp936`, `utf-16le`: the labels of the WHATWG, and the numbers of
    /// Windows' code pages.
    pub fn parse(label: &str) -> Result<Self, ListRemark> {
        let trimmed = label.trim().to_ascii_lowercase();
        let standard = match trimmed.as_str() {
            "cp936" | "936" | "ansi_936" | "gb 18030" => "gb18030",
            "cp950" | "950" => "big5",
            "cp949" => "euc-kr",
            "cp932" | "932" => "shift_jis",
            "utf8" | "utf-8-sig" | "utf8bom" | "65001" => "utf-8",
            "utf16" | "utf-16" | "unicode" => "utf-16le",
            other => other,
        };
        let refused = || ListRemark::UnknownCharset {
            charset: label.chars().filter(|c| !c.is_control()).take(40).collect(),
        };
        let encoding = Encoding::for_label_no_replacement(standard.as_bytes()).ok_or_else(refused)?;
        // An encoding that switches by escape sequences can hide content from anyone who inspects the bytes.
        if encoding == encoding_rs::ISO_2022_JP || encoding == encoding_rs::X_USER_DEFINED {
            return Err(refused());
        }
        Ok(Self(if encoding == GBK { GB18030 } else { encoding }))
    }

    /// Its name, as the WHATWG spells it.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Charset({})", self.name())
    }
}

/// How sure the encoding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// The caller named it.
    Named,
    /// A byte order mark or the bytes themselves say so.
    Sure,
    /// It reads most like a list.
    Guessed,
}

/// Decodes what arrives.
pub(super) struct Text {
    country: Option<Country>,
    state: State,
    found: Option<(Charset, Certainty)>,
}

enum State {
    /// The first bytes.
    Head(Vec<u8>),
    /// Nothing but ASCII so far; the last byte of it.
    Ascii(u8),
    /// From the first byte on that is not ASCII, with the ASCII byte in front of it.
    Sniffing(Vec<u8>, u8),
    Decoding(Box<Decoder>),
}

impl Text {
    pub(super) fn new(charset: Option<Charset>, country: Option<Country>) -> Self {
        let found = charset.map(|charset| (charset, Certainty::Named));
        Self { country, state: State::Head(Vec::new()), found }
    }

    /// The encoding, once it is known. Until a byte comes that is not ASCII, it is UTF-8.
    pub(super) fn encoding(&self) -> (Charset, Certainty) {
        self.found.unwrap_or((Charset(UTF_8), Certainty::Sure))
    }

    /// Decodes the next bytes and adds them to `text`.
    pub(super) fn push(&mut self, bytes: &[u8], text: &mut String) -> Result<(), ListRemark> {
        match &mut self.state {
            State::Head(head) => {
                head.extend_from_slice(bytes);
                if head.len() < HEAD { Ok(()) } else { self.begin(false, text) }
            }
            State::Ascii(before) => {
                let ascii = Encoding::ascii_valid_up_to(bytes);
                push_ascii(&bytes[..ascii], text);
                let before = bytes[..ascii].last().copied().unwrap_or(*before);
                if ascii == bytes.len() {
                    self.state = State::Ascii(before);
                    return Ok(());
                }
                self.state = State::Sniffing(Vec::new(), before);
                self.push(&bytes[ascii..], text)
            }
            State::Sniffing(window, _) => {
                window.extend_from_slice(bytes);
                if window.len() < MAX_SNIFFED_BYTES { Ok(()) } else { self.decide(false, text) }
            }
            State::Decoding(decoder) => {
                decode(decoder, bytes, false, text);
                Ok(())
            }
        }
    }

    /// The text has ended.
    pub(super) fn finish(&mut self, text: &mut String) -> Result<(), ListRemark> {
        if matches!(self.state, State::Head(_)) {
            self.begin(true, text)?;
        }
        if matches!(self.state, State::Sniffing(..)) {
            self.decide(true, text)?;
        }
        if let State::Decoding(decoder) = &mut self.state {
            decode(decoder, &[], true, text);
        }
        self.state = State::Ascii(b'\n');
        Ok(())
    }

    fn begin(&mut self, is_whole: bool, text: &mut String) -> Result<(), ListRemark> {
        let State::Head(head) = &mut self.state else { return Ok(()) };
        let mut head = std::mem::take(head);
        let rest = head.split_off(HEAD.min(head.len()));
        self.begin_with(&head, text)?;
        self.push(&rest, text)?;
        if is_whole && matches!(self.state, State::Sniffing(..)) {
            return self.decide(true, text);
        }
        Ok(())
    }

    fn begin_with(&mut self, head: &[u8], text: &mut String) -> Result<(), ListRemark> {
        // A byte order mark outweighs the named encoding: with a wrong name, the bytes of the mark would be read as text.
        if let Some((encoding, length)) = Encoding::for_bom(head) {
            if head.starts_with(&[0xff, 0xfe, 0, 0]) {
                return Err(ListRemark::UnknownEncoding);
            }
            return self.decode_as(encoding, Certainty::Sure, &head[length..], text);
        }
        if let Some((charset, _)) = self.found {
            return self.decode_as(charset.0, Certainty::Named, head, text);
        }
        if head.contains(&0) {
            let encoding = utf_16(head).ok_or(ListRemark::NotTextFile)?;
            return self.decode_as(encoding, Certainty::Guessed, head, text);
        }
        if has_many_controls(head) {
            return Err(ListRemark::NotTextFile);
        }
        self.state = State::Ascii(b'\n');
        self.push(head, text)
    }

    fn decide(&mut self, is_whole: bool, text: &mut String) -> Result<(), ListRemark> {
        let State::Sniffing(window, before) = &mut self.state else { return Ok(()) };
        let (mut window, before) = (std::mem::take(window), *before);
        let rest = window.split_off(MAX_SNIFFED_BYTES.min(window.len()));
        if has_many_controls(&window) {
            return Err(ListRemark::NotTextFile);
        }
        let (encoding, certainty) = if is_utf_8(&window, is_whole && rest.is_empty()) {
            (UTF_8, Certainty::Sure)
        } else {
            (
                plausible::guess(&window, before, self.country).ok_or(ListRemark::UnknownEncoding)?,
                Certainty::Guessed,
            )
        };
        self.decode_as(encoding, certainty, &window, text)?;
        self.push(&rest, text)
    }

    fn decode_as(
        &mut self,
        encoding: &'static Encoding,
        certainty: Certainty,
        bytes: &[u8],
        text: &mut String,
    ) -> Result<(), ListRemark> {
        self.found = Some((Charset(encoding), certainty));
        let mut decoder = Box::new(encoding.new_decoder_without_bom_handling());
        decode(&mut decoder, bytes, false, text);
        self.state = State::Decoding(decoder);
        Ok(())
    }
}

fn push_ascii(bytes: &[u8], text: &mut String) {
    if let Ok(ascii) = std::str::from_utf8(bytes) {
        text.push_str(ascii);
    }
}

fn decode(decoder: &mut Decoder, mut bytes: &[u8], is_last: bool, text: &mut String) {
    loop {
        let room =
            decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(bytes.len() * 4 + 16);
        text.reserve(room);
        let (result, read) = decoder.decode_to_string_without_replacement(bytes, text, is_last);
        bytes = &bytes[read..];
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => text.push(UNDECODABLE),
        }
    }
}

/// Text has no control characters but those that part lines and fields; a stray one costs its own line only.
fn has_many_controls(bytes: &[u8]) -> bool {
    let is_control = |byte: &&u8| matches!(byte, 0..=8 | 11 | 12 | 14..=31 | 127);
    let controls = bytes.iter().filter(is_control).count();
    controls > 2 && controls * 50 > bytes.len()
}

/// Whether bytes are UTF-8, but perhaps for a few that were damaged.
fn is_utf_8(bytes: &[u8], is_whole: bool) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => return true,
        // Cut within a character.
        Err(error) if error.error_len().is_none() && !is_whole => return true,
        Err(_) => {}
    }
    let (mut long, mut short, mut broken) = (0_usize, 0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars().filter(|character| !character.is_ascii()) {
            if character.len_utf8() > 2 { long += 1 } else { short += 1 }
        }
        broken += usize::from(!chunk.invalid().is_empty());
    }
    // Three bytes in a row are UTF-8 by chance far less often than two.
    long > 2 * broken || short > 9 * broken
}

/// UTF-16 without a mark, by the zero bytes of its line breaks, separators and ASCII letters.
fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let zeros = |offset: usize| bytes.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let encoding = match (even, odd) {
        (even, odd) if odd > 4 * even => UTF_16LE,
        (even, odd) if even > 4 * odd => UTF_16BE,
        _ => return None,
    };
    // Every few characters a line or a field ends, which in UTF-16 has a zero byte.
    if even.max(odd) * 24 < bytes.len() {
        return None;
    }
    let whole = &bytes[..bytes.len() & !1];
    let (text, had_errors) = encoding.decode_without_bom_handling(whole);
    let is_of_lists = |c: char| {
        let is_mark =
            matches!(c, '·' | '’' | '–' | '—' | '…' | '\u{3000}'..='\u{303f}' | '\u{ff01}'..='\u{ff65}');
        (c.is_ascii() && !c.is_control())
            || c.is_whitespace()
            || c.is_alphanumeric()
            || is_mark
            || is_ignorable(c)
    };
    let ends_anything = |c: char| matches!(c, '\n' | '\r' | ',' | '\t' | ';') || c.is_ascii_alphanumeric();
    let odd_ones = text.chars().filter(|c| !is_of_lists(*c)).count();
    let is_text = !had_errors && odd_ones * 50 < text.chars().count() && text.chars().any(ends_anything);
    is_text.then_some(encoding)
}

/// Writes text in an encoding, if it has every character.
#[cfg(test)]
pub(super) fn encode(encoding: &'static Encoding, text: &str) -> Option<Vec<u8>> {
    if encoding == UTF_16LE || encoding == UTF_16BE {
        let to_bytes = if encoding == UTF_16LE { u16::to_le_bytes } else { u16::to_be_bytes };
        return Some(text.encode_utf16().flat_map(to_bytes).collect());
    }
    let (bytes, _, had_errors) = encoding.encode(text);
    (!had_errors).then(|| bytes.into_owned())
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, WINDOWS_1252};

    use super::*;

    fn decoded(bytes: &[u8], charset: Option<&str>) -> Result<(String, &'static str, Certainty), ListRemark> {
        let charset = charset.map(Charset::parse).transpose()?;
        let read = |size: usize| {
            let (mut decoder, mut text) = (Text::new(charset, None), String::new());
            for piece in bytes.chunks(size) {
                decoder.push(piece, &mut text)?;
            }
            decoder.finish(&mut text)?;
            let (charset, certainty) = decoder.encoding();
            Ok((text, charset.name(), certainty))
        };
        let whole = read(bytes.len().max(1));
        for size in [1, 2, 3, 7] {
            assert_eq!(read(size), whole, "in pieces of {size}");
        }
        whole
    }

    const CHINESE: &str = "participant_id,name\n1,张伟\n2,李娜\n";

    #[test]
    fn marks_and_valid_utf_8_are_sure() {
        for (mark, encoding) in
            [("", UTF_8), ("\u{feff}", UTF_8), ("\u{feff}", UTF_16LE), ("\u{feff}", UTF_16BE)]
        {
            let bytes = encode(encoding, &format!("{mark}{CHINESE}")).unwrap();
            assert_eq!(decoded(&bytes, None), Ok((CHINESE.to_owned(), encoding.name(), Certainty::Sure)));
        }
        assert_eq!(decoded(b"id,name\n1,Rose", None).unwrap().1, "UTF-8");
    }

    #[test]
    fn utf_16_without_a_mark_is_found() {
        for encoding in [UTF_16LE, UTF_16BE] {
            for text in [CHINESE, "id,name\n1,Rose\n", "姓名\n张伟\n李娜\n"] {
                let bytes = encode(encoding, text).unwrap();
                assert_eq!(decoded(&bytes, None), Ok((text.to_owned(), encoding.name(), Certainty::Guessed)));
            }
        }
    }

    #[test]
    fn a_short_list_in_an_old_encoding_is_guessed() {
        for (encoding, text) in [
            (GB18030, CHINESE),
            (GB18030, "工号,姓名,部门\n1,张伟,销售部\n"),
            (GB18030, "name\n张伟\n"),
            (GB18030, "张伟\n李娜\n王芳\n"),
            (GB18030, "姓名\n欧阳娜娜\n古力娜扎·买买提\n"),
            (BIG5, "工號,姓名,部門\n1,張偉,銷售部\n"),
            (BIG5, "participant_id,name\n1,陳怡君\n2,林志明\n"),
            (WINDOWS_1252, "participant_id,name\n1,José García\n"),
            (WINDOWS_1252, "participant_id,name\n1,Zoë\n"),
            (WINDOWS_1252, "name\nMüller\nFrançois\nÅsa Öberg\n"),
        ] {
            let bytes = encode(encoding, text).unwrap();
            assert_eq!(
                decoded(&bytes, None),
                Ok((text.to_owned(), encoding.name(), Certainty::Guessed)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_named_encoding_is_used() {
        for (label, encoding, text) in [
            ("gbk", GB18030, "张伟"),
            ("GB2312", GB18030, "张伟"),
            ("cp936", GB18030, "𠮷"),
            ("Big5", BIG5, "張偉"),
            ("latin1", WINDOWS_1252, "é"),
            ("utf-16le", UTF_16LE, "é"),
            ("windows-1250", encoding_rs::WINDOWS_1250, "Łukasz"),
        ] {
            let bytes = encode(encoding, text).unwrap();
            assert_eq!(
                decoded(&bytes, Some(label)),
                Ok((text.to_owned(), encoding.name(), Certainty::Named)),
                "{label}"
            );
        }
        for label in ["", "klingon", "utf-7", "iso-2022-jp", "replacement", "x-user-defined"] {
            assert!(Charset::parse(label).is_err(), "{label}");
        }
    }

    #[test]
    fn a_damaged_byte_does_not_change_the_encoding() {
        let mut bytes = "id,name\n1,张伟\n2,李娜\n3,王".as_bytes().to_vec();
        bytes.extend_from_slice(b"\xff\n4,Rose\n");
        let (text, name, _) = decoded(&bytes, None).unwrap();
        assert_eq!((text.as_str(), name), ("id,name\n1,张伟\n2,李娜\n3,王\u{ffff}\n4,Rose\n", "UTF-8"));
    }

    #[test]
    fn what_comes_late_counts_the_same_in_whatever_pieces() {
        let head = "id,name\n1,Rose\n".repeat(100);
        let zeros = [head.as_bytes(), b"2,\0M\0i\0n\0\n"].concat();
        let text = decoded(&zeros, None).unwrap().0;
        assert!(text.starts_with(&head) && text.ends_with("2,\0M\0i\0n\0\n"));
        // Behind so many bytes of one encoding another begins: only those count.
        let mut mixed = [head.as_bytes(), "3,张伟\n".repeat(MAX_SNIFFED_BYTES / 9 + 1).as_bytes()].concat();
        let (chinese, ..) = GB18030.encode("4,李娜\n");
        mixed.extend_from_slice(&chinese.repeat(MAX_SNIFFED_BYTES / 4));
        assert_eq!(decoded(&mixed, None).unwrap().1, "UTF-8");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decoded(b"\x00\x01\x02\x03", None), Err(ListRemark::NotTextFile));
        assert_eq!(decoded(b"\xff\xfe\x00\x00a\x00\x00\x00", None), Err(ListRemark::UnknownEncoding));
        // Bytes of every kind read like nothing.
        let bytes: Vec<u8> = (0..400_u32).map(|n| (n * 7919 % 251) as u8 | 0x80).collect();
        assert_eq!(decoded(&bytes, None), Err(ListRemark::UnknownEncoding));
    }
}
