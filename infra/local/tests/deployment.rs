//! What a template deploys into a stack: made with the first start, found and brought up to date by the next.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::collections::BTreeMap;
use std::path::Path;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sfn::config::Credentials;
use lambda_runtime::Diagnostic;
use local_stack::{Config, Deployment, Handlers, Lottery, Stack, StartError, Template};

/// One resource of each kind.
const TEMPLATE: &str = r#"
Resources:
  OrdersTable:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  OrdersBucket:
    Type: AWS::S3::Bucket
    Properties: {NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}}
  Parcels:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 60}
  News:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Sub "${AWS::StackName}-news"}
  Packer:
    Type: AWS::StepFunctions::Activity
    Properties: {Name: packer}
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Statement: []}}
  Double:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: double}}
    Properties: {CodeUri: ., Role: !GetAtt Role.Arn}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: doubling.asl.json
      DefinitionSubstitutions: {Double: !GetAtt Double.Arn}
      Role: !GetAtt Role.Arn
  OrderArrived:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [aws.s3], detail: {bucket: {name: [!Ref OrdersBucket]}}}
      Targets: [{Id: machine, Arn: !Ref Machine, RoleArn: !GetAtt Role.Arn}]
  EachNight:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: cron(0 3 * * ? *)
      FlexibleTimeWindow: {Mode: "OFF"}
      Target: {Arn: !Ref Machine, RoleArn: !GetAtt Role.Arn}
"#;

const DEFINITION: &str = r#"{"StartAt": "Double", "States": {"Double": {"Type": "Task", "End": true, "Comment": "COMMENT",
    "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload",
    "Parameters": {"FunctionName": "${Double}", "Payload.$": "$"}}}}"#;

async fn double(input: BTreeMap<String, u32>) -> Result<u32, Diagnostic> {
    Ok(input.values().sum::<u32>() * 2)
}

fn config(directory: &Path, comment: &str) -> Config {
    std::fs::write(directory.join("template.yaml"), TEMPLATE).unwrap();
    std::fs::write(directory.join("doubling.asl.json"), DEFINITION.replace("COMMENT", comment)).unwrap();
    let template = Template::read(&directory.join("template.yaml")).unwrap();
    Config {
        lottery: Lottery::Absent,
        handlers: Handlers::default().with("double", |_| double),
        deployment: Some(Deployment { template, test_case: None }),
        listen: ([127, 0, 0, 1], 0).into(),
        aws_listen: ([127, 0, 0, 1], 0).into(),
        ..Config::on_disk(directory.join("data"))
    }
}

async fn step_functions(stack: &Stack) -> aws_sdk_sfn::Client {
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .http_client(platform::https_client())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(&stack.aws_url);
    aws_sdk_sfn::Client::new(&sdk.load().await)
}

#[tokio::test]
async fn a_template_is_deployed_and_the_next_start_brings_its_machine_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    for comment in ["first", "second"] {
        let stack = Stack::start(config(directory.path(), comment)).await.unwrap();
        let sfn = step_functions(&stack).await;
        let machines = sfn.list_state_machines().send().await.unwrap().state_machines;
        let [machine] = machines.as_slice() else { panic!("only this machine is there: {machines:?}") };
        let described = sfn.describe_state_machine().state_machine_arn(&machine.state_machine_arn);
        assert!(described.send().await.unwrap().definition.contains(comment));
        let start =
            sfn.start_execution().state_machine_arn(&machine.state_machine_arn).input(r#"{"number": 21}"#);
        let execution = start.send().await.unwrap().execution_arn;
        let ended = loop {
            let described = sfn.describe_execution().execution_arn(&execution).send().await.unwrap();
            if described.status != aws_sdk_sfn::types::ExecutionStatus::Running {
                break described;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(ended.output.as_deref(), Some("42"), "{:?} {:?}", ended.error, ended.cause);
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_deployment_is_named_and_the_stack_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let failure = |config: Config| async move {
        match Stack::start(config).await {
            Err(error @ StartError::SetUp { .. }) => error.to_string(),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("the stack has started"),
        }
    };
    let without_function = Config { handlers: Handlers::default(), ..config(directory.path(), "third") };
    let sentence = failure(without_function).await;
    assert_eq!(sentence, "cannot set up the deployment: nothing runs the function double");
    let directory = tempfile::tempdir().unwrap();
    let without_definition = config(directory.path(), "third");
    std::fs::remove_file(directory.path().join("doubling.asl.json")).unwrap();
    let sentence = failure(without_definition).await;
    assert!(
        sentence.starts_with("cannot set up Machine: ") && sentence.contains("doubling.asl.json"),
        "{sentence}"
    );
}
