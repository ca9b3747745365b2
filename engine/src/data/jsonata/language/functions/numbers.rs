//! Functions of numbers.

use super::super::error::{Error, Outcome};
use super::super::evaluate::Evaluator;
use super::super::number as js;
use super::super::picture;
use super::super::value::{Array, Value};
use super::{argument, array, double, text, type_error};

/// The numbers of an array.
fn numbers<'a>(function: &'a str, array: &'a Array) -> impl Iterator<Item = Outcome<f64>> + 'a {
    array.iter().map(move |item| item.as_double().map_or_else(|| type_error(function), Ok))
}

pub(super) fn sum(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(array) = array("sum", args, 0)? else { return Ok(Value::Undefined) };
    cx.meter.steps(array.len())?;
    let mut total = 0.0;
    for number in numbers("sum", array) {
        total += number?;
    }
    Ok(Value::Number(total))
}

pub(super) fn average(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    match array("average", args, 0)? {
        Some(array) if array.len() > 0 => {
            let total = sum(cx, args)?.as_double().unwrap_or(f64::NAN);
            Ok(Value::Number(total / array.len() as f64))
        }
        _ => Ok(Value::Undefined),
    }
}

pub(super) fn max(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    extreme(cx, "max", args, |number, best| number > best)
}

pub(super) fn min(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    extreme(cx, "min", args, |number, best| number < best)
}

fn extreme(
    cx: &mut Evaluator<'_>,
    function: &str,
    args: &[Value],
    is_better: fn(f64, f64) -> bool,
) -> Outcome<Value> {
    let Some(array) = array(function, args, 0)? else { return Ok(Value::Undefined) };
    cx.meter.steps(array.len())?;
    let mut best: Option<f64> = None;
    for number in numbers(function, array) {
        let number = number?;
        if best.is_none_or(|best| is_better(number, best) || (number.is_nan() && !best.is_nan())) {
            best = Some(number);
        }
    }
    Ok(best.map_or(Value::Undefined, Value::Number))
}

fn map_number(function: &str, args: &[Value], map: fn(f64) -> f64) -> Outcome<Value> {
    Ok(double(function, args, 0)?.map_or(Value::Undefined, |number| Value::Number(map(number))))
}

pub(super) fn abs(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    map_number("abs", args, f64::abs)
}

pub(super) fn floor(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    map_number("floor", args, f64::floor)
}

pub(super) fn ceil(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    map_number("ceil", args, f64::ceil)
}

pub(super) fn round(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let precision = double("round", args, 1)?.unwrap_or(0.0);
    let rounded = double("round", args, 0)?.map(|number| js::round(number, precision));
    Ok(rounded.map_or(Value::Undefined, Value::Number))
}

pub(super) fn sqrt(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    match double("sqrt", args, 0)? {
        Some(number) if number < 0.0 => Err(Error::new("D3060").with_value(&args[0])),
        _ => map_number("sqrt", args, f64::sqrt),
    }
}

pub(super) fn power(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(base) = double("power", args, 0)? else { return Ok(Value::Undefined) };
    let exponent = argument(args, 1).as_double();
    let result = exponent.map_or(f64::NAN, |exponent| base.powf(exponent));
    if !result.is_finite() {
        return Err(Error::new("D3061").with_value(&args[0]).with_value2(argument(args, 1)));
    }
    Ok(Value::Number(result))
}

pub(super) fn random(cx: &mut Evaluator<'_>, _args: &[Value]) -> Outcome<Value> {
    // 53 bits are what a double can distinguish between 0 and 1.
    Ok(Value::Number((cx.host.random() >> 11) as f64 / (1u64 << 53) as f64))
}

pub(super) fn number(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let result = match argument(args, 0) {
        Value::Undefined => return Ok(Value::Undefined),
        same @ (Value::Number(_) | Value::Exact(_)) => return Ok(same.clone()),
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Text(text) => {
            cx.meter.steps(text.len() / 16)?;
            match read_number(text) {
                Some(number) => number,
                None => return Err(Error::new("D3030").with_value(&args[0])),
            }
        }
        other => return Err(Error::new("D3030").with_value(other)),
    };
    Ok(Value::Number(result))
}

/// A number as JSON writes it, or one in another radix.
fn read_number(text: &str) -> Option<f64> {
    if is_json_number(text) {
        return Some(js::parse(text)).filter(|number| number.is_finite());
    }
    // The reference implementation looks for these forms anywhere in the text but at one end of it each, and then
    // reads the text as a whole.
    let radix = |prefix: &str| -> Option<u32> {
        match prefix {
            "0x" | "0X" => Some(16),
            "0o" | "0O" => Some(8),
            "0b" | "0B" => Some(2),
            _ => None,
        }
    };
    let prefix = text.get(..2).and_then(radix);
    if let Some(radix) = prefix
        && text.len() > 2
        && text[2..].chars().all(|digit| digit.is_digit(radix))
    {
        return Some(js::whole(&text[2..], radix));
    }
    let begins_with = |radix: u32| text[2..].starts_with(|digit: char| digit.is_digit(radix));
    let has_form = prefix == Some(16) && begins_with(16)
        || text.char_indices().any(|(at, _)| {
            let inner = text.get(at..at + 2).and_then(radix);
            inner == Some(8) && text[at + 2..].starts_with(|digit: char| digit.is_digit(8))
        })
        || ["0b", "0B"].iter().any(|form| {
            let digits = text.trim_end_matches(['0', '1']);
            let end = text.rfind(form).map(|at| at + 2);
            end.is_some_and(|end| end < text.len() && digits.len() <= end)
        });
    has_form.then_some(f64::NAN)
}

fn is_json_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let is_mantissa = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(mantissa),
    };
    is_mantissa
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

pub(super) fn format_base(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(number) = double("formatBase", args, 0)? else { return Ok(Value::Undefined) };
    let radix = double("formatBase", args, 1)?.map_or(10.0, |radix| js::round(radix, 0.0));
    if !(2.0..=36.0).contains(&radix) && !radix.is_nan() {
        return Err(Error::new("D3100").with_value(&Value::Number(radix)));
    }
    Ok(js::to_radix(js::round(number, 0.0), radix as u32).as_str().into())
}

pub(super) fn format_integer(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(number) = double("formatInteger", args, 0)? else { return Ok(Value::Undefined) };
    let Some(picture) = text("formatInteger", args, 1)? else { return type_error("formatInteger") };
    cx.meter.steps(picture.len())?;
    let format = picture::IntegerFormat::parse(picture)?;
    let formatted = format.write(number.floor(), &mut cx.meter)?;
    Value::text(formatted, &mut cx.meter)
}

pub(super) fn parse_integer(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(value) = text("parseInteger", args, 0)? else { return Ok(Value::Undefined) };
    let Some(picture) = text("parseInteger", args, 1)? else { return type_error("parseInteger") };
    cx.meter.steps(picture.len() + value.len())?;
    let format = picture::IntegerFormat::parse(picture)?;
    format.read(value).map(Value::Number)
}

pub(super) fn format_number(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(number) = double("formatNumber", args, 0)? else { return Ok(Value::Undefined) };
    let Some(picture) = text("formatNumber", args, 1)? else { return type_error("formatNumber") };
    let mut options = Vec::new();
    if let Value::Object(object) = argument(args, 2) {
        cx.meter.steps(object.len())?;
        options = object.entries();
    }
    let formatted = picture::format_number(number, picture, &options, &mut cx.meter)?;
    Value::text(formatted, &mut cx.meter)
}
