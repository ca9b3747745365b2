import json
import time

import boto3

states, tables, sns = boto3.client("stepfunctions"), boto3.client("dynamodb"), boto3.client("sns")
seen = {}

machines = states.list_state_machines()["stateMachines"]
seen["machines"] = [machine["name"] for machine in machines]
lottery = next(machine for machine in machines if machine["name"] == "lottery")
machine = states.describe_state_machine(stateMachineArn=lottery["stateMachineArn"])
seen["start_at"] = json.loads(machine["definition"])["StartAt"]

execution = states.start_execution(
    stateMachineArn=machine["stateMachineArn"],
    name="from-boto3",
    input=json.dumps({"lottery_id": "party", "draw_id": "nobody-made-it"}),
)["executionArn"]
while (described := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
    time.sleep(0.05)
seen["status"], seen["error"] = described["status"], described.get("error")

events = states.get_execution_history(executionArn=execution)["events"]
seen["first_and_last_event"] = [events[0]["type"], events[-1]["type"]]
paged, page = [], {"nextToken": None}
while "nextToken" in page:
    following = {"nextToken": page["nextToken"]} if page["nextToken"] else {}
    page = states.get_execution_history(executionArn=execution, maxResults=2, reverseOrder=True, **following)
    paged += page["events"]
seen["pages"] = "the same events" if paged[::-1] == events else "other events"
assert states.list_executions(stateMachineArn=machine["stateMachineArn"], statusFilter="FAILED")["executions"]

try:
    states.describe_execution(executionArn=execution + "-not")
except states.exceptions.ExecutionDoesNotExist as error:
    seen["not_found"] = error.response["Error"]["Code"]

seen["tables"] = tables.list_tables()["TableNames"]
seen["items"] = sum(
    page["Count"] for table in seen["tables"] for page in tables.get_paginator("scan").paginate(TableName=table)
)

topic = sns.create_topic(Name="from-boto3")["TopicArn"]
subscription = sns.subscribe(
    TopicArn=topic,
    Protocol="email",
    Endpoint="someone@example.com",
    Attributes={"FilterPolicy": json.dumps({"audience": ["everyone"]})},
    ReturnSubscriptionArn=True,
)["SubscriptionArn"]
assert sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["PendingConfirmation"] == "false"
audience = {"audience": {"DataType": "String", "StringValue": "everyone"}}
sns.publish(TopicArn=topic, Message="hello, topic", Subject="Hello", MessageAttributes=audience)
sns.publish(TopicArn=topic, Message="to nobody")
sns.publish(PhoneNumber="+12025550100", Message="hello, phone")
assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1
sns.unsubscribe(SubscriptionArn=subscription)
sns.delete_topic(TopicArn=topic)

print(json.dumps(seen))
