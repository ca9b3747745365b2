"""Events for a function that does not answer yet: put before the stack is killed, delivered after."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:work"


def put():
    events, sqs = boto3.client("events"), boto3.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    dead = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="patient", EventPattern='{"source": ["patient"]}')
    events.put_targets(Rule="patient", Targets=[{"Id": "1", "Arn": FUNCTION}])
    events.put_rule(Name="hasty", EventPattern='{"source": ["hasty"]}')
    target = {"Id": "1", "Arn": FUNCTION, "DeadLetterConfig": {"Arn": dead}, "RetryPolicy": {"MaximumRetryAttempts": 1}}
    events.put_targets(Rule="hasty", Targets=[target])
    entries = [{"Source": source, "DetailType": "t", "Detail": '{"n": 1}'} for source in ("hasty", "patient")]
    assert events.put_events(Entries=entries)["FailedEntryCount"] == 0
    letter = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"][0]
    attributes = {name: attribute["StringValue"] for name, attribute in letter["MessageAttributes"].items()}
    assert json.loads(letter["Body"])["source"] == "hasty", letter
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts", attributes
    assert attributes["RETRY_ATTEMPTS"] == "1" and attributes["RULE_ARN"].endswith(":rule/hasty"), attributes


def receive(port):
    invoked, arrived = [], threading.Event()

    class Function(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")
            if self.path.endswith("/functions/work/invocations"):
                invoked.append(json.loads(body)["source"])
                arrived.set()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Function)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert arrived.wait(60)
    print(json.dumps(invoked))


put() if sys.argv[1] == "put" else receive(int(sys.argv[2]))
