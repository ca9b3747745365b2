//! `tests/infra/validate` finds faults: each of these, put into a copy of the project's files, makes it fail. And the
//! template and the examples of events are held against the program.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use end_to_end_tests::{process, python, stack};
use test_support::template::summary;

/// Runs the validators on a copy in which `old` is replaced by `new`, and answers what they say of it.
fn fault(file: &str, change: impl FnOnce(&str) -> String) -> String {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let copy = tempfile::tempdir().unwrap();
    for path in [TEMPLATE, DEFINITION, "statemachine/import-participants.asl.json"] {
        let target = copy.path().join(path);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(project.join(path), target).unwrap();
    }
    let target = copy.path().join(file);
    let text = std::fs::read_to_string(&target).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text, "the change changes nothing");
    std::fs::write(&target, changed).unwrap();
    let output = Command::new(project.join("tests/infra/validate"))
        .arg(copy.path())
        .env("LINTER", process::program())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "nobody found it: {said}");
    said
}

fn replace(file: &str, old: &str, new: &str) -> String {
    fault(file, |text| text.replacen(old, new, 1))
}

const DEFINITION: &str = "statemachine/lottery.asl.json";
const TEMPLATE: &str = "infra/template.yaml";

#[test]
fn a_truncated_definition_is_found() {
    let said = fault(DEFINITION, |text| text[..text.len() / 2].to_owned());
    assert!(said.starts_with("our linter on lottery.asl.json:"), "{said}");
}

#[test]
fn a_wrong_state_name_is_found() {
    let said = replace(DEFINITION, r#""Default": "CompleteDraw""#, r#""Default": "CompleteDraws""#);
    assert!(said.contains("CompleteDraws"), "{said}");
}

#[test]
fn a_missing_substitution_is_found() {
    let said = replace(TEMPLATE, "        SendSms: !Ref SendSms.Version\n", "");
    assert!(said.contains("${SendSms} has no substitution"), "{said}");
}

#[test]
fn a_substitution_that_is_another_function_is_found() {
    let said = replace(TEMPLATE, "SendSms: !Ref SendSms.Version", "SendSms: !Ref SendEmail.Version");
    assert!(said.contains("SendSms is another function, SendEmail"), "{said}");
}

#[test]
fn a_wildcard_action_is_found() {
    let said = replace(TEMPLATE, "dynamodb:GetItem", "dynamodb:*");
    assert!(said.contains("allows dynamodb:*"), "{said}");
}

#[test]
fn a_wildcard_resource_without_a_comment_is_found() {
    let said = replace(TEMPLATE, "Resource: !GetAtt LotteryTable.Arn", "Resource: \"*\"");
    assert!(said.contains("a wildcard without a comment"), "{said}");
}

#[test]
fn an_arn_of_one_partition_is_found() {
    let said = replace(TEMPLATE, "arn:${AWS::Partition}:sns", "arn:aws:sns");
    assert!(said.contains("holds in one partition only"), "{said}");
}

#[test]
fn a_drawing_role_that_reads_contacts_is_found() {
    let said = fault(TEMPLATE, |text| {
        let index = text.find("PolicyName: draw-winners").unwrap();
        let (before, after) = text.split_at(index);
        format!("{before}{}", after.replacen("LotteryTable.Arn", "ContactsTable.Arn", 1))
    });
    assert!(said.contains("DrawWinners can reach contact data"), "{said}");
}

#[test]
fn a_function_that_cannot_write_its_log_is_found() {
    let said = replace(
        TEMPLATE,
        "Resource: [!GetAtt TaskLogs.Arn, !GetAtt ApiLogs.Arn]",
        "Resource: !GetAtt TaskLogs.Arn",
    );
    assert!(said.contains("Api has no logs:PutLogEvents on its log group ApiLogs"), "{said}");
}

#[test]
fn a_substitution_that_is_no_version_is_found() {
    let said = replace(TEMPLATE, "SendSms: !Ref SendSms.Version", "SendSms: !Ref SendSms.Alias");
    assert!(said.contains("SendSms is no version"), "{said}");
}

#[test]
fn a_parameter_that_publishes_no_version_is_found() {
    let said = replace(
        TEMPLATE,
        "${Url} ${Tracing} ${SmsMaxPrice} ${SmsPerSecond}",
        "${Url} ${Tracing} ${SmsPerSecond}",
    );
    assert!(said.contains("SendSms publishes no version when SmsMaxPrice changes"), "{said}");
}

#[test]
fn a_rule_that_lets_parameters_through_is_found() {
    let said = replace(
        TEMPLATE,
        "RuleCondition: !Not [!Equals [!Ref TokenIssuer, \"\"]]",
        "RuleCondition: !Equals [a, b]",
    );
    assert!(said.contains("instead of AnIssuerHasKeys"), "{said}");
}

#[test]
fn a_rule_that_may_not_call_its_function_is_found() {
    let said = replace(TEMPLATE, "SourceArn: !GetAtt EachMinute.Arn", "SourceArn: !GetAtt EmailEvents.Arn");
    assert!(said.contains("EachMinute may not call ReconcileDraws"), "{said}");
}

#[test]
fn an_alarm_that_does_not_say_when_it_is_over_is_found() {
    let said = replace(TEMPLATE, "      OKActions: [!Ref OperatorTopic]\n", "");
    assert!(said.contains("has no OKActions that the operator is told of"), "{said}");
}

#[test]
fn a_public_route_without_a_rate_is_found() {
    let said = fault(TEMPLATE, |text| {
        let begin = text.find("        GET /lotteries: {Throttling").unwrap();
        let end = begin + text[begin..].find('\n').unwrap() + 1;
        format!("{}{}", &text[..begin], &text[end..])
    });
    assert!(said.contains("WatchLotteries has no rate of its own"), "{said}");
}

/// One fault that ours do not look for, so that the others are seen to work.
#[test]
fn a_property_that_does_not_exist_is_found() {
    let said = replace(TEMPLATE, "BillingMode: PAY_PER_REQUEST", "BilingMode: PAY_PER_REQUEST");
    assert!(said.contains("BilingMode"), "{said}");
}

/// What anybody may call has a rate of its own at the gateway, so that it cannot use up the organiser's; and nothing else
/// has.
#[tokio::test]
async fn every_public_route_has_a_rate_of_its_own() {
    let stack = stack::start().await;
    let document = stack.client().get("/openapi.json").await.expect(200);
    let template = summary();
    let routes = template["routes"].as_array().unwrap().iter().map(|route| route.as_str().unwrap());
    let routes: Vec<&str> = routes.filter(|route| *route != "$default").collect();
    let matching = |operation: &str| {
        routes.iter().copied().find(|route| match route.split_once("{file+}") {
            Some((folder, _)) => operation.starts_with(folder),
            None => *route == operation,
        })
    };
    let mut used = std::collections::BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = format!("{} {path}", method.to_uppercase());
            let security = operation["security"].as_array().unwrap();
            let is_public = security.is_empty() || security.contains(&json!({}));
            let route = matching(&name);
            assert_eq!(route.is_some(), is_public, "{name}");
            used.extend(route);
        }
    }
    assert_eq!(used.len(), routes.len(), "a route of the template is none of the API: {routes:?}");
}

/// The examples for `cargo lambda invoke --data-file` and `sam local invoke --event` are what the functions take.
#[tokio::test]
async fn there_is_an_event_for_every_function_that_it_takes() {
    let stack = stack::start().await;
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/events");
    let mut files: std::collections::BTreeSet<String> = std::fs::read_dir(&events)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    for function in summary()["functions"].as_object().unwrap().values() {
        let name = function["name"].as_str().unwrap();
        assert!(files.remove(&format!("{name}.json")), "{name} has no event");
        let event = std::fs::read_to_string(events.join(format!("{name}.json"))).unwrap();
        if name == "api" {
            continue;
        }
        let url = format!("{}/2015-03-31/functions/{name}/invocations", stack.aws());
        let answer: Value =
            end_to_end_tests::http().post(url).body(event).send().await.unwrap().json().await.unwrap();
        assert_ne!(answer["errorType"], "WrongInput", "{name}: {answer}");
        assert_ne!(answer["Type"], "User", "{name}: {answer}");
    }
    // What is left is more of the API; that it takes them is seen by tests/emulators/moto.py.
    assert!(files.iter().all(|file| file.starts_with("api-")), "{files:?}");
}

/// `UPDATE_DOCS=1` writes them anew.
#[tokio::test]
async fn the_pages_say_what_the_stack_costs_idle() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = python::tool("python3").await;
    let output =
        Command::new(python).arg(project.join("tests/infra/idle.py")).arg(&project).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// `sam build` cannot name a profile: `cargo lambda` gets the settings of `profile.lambda` from the manifest's metadata.
#[test]
fn sam_builds_the_functions_as_the_lambda_profile_does() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let section = |header: &str| {
        let body = manifest.split_once(&format!("\n[{header}]\n")).unwrap().1;
        let lines = body.lines().take_while(|line| !line.starts_with('['));
        lines.filter(|line| line.contains('=')).map(|line| line.replace(' ', "")).collect::<Vec<_>>()
    };
    // These two are what `cargo lambda build --release` sets by itself.
    let is_set = |line: &String| line.starts_with("panic=") || line.starts_with("strip=");
    let settings = section("profile.lambda").into_iter().filter(|line| !is_set(line));
    let plain = settings.filter(|line| !line.starts_with("inherits="));
    let packages = section("profile.lambda.package").into_iter().map(|line| {
        let (package, settings) = line.split_once("={").unwrap();
        format!("package.{package}.{}", settings.trim_end_matches('}'))
    });
    let mut wanted: Vec<_> = plain.chain(packages).map(|line| format!("'profile.release.{line}',")).collect();
    let mut given = section("workspace.metadata.lambda.build");
    given.retain(|line| line != "config=[");
    wanted.sort();
    given.sort();
    assert_eq!(given, wanted);
}
