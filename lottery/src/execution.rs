//! The executions of the state machine that carry a draw: how they are named, and what their input is.
//!
//! A draw has one execution to begin with, and a further one each time that it is resumed. A name is used once, so that a
//! repeated start is one start.

use serde_json::{Value, json};

use crate::{Draw, DrawId, DrawStatus};

/// The name of an execution of a draw which has been resumed `resumes` times: `draw-<id>`, `draw-<id>-r1`, ….
#[must_use]
pub fn name(draw_id: &DrawId, resumes: u32) -> String {
    match resumes {
        0 => format!("draw-{draw_id}"),
        resumes => format!("draw-{draw_id}-r{resumes}"),
    }
}

/// The ARN of the execution `name` of a state machine. A version or an alias in `state_machine_arn` is not part of it:
/// a name is unique among the executions of all versions.
#[must_use]
pub fn arn(state_machine_arn: &str, name: &str) -> String {
    /// `arn:partition:states:region:account:stateMachine:name`
    const FIELDS: usize = 7;

    let unqualified: Vec<&str> = state_machine_arn.split(':').take(FIELDS).collect();
    format!("{}:{name}", unqualified.join(":").replacen(":stateMachine:", ":execution:", 1))
}

/// The input of the first execution of a draw.
#[must_use]
pub fn first_input(draw: &Draw) -> Value {
    let mut input = ids(draw);
    if let Some(closes_at) = draw.closes_at {
        input["closes_at"] = json!(closes_at);
    }
    input
}

/// The input of a further execution of a draw. Before the winners are official every task runs again, and finds what it
/// has done before; once they are, the execution begins with what follows.
#[must_use]
pub fn resume_input(draw: &Draw) -> Value {
    let mut input = ids(draw);
    match draw.status {
        DrawStatus::Waiting => return first_input(draw),
        DrawStatus::Recorded => input["resume_from"] = json!("RecordWinners"),
        _ => {}
    }
    input
}

fn ids(draw: &Draw) -> Value {
    json!({ "lottery_id": draw.lottery_id, "draw_id": draw.draw_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_one_of_the_state_machine_and_not_of_its_alias() {
        let expected = "arn:aws:states:eu-central-1:123456789012:execution:lottery:draw-1";
        for qualifier in ["", ":live", ":7"] {
            let machine = format!("arn:aws:states:eu-central-1:123456789012:stateMachine:lottery{qualifier}");
            assert_eq!(arn(&machine, "draw-1"), expected);
        }
    }

    #[test]
    fn each_resume_has_a_name_of_its_own() {
        let draw_id = DrawId::parse("1f6e").unwrap();
        assert_eq!(
            [0, 1, 12].map(|resumes| name(&draw_id, resumes)),
            ["draw-1f6e", "draw-1f6e-r1", "draw-1f6e-r12"]
        );
    }
}
