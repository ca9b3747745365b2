#!/usr/bin/env python3
"""Sizes, cold starts and memory of the Lambda functions, as a table of Markdown.

    cargo lambda build --release --arm64 --package api --package workflow-tasks    # what is weighed
    cargo build --profile lambda --target-dir target/timed --package api --package workflow-tasks    # what is timed, on this machine
    cargo build --release    # the local stack
    tests/bench/functions.py [--draws N]

This program is the Lambda service: it answers the Invoke API, starts a function's process when it is first called, and
speaks the runtime API with it. The local stack runs draws among ten people through it. All processes are ended after each
draw, so that every figure is of a cold start: `init` is the time from the spawn until the function asks for its first
event, `first answer` the time until it has handled one (its calls of the stack included), `memory` the most that was
resident until then. The figures are medians.
"""
import argparse
import http.server
import io
import json
import os
import pathlib
import queue
import statistics
import subprocess
import tempfile
import threading
import time
import zipfile

from local_stack import ROOT, TARGET, LocalStack, call

TASKS = [source.stem for source in sorted((ROOT / "workflow-tasks/src/bin").glob("*.rs"))]
FUNCTIONS = ["api", *TASKS]
# The public key of RFC 8037, appendix A: the API does not start without one.
KEYS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "EdDSA", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
PEOPLE = [{"participant_id": f"{n:03}", "name": f"Person {n}", "email": f"p{n}@example.com"} for n in range(10)]


class Function:
    """One function: its process, and what has been seen of its starts."""

    def __init__(self, name, url, environment):
        self.name, self.url, self.environment = name, url, environment
        # Each process has a queue of its own: what waits on behalf of an ended one takes no event of the next.
        self.queues, self.answers = [], {}
        self.lock = threading.Lock()
        self.process, self.is_first = None, False
        self.inits, self.firsts, self.memory = [], [], []

    def invoke(self, payload):
        """Hands over an event and waits for `(what became of it, the answer)`."""
        with self.lock:
            if self.process is None:
                runtime = {"AWS_LAMBDA_RUNTIME_API": f"{self.url}/rt/{self.name}/{len(self.queues)}",
                           "AWS_LAMBDA_FUNCTION_NAME": self.name}
                self.queues.append(queue.Queue())
                self.spawned, self.is_first = time.perf_counter(), True
                self.process = subprocess.Popen([TARGET / "timed/lambda" / self.name], env=self.environment | runtime,
                                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        request, answer = os.urandom(8).hex(), queue.Queue()
        self.answers[request] = answer
        self.queues[-1].put((request, payload))
        return answer.get(timeout=60)

    def next_event(self, number):
        """Waits for an event for the process of this number; none when it has been ended."""
        if self.is_first and len(self.inits) == len(self.firsts):
            self.inits.append(time.perf_counter() - self.spawned)
        return self.queues[number].get()

    def answered(self, request, outcome):
        if self.is_first:
            self.firsts.append(time.perf_counter() - self.spawned)
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            self.memory.append(int(status.split("VmHWM:")[1].split()[0]) / 1024)
            self.is_first = False
        self.answers.pop(request).put(outcome)

    def end(self):
        with self.lock:
            if self.process is not None:
                self.process.kill()
                self.process.wait()
                self.process = None
                self.queues[-1].put(None)


class Lambda(http.server.BaseHTTPRequestHandler):
    """`/2015-03-31/functions/NAME/invocations` is the Invoke API, `/rt/NAME/NUMBER/…` the runtime API of one process."""

    protocol_version = "HTTP/1.1"
    functions = {}

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", headers=()):
        try:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the process has been ended

    def do_GET(self):
        name, number = self.path.split("/")[2:4]
        function = self.functions[name]
        event = function.next_event(int(number))
        if event is None:
            self.close_connection = True
            return
        request, payload = event
        deadline = str(int((time.time() + 60) * 1000))
        self.reply(200, payload, [("Lambda-Runtime-Aws-Request-Id", request), ("Lambda-Runtime-Deadline-Ms", deadline),
                                  ("Lambda-Runtime-Invoked-Function-Arn", f"arn:aws:lambda:us-east-1:123456789012:function:{function.name}")])

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        parts = self.path.split("/")
        if parts[1] == "rt":
            self.reply(202, b"{}")
            self.functions[parts[2]].answered(parts[-2], (parts[-1], body))
            return
        outcome, answer = self.functions[parts[3]].invoke(body)
        self.reply(200, answer, [("X-Amz-Function-Error", "Unhandled")] if outcome == "error" else [])


def http_event(method, path):
    """What API Gateway's HTTP API hands to its function."""
    return json.dumps({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {"host": "localhost"},
        "requestContext": {"accountId": "123456789012", "apiId": "a", "domainName": "localhost", "domainPrefix": "a",
                           "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "a"},
                           "requestId": "a", "routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000",
                           "timeEpoch": 1767225600000},
        "isBase64Encoded": False}).encode()


def zipped_size(name):
    binary = TARGET / "lambda" / name / "bootstrap"
    if not binary.exists():
        return None
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(binary, "bootstrap")
    return len(archive.getvalue()) / 1e6


def run_draws(folder, draws):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lambda)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    stack = LocalStack(folder, "--lambda-endpoint", url)
    api, headers = stack.api, stack.headers
    try:
        secret = pathlib.Path(folder, "secret")
        secret.write_text("a secret of the benchmark")
        chain = json.dumps(call(stack.aws, "GET", "/info"))
        environment = {
            "AWS_ENDPOINT_URL": f"http://{stack.aws}", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "LOTTERY_TABLE": "Lottery", "CONTACTS_TABLE": "Contacts", "PUBLIC_URL": "https://lottery.example",
            "ORGANISER_KEY_FILE": str(secret), "BEACON_CHAIN": chain, "BEACON_MARGIN_SECONDS": "1",
            "BEACON_RELAYS": f"http://{stack.aws}", "TOKEN_ISSUER": "https://issuer.example", "TOKEN_AUDIENCE": "lottery",
            "JWKS": json.dumps(KEYS), "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:lottery",
        }
        for name in FUNCTIONS:
            Lambda.functions[name] = Function(name, url, environment)
        for number in range(draws):
            lottery = f"/lotteries/bench-{number}"
            call(api, "POST", "/lotteries", {"id": f"bench-{number}", "name": "Bench"}, headers)
            call(api, "POST", f"{lottery}/participants", PEOPLE, headers)
            draw = call(api, "POST", f"{lottery}/draws", {"winners": 2, "channels": ["sms", "email"]}, headers)["draw_id"]
            while (status := call(api, "GET", f"{lottery}/draws/{draw}")["status"]) not in ("SUCCEEDED", "INCOMPLETE"):
                assert status not in ("REJECTED", "FAILED", "ABANDONED"), status
                time.sleep(0.05)
            # What a draw that goes well does not call answers to the ended draw, or refuses it.
            event = json.dumps({"lottery_id": f"bench-{number}", "draw_id": draw, "recipients": []}).encode()
            for name in TASKS:
                if len(Lambda.functions[name].firsts) == number:
                    Lambda.functions[name].invoke(event)
            Lambda.functions["api"].invoke(http_event("GET", f"{lottery}/draws"))
            for function in Lambda.functions.values():
                function.end()
    finally:
        for function in Lambda.functions.values():
            function.end()
        stack.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=10)
    with tempfile.TemporaryDirectory() as folder:
        run_draws(folder, parser.parse_args().draws)
    print("| function | zipped, arm64 | init | first answer | memory |\n| --- | --: | --: | --: | --: |")
    for name, function in Lambda.functions.items():
        size = zipped_size(name)
        milliseconds = [f"{statistics.median(values) * 1000:.0f} ms" for values in (function.inits, function.firsts)]
        print(f"| `{name}` | {'not built' if size is None else f'{size:.2f} MB'} | {' | '.join(milliseconds)} "
              f"| {statistics.median(function.memory):.0f} MB |")


if __name__ == "__main__":
    main()
