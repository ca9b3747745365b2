//! Machines that cover every type of state, and every way in which a task is asked and answered.

pub(crate) struct Machine {
    pub(crate) name: &'static str,
    pub(crate) definition: &'static str,
    pub(crate) input: &'static str,
    /// So many records at the least: fewer would mean that the test kills too rarely.
    pub(crate) at_least_records: usize,
}

pub(crate) const MACHINES: &[Machine] = &[
    Machine {
        name: "steps",
        input: r#"{"n": 3}"#,
        at_least_records: 5,
        definition: r#"{"StartAt": "Assign", "States": {
            "Assign": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)", "id.$": "States.ArrayLength(States.Array($.n))"},
                "Assign": {"first.$": "$.n"}, "Next": "Ask"},
            "Ask": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:ask",
                "Parameters": {"key": "ask", "n.$": "$.n"}, "ResultPath": "$.asked", "Next": "Wait"},
            "Wait": {"Type": "Wait", "Seconds": 30, "Next": "Choose"},
            "Choose": {"Type": "Choice", "Choices": [{"Variable": "$first", "NumericEquals": 4, "Next": "Flaky"}], "Default": "Fail"},
            "Flaky": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:flaky",
                "Parameters": {"key": "flaky", "retries.$": "$$.State.RetryCount"},
                "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 5, "MaxAttempts": 3, "JitterStrategy": "FULL"}],
                "ResultPath": "$.flaky", "Next": "Broken"},
            "Broken": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:broken",
                "Parameters": {"key": "broken"}, "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Done"}], "Next": "Fail"},
            "Fail": {"Type": "Fail", "Error": "Never"},
            "Done": {"Type": "Succeed"}}}"#,
    },
    Machine {
        name: "branches",
        input: r#"{"items": [1, 2, 3, 4]}"#,
        at_least_records: 8,
        definition: r#"{"QueryLanguage": "JSONata", "StartAt": "Both", "States": {
            "Both": {"Type": "Parallel", "Next": "Each", "Output": {"both": "{% $states.result %}", "items": "{% $states.input.items %}"}, "Branches": [
                {"StartAt": "Left", "States": {"Left": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:ask",
                    "Arguments": {"key": "left"}, "Next": "Rest"}, "Rest": {"Type": "Wait", "Seconds": 20, "End": true}}},
                {"StartAt": "Right", "States": {"Right": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:ask",
                    "Arguments": {"key": "right"}, "End": true}}}]},
            "Each": {"Type": "Map", "Items": "{% $states.input.items %}", "MaxConcurrency": 2, "End": true,
                "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Task",
                    "Resource": "arn:aws:lambda:us-east-1:123456789012:function:ask",
                    "Arguments": {"key": "{% 'item' & $string($states.input) %}"}, "Output": "{% $states.result.key %}", "End": true}}}}}}"#,
    },
    Machine {
        name: "failing",
        input: "[1, 2, 3]",
        at_least_records: 3,
        definition: r#"{"StartAt": "Each", "States": {"Each": {"Type": "Map", "MaxConcurrency": 1, "End": true,
            "Retry": [{"ErrorEquals": ["Broken"], "IntervalSeconds": 1, "MaxAttempts": 1}],
            "ItemProcessor": {"StartAt": "One", "States": {
                "One": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 2, "Next": "Broken"}], "Default": "Ask"},
                "Ask": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:ask", "Parameters": {"key": "ask"}, "End": true},
                "Broken": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:broken", "Parameters": {"key": "broken"}, "End": true}}}}}}"#,
    },
    Machine {
        name: "distributed",
        input: r#"["a", "b", "c"]"#,
        at_least_records: 6,
        definition: r#"{"StartAt": "Each", "States": {"Each": {"Type": "Map", "MaxConcurrency": 2, "End": true,
            "ItemSelector": {"key.$": "$$.Map.Item.Value"},
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "One", "States": {
                "One": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:ask", "Next": "Rest"},
                "Rest": {"Type": "Wait", "Seconds": 10, "OutputPath": "$.key", "End": true}}}}}}"#,
    },
    Machine {
        name: "nested",
        input: "{}",
        at_least_records: 6,
        definition: r#"{"StartAt": "Nest", "States": {
            "Nest": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "OutputPath": "$.Output", "Next": "Call",
                "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:failing", "Input": [1, 3]}},
            "Call": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish.waitForTaskToken", "Next": "Work",
                "Parameters": {"key": "call", "token.$": "$$.Task.Token"}},
            "Work": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:work", "HeartbeatSeconds": 600,
                "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout"], "MaxAttempts": 9}], "End": true}}}"#,
    },
];
