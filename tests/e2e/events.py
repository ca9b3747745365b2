import json
import time
import uuid

import boto3

events, states, sqs, s3 = (boto3.client(name) for name in ("events", "stepfunctions", "sqs", "s3"))
scheduler = boto3.client("scheduler")
ROLE = "arn:aws:iam::123456789012:role/r"
seen = {}


def queue(name):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def received(url):
    message = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return json.loads(message["Body"])


def rule(name, pattern, **target):
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    assert events.put_targets(Rule=name, Targets=[{"Id": "t", **target}])["FailedEntryCount"] == 0


def machine(name, definition):
    return states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]


def task(resource, arguments, catch=None, **more):
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": arguments, **more}
    if catch:
        state["Catch"] = [{"ErrorEquals": [catch], "ResultPath": f"$.{catch.split('.')[0]}", "Next": state["Next"]}]
    return state


# An upload starts a state machine, and its end comes to a queue.
s3.create_bucket(Bucket="uploads")
s3.create_bucket(Bucket="silent")
s3.put_bucket_notification_configuration(
    Bucket="uploads", NotificationConfiguration={"EventBridgeConfiguration": {}}
)
seen["notification"] = s3.get_bucket_notification_configuration(Bucket="uploads")["EventBridgeConfiguration"]
greet = machine("greet", {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
ended, ended_arn = queue("ended")
csv = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"object": {"key": [{"suffix": ".csv"}]}}}
template = '{"upload": <key>, "said": "<key> of <bucket>"}'
paths = {"key": "$.detail.object.key", "bucket": "$.detail.bucket.name"}
rule("upload", csv, Arn=greet, RoleArn=ROLE, InputTransformer={"InputPathsMap": paths, "InputTemplate": template})
rule("ended", {"source": ["aws.states"], "detail": {"stateMachineArn": [greet], "status": ["SUCCEEDED"]}}, Arn=ended_arn)
for bucket, key in (("silent", "a.csv"), ("uploads", "a.txt"), ("uploads", "people.csv")):
    s3.put_object(Bucket=bucket, Key=key, Body=b"name\n")
event = received(ended)
seen["ended"] = [event["detail-type"], event["detail"]["status"], json.loads(event["detail"]["output"])]
removed, removed_arn = queue("removed")
rule("removed", {"source": ["aws.s3"], "detail-type": ["Object Deleted"]}, Arn=removed_arn, InputPath="$.detail")
s3.delete_object(Bucket="uploads", Key="people.csv")
detail = received(removed)
seen["removed"] = [detail["bucket"]["name"], detail["object"]["key"], detail["reason"]]
seen["started"] = len(states.list_executions(stateMachineArn=greet)["executions"])

# A state machine puts events, and is told what went wrong.
said, said_arn = queue("said")
rule("said", {"source": ["app"], "detail": {"n": [{"numeric": [">", 1]}]}}, Arn=said_arn)
entry = lambda detail: {"Source": "app", "DetailType": "Said", "Detail": detail}
put = machine(
    "put",
    {
        "StartAt": "Put",
        "States": {
            "Put": task("events:putEvents", {"Entries": [entry({"n": 1}), entry({"n.$": "$.n"})]}, Next="Bad", ResultPath="$.put"),
            "Bad": task("events:putEvents", {"Entries": [entry("no")]}, "EventBridge.FailedEntry", Next="None"),
            "None": task("aws-sdk:scheduler:getSchedule", {"Name": "none"}, "Scheduler.ResourceNotFoundException", Next="Rule"),
            "Rule": task("aws-sdk:eventbridge:describeRule", {"Name": "said"}, Next="End", ResultPath="$.rule"),
            "End": {"Type": "Pass", "End": True},
        },
    },
)
execution = states.start_execution(stateMachineArn=put, input=json.dumps({"n": 2}))["executionArn"]
event = received(said)
seen["said"] = [event["detail"], event["resources"] == [execution, put]]
while (described := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
    time.sleep(0.02)
output = json.loads(described["output"])
seen["caught"] = [json.loads(output["EventBridge"]["Cause"]), output["Scheduler"]["Error"]]
seen["answers"] = [output["put"]["FailedEntryCount"], output["put"]["SdkHttpMetadata"]["HttpStatusCode"], output["rule"]["State"]]

# A schedule that is due at once, and goes with that.
due, due_arn = queue("due")
now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 2))
window = {"Mode": "OFF"}
scheduler.create_schedule(
    Name="once",
    ScheduleExpression=f"at({now})",
    FlexibleTimeWindow=window,
    ActionAfterCompletion="DELETE",
    Target={"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "RoleArn": ROLE, "Input": json.dumps({"QueueUrl": due, "MessageBody": '{"due": true}'})},
)
scheduler.create_schedule(
    Name="hourly", ScheduleExpression="rate(1 hours)", FlexibleTimeWindow=window, Target={"Arn": due_arn, "RoleArn": ROLE}, ClientToken=str(uuid.uuid4())
)
seen["schedules"] = [schedule["Name"] for schedule in scheduler.list_schedules(GroupName="default")["Schedules"]]
seen["due"] = received(due)
try:
    scheduler.get_schedule(Name="once")
except scheduler.exceptions.ResourceNotFoundException as error:
    seen["gone"] = str(error).split(": ")[-1]
scheduler.delete_schedule(Name="hourly")
try:
    events.put_rule(Name="bad", EventPattern='{"source": "app"}')
except events.exceptions.InvalidEventPatternException as error:
    seen["bad"] = str(error).split("Reason: ")[-1]

print(json.dumps(seen))
