//! Names and ARNs, as AWS wants them.

use super::exception::Exception;

/// What an ARN of the service may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceType {
    StateMachine,
    Execution,
    /// An execution of an Express machine.
    Express,
    Activity,
    MapRun,
}

impl ResourceType {
    fn of(word: &str) -> Option<ResourceType> {
        Some(match word {
            "stateMachine" => ResourceType::StateMachine,
            "execution" => ResourceType::Execution,
            "express" => ResourceType::Express,
            "activity" => ResourceType::Activity,
            "mapRun" => ResourceType::MapRun,
            _ => return None,
        })
    }
}

/// The type of what an ARN names, if it is one of those allowed.
pub(crate) fn check(arn: &str, allowed: &[ResourceType]) -> Result<ResourceType, Exception> {
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    let [prefix, _partition, service, _region, _account, resource, rest] = parts[..] else {
        return Err(Exception::invalid_arn(format!("Invalid ARN prefix: {arn}")));
    };
    if prefix != "arn" || service != "states" || rest.is_empty() {
        return Err(Exception::invalid_arn(format!("Invalid ARN prefix: {arn}")));
    }
    match ResourceType::of(resource) {
        Some(found) if allowed.contains(&found) => Ok(found),
        _ => Err(Exception::invalid_arn(format!("Resource type not valid in this context: {resource}"))),
    }
}

/// The ARN of a role: kept and shown, so its shape is all that is looked at.
pub(crate) fn check_role(arn: &str) -> Result<(), Exception> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", _, _, resource] if resource.starts_with("role/") => Ok(()),
        _ => Err(Exception::new("InvalidArn", format!("Invalid Role Arn: '{arn}'"))),
    }
}

/// A name of a state machine, an execution or an activity.
pub(crate) fn check_name(name: &str) -> Result<(), Exception> {
    let forbidden = |c: char| {
        c.is_whitespace()
            || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(c)
            || u32::from(c) <= 0x1f
            || (0x7f..=0x9f).contains(&u32::from(c))
    };
    match name.is_empty() || name.contains(forbidden) {
        true => Err(Exception::new("InvalidName", format!("Invalid Name: '{name}'"))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_of_another_kind_is_refused_with_the_kind_it_has() {
        let arn = "arn:aws:states:us-east-1:123456789012:execution:m:e";
        assert!(check(arn, &[ResourceType::Execution]).is_ok());
        assert_eq!(
            check(arn, &[ResourceType::StateMachine]).unwrap_err().message,
            "Invalid Arn: 'Resource type not valid in this context: execution'"
        );
        assert_eq!(
            check("machine", &[ResourceType::StateMachine]).unwrap_err().message,
            "Invalid Arn: 'Invalid ARN prefix: machine'"
        );
    }

    #[test]
    fn names_hold_neither_space_nor_bracket() {
        assert!(check_name("draw-1_Ü.x").is_ok());
        for name in ["", "a b", "a{", "a\u{1}", "a/b"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
