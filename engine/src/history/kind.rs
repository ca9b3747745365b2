//! The types of history events, in AWS's names.

macro_rules! event_types {
    ($($variant:ident => $details:expr,)*) => {
        /// The type of a history event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum EventType { $($variant,)* }

        impl EventType {
            const ALL: &'static [EventType] = &[$(EventType::$variant,)*];

            /// The name in the history.
            pub(crate) fn name(self) -> &'static str {
                match self { $(EventType::$variant => stringify!($variant),)* }
            }

            /// The member that holds its details, for those that have any.
            pub(crate) fn details_member(self) -> Option<&'static str> {
                match self { $(EventType::$variant => $details,)* }
            }

            /// Its number on disk: the index in this list, which only grows at its end.
            pub(crate) fn code(self) -> u8 {
                self as u8
            }

            /// The type with this number.
            pub(crate) fn from_code(code: u8) -> Option<EventType> {
                EventType::ALL.get(usize::from(code)).copied()
            }
        }
    };
}

const ENTERED: Option<&str> = Some("stateEnteredEventDetails");
const EXITED: Option<&str> = Some("stateExitedEventDetails");

event_types! {
    ExecutionStarted => Some("executionStartedEventDetails"),
    ExecutionSucceeded => Some("executionSucceededEventDetails"),
    ExecutionFailed => Some("executionFailedEventDetails"),
    ExecutionTimedOut => Some("executionTimedOutEventDetails"),
    ExecutionAborted => Some("executionAbortedEventDetails"),
    ExecutionRedriven => Some("executionRedrivenEventDetails"),
    PassStateEntered => ENTERED,
    PassStateExited => EXITED,
    TaskStateEntered => ENTERED,
    TaskStateExited => EXITED,
    TaskStateAborted => None,
    ChoiceStateEntered => ENTERED,
    ChoiceStateExited => EXITED,
    WaitStateEntered => ENTERED,
    WaitStateExited => EXITED,
    WaitStateAborted => None,
    SucceedStateEntered => ENTERED,
    SucceedStateExited => EXITED,
    FailStateEntered => ENTERED,
    ParallelStateEntered => ENTERED,
    ParallelStateStarted => None,
    ParallelStateSucceeded => None,
    ParallelStateFailed => None,
    ParallelStateAborted => None,
    ParallelStateExited => EXITED,
    MapStateEntered => ENTERED,
    MapStateStarted => Some("mapStateStartedEventDetails"),
    MapStateSucceeded => None,
    MapStateFailed => None,
    MapStateAborted => None,
    MapStateExited => EXITED,
    MapIterationStarted => Some("mapIterationStartedEventDetails"),
    MapIterationSucceeded => Some("mapIterationSucceededEventDetails"),
    MapIterationFailed => Some("mapIterationFailedEventDetails"),
    MapIterationAborted => Some("mapIterationAbortedEventDetails"),
    MapRunStarted => Some("mapRunStartedEventDetails"),
    MapRunSucceeded => None,
    MapRunFailed => Some("mapRunFailedEventDetails"),
    MapRunAborted => None,
    MapRunRedriven => Some("mapRunRedrivenEventDetails"),
    EvaluationFailed => Some("evaluationFailedEventDetails"),
    LambdaFunctionScheduled => Some("lambdaFunctionScheduledEventDetails"),
    LambdaFunctionStarted => None,
    LambdaFunctionSucceeded => Some("lambdaFunctionSucceededEventDetails"),
    LambdaFunctionFailed => Some("lambdaFunctionFailedEventDetails"),
    LambdaFunctionTimedOut => Some("lambdaFunctionTimedOutEventDetails"),
    TaskScheduled => Some("taskScheduledEventDetails"),
    TaskStarted => Some("taskStartedEventDetails"),
    TaskSubmitted => Some("taskSubmittedEventDetails"),
    TaskSucceeded => Some("taskSucceededEventDetails"),
    TaskFailed => Some("taskFailedEventDetails"),
    TaskTimedOut => Some("taskTimedOutEventDetails"),
    ActivityScheduled => Some("activityScheduledEventDetails"),
    ActivityStarted => Some("activityStartedEventDetails"),
    ActivitySucceeded => Some("activitySucceededEventDetails"),
    ActivityFailed => Some("activityFailedEventDetails"),
    ActivityTimedOut => Some("activityTimedOutEventDetails"),
}

macro_rules! fields {
    ($($variant:ident => $name:literal,)*) => {
        /// A member of an event's details.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Field { $($variant,)* }

        impl Field {
            const ALL: &'static [Field] = &[$(Field::$variant,)*];

            /// The name in the history.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Field::$variant => $name,)* }
            }

            /// Its number on disk: the index in this list, which only grows at its end.
            pub(crate) fn code(self) -> u8 {
                self as u8
            }

            /// The member with this number.
            pub(crate) fn from_code(code: u8) -> Option<Field> {
                Field::ALL.get(usize::from(code)).copied()
            }
        }
    };
}

fields! {
    Name => "name",
    Input => "input",
    Output => "output",
    RoleArn => "roleArn",
    Error => "error",
    Cause => "cause",
    Resource => "resource",
    ResourceType => "resourceType",
    Region => "region",
    Parameters => "parameters",
    TimeoutInSeconds => "timeoutInSeconds",
    HeartbeatInSeconds => "heartbeatInSeconds",
    TaskCredentials => "taskCredentials",
    WorkerName => "workerName",
    Length => "length",
    Index => "index",
    MapRunArn => "mapRunArn",
    AssignedVariables => "assignedVariables",
    Location => "location",
    State => "state",
    RedriveCount => "redriveCount",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_their_types() {
        for kind in EventType::ALL {
            assert_eq!(EventType::from_code(kind.code()), Some(*kind));
        }
        for field in Field::ALL {
            assert_eq!(Field::from_code(field.code()), Some(*field));
        }
        assert_eq!(EventType::from_code(255), None);
    }
}
