#!/usr/bin/env python3
"""A Distributed Map from a CSV file in S3 through batches to result files in S3: time, memory, and what is on the disk.

    cargo build --release
    tests/tools/.venv/bin/python tests/bench/objects.py [--lines 1000000] [--batch 1000] [--function] [--kill] [--in-memory] [--profile release]

A batch is summed by a Pass state, or with `--function` by a function behind a Lambda Invoke API of this program. `--kill` ends the
stack as `kill -9` does in the middle, starts it again, and counts that time too. The result is checked: every line once.
"""
import argparse
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import boto3
from botocore.config import Config

from local_stack import TARGET

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e" / "objects"))

from batches import batches_done, definition, results


class Stack:
    """The stack on a directory, and the most memory that its processes had."""

    def __init__(self, folder, options, profile):
        self.folder, self.options, self.program = folder, options, TARGET / profile / "local-stack"
        self.most_memory = 0
        self.start()

    def start(self):
        began = time.monotonic()
        place = ["--in-memory", "--token-file", f"{self.folder}/token"] if self.options.in_memory else ["--data-dir", self.folder]
        if self.options.function:
            place += ["--lambda-endpoint", self.options.function]
        arguments = [self.program, "--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0", *place]
        self.process = subprocess.Popen(arguments, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in self.process.stdout:
            if "AWS" in line and "http://" in line:
                url = "http://" + line.split("http://")[1].split()[0]
                break
        self.started_in = time.monotonic() - began
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        threading.Thread(target=self.watch, args=(self.process,), daemon=True).start()
        arguments = {"endpoint_url": url, "region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}), **arguments)
        self.states = boto3.client("stepfunctions", config=Config(read_timeout=300), **arguments)

    def watch(self, process):
        """Looks at the resident memory ten times a second."""
        while process.poll() is None:
            self.most_memory = max(self.most_memory, self.memory())
            time.sleep(0.1)

    def memory(self):
        try:
            pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except OSError:
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.start()


def write_lines(path, count):
    with open(path, "w") as file:
        file.write("id,name,email\n")
        file.writelines(f'{number},"Person, {number}",p{number}@example.com\n' for number in range(count))


OUTPUT = {"lines": "{% $count($states.input.Items) %}", "sum": "{% $sum($states.input.Items.id.$number()) %}"}
PASS = {"Type": "Pass", "Output": OUTPUT}
TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Arguments": {"FunctionName": "sum", "Payload": "{% $states.input %}"},
    "Output": "{% $states.result.Payload %}",
    # The function is called again for a batch whose result a kill has lost.
    "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}],
}


class Function(http.server.BaseHTTPRequestHandler):
    """A Lambda Invoke API with one function."""

    protocol_version = "HTTP/1.1"
    calls = 0

    def do_POST(self):
        items = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["Items"]
        answer = json.dumps({"lines": len(items), "sum": sum(int(item["id"]) for item in items)}).encode()
        Function.calls += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, address):
        """A stack that is killed leaves its connections: no fault."""


def serve_function():
    """The address of the function's API."""
    server = Server(("127.0.0.1", 0), Function)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--function", action="store_true")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--in-memory", action="store_true")
    parser.add_argument("--profile", default="release")
    options = parser.parse_args()
    step = TASK if options.function else PASS
    options.function = options.function and serve_function()
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder, "data")
        stack = Stack(str(data) if not options.in_memory else folder, options, options.profile)
        idle = stack.memory()
        file = pathlib.Path(folder, "lines.csv")
        write_lines(file, options.lines)
        began = time.monotonic()
        stack.s3.create_bucket(Bucket="bench")
        stack.s3.upload_file(str(file), "bench", "lines.csv")
        uploaded = time.monotonic() - began
        role = "arn:aws:iam::123456789012:role/bench"
        machine = definition("bench", "lines.csv", options.batch, step)
        machine = stack.states.create_state_machine(name="bench", definition=json.dumps(machine), roleArn=role)
        began = time.monotonic()
        execution = stack.states.start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")["executionArn"]
        if options.kill:
            while (count := batches_done(stack.states, execution)) < options.lines // options.batch // 3:
                time.sleep(0.05)
            print(f"killed after {count} batches", flush=True)
            stack.kill()
        while (ended := stack.states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            time.sleep(0.05)
        took = time.monotonic() - began
        assert ended["status"] == "SUCCEEDED", ended
        expected = (options.lines, options.lines * (options.lines - 1) // 2)
        batches = list(results(stack.s3, "bench", json.loads(ended["output"])))
        assert tuple(sum(batch[name] for batch in batches) for name in ("lines", "sum")) == expected
        if options.function:
            print(f"the function was called {Function.calls} times")
        print(f"{options.lines} lines ({file.stat().st_size / 1e6:.1f} MB) in batches of {options.batch}: every line once")
        print(f"upload {uploaded:.1f} s, execution {took:.1f} s, {options.lines / took:.0f} lines/s")
        print(f"started in {stack.started_in * 1000:.0f} ms, memory {idle:.0f} MB idle, {stack.most_memory:.0f} MB at most")
        if data.exists():
            size = sum(one.stat().st_size for one in data.rglob("*") if one.is_file())
            print(f"{size / 1e6:.0f} MB on disk")
        stack.process.terminate()
        stack.process.wait()


if __name__ == "__main__":
    main()
