#!/usr/bin/env python3
"""Runs a state machine of the local stack against seven services of moto, also those that it has itself.

    tests/tools/setup emulators
    tests/tools/.venv-emulators/bin/python tests/emulators/services.py

The stack is started with `--endpoint '*=…'`; JSON, REST and query protocols, XML, and errors that are caught by name.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from support import Processes, binaries, credentials, free_port, http, local_stack, step, until

ROLE = "arn:aws:iam::123456789012:role/r"


def sdk(service_action, arguments, output=None, catch=None):
    state = {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:{service_action}", "Parameters": arguments}
    state["ResultPath"] = output or None
    if catch:
        state["Catch"] = [{"ErrorEquals": [catch], "ResultPath": f"$.errors.{catch.split('.')[0]}", "Next": None}]
    return state


def chain(states):
    """A definition in which each state follows the one before, also after a caught error."""
    names = list(states)
    for name, following in zip(names, names[1:] + [None]):
        state = states[name]
        state.update({"Next": following} if following else {"End": True})
        for catcher in state.get("Catch", []):
            catcher["Next"] = following
    return {"StartAt": names[0], "States": states}


def definition(queue):
    return chain(
        {
            "Put": sdk("s3:putObject", {"Bucket": "results", "Key": "a b/1.json", "Body.$": "$.text", "Metadata": {"by": "us"}}),
            "Get": sdk("s3:getObject", {"Bucket": "results", "Key": "a b/1.json"}, "$.object"),
            "List": sdk("s3:listObjectsV2", {"Bucket": "results", "Prefix": "a "}, "$.list"),
            "NoObject": sdk("s3:getObject", {"Bucket": "results", "Key": "none"}, catch="S3.NoSuchKeyException"),
            "Send": sdk("sqs:sendMessage", {"QueueUrl": queue, "MessageBody.$": "States.JsonToString($.message)"}, "$.sent"),
            "Receive": sdk("sqs:receiveMessage", {"QueueUrl": queue}, "$.received"),
            "NoQueue": sdk("sqs:getQueueUrl", {"QueueName": "none"}, catch="Sqs.QueueDoesNotExistException"),
            "Events": sdk("eventbridge:putEvents", {"Entries": [{"Source": "us", "DetailType": "t", "Detail": "{}"}]}, "$.events"),
            "PutParameter": sdk("ssm:putParameter", {"Name": "/a", "Value": "42", "Type": "String"}),
            "GetParameter": sdk("ssm:getParameter", {"Name": "/a"}, "$.parameter"),
            "NoParameter": sdk("ssm:getParameter", {"Name": "/none"}, catch="Ssm.ParameterNotFoundException"),
            "MakeSecret": sdk("secretsmanager:createSecret", {"Name": "s", "SecretString": "hush"}),
            "GetSecret": sdk("secretsmanager:getSecretValue", {"SecretId": "s"}, "$.secret"),
            "NoSecret": sdk("secretsmanager:getSecretValue", {"SecretId": "none"}, catch="SecretsManager.ResourceNotFoundException"),
            "Record": sdk("kinesis:putRecord", {"StreamName": "stream", "PartitionKey": "k", "Data.$": "$.text"}, "$.record"),
            "NoStream": sdk("kinesis:describeStream", {"StreamName": "none"}, catch="Kinesis.ResourceNotFoundException"),
            "MakeDatabase": sdk("glue:createDatabase", {"DatabaseInput": {"Name": "db", "Parameters": {"Key": "v"}}}),
            "GetDatabase": sdk("glue:getDatabase", {"Name": "db"}, "$.database"),
            "NoTable": sdk("glue:getTable", {"DatabaseName": "db", "Name": "none"}, catch="Glue.EntityNotFoundException"),
            "Who": sdk("sts:getCallerIdentity", {}, "$.who"),
            "Optimized": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": {"QueueUrl": queue, "MessageBody": {"object": True}},
                "ResultPath": "$.optimized",
            },
        }
    )


def check(output):
    assert output["object"]["Body"] == '{"winner": 1}', output["object"]
    assert output["object"]["Metadata"] == {"by": "us"}, output["object"]
    assert [found["Key"] for found in output["list"]["Contents"]] == ["a b/1.json"], output["list"]
    assert output["list"]["KeyCount"] == 1 and output["list"]["IsTruncated"] is False, output["list"]
    assert output["sent"]["Md5OfMessageBody"] and "MD5OfMessageBody" in output["optimized"], output
    assert json.loads(output["received"]["Messages"][0]["Body"]) == {"a": [1]}, output["received"]
    assert output["events"]["FailedEntryCount"] == 0, output["events"]
    assert output["parameter"]["Parameter"]["Value"] == "42", output["parameter"]
    assert output["parameter"]["Parameter"]["LastModifiedDate"].endswith("Z"), output["parameter"]
    assert output["secret"]["SecretString"] == "hush" and output["secret"]["Arn"], output["secret"]
    assert output["record"]["ShardId"] and output["database"]["Database"]["Parameters"] == {"Key": "v"}, output
    assert output["who"]["Account"], output["who"]
    assert output["optimized"]["SdkHttpMetadata"]["HttpStatusCode"] == 200, output["optimized"]
    causes = {name: error["Cause"] for name, error in output["errors"].items()}
    assert set(causes) == {"S3", "Sqs", "Ssm", "SecretsManager", "Kinesis", "Glue"}, causes
    assert all("Status Code: 4" in cause and "Request ID: " in cause for cause in causes.values()), causes


def run(processes):
    began = time.monotonic()
    port = free_port()
    moto = f"http://127.0.0.1:{port}"
    server = Path(sys.executable).with_name("moto_server")
    processes.start("moto", [server, "-H", "127.0.0.1", "-p", str(port)], credentials(moto))
    until("moto", lambda: http("GET", f"{moto}/moto-api/")[0] == 200)
    client = lambda name, url: boto3.client(
        name, endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client("s3", moto).create_bucket(Bucket="results")
    queue = client("sqs", moto).create_queue(QueueName="queue")["QueueUrl"]
    kinesis = client("kinesis", moto)
    kinesis.create_stream(StreamName="stream", ShardCount=1)

    with tempfile.TemporaryDirectory() as folder:
        mocks = Path(folder) / "mocks.json"
        mocks.write_text(json.dumps({
            "StateMachines": {"services": {"TestCases": {"Lost": {"Put": "Lost"}}}},
            "MockedResponses": {"Lost": {"0": {"Throw": {"Error": "S3.NoSuchBucketException", "Cause": "mocked"}}}},
        }))
        # S3, SQS and EventBridge are served here, so that `*` leaves them alone.
        endpoints = [part for name in ("*", "s3", "sqs", "events") for part in ("--endpoint", f"{name}={moto}")]
        stack, _ = local_stack(processes, binaries(), *endpoints, "--mock-config", str(mocks))
        states = client("stepfunctions", stack)
        arn = states.create_state_machine(name="services", definition=json.dumps(definition(queue)), roleArn=ROLE)["stateMachineArn"]

        def end_of(arn):
            execution = states.start_execution(
                stateMachineArn=arn, input=json.dumps({"text": '{"winner": 1}', "message": {"a": [1]}})
            )["executionArn"]
            ended = lambda: (found := states.describe_execution(executionArn=execution))["status"] != "RUNNING" and found
            return until("the execution", ended)

        ended = end_of(arn)
        assert ended["status"] == "SUCCEEDED", ended
        check(json.loads(ended["output"]))
        step(began, "a state machine over S3, SQS, EventBridge, SSM, Secrets Manager, Kinesis, Glue and STS")
        ended = end_of(f"{arn}#Lost")
        assert (ended["status"], ended["cause"]) == ("FAILED", "mocked"), ended
        step(began, "the same machine under a test case of the mock file")

    stack, _ = local_stack(processes, binaries())
    try:
        client("stepfunctions", stack).create_state_machine(name="s", definition=json.dumps(definition(queue)), roleArn=ROLE)
        raise AssertionError("the machine was not refused")
    except ClientError as error:
        message = error.response["Error"]["Message"]
    assert all(way in message for way in ("aws-sdk:ssm:putParameter", "--mock-config FILE", "--endpoint ssm=URL", "--endpoint ssm=aws")), message
    step(began, "a stack without an endpoint refuses the machine and says what can be done")


with Processes() as processes:
    run(processes)
