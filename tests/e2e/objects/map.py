"""A Distributed Map from a CSV file in S3 to result files in S3. The first argument says which half of the story this is."""

import json
import sys
import time

import boto3
from botocore.config import Config

ROWS = 20_000
BATCH = 100

s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
states = boto3.client("stepfunctions")

DEFINITION = {
    "QueryLanguage": "JSONata",
    "StartAt": "Batches",
    "States": {
        "Batches": {
            "Type": "Map",
            "Label": "Batches",
            "MaxConcurrency": 4,
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                "Arguments": {"Bucket": "map", "Key": "rows.csv"},
            },
            "ItemBatcher": {"MaxItemsPerBatch": BATCH},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Sum",
                "States": {
                    "Sum": {
                        "Type": "Pass",
                        "Output": {"rows": "{% [$states.input.Items.id.$number()] %}"},
                        "End": True,
                    }
                },
            },
            "ResultWriter": {
                "Resource": "arn:aws:states:::s3:putObject",
                "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
                "Arguments": {"Bucket": "map", "Prefix": "results"},
            },
            "End": True,
        }
    },
}


def map_run(execution):
    runs = states.list_map_runs(executionArn=execution)["mapRuns"]
    return states.describe_map_run(mapRunArn=runs[0]["mapRunArn"]) if runs else None


def begin():
    s3.create_bucket(Bucket="map")
    rows = "".join(f'{number},"name, {number}"\n' for number in range(ROWS))
    s3.put_object(Bucket="map", Key="rows.csv", Body=f"id,name\n{rows}".encode())
    machine = states.create_state_machine(
        name="batches", definition=json.dumps(DEFINITION), roleArn="arn:aws:iam::123456789012:role/r"
    )
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")["executionArn"]
    # Some batches are done, and others are not.
    while (run := map_run(execution)) is None or run["executionCounts"]["succeeded"] < 10:
        time.sleep(0.01)
    assert run["executionCounts"]["succeeded"] < ROWS // BATCH, "the test must stop it before its end"
    print(execution)


def end(execution):
    while (ended := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.1)
    assert ended["status"] == "SUCCEEDED", ended
    output = json.loads(ended["output"])
    manifest = json.loads(s3.get_object(Bucket="map", Key=output["ResultWriterDetails"]["Key"])["Body"].read())
    assert manifest["MapRunArn"] == output["MapRunArn"]
    files = manifest["ResultFiles"]
    assert (files["FAILED"], files["PENDING"]) == ([], []), files
    rows = []
    for file in files["SUCCEEDED"]:
        text = s3.get_object(Bucket="map", Key=file["Key"])["Body"].read()
        assert len(text) == file["Size"]
        for line in text.splitlines():
            rows.extend(json.loads(line)["rows"])
    assert sorted(rows) == list(range(ROWS)), (len(rows), len(set(rows)))
    run = map_run(execution)
    assert run["itemCounts"]["succeeded"] == ROWS, run
    print(len(rows))


begin() if sys.argv[1] == "begin" else end(sys.argv[2])
