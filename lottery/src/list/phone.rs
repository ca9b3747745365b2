//! Phone numbers as people write them, read into E.164 and checked for what the plan of their country allows.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};

use super::{Country, ListRemark};
use crate::PhoneNumber;
use crate::text::is_ignorable;

/// A text longer than this is no phone number, nor several.
const MAX_TEXT: usize = 200;

/// Words that people write in front of a number.
const WORDS: [&str; 18] = [
    "tel",
    "telephone",
    "telefon",
    "phone",
    "mobile",
    "mobil",
    "handy",
    "mob",
    "cell",
    "cellphone",
    "sms",
    "whatsapp",
    "wechat",
    "手机",
    "手机号",
    "电话",
    "联系电话",
    "手机号码",
];

/// What parts two numbers in one cell. A slash or a comma can stand within a number as well, so the whole is tried first.
const BETWEEN_NUMBERS: [char; 8] = ['/', ';', ',', '、', '，', '；', '\n', '|'];

/// A number that was read, and what should be known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPhone {
    /// The number.
    pub number: PhoneNumber,
    /// A doubt that does not keep it from being used.
    pub doubt: Option<ListRemark>,
}

/// Reads one cell.
///
/// Taken are international numbers, with `+`, `00` or the country's own prefix for calls abroad, or without any; and national
/// ones if `country` is known; with blanks, hyphens and dashes of every kind, dots, slashes, brackets, `(0)`, full-width and
/// other digits, characters that show nothing, `tel:` and the like in front. Numbers are those that the plan of their country
/// has. One of the right length for a mobile phone, but from a range that the plan has not assigned, is taken with a doubt:
/// plans change faster than tables.
pub fn read_phone(text: &str, country: Option<Country>) -> Result<ReadPhone, ListRemark> {
    if let Some(shown) = spoilt(text) {
        return Err(ListRemark::NumberSpoilt { shown });
    }
    if text.len() > MAX_TEXT {
        return Err(ListRemark::PhoneNotNumber);
    }
    let whole = one(text, country);
    match whole {
        Err(fault) if text.contains(BETWEEN_NUMBERS) => {
            let parts = text.split(BETWEEN_NUMBERS).filter(|part| part.chars().any(|c| c.is_numeric()));
            let mut read = parts.filter_map(|part| one(part, country).ok());
            match (read.next(), read.next()) {
                (Some(first), Some(_)) => Ok(ReadPhone { doubt: Some(ListRemark::PhoneSeveral), ..first }),
                _ => Err(fault),
            }
        }
        whole => whole,
    }
}

/// A number as a spreadsheet shows one that is too long for its column: `1.38E+10`. Its digits are lost.
pub(super) fn spoilt(text: &str) -> Option<String> {
    let shown: String =
        text.chars().filter(|c| !is_ignorable(*c) && !c.is_whitespace()).map(narrow).collect();
    let (mantissa, exponent) = shown.trim_start_matches(['+', '\'']).split_once(['E', 'e'])?;
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    let is_spoilt = whole.len() == 1 && is_digits(whole) && is_digits(fraction) && is_digits(exponent);
    (is_spoilt && exponent.len() <= 3 && shown.len() <= 32).then_some(shown)
}

fn one(text: &str, country: Option<Country>) -> Result<ReadPhone, ListRemark> {
    let digits = dialled(text).ok_or(ListRemark::PhoneNotNumber)?;
    match digits.strip_prefix('+') {
        Some(digits) => international(digits),
        None => without_plus(&digits, country),
    }
}

/// What would be dialled: digits, with a plus in front if there is one. None if the text holds anything else.
fn dialled(text: &str) -> Option<String> {
    let narrowed: String = text.chars().filter(|c| !is_ignorable(*c)).map(narrow).collect();
    let mut rest = narrowed.trim();
    rest = rest.strip_prefix(['\'', '=']).unwrap_or(rest).trim_matches('"').trim();
    let start = rest.find(|c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | '[')).unwrap_or(0);
    let word = rest[..start].trim_matches([' ', ':', '.', '-', '(']).to_lowercase();
    if !word.is_empty() {
        if !WORDS.contains(&word.as_str()) {
            return None;
        }
        rest = &rest[start..];
    }
    // What a program wrote that took the column for numbers.
    let rest =
        rest.strip_suffix(".0").filter(|whole| whole.bytes().all(|b| b.is_ascii_digit())).unwrap_or(rest);
    let is_international = rest.starts_with('+') || rest.starts_with("00") || rest.starts_with("(+");
    let rest = if is_international { rest.replacen("(0)", "", 1) } else { rest.to_owned() };
    let mut dialled = String::with_capacity(rest.len());
    for character in rest.chars() {
        match character {
            '0'..='9' => dialled.push(character),
            '+' if dialled.is_empty() => dialled.push('+'),
            ' ' | '-' | '.' | '(' | ')' | '[' | ']' | '/' | '·' | '•' | '_' | '~' => {}
            _ => return None,
        }
    }
    // E.164 has at most 15; an international prefix may stand in front.
    (4..=20).contains(&dialled.len()).then_some(dialled)
}

/// Digits of every script that people type, dashes, blanks and brackets of every width as their ASCII relative.
fn narrow(character: char) -> char {
    let digit =
        |zero: u32| char::from_u32(u32::from('0') + (u32::from(character) - zero)).unwrap_or(character);
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        '\u{660}'..='\u{669}' => digit(0x660),
        '\u{6f0}'..='\u{6f9}' => digit(0x6f0),
        '\u{966}'..='\u{96f}' => digit(0x966),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | 'ー' => '-',
        '\u{207a}' | '\u{fe62}' => '+',
        '【' | '〔' => '(',
        '】' | '〕' => ')',
        '\u{2024}' | '。' => '.',
        '\u{2044}' | '\u{2215}' => '/',
        character if character.is_whitespace() && character != '\n' => ' ',
        character => character,
    }
}

fn international(digits: &str) -> Result<ReadPhone, ListRemark> {
    checked(PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None)).map_err(|fault| match fault {
        Fault::Unreadable => ListRemark::PhoneNoCountry,
        Fault::NotInPlan(country) => ListRemark::PhoneNotInPlan { country },
    })
}

/// A number without a plus is tried as the country's own, with `00` as an international one, and as an international one
/// whose plus was lost; the first way in which a plan has it is taken.
fn without_plus(digits: &str, country: Option<Country>) -> Result<ReadPhone, ListRemark> {
    let abroad = |digits: &str| checked(PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None)).ok();
    let own = country.map(|country| checked(PHONE_NUMBER_UTIL.parse(digits, Some(country.0))));
    if let Some(Ok(read)) = &own
        && !matches!(read.doubt, Some(ListRemark::PhoneUnassigned { .. }))
    {
        return Ok(read.clone());
    }
    let is_sure = |read: &ReadPhone| !matches!(read.doubt, Some(ListRemark::PhoneUnassigned { .. }));
    if let Some(read) = digits.strip_prefix("00").and_then(abroad) {
        return Ok(read);
    }
    if let Some(mut read) = (!digits.starts_with('0')).then(|| abroad(digits)).flatten().filter(is_sure) {
        let country = region_of(&read.number).unwrap_or_default();
        read.doubt = read.doubt.or(Some(ListRemark::PhoneWithoutPlus { country }));
        return Ok(read);
    }
    match own {
        Some(Ok(read)) => Ok(read),
        Some(Err(_)) => {
            Err(ListRemark::PhoneNotInPlan { country: country.map(|c| c.to_string()).unwrap_or_default() })
        }
        None => Err(ListRemark::PhoneNeedsCountry),
    }
}

enum Fault {
    Unreadable,
    NotInPlan(String),
}

fn checked(
    parsed: Result<rlibphonenumber::PhoneNumber, rlibphonenumber::ParseError>,
) -> Result<ReadPhone, Fault> {
    let parsed = parsed.map_err(|_| Fault::Unreadable)?;
    let country = || {
        let region = parsed
            .get_region_code()
            .or_else(|| PHONE_NUMBER_UTIL.get_region_for_country_code(parsed.country_code));
        region.map(|region| Country(region).to_string()).unwrap_or_default()
    };
    // A number of no type is not valid. Asking for both would match the whole plan twice.
    let doubt = match parsed.get_type() {
        PhoneNumberType::FixedLine => Some(ListRemark::PhoneFixedLine),
        PhoneNumberType::Unknown
            if PHONE_NUMBER_UTIL.is_possible_number_for_type(&parsed, PhoneNumberType::Mobile) =>
        {
            Some(ListRemark::PhoneUnassigned { country: country() })
        }
        PhoneNumberType::Unknown => return Err(Fault::NotInPlan(country())),
        _ => None,
    };
    let number = parsed.format_as(PhoneNumberFormat::E164);
    let number = PhoneNumber::parse(&number).map_err(|_| Fault::NotInPlan(country()))?;
    Ok(ReadPhone { number, doubt })
}

fn region_of(number: &PhoneNumber) -> Option<String> {
    let parsed = PHONE_NUMBER_UTIL.parse(number.as_str(), None).ok()?;
    Some(Country(parsed.get_region_code()?).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, country: &str) -> Result<(String, Option<ListRemark>), ListRemark> {
        let country = Country::parse(country).ok();
        read_phone(text, country).map(|read| (read.number.as_str().to_owned(), read.doubt))
    }

    #[track_caller]
    fn assert_read(text: &str, country: &str, number: &str) {
        assert_eq!(
            read(text, country).map(|(number, _)| number).as_deref(),
            Ok(number),
            "{text:?} {country}"
        );
    }

    #[test]
    fn numbers_are_read_in_every_spelling() {
        for text in [
            "13800138000",
            "138 0013 8000",
            "138-0013-8000",
            "138.0013.8000",
            "138\u{a0}0013\u{a0}8000",
            "１３８００１３８０００",
            "+86 138 0013 8000",
            "+86-138-0013-8000",
            "(+86) 138 0013 8000",
            "0086 138 0013 8000",
            "008613800138000",
            "8613800138000",
            "86-13800138000",
            "tel:+86-138-0013-8000",
            "手机：13800138000",
            "电话: 138 0013 8000",
            "\u{202a}+8613800138000\u{202c}",
            "\u{200b}13800138000",
            "'13800138000",
            "'+8613800138000",
            "13800138000.0",
            "＋86 138–0013–8000",
            "Mobile 13800138000",
            " 138\u{2009}0013\u{202f}8000 ",
            "=\"13800138000\"",
            "138\u{ad}00138000",
            "013800138000",
        ] {
            assert_read(text, "CN", "+8613800138000");
        }
        for text in [
            "(202) 555-0101",
            "202-555-0101",
            "202.555.0101",
            "1 202 555 0101",
            "+1 (202) 555-0101",
            "1-202-555-0101",
            "12025550101",
            "0012025550101",
            "01112025550101",
            "+1[202]5550101",
            "+1\u{a0}202\u{a0}555\u{a0}0101",
            "Tel. (202) 555‑0101",
            "202/555/0101",
            "٢٠٢٥٥٥٠١٠١",
        ] {
            assert_read(text, "US", "+12025550101");
        }
        for text in [
            "0151 50000001",
            "+49 (0)151 50000001",
            "0049 151 50000001",
            "0151/500 000 01",
            "(0151) 5000-0001",
        ] {
            assert_read(text, "DE", "+4915150000001");
        }
        assert_read("07700 900123", "GB", "+447700900123");
        assert_read("+44 (0)7700 900123", "", "+447700900123");
        assert_read("06 39 98 00 01", "FR", "+33639980001");
        assert_read("010-12345678", "CN", "+861012345678");
    }

    #[test]
    fn an_international_number_is_read_without_its_plus_and_this_is_said() {
        for country in ["", "CN", "DE"] {
            let (number, doubt) = read("12025550101", country).unwrap();
            assert_eq!(number, "+12025550101", "{country}");
            assert_eq!(doubt, Some(ListRemark::PhoneWithoutPlus { country: "US".to_owned() }), "{country}");
        }
        let (number, doubt) = read("8613800138000", "").unwrap();
        assert_eq!(number, "+8613800138000");
        assert_eq!(doubt, Some(ListRemark::PhoneWithoutPlus { country: "CN".to_owned() }));
    }

    #[test]
    fn what_the_plan_does_not_have_is_told() {
        let not_in = |country: &str| Err(ListRemark::PhoneNotInPlan { country: country.to_owned() });
        for (text, country, expected) in [
            ("+86100000000", "CN", not_in("CN")),
            ("+861380013800", "", not_in("CN")),
            ("1380013800", "CN", not_in("CN")),
            ("138001380000", "CN", not_in("CN")),
            ("+1202555010", "", not_in("US")),
            ("+120255501011", "", not_in("US")),
            ("202555010", "US", not_in("US")),
            ("+4477009001", "", not_in("GB")),
            ("+999123456789", "", Err(ListRemark::PhoneNoCountry)),
            ("13800138000", "", Err(ListRemark::PhoneNeedsCountry)),
            ("(202) 555-0101", "", Err(ListRemark::PhoneNeedsCountry)),
            ("0123", "CN", not_in("CN")),
            ("rose@example.com", "CN", Err(ListRemark::PhoneNotNumber)),
            ("call me", "CN", Err(ListRemark::PhoneNotNumber)),
            ("1-800-FLOWERS", "US", Err(ListRemark::PhoneNotNumber)),
            ("12", "CN", Err(ListRemark::PhoneNotNumber)),
            ("++12025550101", "US", Err(ListRemark::PhoneNotNumber)),
            ("123456789012345678901", "CN", Err(ListRemark::PhoneNotNumber)),
        ] {
            assert_eq!(read(text, country), expected, "{text} {country}");
        }
    }

    #[test]
    fn a_number_that_may_not_be_reached_is_taken_with_a_doubt() {
        let (number, doubt) = read("10000000001", "CN").unwrap();
        assert_eq!(number, "+8610000000001");
        assert_eq!(doubt, Some(ListRemark::PhoneUnassigned { country: "CN".to_owned() }));
        let (number, doubt) = read("+1 123 456 7890", "").unwrap();
        assert_eq!(number, "+11234567890");
        assert_eq!(doubt, Some(ListRemark::PhoneUnassigned { country: "US".to_owned() }));
        assert_eq!(read("010-12345678", "CN").unwrap().1, Some(ListRemark::PhoneFixedLine));
    }

    #[test]
    fn of_several_numbers_the_first_is_taken() {
        for text in [
            "13800138000/13900139000",
            "13800138000、13900139000",
            "13800138000; 13900139000",
            "13800138000\n13900139000",
        ] {
            assert_eq!(
                read(text, "CN"),
                Ok(("+8613800138000".to_owned(), Some(ListRemark::PhoneSeveral))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_number_that_a_spreadsheet_spoilt_is_told_as_such() {
        for (text, shown) in [
            ("1.38E+10", "1.38E+10"),
            ("1.38012E+10", "1.38012E+10"),
            ("1,38E+10", "1,38E+10"),
            ("+1.38E+10", "+1.38E+10"),
            ("1E+10", "1E+10"),
            ("1.38e10", "1.38e10"),
            (" 1.38E+10 ", "1.38E+10"),
        ] {
            let expected = Err(ListRemark::NumberSpoilt { shown: shown.to_owned() });
            assert_eq!(read(text, "CN"), expected, "{text}");
        }
    }
}
