//! Parses the prizes of a draw request, and their quotas.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{DrawRequest, DrawRequestError, check_fields};
use crate::{FieldError, Group, Prize, PrizeList, PrizeName, Quota, Refusal};

pub(super) fn parse_prizes(value: &Value) -> Result<Vec<Prize>, DrawRequestError> {
    let prizes = value.as_array().ok_or_else(|| FieldError::new("prizes", Refusal::NotArray))?;
    prizes.iter().enumerate().map(|(index, prize)| parse_prize(prize, index)).collect()
}

fn parse_prize(value: &Value, index: usize) -> Result<Prize, DrawRequestError> {
    let field = |name: &str| format!("prizes[{index}].{name}");
    let members =
        value.as_object().ok_or_else(|| FieldError::new(format!("prizes[{index}]"), Refusal::NotObject))?;
    check_fields(members, &DrawRequest::PRIZE_FIELDS)?;
    let name = match members.get("name") {
        Some(Value::String(name)) => PrizeName::parse(name).map_err(|error| error.in_field(field("name")))?,
        Some(_) => return Err(FieldError::new(field("name"), Refusal::NotText).into()),
        None => return Err(FieldError::new(field("name"), Refusal::Missing).into()),
    };
    let winners =
        members.get("winners").ok_or_else(|| FieldError::new(field("winners"), Refusal::Missing))?;
    let quota = parse_quota(members.get("quota"), &field("quota"))?;
    Ok(Prize { name, quota, winners: winner_count(winners, &field("winners"))? })
}

/// Parses the quotas of a prize. [`PrizeList`] checks their bounds.
fn parse_quota(value: Option<&Value>, field: &str) -> Result<Vec<Quota>, DrawRequestError> {
    let quotas = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(quotas)) => quotas,
        Some(_) => return Err(FieldError::new(field, Refusal::NotArray).into()),
    };
    let parse = |(index, quota)| parse_one_quota(quota, &format!("{field}[{index}]"));
    quotas.iter().enumerate().map(parse).collect()
}

fn parse_one_quota(value: &Value, field: &str) -> Result<Quota, DrawRequestError> {
    let at = |name: &str| format!("{field}.{name}");
    let members = value.as_object().ok_or_else(|| FieldError::new(field, Refusal::NotObject))?;
    for member in members.keys() {
        if !DrawRequest::QUOTA_FIELDS.contains(&member.as_str()) {
            return Err(FieldError::unknown(&at(member)).into());
        }
    }
    let given = |name: &str| members.get(name).filter(|value| !value.is_null());
    let seats = |name: &str| match given(name).map(|value| value.as_u64().map(u32::try_from)) {
        None => Ok(None),
        Some(Some(Ok(seats))) => Ok(Some(seats)),
        Some(_) => {
            let (least, most) = (0, PrizeList::MAX_WINNERS);
            Err(FieldError::new(at(name), Refusal::OutOfRange { least, most }))
        }
    };
    // Normalized as the groups of participants are, so that width and blanks make no difference.
    let group = |value: &Value, at: String| match value.as_str() {
        Some(name) => Group::parse(name).map_err(|error| error.in_field(at)),
        None => Err(FieldError::new(at, Refusal::NotText)),
    };
    let mut groups = BTreeSet::new();
    match (given("group"), given("groups")) {
        (Some(_), Some(_)) => {
            return Err(FieldError::new(at("group"), Refusal::NotBeside { other: "groups" }).into());
        }
        (Some(name), None) => groups.extend([group(name, at("group"))?]),
        (None, Some(Value::Array(names))) => {
            for (index, name) in names.iter().enumerate() {
                let parsed = group(name, format!("{}[{index}]", at("groups")))?;
                if let Some(twice) = groups.replace(parsed) {
                    let refusal = Refusal::GroupTwice { group: twice.to_string() };
                    return Err(FieldError::new(at("groups"), refusal).into());
                }
            }
        }
        (None, Some(_)) => return Err(FieldError::new(at("groups"), Refusal::NotArray).into()),
        (None, None) => {}
    }
    let without_group = match given("without_group") {
        None => false,
        Some(Value::Bool(without_group)) => *without_group,
        Some(_) => return Err(FieldError::new(at("without_group"), Refusal::NotBoolean).into()),
    };
    if groups.is_empty() && !without_group {
        return Err(FieldError::new(field, Refusal::NamesNobody).into());
    }
    Ok(Quota { at_least: seats("at_least")?, at_most: seats("at_most")?, groups, without_group })
}

pub(super) fn winner_count(value: &Value, field: &str) -> Result<u32, DrawRequestError> {
    match value.as_u64() {
        Some(0) => Err(DrawRequestError::NoWinners),
        Some(count) => u32::try_from(count)
            .ok()
            .filter(|count| u64::from(*count) <= PrizeList::MAX_WINNERS)
            .ok_or(DrawRequestError::TooManyWinners(count)),
        None => Err(FieldError::new(field, Refusal::NotCount { least: 1 }).into()),
    }
}
