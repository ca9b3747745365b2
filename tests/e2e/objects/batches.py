"""A Distributed Map from rows in S3 through batches to result files in S3: the machine and its results, which tests/bench/objects.py
measures, and the story of a stack that is killed on the way. The first argument says which half of the story this is, the second one
where the rows are: in a CSV file, or in the packed files of an inventory."""

import gzip
import json
import sys
import time

ROWS = 20_000
BATCH = 100
CSV = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}


def definition(bucket, key, batch, step, config=CSV, **fields):
    """The state machine: each batch of rows goes through this step."""
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "Batches",
        "States": {
            "Batches": {
                "Type": "Map",
                "Label": "Batches",
                **fields,
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": config,
                    "Arguments": {"Bucket": bucket, "Key": key},
                },
                "ItemBatcher": {"MaxItemsPerBatch": batch},
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Sum",
                    "States": {"Sum": {**step, "End": True}},
                },
                "ResultWriter": {
                    "Resource": "arn:aws:states:::s3:putObject",
                    "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
                    "Arguments": {"Bucket": bucket, "Prefix": "results"},
                },
                "End": True,
            }
        },
    }


def map_run(states, execution):
    """The map run of an execution, once it is there."""
    runs = states.list_map_runs(executionArn=execution)["mapRuns"]
    return states.describe_map_run(mapRunArn=runs[0]["mapRunArn"]) if runs else None


def batches_done(states, execution):
    run = map_run(states, execution)
    return run["executionCounts"]["succeeded"] if run else 0


def results(s3, bucket, output):
    """What the result files have of each batch."""
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=output["ResultWriterDetails"]["Key"])["Body"].read())
    assert manifest["MapRunArn"] == output["MapRunArn"]
    files = manifest["ResultFiles"]
    assert (files["FAILED"], files["PENDING"]) == ([], []), files
    for file in files["SUCCEEDED"]:
        text = s3.get_object(Bucket=bucket, Key=file["Key"])["Body"].read()
        assert len(text) == file["Size"]
        yield from map(json.loads, text.splitlines())


def clients():
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(s3={"addressing_style": "path"})), boto3.client("stepfunctions")


def put_rows(s3, place):
    """Writes the rows, and says how they are read."""
    lines = [f'{number},"name, {number}"\n' for number in range(ROWS)]
    if place == "csv":
        s3.put_object(Bucket="map", Key="rows", Body=f"id,name\n{''.join(lines)}".encode())
        return CSV
    files = [{"key": f"data/{number}.csv.gz"} for number in range(4)]
    for number, file in enumerate(files):
        part = "".join(lines[ROWS // 4 * number : ROWS // 4 * (number + 1)])
        s3.put_object(Bucket="map", Key=file["key"], Body=gzip.compress(part.encode()))
    manifest = {"destinationBucket": "arn:aws:s3:::map", "fileFormat": "CSV", "fileSchema": "id, name", "files": files}
    s3.put_object(Bucket="map", Key="rows", Body=json.dumps(manifest).encode())
    return {"InputType": "MANIFEST"}


def begin(place):
    s3, states = clients()
    s3.create_bucket(Bucket="map")
    config = put_rows(s3, place)
    step = {"Type": "Pass", "Output": {"rows": "{% [$states.input.Items.id.$number()] %}"}}
    machine = states.create_state_machine(
        name="batches",
        definition=json.dumps(definition("map", "rows", BATCH, step, config, MaxConcurrency=4)),
        roleArn="arn:aws:iam::123456789012:role/r",
    )
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")["executionArn"]
    # Some batches are done, and others are not.
    while (done := batches_done(states, execution)) < 10:
        time.sleep(0.01)
    assert done < ROWS // BATCH, "the test must stop it before its end"
    print(execution)


def end(execution):
    s3, states = clients()
    while (ended := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.1)
    assert ended["status"] == "SUCCEEDED", ended
    rows = [row for batch in results(s3, "map", json.loads(ended["output"])) for row in batch["rows"]]
    assert sorted(rows) == list(range(ROWS)), (len(rows), len(set(rows)))
    assert map_run(states, execution)["itemCounts"]["succeeded"] == ROWS
    print(len(rows))


if __name__ == "__main__":
    begin(sys.argv[2]) if sys.argv[1] == "begin" else end(sys.argv[2])
