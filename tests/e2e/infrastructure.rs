//! `tests/infra/validate` finds faults: each of these, put into a copy of the project's files, makes it fail.

use std::path::Path;
use std::process::Command;

use crate::support::process;

/// Runs the validators on a copy in which `old` is replaced by `new`, and answers what they say of it.
fn fault(file: &str, change: impl FnOnce(&str) -> String) -> String {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let copy = tempfile::tempdir().unwrap();
    for path in ["infra/template.yaml", "statemachine/lottery.asl.json"] {
        let place = copy.path().join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(project.join(path), place).unwrap();
    }
    let place = copy.path().join(file);
    let text = std::fs::read_to_string(&place).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text, "the change changes nothing");
    std::fs::write(&place, changed).unwrap();
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
    assert!(said.starts_with("our linter of state machines:"), "{said}");
}

#[test]
fn a_wrong_state_name_is_found() {
    let said = replace(DEFINITION, r#""Next": "CompleteDraw""#, r#""Next": "CompleteDraws""#);
    assert!(said.contains("CompleteDraws"), "{said}");
}

#[test]
fn a_missing_substitution_is_found() {
    let said = replace(TEMPLATE, "        SendSms: !GetAtt SendSms.Arn\n", "");
    assert!(said.contains("${SendSms} has no substitution"), "{said}");
}

#[test]
fn a_substitution_that_is_another_function_is_found() {
    let said = replace(TEMPLATE, "SendSms: !GetAtt SendSms.Arn", "SendSms: !GetAtt SendEmail.Arn");
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
        let place = text.find("PolicyName: draw-winners").unwrap();
        let (before, after) = text.split_at(place);
        format!("{before}{}", after.replacen("LotteryTable.Arn", "ContactsTable.Arn", 1))
    });
    assert!(said.contains("DrawWinners can reach contact data"), "{said}");
}

/// One fault that ours do not look for, so that the others are seen to work.
#[test]
fn a_property_that_does_not_exist_is_found() {
    let said = replace(TEMPLATE, "BillingMode: PAY_PER_REQUEST", "BilingMode: PAY_PER_REQUEST");
    assert!(said.contains("BilingMode"), "{said}");
}
