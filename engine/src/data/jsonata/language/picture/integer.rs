//! Whole numbers: as digits, by the alphabet, in Roman numerals and in words.

use super::super::error::{Error, Outcome};
use super::super::meter::Meter;
use super::super::number::{parse_int, to_text};
use super::{MAX_PICTURE, check_picture};

/// What a picture asks for.
#[derive(Clone, Debug)]
pub(crate) struct IntegerFormat {
    pub(super) primary: Primary,
    pub(super) case: Case,
    pub(super) ordinal: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Primary {
    Letters,
    Roman,
    Words,
    Decimal(Decimal),
    /// A sequence that nobody knows.
    Sequence(String),
}

#[derive(Clone, Debug)]
pub(super) struct Decimal {
    zero: u32,
    pub(super) mandatory: usize,
    pub(super) optional: usize,
    pub(super) grouping: Grouping,
}

#[derive(Clone, Debug)]
pub(super) enum Grouping {
    Regular {
        every: usize,
        separator: char,
    },
    /// The positions from the right.
    Irregular(Vec<(usize, char)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
    Title,
}

/// The zeros of the decimal digits of all scripts.
const ZEROS: [u32; 37] = [
    0x30, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
    0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
];

/// The largest number in Roman numerals, which are as long as a thousandth of it.
const MAX_ROMAN: f64 = 1e7;

impl IntegerFormat {
    pub(crate) fn parse(picture: &str) -> Outcome<IntegerFormat> {
        check_picture(picture)?;
        let (primary, modifier) = picture.rsplit_once(';').unwrap_or((picture, ""));
        let (primary, case) = match primary {
            "A" => (Primary::Letters, Case::Upper),
            "a" => (Primary::Letters, Case::Lower),
            "I" => (Primary::Roman, Case::Upper),
            "i" => (Primary::Roman, Case::Lower),
            "W" => (Primary::Words, Case::Upper),
            "Ww" => (Primary::Words, Case::Title),
            "w" => (Primary::Words, Case::Lower),
            other => (decimal(other)?, Case::Lower),
        };
        Ok(IntegerFormat { primary, case, ordinal: modifier.starts_with('o') })
    }

    /// Writes a number without a fraction.
    pub(crate) fn write(&self, value: f64, meter: &mut Meter) -> Outcome<String> {
        let magnitude = value.abs();
        meter.steps(1)?;
        let written = match &self.primary {
            Primary::Letters if magnitude.is_infinite() => return Err(Error::timeout()),
            Primary::Letters => alphabetic(magnitude, if self.case == Case::Upper { b'A' } else { b'a' }),
            Primary::Roman if magnitude > MAX_ROMAN => return Err(Error::memory()),
            Primary::Roman => {
                let numeral = roman(magnitude);
                if self.case == Case::Upper { numeral.to_uppercase() } else { numeral }
            }
            Primary::Words if !magnitude.is_finite() => return Err(Error::stack()),
            Primary::Words => {
                let words = words(magnitude, self.ordinal);
                match self.case {
                    Case::Upper => words.to_uppercase(),
                    Case::Lower => words.to_lowercase(),
                    Case::Title => words,
                }
            }
            Primary::Decimal(decimal) => self.digits(decimal, magnitude)?,
            Primary::Sequence(token) => return Err(Error::new("D3130").with_value_text(token)),
        };
        meter.text(written.len())?;
        Ok(if value < 0.0 { format!("-{written}") } else { written })
    }

    fn digits(&self, decimal: &Decimal, magnitude: f64) -> Outcome<String> {
        if decimal.mandatory > MAX_PICTURE {
            return Err(Error::memory());
        }
        let plain = to_text(magnitude);
        let mut digits: Vec<char> = plain.chars().collect();
        while digits.len() < decimal.mandatory {
            digits.insert(0, '0');
        }
        if decimal.zero != 0x30 {
            for digit in &mut digits {
                *digit =
                    char::from_u32((u32::from(*digit) + decimal.zero).wrapping_sub(0x30)).unwrap_or(*digit);
            }
        }
        match &decimal.grouping {
            Grouping::Regular { every, separator } => {
                let groups = (digits.len().saturating_sub(1)) / every;
                for group in (1..=groups).rev() {
                    let at = digits.len() - group * every;
                    digits.insert(at, *separator);
                }
            }
            Grouping::Irregular(separators) => {
                for (position, separator) in separators.iter().rev() {
                    // What lies before the first digit is put in front of it, as JavaScript cuts from the end.
                    let at = match digits.len().checked_sub(*position) {
                        Some(at) => at,
                        None => (2 * digits.len()).saturating_sub(*position),
                    };
                    digits.insert(at, *separator);
                }
            }
        }
        let mut written: String = digits.iter().collect();
        if self.ordinal {
            let is_teen = digits.len() > 1 && digits[digits.len() - 2] == '1';
            written.push_str(match digits.last() {
                Some('1') if !is_teen => "st",
                Some('2') if !is_teen => "nd",
                Some('3') if !is_teen => "rd",
                _ => "th",
            });
        }
        Ok(written)
    }

    /// Reads a number; what is none is "not a number".
    pub(crate) fn read(&self, text: &str) -> Outcome<f64> {
        Ok(match &self.primary {
            Primary::Letters => read_alphabetic(text, if self.case == Case::Upper { 'A' } else { 'a' }),
            Primary::Roman if self.case == Case::Upper => read_roman(text),
            Primary::Roman => read_roman(&text.to_uppercase()),
            Primary::Words => read_words(&text.to_lowercase()),
            Primary::Decimal(decimal) => self.read_digits(decimal, text)?,
            Primary::Sequence(token) => return Err(Error::new("D3130").with_value_text(token)),
        })
    }

    fn read_digits(&self, decimal: &Decimal, text: &str) -> Outcome<f64> {
        let mut digits: Vec<char> = text.chars().collect();
        if self.ordinal {
            digits.truncate(digits.len().saturating_sub(2));
        }
        match &decimal.grouping {
            Grouping::Regular { .. } => digits.retain(|digit| *digit != ','),
            Grouping::Irregular(separators) => {
                digits.retain(|digit| !separators.iter().any(|(_, separator)| separator == digit));
            }
        }
        if decimal.zero != 0x30 {
            for digit in &mut digits {
                let moved = i64::from(u32::from(*digit)) - i64::from(decimal.zero) + 0x30;
                let character = u32::try_from(moved).ok().and_then(char::from_u32);
                *digit = character.ok_or_else(|| Error::uncoded(format!("Invalid code point {moved}")))?;
            }
        }
        Ok(parse_int(&digits.iter().collect::<String>()))
    }

    /// The pattern of what this reads. `width` is how many digits a part of a date has.
    pub(super) fn pattern(&self, width: Option<i64>) -> Outcome<String> {
        let is_upper = self.case == Case::Upper;
        Ok(match &self.primary {
            Primary::Letters => if is_upper { "[A-Z]+" } else { "[a-z]+" }.to_owned(),
            Primary::Roman => if is_upper { "[MDCLXVI]+" } else { "[mdclxvi]+" }.to_owned(),
            Primary::Words => {
                let words: Vec<String> = word_values().map(|(word, _)| word).collect();
                format!("(?:{}|and|[\\-, ])+", words.join("|"))
            }
            Primary::Decimal(decimal) => {
                let count = match width.filter(|width| *width > 0) {
                    Some(width) if decimal.optional == 0 => format!("{{{width}}}"),
                    Some(width) => format!("{{{},{width}}}", width - decimal.optional as i64),
                    None => "+".to_owned(),
                };
                format!("[0-9]{count}{}", if self.ordinal { "(?:th|st|nd|rd)" } else { "" })
            }
            Primary::Sequence(token) => return Err(Error::new("D3130").with_value_text(token)),
        })
    }
}

fn decimal(picture: &str) -> Outcome<Primary> {
    let mut zero = None;
    let (mut mandatory, mut optional, mut position) = (0, 0, 0);
    let mut separators: Vec<(usize, char)> = Vec::new();
    for character in picture.chars().rev() {
        let code = u32::from(character);
        if let Some(group) = ZEROS.into_iter().find(|zero| (*zero..*zero + 10).contains(&code)) {
            mandatory += 1;
            position += 1;
            if *zero.get_or_insert(group) != group {
                return Err(Error::new("D3131"));
            }
        } else if character == '#' {
            position += 1;
            optional += 1;
        } else {
            separators.push((position, character));
        }
    }
    let Some(zero) = zero else { return Ok(Primary::Sequence(picture.to_owned())) };
    let positions: Vec<usize> = separators.iter().map(|(position, _)| *position).collect();
    let is_uniform = separators.iter().all(|(_, separator)| *separator == separators[0].1);
    let grouping = match regular(&positions) {
        Some(every) if is_uniform => Grouping::Regular { every, separator: separators[0].1 },
        _ => Grouping::Irregular(separators),
    };
    Ok(Primary::Decimal(Decimal { zero, mandatory, optional, grouping }))
}

/// The distance of separators that stand at regular distances.
pub(super) fn regular(positions: &[usize]) -> Option<usize> {
    let gcd = |mut a: usize, mut b: usize| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let factor = positions.iter().copied().reduce(gcd).filter(|factor| *factor > 0)?;
    (1..=positions.len()).all(|index| positions.contains(&(index * factor))).then_some(factor)
}

fn alphabetic(mut value: f64, first: u8) -> String {
    let mut signs = Vec::new();
    while value > 0.0 {
        signs.push(char::from(((value - 1.0) % 26.0) as u8 + first));
        value = ((value - 1.0) / 26.0).floor();
    }
    signs.iter().rev().collect()
}

fn read_alphabetic(text: &str, first: char) -> f64 {
    let units: Vec<u16> = text.encode_utf16().collect();
    let digits = units.iter().rev().enumerate().map(|(at, unit)| {
        (f64::from(*unit) - f64::from(u32::from(first)) + 1.0) * 26f64.powi(at.min(i32::MAX as usize) as i32)
    });
    digits.fold(0.0, |total, digit| total + digit)
}

const NUMERALS: [(f64, &str); 13] = [
    (1000.0, "m"),
    (900.0, "cm"),
    (500.0, "d"),
    (400.0, "cd"),
    (100.0, "c"),
    (90.0, "xc"),
    (50.0, "l"),
    (40.0, "xl"),
    (10.0, "x"),
    (9.0, "ix"),
    (5.0, "v"),
    (4.0, "iv"),
    (1.0, "i"),
];

fn roman(mut value: f64) -> String {
    let mut numeral = String::new();
    while let Some((number, sign)) = NUMERALS.iter().find(|(number, _)| value >= *number) {
        numeral.push_str(sign);
        value -= number;
    }
    numeral
}

fn read_roman(text: &str) -> f64 {
    let (mut total, mut highest) = (0.0, 1.0);
    for digit in text.chars().rev() {
        let value = match digit {
            'M' => 1000.0,
            'D' => 500.0,
            'C' => 100.0,
            'L' => 50.0,
            'X' => 10.0,
            'V' => 5.0,
            'I' => 1.0,
            _ => f64::NAN,
        };
        if value < highest {
            total -= value;
        } else {
            highest = value;
            total += value;
        }
    }
    total
}

const FEW: [&str; 20] = [
    "Zero",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
    "Thirteen",
    "Fourteen",
    "Fifteen",
    "Sixteen",
    "Seventeen",
    "Eighteen",
    "Nineteen",
];
const ORDINALS: [&str; 20] = [
    "Zeroth",
    "First",
    "Second",
    "Third",
    "Fourth",
    "Fifth",
    "Sixth",
    "Seventh",
    "Eighth",
    "Ninth",
    "Tenth",
    "Eleventh",
    "Twelfth",
    "Thirteenth",
    "Fourteenth",
    "Fifteenth",
    "Sixteenth",
    "Seventeenth",
    "Eighteenth",
    "Nineteenth",
];
const DECADES: [&str; 9] =
    ["Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety", "Hundred"];
const MAGNITUDES: [&str; 4] = ["Thousand", "Million", "Billion", "Trillion"];

fn words(value: f64, ordinal: bool) -> String {
    said(value, Before::Nothing, ordinal)
}

/// What is before a part of a number in words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Words,
}

fn said(number: f64, before: Before, ordinal: bool) -> String {
    let joined = |with: &'static str| if before == Before::Words { with } else { "" };
    let suffix = |rest: f64| if rest == 0.0 && ordinal { "th" } else { "" };
    if number <= 19.0 {
        let names = if ordinal { ORDINALS } else { FEW };
        return format!("{}{}", joined(" and "), names[number as usize]);
    }
    if number < 100.0 {
        let (tens, rest) = ((number / 10.0).floor(), number % 10.0);
        let decade = DECADES[tens as usize - 2];
        let words = format!("{}{decade}", joined(" and "));
        return if rest > 0.0 {
            format!("{words}-{}", said(rest, Before::Nothing, ordinal))
        } else if ordinal {
            format!("{}ieth", &words[..words.len() - 1])
        } else {
            words
        };
    }
    if number < 1000.0 {
        let (hundreds, rest) = ((number / 100.0).floor(), number % 100.0);
        let words = format!("{}{} Hundred", joined(", "), FEW[hundreds as usize]);
        let tail = if rest > 0.0 { said(rest, Before::Words, ordinal) } else { suffix(rest).to_owned() };
        return words + &tail;
    }
    let magnitude = ((number.log10() / 3.0).floor() as usize).min(MAGNITUDES.len());
    let factor = 10f64.powi(magnitude as i32 * 3);
    let count = (number / factor).floor();
    let rest = number - count * factor;
    let words =
        format!("{}{} {}", joined(", "), said(count, Before::Nothing, false), MAGNITUDES[magnitude - 1]);
    let tail = if rest > 0.0 { said(rest, Before::Words, ordinal) } else { suffix(rest).to_owned() };
    words + &tail
}

/// The words of numbers, in the order in which a pattern tries them.
fn word_values() -> impl Iterator<Item = (String, f64)> {
    let few =
        FEW.iter().chain(&ORDINALS).enumerate().map(|(at, word)| (word.to_lowercase(), (at % 20) as f64));
    let decades = DECADES.iter().enumerate().flat_map(|(at, word)| {
        let (word, value) = (word.to_lowercase(), (at as f64 + 2.0) * 10.0);
        let ordinal = format!("{}ieth", &word[..word.len() - 1]);
        [(word, value), (ordinal, value)]
    });
    let magnitudes = MAGNITUDES.iter().enumerate().flat_map(|(at, word)| {
        let (word, value) = (word.to_lowercase(), 10f64.powi((at as i32 + 1) * 3));
        let ordinal = format!("{word}th");
        [(word, value), (ordinal, value)]
    });
    few.chain(decades).chain([("hundredth".to_owned(), 100.0)]).chain(magnitudes)
}

fn read_words(text: &str) -> f64 {
    let known: std::collections::HashMap<String, f64> = word_values().collect();
    // The separators of the reference implementation: `, `, ` and `, and any blank, hyphen or backslash.
    let mut parts = Vec::new();
    let mut rest = text;
    let mut word = String::new();
    while let Some(character) = rest.chars().next() {
        let is_space = |character: Option<char>| character.is_some_and(char::is_whitespace);
        let mut length = None;
        if character == ',' && is_space(rest.chars().nth(1)) {
            length = rest.chars().take(2).map(char::len_utf8).reduce(|a, b| a + b);
        } else if is_space(Some(character)) {
            let after = &rest[character.len_utf8()..];
            let and = after.strip_prefix("and").filter(|after| is_space(after.chars().next()));
            length = Some(match and {
                Some(after) => rest.len() - after.len() + after.chars().next().map_or(0, char::len_utf8),
                None => character.len_utf8(),
            });
        } else if matches!(character, '\\' | '-') {
            length = Some(1);
        }
        match length {
            Some(length) => {
                parts.push(std::mem::take(&mut word));
                rest = &rest[length..];
            }
            None => {
                word.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    parts.push(word);
    let mut segments = vec![0.0];
    for part in parts {
        let value = known.get(&part).copied().unwrap_or(f64::NAN);
        let top = segments.pop().unwrap_or(0.0);
        if value < 100.0 {
            if top >= 1000.0 {
                segments.extend([top, value]);
            } else {
                segments.push(top + value);
            }
        } else {
            segments.push(top * value);
        }
    }
    segments.into_iter().fold(0.0, |total, segment| total + segment)
}
