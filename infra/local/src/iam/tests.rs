//! Templates as a whole: what is found, and what is missed when it is taken out.

use super::*;

/// A function that reads an encrypted table, writes its log, and is called by API Gateway and by a state machine.
const SMALL: &str = r#"
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}, Action: "kms:*", Resource: "*"}
          - Effect: Allow
            Principal: {Service: !Sub "logs.${AWS::Region}.${AWS::URLSuffix}"}
            Action: [kms:Encrypt, kms:Decrypt, kms:ReEncryptFrom, kms:ReEncryptTo, kms:GenerateDataKey, kms:DescribeKey]
            Resource: "*"
            Condition:
              ArnLike:
                kms:EncryptionContext:aws:logs:arn: !Sub arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/${AWS::StackName}/*
  LotteryTable:
    Type: AWS::DynamoDB::Table
    Properties: {SSESpecification: {SSEEnabled: true, KMSMasterKeyId: !Ref Key}}
  Logs:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Sub "/${AWS::StackName}/api", KmsKeyId: !GetAtt Key.Arn}
  Basics:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Action: [logs:CreateLogStream, logs:PutLogEvents], Resource: !GetAtt Logs.Arn}
          - Effect: Allow
            Action: kms:Decrypt
            Resource: !GetAtt Key.Arn
            Condition: {StringEquals: {kms:ViaService: !Sub "dynamodb.${AWS::Region}.${AWS::URLSuffix}"}}
  ApiRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
      ManagedPolicyArns: [!Ref Basics]
      Policies:
        - PolicyName: api
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: [dynamodb:GetItem, dynamodb:PutItem], Resource: !GetAtt LotteryTable.Arn}
              - !If [Never, {Effect: Allow, Action: ses:SendEmail, Resource: "*"}, !Ref AWS::NoValue]
  Api:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../target/lambda/api
      Role: !GetAtt ApiRole.Arn
      MemorySize: 1024
      Timeout: 30
      LoggingConfig: {LogGroup: !Ref Logs}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: HttpApi, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Api.Arn}
  MayInvoke:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref Api
      Action: lambda:InvokeFunction
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:HttpApi/*
Conditions:
  Never: !Equals [a, b]
"#;

fn call(action: &str) -> Permission {
    Permission {
        caller: "api".to_owned(),
        action: action.to_owned(),
        resource: "arn:aws:dynamodb:us-east-1:123456789012:table/Lottery".to_owned(),
    }
}

#[test]
fn what_is_needed_is_allowed_and_each_part_of_it_is_missed() {
    let template: Template = SMALL.parse().unwrap();
    let calls = [call("dynamodb:GetItem"), call("dynamodb:PutItem")];
    assert_eq!(template.denied_of(&calls), Vec::<String>::new());
    let removals = template.removals().unwrap();
    assert_eq!(removals.len(), 17, "{removals:#?}");
    for removal in removals {
        let denied = template.without(&removal).unwrap().denied_of(&calls);
        assert!(!denied.is_empty(), "nobody misses {removal}");
    }
}

#[test]
fn a_call_that_no_statement_allows_is_denied_in_the_words_of_aws() {
    let template: Template = SMALL.parse().unwrap();
    let table = call("").resource;
    let check = |action: &str| template.check("api", &[(action.to_owned(), table.clone())]);
    assert_eq!(check("dynamodb:GetItem"), Ok(()));
    let denied = check("dynamodb:Scan").unwrap_err().message;
    assert_eq!(
        denied,
        format!(
            "User: arn:aws:sts::123456789012:assumed-role/ApiRole/api is not authorized to perform: dynamodb:Scan on resource: {table} because no identity-based policy allows the dynamodb:Scan action"
        )
    );
    assert_eq!(template.denied().len(), 1);
    assert_eq!(template.check("somebody", &[("dynamodb:Scan".to_owned(), table)]), Ok(()), "the owner may");
}

#[test]
fn a_table_that_may_not_be_decrypted_cannot_be_read() {
    let other_service = SMALL.replace("dynamodb.${AWS::Region}", "sns.${AWS::Region}");
    let template: Template = other_service.parse().unwrap();
    let read = [("dynamodb:GetItem".to_owned(), call("").resource)];
    assert!(template.check("api", &read).unwrap_err().message.contains("kms:Decrypt"));
}

/// A function logs to a group that its role's statement does not name: on AWS the log is lost without a word.
#[test]
fn a_log_that_would_be_lost_is_found() {
    let template: Template = SMALL
        .replace(
            "Resource: !GetAtt Logs.Arn",
            "Resource: arn:aws:logs:us-east-1:123456789012:log-group:/local/tasks:*",
        )
        .parse()
        .unwrap();
    template.note_lost_logs();
    let denied: Vec<Permission> = template.denied().into_iter().collect();
    assert_eq!((denied[0].caller.as_str(), denied[0].action.as_str()), ("api", "logs:PutLogEvents"));
    let found = template.denied_of(&[]);
    assert!(found.iter().any(|it| it.contains("logs:CreateLogStream")), "{found:?}");
}

/// A schedule starts a state machine with a role of its own, which needs another action than one that calls a function.
#[test]
fn a_schedule_needs_what_its_target_asks_for() {
    let schedule = |action: &str| {
        format!(
            r#"
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {{Effect: Allow, Principal: {{Service: [scheduler.amazonaws.com, states.amazonaws.com]}}, Action: sts:AssumeRole}}
      Policies:
        - PolicyName: start
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{{Effect: Allow, Action: "{action}", Resource: !Ref Machine}}]
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: {{DefinitionUri: nightly.asl.json, Role: !GetAtt Role.Arn}}
  EachNight:
    Type: AWS::Scheduler::Schedule
    Properties: {{Target: {{Arn: !Ref Machine, RoleArn: !GetAtt Role.Arn}}}}
"#
        )
    };
    let denied = |action: &str| schedule(action).parse::<Template>().unwrap().denied_of(&[]);
    assert_eq!(denied("states:StartExecution"), Vec::<String>::new());
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:nightly";
    let role = "arn:aws:iam::123456789012:role/Role";
    assert_eq!(denied("lambda:InvokeFunction"), [format!("{role} may not states:StartExecution {machine}")]);
}

/// A route that starts executions, a role that is handed to Rekognition, and a topic that calls a function.
const CALLBACK: &str = r#"
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}
          - {Effect: Allow, Principal: {Service: apigateway.amazonaws.com}, Action: sts:AssumeRole}
          - {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}
      Policies:
        - PolicyName: all
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "states:StartExecution", Resource: !Ref Machine}
              - {Effect: Allow, Action: [logs:CreateLogStream, logs:PutLogEvents], Resource: "*"}
              - Effect: Allow
                Action: iam:PassRole
                Resource: !GetAtt Publisher.Arn
                Condition: {StringEquals: {iam:PassedToService: rekognition.amazonaws.com}}
  Publisher:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: rekognition.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: publish
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: sns:Publish, Resource: !Ref Done}]
  Done: {Type: AWS::SNS::Topic}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: media.asl.json, Role: !GetAtt Role.Arn}
  Report:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: report}}
    Properties: {CodeUri: ., Role: !GetAtt Role.Arn}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Done, Protocol: lambda, Endpoint: !GetAtt Report.Arn}
  MayReport:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Report, Action: lambda:InvokeFunction, Principal: sns.amazonaws.com, SourceArn: !Ref Done}
  Post:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: HttpApi
      IntegrationType: AWS_PROXY
      IntegrationSubtype: StepFunctions-StartExecution
      CredentialsArn: !GetAtt Role.Arn
      RequestParameters: {StateMachineArn: !Ref Machine}
"#;

#[test]
fn what_services_do_with_roles_that_are_handed_to_them_is_missed_too() {
    let template: Template = CALLBACK.parse().unwrap();
    let call = |caller: &str, action: &str, resource: &str| Permission {
        caller: caller.to_owned(),
        action: action.to_owned(),
        resource: resource.to_owned(),
    };
    let calls = [
        call("states:media", "iam:PassRole", "arn:aws:iam::123456789012:role/Publisher"),
        call("rekognition.amazonaws.com", "sns:Publish", "arn:aws:sns:us-east-1:123456789012:Done"),
    ];
    assert_eq!(template.denied_of(&calls), Vec::<String>::new());
    let removals = template.removals().unwrap();
    assert_eq!(removals.len(), 11, "{removals:#?}");
    for removal in removals {
        let denied = template.without(&removal).unwrap().denied_of(&calls);
        assert!(!denied.is_empty(), "nobody misses {removal}");
    }
}

#[test]
fn figures_come_from_the_function_or_from_what_is_global() {
    let template: Template = SMALL.parse().unwrap();
    let figures = FunctionFigures { memory_mb: 1_024, timeout: std::time::Duration::from_secs(30) };
    assert_eq!(template.functions(), BTreeMap::from([("api".to_owned(), figures)]));
    let globals = SMALL.replace("      MemorySize: 1024\n", "") + "Globals: {Function: {MemorySize: 256}}\n";
    assert_eq!(globals.parse::<Template>().unwrap().functions()["api"].memory_mb, 256);
}

#[test]
fn the_projects_template_can_be_used() {
    let template = Template::embedded().unwrap();
    assert!(template.has("send-sms") && template.has("states") && template.has("api"));
    assert!(!template.removals().unwrap().is_empty());
}
