"""Queues of a stack that is killed: `work` sends, receives and deletes until nobody answers, and writes down what was acknowledged;
`check` looks in the end for what must be there and what must not. The second argument is the file of notes."""

import collections
import json
import sys
import threading

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

MOST_RECEIVES = 2
GROUPS = ("a", "b")
# Enough for something to be under way in each queue.
ENOUGH = 60

# A call that is not answered has an unknown end, which a retry would hide.
once = Config(retries={"total_max_attempts": 1}, read_timeout=30)
sqs, states = boto3.client("sqs", config=once), boto3.client("stepfunctions", config=once)


class Notes:
    """What happened, in order, also before the last kill."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "a+")
        self.file.seek(0)
        self.all = [json.loads(line) for line in self.file]

    def note(self, *what):
        with self.lock:
            self.all.append(list(what))
            self.file.write(json.dumps(what) + "\n")
            self.file.flush()

    def of(self, kind, queue):
        return [rest for one, where, *rest in self.all if (one, where) == (kind, queue)]


def url(queue):
    return sqs.get_queue_url(QueueName=queue)["QueueUrl"]


def receive(queue, wait=1, most=1, **more):
    answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=wait, MaxNumberOfMessages=most, **more)
    return answer.get("Messages", [])


def make(notes):
    def arn(queue):
        return sqs.get_queue_attributes(QueueUrl=url(queue), AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    short = {"VisibilityTimeout": "1"}
    for name in ("jobs", "dead", "tasks"):
        sqs.create_queue(QueueName=name, Attributes=short)
    policy = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": MOST_RECEIVES})
    sqs.create_queue(QueueName="poison", Attributes={"VisibilityTimeout": "0", "RedrivePolicy": policy})
    sqs.create_queue(QueueName="o.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true", **short})
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
    task["Parameters"] = {"QueueUrl": url("tasks"), "MessageBody": {"token.$": "$$.Task.Token"}}
    definition = json.dumps({"StartAt": "Ask", "States": {"Ask": task}})
    machine = states.create_state_machine(name="ask", definition=definition, roleArn="arn:aws:iam::123456789012:role/r")
    for name in ("taken", "waiting"):
        states.start_execution(stateMachineArn=machine["stateMachineArn"], name=name)
        if name == "taken":
            [message] = receive(url("tasks"), 20)
            sqs.delete_message(QueueUrl=url("tasks"), ReceiptHandle=message["ReceiptHandle"])
            notes.note("token", "tasks", json.loads(message["Body"])["token"])


def send_jobs(notes, name):
    queue, number = url("jobs"), len(notes.of("try", "jobs"))
    while True:
        body = f"{name}-{number}"
        notes.note("try", "jobs", body)
        sqs.send_message(QueueUrl=queue, MessageBody=body)
        notes.note("sent", "jobs", body)
        number += 1


def work_jobs(notes):
    queue = url("jobs")
    while True:
        for message in receive(queue):
            # Some are left for later.
            if message["Body"].endswith(("3", "7")):
                continue
            notes.note("deleting", "jobs", message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            notes.note("deleted", "jobs", message["Body"])


def send_in_order(notes, group):
    """A number that was not acknowledged is sent again, and is there once, for its deduplication id is the same."""
    queue, number = url("o.fifo"), sum(one == group for one, _ in notes.of("sent", "o.fifo"))
    while True:
        sqs.send_message(QueueUrl=queue, MessageBody=f"{group} {number}", MessageGroupId=group)
        notes.note("sent", "o.fifo", group, number)
        number += 1


def work_in_order(notes):
    queue = url("o.fifo")
    while True:
        for message in receive(queue):
            notes.note("got", "o.fifo", message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            notes.note("deleted", "o.fifo", message["Body"])


def poison(notes):
    queue, number = url("poison"), len(notes.of("try", "poison"))
    while True:
        body = f"p{number}"
        notes.note("try", "poison", body)
        sqs.send_message(QueueUrl=queue, MessageBody=body)
        notes.note("sent", "poison", body)
        number += 1
        for message in receive(queue, 0):
            notes.note("got", "poison", message["Body"])


def work(notes):
    if not notes.all:
        make(notes)
    before = len(notes.all)
    jobs = [(send_jobs, "one"), (send_jobs, "two"), (work_jobs,), (work_jobs,), (work_in_order,), (poison,)]
    jobs += [(send_in_order, group) for group in GROUPS]

    def until_the_end(job, *arguments):
        try:
            job(notes, *arguments)
        except BotoCoreError:
            return

    threads = [threading.Thread(target=until_the_end, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    kinds = {("sent", "jobs"), ("deleted", "jobs"), ("sent", "o.fifo"), ("deleted", "o.fifo"), ("got", "poison")}
    while True:
        with notes.lock:
            recent = collections.Counter(tuple(one[:2]) for one in notes.all[before:])
        if all(recent[kind] >= ENOUGH // 4 for kind in kinds) and sum(recent.values()) >= ENOUGH * 4:
            break
        threads[0].join(0.01)
        assert any(thread.is_alive() for thread in threads), notes.all[-20:]
    print('"going"', flush=True)
    for thread in threads:
        thread.join()
    print('"ended"', flush=True)


def drain(queue, delete=True):
    """All that is there, until a receipt finds nothing although all visibility timeouts are over."""
    while messages := receive(queue, 3, 10):
        for message in messages:
            if delete:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            yield message["Body"]


def check(notes):
    def bodies(kind, queue):
        return {body for body, *_ in notes.of(kind, queue)}

    left = collections.Counter(drain(url("jobs")))
    assert max(left.values()) == 1, left.most_common(3)
    must = bodies("sent", "jobs") - bodies("deleting", "jobs")
    may = bodies("try", "jobs") - bodies("deleted", "jobs")
    assert must <= left.keys() <= may, (sorted(must - left.keys()), sorted(left.keys() - may))

    rest = list(drain(url("o.fifo")))
    got = [body for body, *_ in notes.of("got", "o.fifo")] + rest
    for group in GROUPS:
        numbers = [int(body.split()[1]) for body in got if body.startswith(group)]
        # What was received and not deleted comes again, and nothing before it.
        assert all(later - number in (0, 1) for number, later in zip(numbers, numbers[1:])), numbers
        acknowledged = max(number for one, number in notes.of("sent", "o.fifo") if one == group)
        assert numbers[0] == 0 and numbers[-1] in (acknowledged, acknowledged + 1), (numbers[-1], acknowledged)
    gone = set()
    for kind, queue, *what in notes.all:
        assert (kind, queue) != ("got", "o.fifo") or what[0] not in gone, what
        if (kind, queue) == ("deleted", "o.fifo"):
            gone.add(what[0])
    assert not gone & set(rest), gone & set(rest)

    receipts = collections.Counter(body for body, *_ in notes.of("got", "poison"))
    receipts.update(drain(url("poison"), delete=False))
    assert max(receipts.values()) <= MOST_RECEIVES, receipts.most_common(3)
    dead = collections.Counter(drain(url("dead")))
    assert max(dead.values()) == 1, dead.most_common(3)
    assert bodies("sent", "poison") <= dead.keys() <= bodies("try", "poison")

    [[token]] = notes.of("token", "tasks")
    states.send_task_success(taskToken=token, output='"taken"')
    [body] = drain(url("tasks"))
    states.send_task_success(taskToken=json.loads(body)["token"], output='"waiting"')
    machine = states.list_state_machines()["stateMachines"]
    arn = next(one["stateMachineArn"] for one in machine if one["name"] == "ask")
    for execution in states.list_executions(stateMachineArn=arn)["executions"]:
        while (ended := states.describe_execution(executionArn=execution["executionArn"]))["status"] == "RUNNING":
            pass
        assert json.loads(ended["output"]) == ended["name"], ended
    print(json.dumps({"left": len(left), "in_order": len(got), "dead": len(dead)}))


notes = Notes(sys.argv[2])
work(notes) if sys.argv[1] == "work" else check(notes)
