//! Expressions of a template, resolved as CloudFormation does.

use super::*;

fn resolved(expression: &str) -> Result<Value, String> {
    let text = format!(
        "
Parameters: {{Sender: {{Type: String, Default: a@example.com}}, EmailSender: {{Type: String, Default: ''}}}}
Mappings: {{Partitions: {{aws: {{Suffix: amazonaws.com}}}}}}
Conditions: {{Has: !Not [!Equals [!Ref Sender, '']], Both: !And [!Condition Has, !Equals [1, '1']]}}
Resources:
  LotteryTable: {{Type: AWS::DynamoDB::Table}}
  Logs: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: !Sub '/${{AWS::StackName}}/tasks'}}}}
  Api: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: ../target/lambda/api, AutoPublishAlias: live}}}}
x: {expression}
"
    );
    let body = crate::iam::yaml::parse(&text)?;
    Resolver::new(&body).resolve(&body["x"])
}

#[test]
fn functions_are_filled_as_cloudformation_fills_them() {
    for (expression, expected) in [
        ("!Ref LotteryTable", "Lottery"),
        ("!GetAtt LotteryTable.Arn", "arn:aws:dynamodb:us-east-1:123456789012:table/Lottery"),
        ("!GetAtt Logs.Arn", "arn:aws:logs:us-east-1:123456789012:log-group:/local/tasks:*"),
        ("!Ref ApiAliaslive", "arn:aws:lambda:us-east-1:123456789012:function:api:live"),
        ("!Ref Api.Alias", "arn:aws:lambda:us-east-1:123456789012:function:api:live"),
        (
            "!Sub 'p-${Api.Arn}-${!literal}'",
            "p-arn:aws:lambda:us-east-1:123456789012:function:api-${literal}",
        ),
        ("!Sub ['${D}', {D: !Select [1, !Split ['@', !Ref Sender]]}]", "example.com"),
        ("!Join ['-', [a, !Ref AWS::Region]]", "a-us-east-1"),
        ("!FindInMap [Partitions, !Ref AWS::Partition, Suffix]", "amazonaws.com"),
        ("!If [Both, yes, no]", "yes"),
        ("!Ref EmailSender", "lottery@localhost"),
    ] {
        assert_eq!(resolved(expression), Ok(json!(expected)), "{expression}");
    }
    assert_eq!(resolved("[1, !If [Has, !Ref AWS::NoValue, 2]]"), Ok(json!([1])));
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    for (expression, named) in [
        ("!ImportValue x", "Fn::ImportValue"),
        ("!Ref Nothing", "Nothing"),
        ("!Ref AWS::Other", "AWS::Other"),
    ] {
        let refusal = resolved(expression).unwrap_err();
        assert!(refusal.contains(named), "{refusal}");
    }
}
