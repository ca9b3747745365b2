//! Versions, aliases and executions of either; the sentences are those that AWS was recorded with.

use serde_json::{Value, json};

use crate::client::{Client, ROLE, pass, wait};

fn fail() -> Value {
    json!({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Second"}}})
}

/// A machine whose first version waits and whose second fails; its ARN.
async fn two_versions(client: &Client) -> String {
    let body = json!({"name": "m", "definition": wait().to_string(), "roleArn": ROLE, "publish": true});
    let made = client.ok("CreateStateMachine", body).await;
    let arn = made["stateMachineArn"].as_str().unwrap().to_owned();
    assert_eq!(made["stateMachineVersionArn"], format!("{arn}:1"));
    let update = json!({"stateMachineArn": arn, "definition": fail().to_string(), "publish": true, "versionDescription": "fails"});
    let updated = client.ok("UpdateStateMachine", update).await;
    assert_eq!(updated["stateMachineVersionArn"], format!("{arn}:2"));
    arn
}

fn route(arn: &str, number: u32, weight: u32) -> Value {
    json!({"stateMachineVersionArn": format!("{arn}:{number}"), "weight": weight})
}

#[tokio::test]
async fn a_version_keeps_its_revision_and_the_machine_goes_on() {
    let client = Client::new().await;
    let arn = two_versions(&client).await;
    client.ok("UpdateStateMachine", json!({"stateMachineArn": arn, "definition": pass().to_string()})).await;
    let first = client.ok("DescribeStateMachine", json!({"stateMachineArn": format!("{arn}:1")})).await;
    assert_eq!(
        (&first["definition"], &first["stateMachineArn"]),
        (&wait().to_string().into(), &format!("{arn}:1").into())
    );
    let second = client.ok("DescribeStateMachine", json!({"stateMachineArn": format!("{arn}:2")})).await;
    assert_eq!((&second["description"], &second["revisionId"].is_string()), (&"fails".into(), &true));

    let started = client.ok("StartExecution", json!({"stateMachineArn": format!("{arn}:2")})).await;
    let ended = client.ended(started["executionArn"].as_str().unwrap()).await;
    assert_eq!((&ended["status"], &ended["error"]), (&"FAILED".into(), &"Second".into()));
    assert_eq!(ended["stateMachineVersionArn"], format!("{arn}:2"));
    assert_eq!(ended["stateMachineArn"], arn);
    client.ok("StartExecution", json!({"stateMachineArn": arn})).await;
    let of = async |arn: String| {
        let list = client.ok("ListExecutions", json!({"stateMachineArn": arn})).await;
        list["executions"].as_array().unwrap().len()
    };
    assert_eq!(
        (of(arn.clone()).await, of(format!("{arn}:2")).await, of(format!("{arn}:1")).await),
        (2, 1, 0)
    );
    let missing = format!("{arn}:3");
    assert_eq!(
        client.refused("StartExecution", json!({"stateMachineArn": missing})).await,
        ("StateMachineDoesNotExist".to_owned(), format!("State Machine Does Not Exist: '{missing}'"))
    );
    let update = json!({"stateMachineArn": format!("{arn}:2"), "definition": pass().to_string()});
    assert_eq!(client.refused("UpdateStateMachine", update).await.0, "StateMachineDoesNotExist");
}

#[tokio::test]
async fn a_revision_is_published_once_and_numbers_are_not_given_out_again() {
    let client = Client::new().await;
    let arn = client.make("m", pass()).await;
    let publish = async || client.ok("PublishStateMachineVersion", json!({"stateMachineArn": arn})).await;
    assert_eq!(publish().await, publish().await);
    let update = json!({"stateMachineArn": arn, "publish": true});
    let updated = client.ok("UpdateStateMachine", update).await;
    assert_eq!(updated["stateMachineVersionArn"], format!("{arn}:1"));
    assert!(updated.get("revisionId").is_none());
    for _ in 0..2 {
        client.ok("DeleteStateMachineVersion", json!({"stateMachineVersionArn": format!("{arn}:1")})).await;
    }
    assert_eq!(publish().await["stateMachineVersionArn"], format!("{arn}:2"));
    let listed = client.ok("ListStateMachineVersions", json!({"stateMachineArn": arn})).await;
    assert_eq!(listed["stateMachineVersions"].as_array().unwrap().len(), 1);

    let update = json!({"stateMachineArn": arn, "roleArn": format!("{ROLE}2")});
    let revision = client.ok("UpdateStateMachine", update).await["revisionId"].clone();
    let stale = json!({"stateMachineArn": arn, "revisionId": "INITIAL"});
    assert_eq!(
        client.refused("PublishStateMachineVersion", stale).await,
        (
            "ConflictException".to_owned(),
            format!(
                "Failed to publish the State Machine version for revision INITIAL. The current State Machine revision is {}.",
                revision.as_str().unwrap()
            )
        )
    );
    let body =
        json!({"name": "n", "definition": pass().to_string(), "roleArn": ROLE, "versionDescription": "x"});
    assert_eq!(
        client.refused("CreateStateMachine", body).await,
        (
            "ValidationException".to_owned(),
            "Version description can only be set when publish is true".to_owned()
        )
    );
}

#[tokio::test]
async fn an_alias_sends_executions_to_its_versions() {
    let client = Client::new().await;
    let arn = two_versions(&client).await;
    let create = json!({"name": "PROD", "routingConfiguration": [route(&arn, 1, 0), route(&arn, 2, 100)]});
    let made = client.ok("CreateStateMachineAlias", create.clone()).await;
    assert_eq!(client.ok("CreateStateMachineAlias", create).await, made);
    let alias = format!("{arn}:PROD");
    assert_eq!(made["stateMachineAliasArn"], alias);
    for _ in 0..5 {
        let started = client.ok("StartExecution", json!({"stateMachineArn": alias})).await;
        let ended = client.ended(started["executionArn"].as_str().unwrap()).await;
        assert_eq!(
            (&ended["error"], &ended["stateMachineVersionArn"], &ended["stateMachineAliasArn"]),
            (&"Second".into(), &format!("{arn}:2").into(), &alias.as_str().into())
        );
    }
    let listed = client.ok("ListExecutions", json!({"stateMachineArn": alias})).await;
    assert_eq!(listed["executions"].as_array().unwrap().len(), 5);

    let delete = json!({"stateMachineVersionArn": format!("{arn}:1")});
    assert_eq!(
        client.refused("DeleteStateMachineVersion", delete.clone()).await,
        (
            "ConflictException".to_owned(),
            "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [PROD]"
                .to_owned()
        )
    );
    let update = json!({"stateMachineAliasArn": alias, "routingConfiguration": [route(&arn, 2, 100)], "description": "now"});
    client.ok("UpdateStateMachineAlias", update).await;
    client.ok("DeleteStateMachineVersion", delete).await;
    let described = client.ok("DescribeStateMachineAlias", json!({"stateMachineAliasArn": alias})).await;
    assert_eq!(
        (&described["routingConfiguration"], &described["description"], &described["name"]),
        (&json!([route(&arn, 2, 100)]), &"now".into(), &"PROD".into())
    );
    let of_version = json!({"stateMachineArn": format!("{arn}:2")});
    let aliases = client.ok("ListStateMachineAliases", of_version).await;
    assert_eq!(aliases["stateMachineAliases"][0]["stateMachineAliasArn"], alias);
    for _ in 0..2 {
        client.ok("DeleteStateMachineAlias", json!({"stateMachineAliasArn": alias})).await;
    }
    assert_eq!(
        client.refused("DescribeStateMachineAlias", json!({"stateMachineAliasArn": alias})).await,
        ("ResourceNotFound".to_owned(), "Request references a resource that does not exist.".to_owned())
    );
}

#[tokio::test]
async fn a_routing_that_aws_refuses_is_refused_in_its_words() {
    let client = Client::new().await;
    let arn = two_versions(&client).await;
    let refusal = async |routing: Value| {
        let body = json!({"name": "a", "routingConfiguration": routing});
        let (name, message) = client.refused("CreateStateMachineAlias", body).await;
        assert!(name == "ValidationException" || name == "ResourceNotFound", "{name}");
        message
    };
    assert_eq!(
        refusal(json!([{"stateMachineVersionArn": arn, "weight": 100}])).await,
        format!("Routing configuration must contain state machine version ARNs. Received: [{arn}]")
    );
    assert_eq!(
        refusal(json!([route(&arn, 1, 70), route(&arn, 2, 29)])).await,
        "Sum of routing configuration weights must equal 100. Received: [70, 29]"
    );
    assert_eq!(
        refusal(json!([route(&arn, 1, 50), route(&arn, 1, 50)])).await,
        format!(
            "Routing configuration must contain distinct state machine version ARNs. Received: [{arn}:1, {arn}:1]"
        )
    );
    assert_eq!(
        refusal(json!([route(&arn, 1, 101)])).await,
        "1 validation error detected: Value '101' at 'routingConfiguration.1.member.weight' failed to satisfy constraint: Member must have value less than or equal to 100"
    );
    assert_eq!(
        refusal(json!([route(&arn, 9, 100)])).await,
        "Request references a resource that does not exist."
    );
    let body = json!({"name": "123", "routingConfiguration": [route(&arn, 1, 100)]});
    assert_eq!(
        client.refused("CreateStateMachineAlias", body).await.1,
        r"1 validation error detected: Value '123' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$"
    );
}

#[tokio::test]
async fn a_deleted_machine_takes_its_versions_and_aliases_with_it() {
    let client = Client::new().await;
    let arn = two_versions(&client).await;
    let create = json!({"name": "PROD", "routingConfiguration": [route(&arn, 1, 100)]});
    client.ok("CreateStateMachineAlias", create).await;
    client.ok("DeleteStateMachine", json!({"stateMachineArn": arn})).await;
    for qualifier in ["1", "2", "PROD"] {
        let start = json!({"stateMachineArn": format!("{arn}:{qualifier}")});
        assert_eq!(client.refused("StartExecution", start).await.0, "StateMachineDoesNotExist");
    }
}

#[tokio::test]
async fn a_map_run_takes_new_limits_as_long_as_it_runs() {
    let client = Client::new().await;
    let map = json!({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "MaxConcurrency": 1,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}}}}});
    let arn = client.make("m", map).await;
    let started = client.ok("StartExecution", json!({"stateMachineArn": arn, "input": "[1, 2, 3]"})).await;
    let runs = client.ok("ListMapRuns", json!({"executionArn": started["executionArn"]})).await;
    let run = runs["mapRuns"][0]["mapRunArn"].clone();
    let update = json!({"mapRunArn": run, "maxConcurrency": 2, "toleratedFailurePercentage": 50.5});
    client.ok("UpdateMapRun", update.clone()).await;
    let described = client.ok("DescribeMapRun", json!({"mapRunArn": run})).await;
    assert_eq!(
        (&described["maxConcurrency"], &described["toleratedFailurePercentage"]),
        (&json!(2), &json!(50.5))
    );
    assert_eq!(described["executionCounts"]["running"], 2);
    client.ok("StopExecution", json!({"executionArn": started["executionArn"]})).await;
    assert_eq!(client.refused("UpdateMapRun", update).await.0, "ValidationException");
}
