"""The work of two state machines, wherever they run: the same as src/worker.rs. It needs boto3 and nothing else.

ACTIVITY_ARN, ORDERS_URL and APPROVALS_URL say where its work is, and the variables of the AWS SDK on which AWS.
"""

import json
import os
import sys
import threading

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

# How many cents an order may cost without a refusal by the approver.
APPROVED_UP_TO = 100_000

# Longer than Step Functions holds the line.
sfn = boto3.client("stepfunctions", config=Config(read_timeout=65))
sqs = boto3.client("sqs")


class OrderInvalid(Exception):
    pass


def price(order):
    """The total of an order's lines, in cents."""
    if not isinstance(order, dict) or not isinstance(order.get("lines"), list):
        raise OrderInvalid("an order has lines")
    total = 0
    for line in order["lines"]:
        for name in ("price", "count"):
            number = line.get(name) if isinstance(line, dict) else None
            if type(number) is not int or number < 0:
                raise OrderInvalid(f"{name} is not a whole number from 0")
        total += line["price"] * line["count"]
    return {"total": total, "worker": "python"}


def respond(token, result):
    """Completes the task. One that has timed out, or has been completed by another, takes no answer."""
    try:
        if isinstance(result, OrderInvalid):
            sfn.send_task_failure(taskToken=token, error="OrderInvalid", cause=str(result))
        else:
            sfn.send_task_success(taskToken=token, output=json.dumps(result))
    except (ClientError, ParamValidationError) as error:
        print("the task takes no answer:", error, file=sys.stderr)


def serve_activity(arn):
    """Call, work, respond."""
    while True:
        task = sfn.get_activity_task(activityArn=arn, workerName="python")
        if not task.get("taskToken"):
            continue
        try:
            result = price(json.loads(task["input"]))
        except OrderInvalid as error:
            result = error
        respond(task["taskToken"], result)


def receive(queue):
    """The token and the text of each message of a queue, which is deleted once it has been dealt with."""
    while True:
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", []):
            try:
                body = json.loads(message["Body"])
                token, content = body["task_token"], body["content"]
            except (ValueError, TypeError, KeyError) as error:
                print("a message that is not one of ours:", error, file=sys.stderr)
            else:
                yield token, content
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def serve_orders(orders, approvals):
    """Call, work, delegate: the approver gets the token with the result, and this worker forgets both."""
    for token, order in receive(orders):
        try:
            request = {"task_token": token, "content": price(order)}
            sqs.send_message(QueueUrl=approvals, MessageBody=json.dumps(request))
        except OrderInvalid as error:
            respond(token, error)


def serve_approvals(approvals):
    """Respond, in the place of the worker that was called."""
    for token, priced in receive(approvals):
        if isinstance(priced, dict) and type(priced.get("total")) is int:
            respond(token, priced | {"approved": priced["total"] <= APPROVED_UP_TO})
        else:
            respond(token, OrderInvalid("an order without a total cannot be approved"))


def run(role, *arguments):
    """One role in a thread; if it fails, the whole worker ends."""
    try:
        role(*arguments)
    except Exception as error:
        print(f"{role.__name__}:", error, file=sys.stderr)
        os._exit(1)


if __name__ == "__main__":
    activity, orders, approvals = (os.environ[name] for name in ("ACTIVITY_ARN", "ORDERS_URL", "APPROVALS_URL"))
    threads = [
        threading.Thread(target=run, args=arguments)
        for arguments in ((serve_activity, activity), (serve_orders, orders, approvals), (serve_approvals, approvals))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
