import json
import threading
import time

import boto3

sqs, sns, states = boto3.client("sqs"), boto3.client("sns"), boto3.client("stepfunctions")
seen = {}


def arn_of(url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def drain(url, **options):
    """Receives and deletes until a queue is empty; boto3 compares the digests of bodies and attributes."""
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **options).get("Messages"):
        bodies += [message["Body"] for message in messages]
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]} for index, message in enumerate(messages)
        ]
        assert len(sqs.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == len(messages)
    return bodies


dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
policy = json.dumps({"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 1})
jobs = sqs.create_queue(QueueName="jobs", Attributes={"RedrivePolicy": policy})["QueueUrl"]
seen["url"] = jobs == sqs.get_queue_url(QueueName="jobs")["QueueUrl"] and jobs.startswith("http://127.0.0.1:")
attributes = {"kind": {"DataType": "String", "StringValue": "test"}, "raw": {"DataType": "Binary", "BinaryValue": b"\0\1"}}
sqs.send_message(QueueUrl=jobs, MessageBody="poison", MessageAttributes=attributes)
message = sqs.receive_message(QueueUrl=jobs, MessageAttributeNames=["All"], VisibilityTimeout=0)["Messages"][0]
seen["attributes"] = message["MessageAttributes"] == attributes
seen["after"] = drain(jobs)
seen["dead"] = drain(dead)
try:
    sqs.get_queue_url(QueueName="nowhere")
except sqs.exceptions.QueueDoesNotExist as error:
    seen["code"] = error.response["Error"]["Code"]

ordered = sqs.create_queue(QueueName="o.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
for number in range(25):
    sqs.send_message(QueueUrl=ordered, MessageBody=str(number), MessageGroupId="g")
sqs.send_message(QueueUrl=ordered, MessageBody="0", MessageGroupId="g")
seen["in_order"] = drain(ordered) == [str(number) for number in range(25)]

topic = sns.create_topic(Name="news")["TopicArn"]
raw = sqs.create_queue(QueueName="raw")["QueueUrl"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn_of(raw), Attributes={"RawMessageDelivery": "true"})
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn_of(jobs))
sns.publish(TopicArn=topic, Message="hello", Subject="Greeting")
seen["raw"] = drain(raw)
notification = json.loads(drain(jobs)[0])
seen["notification"] = [notification[name] for name in ("Type", "Subject", "Message", "TopicArn")][:3]


def work():
    """Answers one task, as a worker far away would: it polls, and reports with the token of the message."""
    message = sqs.receive_message(QueueUrl=jobs, WaitTimeSeconds=20)["Messages"][0]
    task = json.loads(message["Body"])
    states.send_task_success(taskToken=task["token"], output=json.dumps({"winner": task["entries"][0]}))
    sqs.delete_message(QueueUrl=jobs, ReceiptHandle=message["ReceiptHandle"])


worker = threading.Thread(target=work)
worker.start()
definition = {
    "StartAt": "Draw",
    "States": {
        "Draw": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "TimeoutSeconds": 60,
            "Parameters": {
                "QueueUrl": jobs,
                "MessageBody": {"entries.$": "$.entries", "token.$": "$$.Task.Token"},
            },
            "Next": "Announce",
        },
        "Announce": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sqs:sendMessage",
            "Parameters": {"QueueUrl": raw, "MessageBody.$": "$.winner"},
            "ResultPath": "$.sent",
            "Next": "Fail",
        },
        "Fail": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": jobs + "-not", "MessageBody": "x"},
            "Catch": [{"ErrorEquals": ["SQS.QueueDoesNotExistException"], "ResultPath": "$.error", "Next": "End"}],
            "Next": "End",
        },
        "End": {"Type": "Pass", "End": True},
    },
}
machine = states.create_state_machine(
    name="draw-by-queue", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/r"
)["stateMachineArn"]
execution = states.start_execution(stateMachineArn=machine, input=json.dumps({"entries": ["Ada", "Grace"]}))["executionArn"]
seen["announced"] = sqs.receive_message(QueueUrl=raw, WaitTimeSeconds=20)["Messages"][0]["Body"]
worker.join()
while (described := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
    time.sleep(0.02)
output = json.loads(described["output"])
seen["output"] = [sorted(output["sent"]), output["error"]["Error"]]

print(json.dumps(seen))
