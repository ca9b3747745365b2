"""The calls of Terraform's aws_sfn_state_machine and aws_sfn_alias, and of CloudFormation behind CDK, in their order."""

import json
import time

import boto3

states = boto3.client("stepfunctions")
role = "arn:aws:iam::123456789012:role/r"
seen = {}


def definition(comment):
    return json.dumps({"Comment": comment, "StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})


def read(arn):
    """What Terraform reads after each change of a state machine."""
    machine = states.describe_state_machine(stateMachineArn=arn)
    assert machine["status"] == "ACTIVE" and machine["loggingConfiguration"]["level"] == "OFF"
    assert machine["encryptionConfiguration"] == {"type": "AWS_OWNED_KEY"}
    versions = states.list_state_machine_versions(stateMachineArn=arn, maxResults=1)["stateMachineVersions"]
    tags = states.list_tags_for_resource(resourceArn=arn)["tags"]
    return machine, versions[0]["stateMachineVersionArn"] if versions else None, tags


# Terraform: validate, create, read, update with a version, tags, an alias, delete.
assert states.validate_state_machine_definition(definition=definition("1"), type="STANDARD")["result"] == "OK"
made = states.create_state_machine(
    name="by-terraform",
    definition=definition("1"),
    roleArn=role,
    type="STANDARD",
    publish=True,
    loggingConfiguration={"level": "OFF", "includeExecutionData": False},
    tracingConfiguration={"enabled": False},
    tags=[{"key": "team", "value": "draws"}],
)
arn = made["stateMachineArn"]
_, version, tags = read(arn)
assert made["stateMachineVersionArn"] == version == f"{arn}:1" and tags == [{"key": "team", "value": "draws"}]
states.update_state_machine(
    stateMachineArn=arn, definition=definition("2"), roleArn=role, publish=True, versionDescription="second"
)
while read(arn)[0]["definition"] != definition("2"):
    time.sleep(0.05)
_, version, _ = read(arn)
seen["description"] = states.describe_state_machine(stateMachineArn=version)["description"]
states.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "others"}])
states.untag_resource(resourceArn=arn, tagKeys=["team"])

alias = states.create_state_machine_alias(
    name="live", routingConfiguration=[{"stateMachineVersionArn": version, "weight": 100}]
)["stateMachineAliasArn"]
assert states.describe_state_machine_alias(stateMachineAliasArn=alias)["name"] == "live"
states.update_state_machine_alias(
    stateMachineAliasArn=alias,
    routingConfiguration=[
        {"stateMachineVersionArn": f"{arn}:1", "weight": 50},
        {"stateMachineVersionArn": f"{arn}:2", "weight": 50},
    ],
)
listed = states.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]
assert [entry["stateMachineAliasArn"] for entry in listed] == [alias]

used = set()
for _ in range(40):
    execution = states.start_execution(stateMachineArn=alias)["executionArn"]
    described = states.describe_execution(executionArn=execution)
    assert described["stateMachineAliasArn"] == alias
    used.add(described["stateMachineVersionArn"][-1])
seen["versions_of_the_alias"] = sorted(used)

try:
    states.delete_state_machine_version(stateMachineVersionArn=version)
except states.exceptions.ConflictException as error:
    seen["refused"] = error.response["Error"]["Message"]
states.delete_state_machine_alias(stateMachineAliasArn=alias)
states.delete_state_machine_version(stateMachineVersionArn=version)
try:
    states.describe_state_machine_alias(stateMachineAliasArn=alias)
except states.exceptions.ResourceNotFound as error:
    seen["alias_gone"] = error.response["Error"]["Code"]
states.delete_state_machine(stateMachineArn=arn)
try:
    states.describe_state_machine(stateMachineArn=arn)
except states.exceptions.StateMachineDoesNotExist as error:
    seen["machine_gone"] = error.response["Error"]["Code"]

# CloudFormation, for CDK: create with tags, read, update, a version resource, delete.
arn = states.create_state_machine(
    name="by-cdk", definition=definition("1"), roleArn=role, type="EXPRESS", tags=[{"key": "stack", "value": "s"}]
)["stateMachineArn"]
read(arn)
revision = states.update_state_machine(stateMachineArn=arn, definition=definition("2"), roleArn=role)["revisionId"]
version = states.publish_state_machine_version(stateMachineArn=arn, revisionId=revision, description="cdk")
version = version["stateMachineVersionArn"]
assert states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"][0]["stateMachineVersionArn"] == version
states.delete_state_machine_version(stateMachineVersionArn=version)
states.delete_state_machine(stateMachineArn=arn)

print(json.dumps(seen))
