//! `infra/remove` and `infra/protect` with an AWS CLI in their way that keeps what it is asked, and answers as a deployed
//! stack would.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use end_to_end_tests::python;

/// Answers in place of the AWS CLI: `$FOLDER/calls` holds each call, its arguments on one line between tabs.
const AWS: &str = r#"#!/usr/bin/env bash
printf '%s\t' "$@" >> "$FOLDER/calls"; echo >> "$FOLDER/calls"
case "$*" in
  *describe-stacks*) [ -n "$STACK" ] || { echo "Stack does not exist" >&2; exit 254; } ;;&
  *describe-stacks*'ParameterKey==`Protect`'*) echo "$STACK" ;;
  *describe-stacks*'ParameterKey!=`Protect`'*) printf 'OperatorEmail\tLogRetentionDays\n' ;;
  *describe-stacks*) echo ROLLBACK_FAILED ;;
  *list-stack-resources*DynamoDB*) printf 'party-LotteryTable-1\tparty-ContactsTable-2\n' ;;
  *list-stack-resources*Cognito*) echo eu-central-1_pool ;;
  *list-topics*) printf 'arn:aws:sns:x:1:party-lottery-a\tarn:aws:sns:x:1:party-lottery-b\n' ;;
esac
"#;

struct Account {
    folder: TempDir,
    /// What the stack's parameter `Protect` is; empty if there is no stack.
    protect: &'static str,
}

impl Account {
    fn new(protect: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let aws = folder.path().join("aws");
        // Made executable by a copy of the mode of the script that it serves.
        std::fs::write(&aws, AWS).unwrap();
        std::fs::set_permissions(&aws, std::fs::metadata(script("remove")).unwrap().permissions()).unwrap();
        Self { folder, protect }
    }

    fn run(&self, name: &str, arguments: &[&str], typed: &str) -> Output {
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let mut child = Command::new(script(name))
            .args(arguments)
            .env("PATH", path)
            .env("FOLDER", self.folder.path())
            .env("STACK", self.protect)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program without input to read closes its end early.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What the AWS CLI was asked, each call as its arguments.
    fn calls(&self) -> Vec<Vec<String>> {
        let calls = std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        calls.lines().map(|call| call.trim_end().split('\t').map(str::to_owned).collect()).collect()
    }

    /// The calls that change something.
    fn changes(&self) -> Vec<String> {
        let changes = self.calls().into_iter().map(|call| call.join(" "));
        let asks = ["describe-stacks", "list-stack-resources", "list-topics"];
        changes.filter(|call| !asks.iter().any(|ask| call.contains(ask))).collect()
    }

    /// The real AWS CLI knows each command and option; what it would answer, it makes up.
    async fn calls_are_of_the_aws_cli(&self) {
        let aws = python::tool("aws").await;
        // One call of each operation is enough.
        let mut known = BTreeSet::new();
        for call in self.calls().into_iter().filter(|call| known.insert(call[..2].to_vec())) {
            let output = Command::new(&aws)
                .args(&call)
                .args(["--generate-cli-skeleton", "output"])
                .env("AWS_DEFAULT_REGION", "us-east-1")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!said.contains("usage:") && !said.contains("Unknown options"), "{call:?}: {said}");
        }
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra").join(name)
}

/// Whatever state it is in: this one's first deployment failed, and so did its roll-back.
#[tokio::test]
async fn a_stack_is_removed_with_its_topics_and_its_protection() {
    let account = Account::new("true");
    let output = account.run("remove", &["party", "--yes"], "");
    assert!(output.status.success(), "{output:?}");
    let changes = account.changes();
    assert_eq!(
        changes,
        [
            "dynamodb update-table --table-name party-LotteryTable-1 --no-deletion-protection-enabled \
             --output text --query TableDescription.TableStatus",
            "dynamodb wait table-exists --table-name party-LotteryTable-1",
            "dynamodb update-table --table-name party-ContactsTable-2 --no-deletion-protection-enabled \
             --output text --query TableDescription.TableStatus",
            "dynamodb wait table-exists --table-name party-ContactsTable-2",
            "cognito-idp update-user-pool --user-pool-id eu-central-1_pool --deletion-protection INACTIVE",
            "sns delete-topic --topic-arn arn:aws:sns:x:1:party-lottery-a",
            "sns delete-topic --topic-arn arn:aws:sns:x:1:party-lottery-b",
            "cloudformation delete-stack --stack-name party",
            "cloudformation wait stack-delete-complete --stack-name party",
        ]
    );
    account.calls_are_of_the_aws_cli().await;
}

#[test]
fn who_removes_a_stack_sees_its_topics_and_types_its_name() {
    let account = Account::new("false");
    let output = account.run("remove", &["party"], "party\n");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("\n  party-lottery-a\n  party-lottery-b\n"),
        "who types the name sees the topics: {said}"
    );
    assert!(account.changes().iter().any(|call| call.contains("delete-stack")), "{:?}", account.changes());
}

#[test]
fn nothing_is_removed_without_the_name_for_an_unknown_stack_or_by_a_wrong_option() {
    for (protect, arguments, typed, code) in [
        ("true", &["party"][..], "lottery\n", 1),
        ("true", &["party"], "", 1),
        ("", &["party", "--yes"], "", 254),
        ("true", &["party", "--yess"], "", 2),
        ("true", &["--help"], "", 0),
    ] {
        let account = Account::new(protect);
        let output = account.run("remove", arguments, typed);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        assert_eq!(account.changes(), Vec::<String>::new(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_stack_is_protected_by_its_parameter_alone() {
    let account = Account::new("false");
    let output = account.run("protect", &["party"], "");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        account.changes(),
        [
            "cloudformation update-stack --stack-name party --use-previous-template --output text \
             --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --parameters \
             ParameterKey=Protect,ParameterValue=true ParameterKey=OperatorEmail,UsePreviousValue=true \
             ParameterKey=LogRetentionDays,UsePreviousValue=true",
            "cloudformation wait stack-update-complete --stack-name party",
        ]
    );
    account.calls_are_of_the_aws_cli().await;
}

#[test]
fn a_protected_stack_and_an_unknown_one_are_left_alone() {
    for (protect, arguments, code) in [
        ("true", &["party"][..], 0),
        ("", &["party"], 254),
        ("false", &["--yes"], 2),
        ("false", &["--help"], 0),
    ] {
        let account = Account::new(protect);
        let output = account.run("protect", arguments, "");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        assert_eq!(account.changes(), Vec::<String>::new(), "{arguments:?}");
    }
}
