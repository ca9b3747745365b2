//! Numbers as JavaScript writes and reads them.

/// `Number.prototype.toString()`.
pub(super) fn to_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return (number as i64).to_string();
    }
    let written = format!("{:e}", number.abs());
    let (digits, exponent) = parts(&written);
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", layout(&digits, exponent))
}

/// The digits and the exponent of what Rust writes by `{:e}`.
fn parts(written: &str) -> (String, i32) {
    let (mantissa, exponent) = written.split_once('e').unwrap_or((written, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// Digits with a point or an exponent, as JavaScript puts them.
fn layout(digits: &str, exponent: i32) -> String {
    let count = digits.len() as i32;
    let point = exponent + 1;
    if (count..=21).contains(&point) {
        return format!("{digits}{}", "0".repeat((point - count) as usize));
    }
    if (1..=21).contains(&point) {
        let (whole, fraction) = digits.split_at(point as usize);
        return format!("{whole}.{fraction}");
    }
    if (-5..=0).contains(&point) {
        return format!("0.{}{digits}", "0".repeat(-point as usize));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let (first, rest) = digits.split_at(1);
    let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
    format!("{first}{fraction}e{sign}{}", exponent.abs())
}

/// `Number(number.toPrecision(15))`: what `$string` makes of a number.
pub(super) fn to_fifteen_digits(number: f64) -> f64 {
    if !number.is_finite() || (number.fract() == 0.0 && number.abs() < 1e15) {
        return number;
    }
    // Rust rounds an exact half to the even digit, JavaScript away from zero.
    let long = format!("{:.40e}", number.abs());
    let (digits, exponent) = parts(&long);
    let is_half = digits.as_bytes()[15] == b'5' && digits.bytes().skip(16).all(|digit| digit == b'0');
    let magnitude: f64 = if is_half {
        let kept: u64 = digits[..15].parse().unwrap_or(0);
        format!("{}e{}", kept + 1, exponent - 14).parse().unwrap_or(f64::NAN)
    } else {
        format!("{:.14e}", number.abs()).parse().unwrap_or(f64::NAN)
    };
    magnitude.copysign(number)
}

/// `Math.abs(number).toFixed(places)`.
pub(super) fn to_fixed(number: f64, places: usize) -> String {
    let number = number.abs();
    if number.is_nan() || number >= 1e21 { to_text(number) } else { format!("{number:.places$}") }
}

/// `parseFloat`, of a text that is a number from end to end.
pub(super) fn parse(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

/// `parseInt(text)`: the digits at the beginning.
pub(super) fn parse_int(text: &str) -> f64 {
    let text = text.trim_start();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(digits) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let end = digits.find(|digit: char| !digit.is_ascii_hexdigit()).unwrap_or(digits.len());
        return if end == 0 { f64::NAN } else { sign * whole(&digits[..end], 16) };
    }
    let end = rest.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(rest.len());
    if end == 0 { f64::NAN } else { sign * parse(&rest[..end]) }
}

/// Digits of a radix that is a power of two.
pub(super) fn whole(digits: &str, radix: u32) -> f64 {
    digits
        .chars()
        .fold(0.0, |value, digit| value * f64::from(radix) + f64::from(digit.to_digit(radix).unwrap_or(0)))
}

/// `Math.round`.
pub(super) fn round_half_up(number: f64) -> f64 {
    if number.fract() == 0.0 || !number.is_finite() {
        return number;
    }
    let floor = number.floor();
    if number - floor >= 0.5 { floor + 1.0 } else { floor }
}

/// The language's `$round`: halves go to the even number.
pub(super) fn round(number: f64, precision: f64) -> f64 {
    let shift = |number: f64, by: f64| -> f64 {
        let text = to_text(number);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        parse(&format!("{mantissa}e{}", to_text(parse(exponent.trim_start_matches('+')) + by)))
    };
    let is_shifted = precision != 0.0 && !precision.is_nan();
    let shifted = if is_shifted { shift(number, precision) } else { number };
    let mut result = round_half_up(shifted);
    if (result - shifted).abs() == 0.5 && (result % 2.0).abs() == 1.0 {
        result -= 1.0;
    }
    if is_shifted {
        result = shift(result, -precision);
    }
    if result == 0.0 { 0.0 } else { result }
}

/// `Number.prototype.toString(radix)` of a whole number.
pub(super) fn to_radix(number: f64, radix: u32) -> String {
    if radix == 10 || !number.is_finite() {
        return to_text(number);
    }
    let mut rest = number.abs();
    let mut digits = Vec::new();
    let base = f64::from(radix);
    // Beyond 2^53 the last digits are noise, and are written as zeros.
    while rest / base >= 9_007_199_254_740_992.0 {
        rest /= base;
        digits.push('0');
    }
    rest = rest.floor();
    loop {
        let digit = rest % base;
        digits.push(char::from_digit(digit as u32, radix).unwrap_or('0'));
        rest = (rest - digit) / base;
        if rest <= 0.0 {
            break;
        }
    }
    if number < 0.0 {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, text) in [
            (0.1, "0.1"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (1.5e-7, "1.5e-7"),
            (0.000_001, "0.000001"),
            (-123.456, "-123.456"),
            (1.234e25, "1.234e+25"),
            (-0.0, "0"),
        ] {
            assert_eq!(to_text(number), text);
        }
        assert_eq!(to_fifteen_digits(22.0 / 7.0), 3.142_857_142_857_14);
        assert_eq!(to_fifteen_digits(1_000_000_000_000_005.0), 1_000_000_000_000_010.0);
    }

    #[test]
    fn halves_are_rounded_to_the_even_number() {
        assert_eq!([round(0.5, 0.0), round(1.5, 0.0), round(-2.5, 0.0)], [0.0, 2.0, -2.0]);
        assert_eq!([round(4.525, 2.0), round(4.515, 2.0), round(12_450.0, -2.0)], [4.52, 4.52, 12_400.0]);
    }

    #[test]
    fn numbers_are_written_in_other_radices() {
        assert_eq!(to_radix(255.0, 16), "ff");
        assert_eq!(to_radix(-5.0, 2), "-101");
        assert_eq!(to_radix(1e20, 16), "56bc75e2d63100000");
    }
}
