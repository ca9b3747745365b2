"""A worker of an activity, written with boto3, in one of several patterns. What it does, it prints, a line of JSON each."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# GetActivityTask holds the line for a minute.
states = boto3.client("stepfunctions", config=Config(read_timeout=70))


def say(**what):
    print(json.dumps(what), flush=True)


def take(activity, worker):
    """Calls for tasks until there is one."""
    say(calls=worker)
    while True:
        task = states.get_activity_task(activityArn=activity, workerName=worker)
        if task.get("taskToken"):
            return task["taskToken"], json.loads(task["input"])


def attempt(call, **arguments):
    """What came of a call: its name, or the error that AWS names."""
    try:
        call(**arguments)
        return "accepted"
    except ClientError as error:
        return error.response["Error"]["Code"]


def respond(activity, worker):
    """Call, work, respond; and again."""
    while True:
        token, order = take(activity, worker)
        states.send_task_heartbeat(taskToken=token)
        if order["colour"] == "plaid":
            states.send_task_failure(taskToken=token, error="NoSuchPaint", cause="nobody mixes plaid")
        else:
            states.send_task_success(taskToken=token, output=json.dumps({**order, "by": worker}))
        say(worked=order)


def delegate(activity, worker):
    """Call, work, delegate: somebody else responds, to whom the token goes as an SMS."""
    token, order = take(activity, worker)
    boto3.client("sns").publish(PhoneNumber=order["painter"], Message=token)
    say(delegated=order["painter"])


def answer(token, *outputs):
    """Responds to a token from outside, once for each output."""
    say(answers=[attempt(states.send_task_success, taskToken=token, output=output) for output in outputs])


def slow(activity, worker):
    """Takes one task, and does with it what it reads, line by line."""
    token, order = take(activity, worker)
    say(took=order)
    for line in sys.stdin:
        if line.strip() == "heartbeat":
            say(heartbeat=attempt(states.send_task_heartbeat, taskToken=token))
        else:
            say(answer=attempt(states.send_task_success, taskToken=token, output=line))


pattern, *arguments = sys.argv[1:]
{"respond": respond, "delegate": delegate, "answer": answer, "slow": slow}[pattern](*arguments)
