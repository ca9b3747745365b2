//! What the lottery's template makes of EventBridge Scheduler, so that draws repeat: a group of schedules, and what they call.

use crate::config::{ACCOUNT, REGION};

/// The group of the schedules of repeating draws. It is there from the beginning, so that no database is opened for it.
pub(crate) const GROUP: &str = "local-repeats";

/// What the schedules call, and as whom. The role is named as the template's.
pub(crate) fn target() -> api::ScheduleTarget {
    let function = workflow_tasks::Function::StartRepeat;
    api::ScheduleTarget {
        group: GROUP.to_owned(),
        function_arn: format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"),
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/RepeatsRole"),
        dead_letters_arn: None,
    }
}
