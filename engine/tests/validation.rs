//! What validation finds, fault by fault: each definition with all that is to be said of it, and nothing else.
#![allow(clippy::unwrap_used, reason = "what a test sets up is there, or the test fails")]

use asl_engine::engine::MachineType;
use asl_engine::validation::{Options, Severity, validate};
use serde_json::{Value, json};

/// `SEVERITY CODE: MESSAGE at LOCATION` of every finding.
fn findings(definition: &Value) -> Vec<String> {
    findings_of(&definition.to_string(), &Options::standard())
}

fn findings_of(text: &str, options: &Options<'_>) -> Vec<String> {
    let line = |finding: &asl_engine::validation::Finding| {
        let location = finding.location.as_deref().unwrap_or("null");
        format!("{} {}: {} at {location}", finding.severity.as_str(), finding.code, finding.message)
    };
    validate(text, options).findings.iter().map(line).collect()
}

/// A machine of one state.
fn machine(state: Value) -> Value {
    json!({"StartAt": "S", "States": {"S": state}})
}

fn task(more: Value) -> Value {
    let mut task =
        json!({"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": true});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    machine(task)
}

fn schema(message: &str, location: &str) -> Vec<String> {
    vec![format!("ERROR SCHEMA_VALIDATION_FAILED: {message} at {location}")]
}

#[test]
fn what_no_public_linter_finds_is_found() {
    let all = "States.ALL must appear alone and at end of list";
    for (definition, expected) in [
        (
            task(json!({"Retry": [{"ErrorEquals": ["States.ALL", "E"]}]})),
            schema(all, "/States/S/Retry[0]/ErrorEquals"),
        ),
        (
            task(json!({"Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]})),
            schema(all, "/States/S/Retry[0]/ErrorEquals"),
        ),
        (
            task(json!({"Retry": [{"ErrorEquals": ["E"], "BackoffRate": 0.5}]})),
            schema("Minimum value is 1.0", "/States/S/Retry[0]/BackoffRate"),
        ),
        (
            task(json!({"Retry": [{"ErrorEquals": ["E"], "JitterStrategy": "SOME"}]})),
            schema("Value should be one of the following: [NONE, FULL]", "/States/S/Retry[0]/JitterStrategy"),
        ),
        (
            task(json!({"TimeoutSeconds": 10, "HeartbeatSeconds": 10})),
            schema("HeartbeatSeconds (10) must be smaller than TimeoutSeconds (10)", "/States/S/HeartbeatSeconds"),
        ),
        (
            task(json!({"Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 5, "MaxDelaySeconds": 5}]})),
            vec!["WARNING SUSPICIOUS_VALUE: MaxDelaySeconds (5) should be greater than IntervalSeconds (5) at /States/S/Retry[0]/MaxDelaySeconds".to_owned()],
        ),
        (
            task(json!({"Catch": [{"ErrorEquals": ["States.Mine"], "Next": "S"}]})),
            vec!["WARNING SUSPICIOUS_VALUE: Error names that begin with 'States.' are reserved, and there is no 'States.Mine' at /States/S/Catch[0]/ErrorEquals[0]".to_owned()],
        ),
        (
            task(json!({"Resource": "arn:aws:states:::lambda:envoke"})),
            schema(
                "The resource provided arn:aws:states:::lambda:envoke is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.",
                "/States/S/Resource",
            ),
        ),
        (
            task(json!({"Resource": "arn:aws:states:::sns:publish", "Parameters": {"TopicArn.$": "$.topic"}})),
            schema("The field 'Message' is required but was missing", "/States/S/Parameters"),
        ),
        (
            task(json!({"Resource": "${DrawFunction}"})),
            vec![
                "WARNING UNFILLED_PLACEHOLDER: The placeholder '${DrawFunction}' has not been filled in at /States/S/Resource".to_owned(),
                "ERROR SCHEMA_VALIDATION_FAILED: Value is not a valid resource ARN at /States/S/Resource".to_owned(),
            ],
        ),
    ] {
        assert_eq!(findings(&definition), expected, "{definition}");
    }
}

#[test]
fn fields_are_held_against_the_type_of_the_state() {
    for (state, expected) in [
        (json!({"End": true}), schema("These fields are required: [Type]", "/States/S")),
        (
            json!({"Type": "Sleep", "End": true}),
            schema(
                "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]",
                "/States/S/Type",
            ),
        ),
        (json!({"Type": "Pass", "End": true, "TimeoutSeconds": 5}), schema("Field 'TimeoutSeconds' is not supported", "/States/S")),
        (json!({"Type": "Pass", "End": true, "inputPath": "$"}), schema("Field 'inputPath' is not supported", "/States/S")),
        (json!({"Type": "Task", "End": true}), schema("These fields are required: [Resource]", "/States/S")),
        (
            json!({"Type": "Pass"}),
            schema("This object should have only one of the following fields: [Next, End]", "/States/S"),
        ),
        (
            json!({"Type": "Pass", "Next": "S", "End": true}),
            schema("There should only be one of the following fields: [Next, End]", "/States/S"),
        ),
        (json!({"Type": "Pass", "End": "yes"}), schema("Expected value of type [BOOLEAN]", "/States/S/End")),
        (
            json!({"Type": "Wait", "Seconds": 1, "Timestamp": "2026-01-01T00:00:00Z", "End": true}),
            schema(
                "There should only be one of the following fields: [SecondsPath, Seconds, TimestampPath, Timestamp]",
                "/States/S",
            ),
        ),
        (json!({"Type": "Wait", "Seconds": 100_000_000, "End": true}), schema("Maximum value is 99999999", "/States/S/Seconds")),
        (json!({"Type": "Wait", "Seconds": "1", "End": true}), schema("Expected value of type Integer", "/States/S/Seconds")),
        (
            json!({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}),
            schema("There should only be one of the following fields: [Error, ErrorPath]", "/States/S"),
        ),
        (json!({"Type": "Parallel", "Branches": [], "End": true}), schema("Value cannot be empty", "/States/S/Branches")),
        (
            json!({"Type": "Map", "End": true}),
            schema("This object should have only one of the following fields: [ItemProcessor, Iterator]", "/States/S"),
        ),
        (json!({"Type": "Pass", "OutputPath": "Test", "End": true}), schema("Value must be a valid JSONPath.", "/States/S/OutputPath")),
        (
            json!({"Type": "Pass", "ResultPath": "$.a[*]", "End": true}),
            schema("Value is not a Reference Path", "/States/S/ResultPath"),
        ),
        (
            json!({"Type": "Pass", "Parameters": {"a": {"b.$": "x"}}, "End": true}),
            schema(
                "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call",
                "/States/S/Parameters",
            ),
        ),
        (
            json!({"Type": "Pass", "Assign": {"states": 1}, "End": true}),
            vec!["ERROR RESERVED_VARIABLE_NAME: Cannot assign to reserved variable '$states'. at /States/S/Assign/states".to_owned()],
        ),
        (
            json!({"Type": "Pass", "Assign": {"a-b": 1}, "End": true}),
            vec!["ERROR INVALID_VARIABLE_NAME: Invalid variable name 'a-b': the variable name contains invalid characters. at /States/S/Assign/a-b".to_owned()],
        ),
    ] {
        let definition = machine(state);
        assert_eq!(findings(&definition), expected, "{definition}");
    }
}

#[test]
fn the_two_languages_are_not_mixed() {
    for (definition, expected) in [
        (
            machine(json!({"Type": "Pass", "Output": 1, "End": true})),
            schema(
                "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage",
                "/States/S",
            ),
        ),
        (
            machine(json!({"Type": "Pass", "QueryLanguage": "JSONata", "InputPath": "$.a", "End": true})),
            schema(
                "The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' QueryLanguage",
                "/States/S",
            ),
        ),
        (
            machine(json!({"Type": "Pass", "QueryLanguage": "jsonata", "Output": 1, "End": true})),
            schema("Value should be one of the following: [JSONPath, JSONata]", "/States/S/QueryLanguage"),
        ),
        // What runs within a state has the language of the machine, not of the state.
        (
            machine(json!({"Type": "Map", "QueryLanguage": "JSONata", "Items": [1], "End": true,
                "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "Output": 1, "End": true}}}})),
            schema(
                "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage",
                "/States/S/ItemProcessor/States/P",
            ),
        ),
    ] {
        assert_eq!(findings(&definition), expected, "{definition}");
    }
}

#[test]
fn jsonata_expressions_are_parsed_and_their_references_looked_at() {
    let output = |expression: &str| {
        json!({"QueryLanguage": "JSONata", "StartAt": "S",
            "States": {"S": {"Type": "Pass", "Output": {"v": format!("{{% {expression} %}}")}, "End": true}}})
    };
    let invalid =
        |message: &str| vec![format!("ERROR INVALID_JSONATA_EXPRESSION: {message} at /States/S/Output/v")];
    let unsupported = |message: &str| {
        vec![format!("ERROR UNSUPPORTED_JSONATA_EXPRESSION: {message} at /States/S/Output/v")]
    };
    for (expression, expected) in [
        ("1 +", invalid("Unexpected end of expression")),
        ("\"open", invalid("String literal must be terminated by a matching quote")),
        ("a[1,2)", invalid("Expected \"]\", got \",\"")),
        ("phone", unsupported("Reference to 'phone' at the top level is not supported.")),
        ("$count(phone.number)", unsupported("Reference to 'phone' at the top level is not supported.")),
        ("$$", unsupported("Reference to '$$' is not supported.")),
        ("$states.errorOutput", unsupported("Field '$states.errorOutput' does not exist.")),
        ("$states.input.a[b = 1].c", vec![]),
        ("$map($states.input, function($v) { $v.x })", vec![]),
        ("$states.result.a{ b: $sum(c) }", vec![]),
        ("( $x := 1; $x + 1 )", vec![]),
    ] {
        assert_eq!(findings(&output(expression)), expected, "{expression}");
    }
}

#[test]
fn transitions_are_followed_through_every_scope() {
    let missing = "ERROR MISSING_TRANSITION_TARGET: ";
    for (definition, expected) in [
        (
            json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}}),
            vec!["ERROR MISSING_END_STATE: Workflow has no terminal state at null".to_owned()],
        ),
        (
            json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Nope"}}}),
            vec![
                format!("{missing}Missing 'Next' target: Nope at /States/A/Next"),
                "ERROR MISSING_END_STATE: Workflow has no terminal state at null".to_owned(),
            ],
        ),
        (
            json!({"StartAt": "Nope", "States": {"A": {"Type": "Pass", "End": true}}}),
            vec![
                format!("{missing}Missing 'Next' target: Nope at /StartAt"),
                format!("{missing}State \"A\" is not reachable. at /States/A"),
            ],
        ),
        (
            json!({"StartAt": "C", "States": {
                "C": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsPresent": true, "Next": "Ghost"}], "Default": "Z"},
                "Z": {"Type": "Succeed"}}}),
            vec![format!("{missing}Missing 'Next' target: Ghost at /States/C/Choices[0]/Next")],
        ),
        (
            json!({"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
                {"StartAt": "W", "States": {"W": {"Type": "Succeed"}, "Ghost": {"Type": "Succeed"}}}]}}}),
            vec![format!("{missing}State \"Ghost\" is not reachable. at /States/P/Branches[0]/States/Ghost")],
        ),
        (
            json!({"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
                {"StartAt": "P", "States": {"P": {"Type": "Succeed"}}}]}}}),
            vec![
                "ERROR DUPLICATE_STATE_NAME: Duplicate State name: P at /States/P/Branches[0]/States/P"
                    .to_owned(),
            ],
        ),
    ] {
        assert_eq!(findings(&definition), expected, "{definition}");
    }
}

#[test]
fn choice_rules_hold_one_test_each() {
    let rule = |rule: Value| json!({"StartAt": "C", "States": {"C": {"Type": "Choice", "Choices": [rule], "Default": "Z"}, "Z": {"Type": "Succeed"}}});
    let at = "/States/C/Choices[0]";
    for (definition, expected) in [
        (
            rule(json!({"Variable": "$.x", "StringMatches": "Test"})),
            schema("These fields are required: [Next]", at),
        ),
        (
            rule(json!({"Variable": "$.x", "StringEquals": "a", "NumericEquals": 1, "Next": "Z"})),
            schema("There should only be one of the following fields: [StringEquals, NumericEquals]", at),
        ),
        (
            rule(json!({"Next": "Z"})),
            schema(
                "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]",
                at,
            ),
        ),
        (
            rule(json!({"Not": {"Variable": "$.x", "IsNull": true, "Next": "Z"}, "Next": "Z"})),
            schema("Field 'Next' is not supported", "/States/C/Choices[0]/Not"),
        ),
        (
            rule(json!({"Variable": "x", "IsNull": true, "Next": "Z"})),
            schema(
                "Value is not a Reference Path: Reference path didn't start with '$'",
                "/States/C/Choices[0]/Variable",
            ),
        ),
        (
            rule(json!({"Variable": "$.x", "NumericEquals": "1", "Next": "Z"})),
            schema("Expected value of type [NUMBER]", "/States/C/Choices[0]/NumericEquals"),
        ),
    ] {
        assert_eq!(findings(&definition), expected, "{definition}");
    }
}

#[test]
fn express_machines_may_not_do_all_that_standard_ones_may() {
    let express = Options { machine_type: MachineType::Express, ..Options::standard() };
    let definition = task(json!({"Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m"}}));
    assert_eq!(
        findings_of(&definition.to_string(), &express),
        schema("Express state machine does not support '.sync' service integration ", "/States/S/Resource")
    );
    assert!(findings(&definition).is_empty());
}

#[test]
fn what_the_host_does_not_have_is_refused_by_name_only_where_that_is_asked() {
    let definition = task(json!({"Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": "q", "MessageBody": "m"}}));
    let supports = |service: &str, _action: &str| service == "lambda";
    let mut options = Options { supports: Some(&supports), ..Options::standard() };
    let message =
        "NOT_SUPPORTED_HERE: The integration 'sqs:sendMessage' is not supported here at /States/S/Resource";
    assert_eq!(findings_of(&definition.to_string(), &options), [format!("WARNING {message}")]);
    options.unsupported = Severity::Error;
    assert_eq!(findings_of(&definition.to_string(), &options), [format!("ERROR {message}")]);
}

#[test]
fn likely_slips_are_warned_of() {
    for (definition, expected) in [
        (
            machine(json!({"Type": "Pass", "Parameters": {"a": "$.b"}, "End": true})),
            "WARNING NO_DOLLAR: The value '$.b' looks like a path or an intrinsic function, but its key does not end with '.$' at /States/S/Parameters/a",
        ),
        (
            machine(json!({"Type": "Pass", "Result": {"a.$": "$.b"}, "End": true})),
            "WARNING PASS_RESULT_IS_STATIC: The Result of a Pass state is taken as it stands: this path is not evaluated at /States/S/Result/a.$",
        ),
        (
            json!({"StartAt": "C", "States": {"C": {"Type": "Choice", "Default": "Z",
                "Choices": [{"Variable": "$.x", "StringEquals": "$.y", "Next": "Z"}]}, "Z": {"Type": "Succeed"}}}),
            "WARNING NO_PATH: The value '$.y' looks like a path, but the name of the field does not end with 'Path' at /States/C/Choices[0]/StringEquals",
        ),
    ] {
        assert_eq!(findings(&definition), [expected]);
    }
}

#[test]
fn a_refusal_lists_all_errors_and_no_warning() {
    let report =
        validate(r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}"#, &Options::standard());
    assert_eq!(
        report.refusal().unwrap(),
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next, MISSING_END_STATE: Workflow has no terminal state at null'"
    );
}

#[test]
fn lint_lines_begin_with_the_place_in_the_file() {
    let text = "{\n  \"StartAt\": \"A\",\n  \"States\": {\n    \"A\": {\"Type\": \"Pass\", \"End\": true,\n      \"OutputPath\": \"x\"}\n  }\n}";
    assert_eq!(
        validate(text, &Options::standard()).lint_text("a.asl.json"),
        "a.asl.json:5:7: ERROR SCHEMA_VALIDATION_FAILED: Value must be a valid JSONPath. (/States/A/OutputPath)\n"
    );
}

#[test]
fn too_much_is_refused_without_much_ado() {
    let long = format!("{{\"Comment\": \"{}\"}}", "x".repeat(1_048_577));
    assert_eq!(findings_of(&long, &Options::standard()).len(), 1);
    let deep = "[".repeat(1_000_000);
    assert!(findings_of(&deep, &Options::standard())[0].contains("INVALID_JSON_DESCRIPTION"));
    let mut nested = json!({"StartAt": "P0", "States": {"P0": {"Type": "Succeed"}}});
    for level in 1..=60 {
        let name = format!("P{level}");
        nested = json!({"StartAt": name, "States": {name: {"Type": "Parallel", "End": true, "Branches": [nested]}}});
    }
    assert!(findings(&nested).iter().any(|finding| finding.contains("TOO_DEEPLY_NESTED")));
}

#[test]
fn a_comment_is_a_text_wherever_it_stands_and_in_either_language() {
    let state =
        json!({"Type": "Pass", "QueryLanguage": "JSONata", "Comment": "{% not an expression", "End": true});
    assert_eq!(findings(&machine(state)), Vec::<String>::new());
    let fail = json!({"Type": "Fail", "QueryLanguage": "JSONata", "Cause": "{% not an expression"});
    assert_eq!(
        findings(&machine(fail)),
        schema("JSONata string must start with {% and end with %}", "/States/S/Cause")
    );
}

#[test]
fn an_integration_belongs_to_no_region_and_no_account() {
    let resource = "arn:aws:states:us-east-1:123456789012:lambda:invoke";
    let message = format!(
        "The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region."
    );
    let state = json!({"Type": "Task", "Resource": resource, "End": true});
    assert_eq!(findings(&machine(state)), schema(&message, "/States/S/Resource"));
}

#[test]
fn a_variable_of_an_inner_scope_has_a_name_of_its_own() {
    let inner = |mode: &str| {
        let mut inner = json!({"ProcessorConfig": {"Mode": mode}, "StartAt": "P", "States": {
            "P": {"Type": "Pass", "Assign": {"x.$": "$", "y": 1}, "End": true}}});
        if mode == "DISTRIBUTED" {
            inner["ProcessorConfig"]["ExecutionType"] = "STANDARD".into();
        }
        inner
    };
    let machine = |mode: &str| {
        json!({"StartAt": "A", "States": {
            "A": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": true, "Assign": {"x": 1}, "Next": "M"}], "Default": "M"},
            "M": {"Type": "Map", "ItemProcessor": inner(mode), "End": true}}})
    };
    assert_eq!(
        findings(&machine("INLINE")),
        [
            "WARNING SUSPICIOUS_VALUE: The variable 'x' is assigned in a scope around this one too: names must be unique at /States/M/ItemProcessor/States/P/Assign/x.$"
        ]
    );
    assert_eq!(findings(&machine("DISTRIBUTED")), Vec::<String>::new());
}

#[test]
fn readers_of_many_objects_say_how_items_lie_in_them() {
    let refused = |action: &str, config: Value| {
        let map = json!({"Type": "Map", "End": true,
            "ItemReader": {"Resource": format!("arn:aws:states:::s3:{action}"), "ReaderConfig": config,
                "Parameters": {"Bucket": "b", "Key": "k"}},
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}});
        findings(&machine(map))
    };
    for (action, config) in [
        ("getObject", json!({"InputType": "MANIFEST"})),
        ("getObject", json!({"ManifestType": "S3_INVENTORY"})),
        ("getObject", json!({"ManifestType": "ATHENA_DATA", "InputType": "PARQUET"})),
        ("getObject", json!({"InputType": "PARQUET", "MaxItems": 3})),
        ("listObjectsV2", json!({"Transformation": "LOAD_AND_FLATTEN", "InputType": "JSON"})),
        ("listObjectsV2", json!({"Transformation": "NONE"})),
    ] {
        assert!(refused(action, config.clone()).is_empty(), "{config}");
    }
    for (action, config, words) in [
        ("getObject", json!({"InputType": "ORC"}), "InputType"),
        (
            "getObject",
            json!({"ManifestType": "S3_INVENTORY", "InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}),
            "'InputType'",
        ),
        ("getObject", json!({"ManifestType": "ATHENA_DATA"}), "requires the InputType CSV, JSONL or PARQUET"),
        (
            "getObject",
            json!({"ManifestType": "GLUE", "InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}),
            "ManifestType",
        ),
        (
            "getObject",
            json!({"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN"}),
            "'Transformation'",
        ),
        (
            "getObject",
            json!({"InputType": "PARQUET", "CSVHeaderLocation": "FIRST_ROW"}),
            "'CSVHeaderLocation'",
        ),
        ("listObjectsV2", json!({"Transformation": "LOAD_AND_FLATTEN"}), "requires the InputType"),
        ("listObjectsV2", json!({"ManifestType": "S3_INVENTORY"}), "'ManifestType'"),
    ] {
        let found = refused(action, config.clone());
        assert!(found.len() == 1 && found[0].contains(words), "{config}: {found:?}");
    }
}
