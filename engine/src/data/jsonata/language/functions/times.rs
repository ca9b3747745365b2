//! Functions of time.

use super::super::error::{Error, Outcome};
use super::super::evaluate::Evaluator;
use super::super::picture;
use super::super::value::Value;
use super::{double, text};

pub(super) fn millis(cx: &mut Evaluator<'_>, _args: &[Value]) -> Outcome<Value> {
    Ok(Value::Number(cx.host.now()))
}

pub(super) fn now(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let now = cx.host.now();
    write(cx, "now", now, args)
}

pub(super) fn from_millis(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    match double("fromMillis", args, 0)? {
        Some(millis) => write(cx, "fromMillis", millis, &args[1.min(args.len())..]),
        None => Ok(Value::Undefined),
    }
}

fn write(cx: &mut Evaluator<'_>, function: &str, millis: f64, args: &[Value]) -> Outcome<Value> {
    let picture = text(function, args, 0)?.map(|picture| &**picture);
    let zone = text(function, args, 1)?.map(|zone| &**zone);
    let written = picture::format_time(millis, picture, zone, &mut cx.meter)?;
    Value::text(written, &mut cx.meter)
}

pub(super) fn to_millis(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(time) = text("toMillis", args, 0)? else { return Ok(Value::Undefined) };
    cx.meter.steps(time.len() / 16)?;
    match text("toMillis", args, 1)? {
        Some(picture) => {
            let now = cx.host.now();
            let millis = picture::parse_time(time, picture, now, &mut cx.meter)?;
            Ok(millis.map_or(Value::Undefined, Value::Number))
        }
        None => match picture::parse_iso(time) {
            Some(millis) => Ok(Value::Number(millis)),
            None => Err(Error::new("D3110").with_value(&args[0])),
        },
    }
}
