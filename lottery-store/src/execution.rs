//! The ARNs of executions, as they follow from the ARN of the state machine that they are started with.

/// The ARN of the execution `name` of a state machine. An alias or a version in `state_machine_arn` is not part of it:
/// names of executions are unique in a state machine, whichever version runs them.
#[must_use]
pub fn execution_arn(state_machine_arn: &str, name: &str) -> String {
    /// `arn:partition:states:region:account:stateMachine:name`
    const FIELDS: usize = 7;

    let unqualified: Vec<&str> = state_machine_arn.split(':').take(FIELDS).collect();
    format!("{}:{name}", unqualified.join(":").replacen(":stateMachine:", ":execution:", 1))
}

#[cfg(test)]
mod tests {
    use super::execution_arn;

    #[test]
    fn an_execution_is_one_of_the_state_machine_and_not_of_its_alias() {
        let expected = "arn:aws:states:eu-central-1:123456789012:execution:lottery:draw-1";
        for qualifier in ["", ":live", ":7"] {
            let machine = format!("arn:aws:states:eu-central-1:123456789012:stateMachine:lottery{qualifier}");
            assert_eq!(execution_arn(&machine, "draw-1"), expected);
        }
    }
}
