//! `$formatNumber`.

use std::sync::Arc;

use super::super::error::{Error, Outcome};
use super::super::meter::Meter;
use super::super::number::{round, to_fixed};
use super::super::value::Value;
use super::integer::regular;
use super::{MAX_PICTURE, check_picture};

/// The signs of a picture.
struct Signs {
    decimal: String,
    grouping: String,
    exponent: String,
    minus: String,
    percent: String,
    per_mille: String,
    zero: String,
    digit: String,
    pattern: String,
}

impl Signs {
    fn new(options: &[(Arc<str>, Value)]) -> Outcome<Signs> {
        let sign = |name: &str, default: &str| -> Outcome<String> {
            let given = options.iter().find(|(key, _)| &**key == name).map(|(_, value)| value);
            match given {
                None => Ok(default.to_owned()),
                Some(Value::Text(sign)) => {
                    check_picture(sign)?;
                    Ok(sign.to_string())
                }
                Some(_) => Err(Error::uncoded(format!("The option \"{name}\" is no text"))),
            }
        };
        Ok(Signs {
            decimal: sign("decimal-separator", ".")?,
            grouping: sign("grouping-separator", ",")?,
            exponent: sign("exponent-separator", "e")?,
            minus: sign("minus-sign", "-")?,
            percent: sign("percent", "%")?,
            per_mille: sign("per-mille", "\u{2030}")?,
            zero: sign("zero-digit", "0")?,
            digit: sign("digit", "#")?,
            pattern: sign("pattern-separator", ";")?,
        })
    }

    /// The value of a decimal digit.
    fn family(&self, character: char) -> Option<u32> {
        let zero = self.zero.chars().next().map(u32::from)?;
        u32::from(character).checked_sub(zero).filter(|value| *value < 10)
    }

    fn is_digit(&self, character: char) -> bool {
        self.family(character).is_some() || is(&self.digit, character)
    }

    fn is_active(&self, character: char) -> bool {
        self.is_digit(character)
            || [&self.decimal, &self.exponent, &self.grouping, &self.pattern]
                .into_iter()
                .any(|sign| is(sign, character))
    }

    fn write_digit(&self, digit: char) -> char {
        let zero = self.zero.chars().next().map_or(0x30, u32::from);
        digit.to_digit(10).and_then(|value| char::from_u32(zero + value)).unwrap_or(digit)
    }
}

fn is(sign: &str, character: char) -> bool {
    let mut characters = sign.chars();
    characters.next() == Some(character) && characters.next().is_none()
}

/// Where a sign begins, at or after an index.
fn find(text: &[char], sign: &str, from: usize) -> Option<usize> {
    let sign: Vec<char> = sign.chars().collect();
    (from..=text.len()).find(|at| text[*at..].starts_with(&sign))
}

fn count(text: &[char], sign: &str) -> usize {
    (0..text.len()).filter(|at| find(&text[*at..], sign, 0) == Some(0)).count()
}

/// A picture, or one of the two that it may have, in its parts.
struct Parts {
    picture: Vec<char>,
    prefix: Vec<char>,
    suffix: Vec<char>,
    active: Vec<char>,
    mantissa: Vec<char>,
    exponent: Option<Vec<char>>,
    whole: Vec<char>,
    fraction: Vec<char>,
}

fn split(picture: &str, signs: &Signs) -> Outcome<Parts> {
    let picture: Vec<char> = picture.chars().collect();
    let is_mark = |character: &char| signs.is_active(*character) && !is(&signs.exponent, *character);
    let (Some(first), Some(last)) = (picture.iter().position(is_mark), picture.iter().rposition(is_mark))
    else {
        return Err(Error::uncoded("Cannot read properties of undefined (reading 'length')"));
    };
    let (prefix, suffix) = (picture[..first].to_vec(), picture[last + 1..].to_vec());
    let active = picture[first..=last].to_vec();
    let exponent_at = find(&picture, &signs.exponent, first).filter(|at| *at <= last + 1);
    let (mantissa, exponent) = match exponent_at {
        // The reference implementation takes the position in the picture for one in its active part.
        Some(at) => {
            let end = at.min(active.len());
            (active[..end].to_vec(), Some(active[(at + 1).min(active.len())..].to_vec()))
        }
        None => (active.clone(), None),
    };
    let (whole, fraction) = match find(&mantissa, &signs.decimal, 0) {
        Some(at) => (mantissa[..at].to_vec(), mantissa[(at + 1).min(mantissa.len())..].to_vec()),
        None => (mantissa.clone(), suffix.clone()),
    };
    Ok(Parts { picture, prefix, suffix, active, mantissa, exponent, whole, fraction })
}

impl Parts {
    /// The code of the last rule that the picture breaks.
    fn fault(&self, signs: &Signs) -> Option<&'static str> {
        let mut fault = None;
        let mut check = |is_broken: bool, code| {
            if is_broken {
                fault = Some(code);
            }
        };
        let picture = &self.picture;
        let has = |sign: &str| find(picture, sign, 0).is_some();
        check(count(picture, &signs.decimal) > 1, "D3081");
        check(count(picture, &signs.percent) > 1, "D3082");
        check(count(picture, &signs.per_mille) > 1, "D3083");
        check(has(&signs.percent) && has(&signs.per_mille), "D3084");
        check(!self.mantissa.iter().any(|character| signs.is_digit(*character)), "D3085");
        check(self.active.iter().any(|character| !signs.is_active(*character)), "D3086");
        let is_grouping = |at: Option<usize>| {
            at.and_then(|at| picture.get(at)).is_some_and(|character| is(&signs.grouping, *character))
        };
        match find(picture, &signs.decimal, 0) {
            Some(at) => check(is_grouping(at.checked_sub(1)) || is_grouping(Some(at + 1)), "D3087"),
            None => check(self.whole.last().is_some_and(|last| is(&signs.grouping, *last)), "D3088"),
        }
        check(has(&format!("{0}{0}", signs.grouping)), "D3089");
        let is_member = |character: &char| signs.family(*character).is_some();
        if let Some(at) = find(&self.whole, &signs.digit, 0) {
            check(self.whole[..at].iter().any(is_member), "D3090");
        }
        let optional = self.fraction.iter().rposition(|character| is(&signs.digit, *character));
        if let Some(at) = optional {
            check(self.fraction[at..].iter().any(is_member), "D3091");
        }
        if let Some(exponent) = &self.exponent {
            check(!exponent.is_empty() && (has(&signs.percent) || has(&signs.per_mille)), "D3092");
            check(exponent.is_empty() || !exponent.iter().all(is_member), "D3093");
        }
        fault
    }

    fn analyse(&self, signs: &Signs) -> Layout {
        let digits = |part: &[char]| part.iter().filter(|character| signs.is_digit(**character)).count();
        let members =
            |part: &[char]| part.iter().filter(|character| signs.family(**character).is_some()).count();
        let positions = |part: &[char], to_left: bool| {
            let mut positions = Vec::new();
            let mut at = find(part, &signs.grouping, 0);
            while let Some(position) = at {
                let position_in_part = position.min(part.len());
                positions.push(digits(if to_left {
                    &part[..position_in_part]
                } else {
                    &part[position_in_part..]
                }));
                // The reference implementation continues in the whole part, also from the fraction.
                at = if position < self.whole.len() {
                    find(&self.whole, &signs.grouping, position + 1)
                } else {
                    None
                };
                if signs.grouping.is_empty() {
                    break;
                }
            }
            positions
        };
        let whole_groups = positions(&self.whole, false);
        let fraction_groups = positions(&self.fraction, true);
        let mut layout = Layout {
            regular: regular(&whole_groups),
            whole_groups,
            fraction_groups,
            least_whole: members(&self.whole),
            scaling: members(&self.whole),
            least_fraction: members(&self.fraction),
            most_fraction: digits(&self.fraction),
            least_exponent: self.exponent.as_deref().map_or(0, members),
        };
        let has_exponent = self.exponent.is_some();
        if layout.least_whole == 0 && layout.most_fraction == 0 {
            if has_exponent {
                layout.least_fraction = 1;
                layout.most_fraction = 1;
            } else {
                layout.least_whole = 1;
            }
        }
        if has_exponent && layout.least_whole == 0 && find(&self.whole, &signs.digit, 0).is_some() {
            layout.least_whole = 1;
        }
        if layout.least_whole == 0 && layout.least_fraction == 0 {
            layout.least_fraction = 1;
        }
        layout
    }
}

struct Layout {
    whole_groups: Vec<usize>,
    regular: Option<usize>,
    fraction_groups: Vec<usize>,
    least_whole: usize,
    scaling: usize,
    least_fraction: usize,
    most_fraction: usize,
    least_exponent: usize,
}

/// Writes a number by a picture.
pub(crate) fn format_number(
    value: f64,
    picture: &str,
    options: &[(Arc<str>, Value)],
    meter: &mut Meter,
) -> Outcome<String> {
    check_picture(picture)?;
    let signs = Signs::new(options)?;
    let pictures: Vec<String> = if signs.pattern.is_empty() {
        picture.chars().map(String::from).collect()
    } else {
        picture.split(signs.pattern.as_str()).map(str::to_owned).collect()
    };
    if pictures.len() > 2 {
        return Err(Error::new("D3080"));
    }
    let mut parts = Vec::new();
    for picture in &pictures {
        parts.push(split(picture, &signs)?);
    }
    if let Some(code) = parts.iter().find_map(|parts| parts.fault(&signs)) {
        return Err(Error::new(code));
    }
    meter.steps(picture.len() * 8)?;
    let is_first = value >= 0.0 || parts.len() == 1;
    let chosen = &parts[usize::from(!is_first)];
    let layout = chosen.analyse(&signs);
    let mut prefix: String = chosen.prefix.iter().collect();
    if parts.len() == 1 && (value < 0.0 || value.is_nan()) {
        prefix.insert_str(0, &signs.minus);
    }
    let scaled = if find(&chosen.picture, &signs.percent, 0).is_some() {
        value * 100.0
    } else if find(&chosen.picture, &signs.per_mille, 0).is_some() {
        value * 1000.0
    } else {
        value
    };
    let (mantissa, exponent) =
        if layout.least_exponent == 0 { (scaled, None) } else { scale(scaled, &layout)? };
    let rounded = round(mantissa, layout.most_fraction as f64);
    let written = digits(rounded, chosen, &layout, &signs)?;
    let mut written: String = written.into_iter().collect();
    if let Some(exponent) = exponent {
        let mut digits: Vec<char> =
            to_fixed(exponent, 0).chars().map(|digit| signs.write_digit(digit)).collect();
        while digits.len() < layout.least_exponent {
            digits.insert(0, signs.write_digit('0'));
        }
        written.push_str(&signs.exponent);
        if exponent < 0.0 {
            written.push_str(&signs.minus);
        }
        written.extend(digits);
    }
    Ok(format!("{prefix}{written}{}", chosen.suffix.iter().collect::<String>()))
}

/// A number between powers of ten, and the exponent. Where the reference implementation never ends, this does.
fn scale(mut mantissa: f64, layout: &Layout) -> Outcome<(f64, Option<f64>)> {
    let most = 10f64.powi(layout.scaling as i32);
    let least = 10f64.powi(layout.scaling as i32 - 1);
    let mut exponent = 0.0;
    if mantissa <= 0.0 || mantissa.is_infinite() {
        return Err(Error::timeout());
    }
    while mantissa < least {
        mantissa *= 10.0;
        exponent -= 1.0;
    }
    while mantissa > most {
        mantissa /= 10.0;
        exponent += 1.0;
    }
    Ok((mantissa, Some(exponent)))
}

fn digits(number: f64, parts: &Parts, layout: &Layout, signs: &Signs) -> Outcome<Vec<char>> {
    if layout.most_fraction > 100 {
        return Err(Error::uncoded("toFixed() digits argument must be between 0 and 100"));
    }
    let zero = signs.write_digit('0');
    let fixed = to_fixed(number, layout.most_fraction);
    let decimal: Vec<char> = signs.decimal.chars().collect();
    let mut written: Vec<char> = Vec::new();
    for character in fixed.chars() {
        if character == '.' { written.extend(&decimal) } else { written.push(signs.write_digit(character)) }
    }
    if !fixed.contains('.') {
        written.extend(&decimal);
    }
    let leading = written.iter().take_while(|character| **character == zero).count();
    written.drain(..leading);
    while written.last() == Some(&zero) {
        written.pop();
    }
    let position = |written: &[char]| find(written, &signs.decimal, 0).unwrap_or(written.len());
    let at = position(&written);
    let missing_left = layout.least_whole.saturating_sub(at);
    let missing_right = (layout.least_fraction + at + 1).saturating_sub(written.len());
    if missing_left + missing_right > 2 * MAX_PICTURE {
        return Err(Error::memory());
    }
    written.splice(0..0, std::iter::repeat_n(zero, missing_left));
    written.extend(std::iter::repeat_n(zero, missing_right));
    let grouping: Vec<char> = signs.grouping.chars().collect();
    let insert = |written: &mut Vec<char>, at: usize| {
        let at = at.min(written.len());
        written.splice(at..at, grouping.iter().copied());
    };
    let mut at = position(&written);
    match layout.regular {
        Some(every) => {
            for group in 1..=at.saturating_sub(1) / every {
                insert(&mut written, at - group * every);
            }
        }
        None => {
            for group in &layout.whole_groups {
                // Further left than the number has digits, JavaScript counts from the other end.
                let index = at.checked_sub(*group);
                let index = index.unwrap_or_else(|| (written.len() + at).saturating_sub(*group));
                insert(&mut written, index);
                at += 1;
            }
        }
    }
    let at = position(&written);
    for group in &layout.fraction_groups {
        insert(&mut written, group + at + 1);
    }
    let at = position(&written);
    if find(&parts.picture, &signs.decimal, 0).is_none() || at + 1 == written.len() {
        written.pop();
    }
    Ok(written)
}
