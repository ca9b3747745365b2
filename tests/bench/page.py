#!/usr/bin/env python3
"""What the page takes where there is much to show, as a table of Markdown: in Chromium, without a graphics card.

    cargo build --release --package local-stack
    tests/bench/page.py [--executions N] [--entries N] [--names 300,5000,50000]

An execution of 25,000 events and a list of executions are opened, from the change of the address to the last row on the
screen. A proof is checked by a phone, which is Chromium with its processor slowed down six times. The stage rolls its names
for five seconds: frames of the compositor are counted by the browser's own trace.
"""
import argparse
import contextlib
import http.client
import json
import subprocess
import tempfile
import threading
import time

from local_stack import LocalStack, call

ROLE = "arn:aws:iam::123456789012:role/any"
ENDED = ("SUCCEEDED", "INCOMPLETE", "REJECTED", "FAILED", "ABANDONED")


class Browser:
    """Chromium by way of chromedriver."""

    def __init__(self, profile, width=1280, height=720):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in self.driver.stdout:
            if "successfully on port" in line:
                port = int(line.split("on port")[1].strip(" .\n"))
                break
        threading.Thread(target=self.driver.stdout.read, daemon=True).start()
        self.address = f"127.0.0.1:{port}"
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                            "--disable-background-networking", f"--window-size={width},{height}", f"--user-data-dir={profile}"],
                   "perfLoggingPrefs": {"traceCategories": "benchmark,disabled-by-default-devtools.timeline.frame"}}
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL"},
                                  "timeouts": {"script": 120_000}}}
        answer = self.post("/session", {"capabilities": wanted})
        self.session = f"/session/{answer['sessionId']}"

    def post(self, path, body):
        connection = http.client.HTTPConnection(self.address, timeout=180)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        value = json.loads(connection.getresponse().read())["value"]
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(f"{path}: {value}")
        return value

    def go(self, url):
        self.post(f"{self.session}/url", {"url": "about:blank"})
        self.post(f"{self.session}/url", {"url": url})

    def run(self, script):
        """The value that a script returns; it may await."""
        wrapped = f"const done = arguments[0]; (async () => {{ {script} }})().then(done, (error) => done({{ error: String(error.stack) }}));"
        value = self.post(f"{self.session}/execute/async", {"script": wrapped, "args": []})
        assert not (isinstance(value, dict) and "error" in value), value
        return value

    def devtools(self, command, parameters):
        self.post(f"{self.session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def until(self, condition):
        return self.run(f"while (!({condition})) await new Promise((go) => setTimeout(go, 5));")

    def timed(self, address, condition):
        """Milliseconds from the change of the address to the condition, drawn."""
        return self.run(f"""
            const began = performance.now();
            location.hash = {json.dumps(address)};
            while (!({condition})) await new Promise((go) => setTimeout(go, 2));
            await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
            return performance.now() - began;""")

    def frames(self, seconds):
        """Frames of these last seconds, as the compositor reports them: presented and dropped. The trace is read once."""
        log = self.post(f"{self.session}/se/log", {"type": "performance"})
        messages = [json.loads(entry["message"])["message"] for entry in log]
        events = [message["params"] for message in messages if message["method"] == "Tracing.dataCollected"]
        reports = [event for event in events if event.get("name") == "PipelineReporter" and event.get("ph") == "b"]
        end = max(event["ts"] for event in reports)
        trees = {}
        for event in reports:
            if event["ts"] > end - seconds * 1e6:
                report = event["args"]["frame_reporter"]
                tree = trees.setdefault((event["pid"], report["layer_tree_host_id"]), {})
                # A frame may have two reports: one of what the compositor moved, one of what the scripts drew.
                tree.setdefault(report["frame_sequence"], set()).add(report["state"])
        # The window's own frame is another tree, and follows the page's.
        frames = max(trees.values(), key=len).values()
        presented = sum(any(state.startswith("STATE_PRESENTED") for state in states) for states in frames)
        return presented, sum(states == {"STATE_DROPPED"} for states in frames)

    def press_space(self):
        keys = [{"type": "keyDown", "value": " "}, {"type": "keyUp", "value": " "}]
        self.post(f"{self.session}/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": keys}]})

    def heap_mb(self):
        return self.run("return performance.memory.usedJSHeapSize / 1e6")

    def close(self):
        self.post_delete(self.session)
        self.driver.terminate()
        self.driver.wait()

    def post_delete(self, path):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("DELETE", path)
        connection.getresponse().read()


@contextlib.contextmanager
def opened(**size):
    """A browser with an empty profile."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile, **size)
        try:
            yield browser
        finally:
            browser.close()


def sign_in(browser, stack):
    browser.go(f"http://{stack.api}/#/console")
    browser.until("document.querySelector('input[name=token]')")
    token = json.dumps(stack.headers["Authorization"].split()[1])
    browser.run(f"""
        const field = document.querySelector('input[name=token]');
        field.value = {token};
        field.dispatchEvent(new Event('input', {{ bubbles: true }}));
        document.querySelector('form button[type=submit]').click();""")
    browser.until("document.querySelector('form input[name=id]')")


def states(stack, action, body, connection=None):
    own = connection or http.client.HTTPConnection(stack.aws, timeout=120)
    own.request("POST", "/", json.dumps(body), {"X-Amz-Target": f"AWSStepFunctions.{action}", "Content-Type": "application/x-amz-json-1.0"})
    response = own.getresponse()
    content = response.read()
    assert response.status == 200, content
    return json.loads(content)


def machine(stack, name, definition):
    return states(stack, "CreateStateMachine", {"name": name, "definition": json.dumps(definition), "roleArn": ROLE})["stateMachineArn"]


def start_many(stack, arn, count):
    def some(first):
        connection = http.client.HTTPConnection(stack.aws, timeout=120)
        for number in range(first, count, 8):
            states(stack, "StartExecution", {"stateMachineArn": arn, "name": f"one-{number}"}, connection)
    threads = [threading.Thread(target=some, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def executions(folder, count):
    stack = LocalStack(folder, in_memory=False)
    try:
        look = {"StartAt": "Look", "States": {"Look": {"Type": "Choice", "Choices": [
            {"Variable": "$.bad", "BooleanEquals": True, "Next": "Fine"}], "Default": "Fine"}, "Fine": {"Type": "Pass", "End": True}}}
        each = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemsPath": "$.items", "End": True,
                                                       "ResultSelector": {"done": True}, "ItemProcessor": look}}}
        items = {"items": [{"bad": False}] * 4_160}
        states(stack, "StartExecution", {"stateMachineArn": machine(stack, "large", each), "name": "large-1", "input": json.dumps(items)})
        with opened() as browser:
            sign_in(browser, stack)
            browser.run("location.hash = '#/executions'")
            browser.until("document.querySelector('.executions [data-status=SUCCEEDED]')")
            large = browser.timed("#/executions/large-1", "/24,9|25,0/.test(document.querySelector('.facts')?.textContent ?? '')")
            heap = browser.heap_mb()
            print(f"| execution of 25,000 events, opened | {large:.0f} ms, {heap:.0f} MB |", flush=True)
            one = machine(stack, "one", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
            start_many(stack, one, count)
            browser.run("location.hash = '#/'")
            browser.until("!document.querySelector('.executions')")
            listed = browser.timed("#/executions?machine=one", "document.querySelectorAll('.executions [data-status=SUCCEEDED]').length > 10")
            print(f"| list of {count:,} executions, opened | {listed:.0f} ms |", flush=True)
    finally:
        stack.stop()


def drawn(stack, name, entries, **body):
    """A draw among so many people, once its winners are official."""
    lottery = f"/lotteries/{name}"
    call(stack.api, "POST", "/lotteries", {"id": name, "name": name}, stack.headers)
    connection = http.client.HTTPConnection(stack.api, timeout=300)
    people = "participant_id,name\n" + "".join(f"p{n},Person {n}\n" for n in range(entries))
    connection.request("POST", f"{lottery}/participants", people, stack.headers | {"Content-Type": "text/csv"})
    assert connection.getresponse().status == 200
    draw = call(stack.api, "POST", f"{lottery}/draws", body, stack.headers)["draw_id"]
    while call(stack.api, "GET", f"{lottery}/draws/{draw}")["status"] not in ENDED + ("RECORDED",):
        time.sleep(0.1)
    return f"{lottery}/draws/{draw}"


def proof(folder, entries):
    stack = LocalStack(folder)
    try:
        path = drawn(stack, "party", entries, winners=10, channels=[])
        with opened(width=390, height=844) as browser:
            browser.go(f"http://{stack.api}/#/")
            browser.until("document.querySelector('main h1')")
            browser.devtools("Emulation.setCPUThrottlingRate", {"rate": 6})
            took = browser.timed(f"#{path}/check", "document.querySelector('.verdict[data-verdict]:not([data-verdict=running])')")
            verdict = browser.run("return document.querySelector('.verdict').dataset.verdict")
            print(f"| proof of {entries:,} entries, checked on a phone ({verdict}) | {took / 1000:.1f} s |", flush=True)
    finally:
        stack.stop()


def stage(folder, names, seconds=5):
    """The motion of all names on the stage, before it stops on the winner."""
    stack = LocalStack(folder)
    try:
        path = drawn(stack, "party", names, winners=1, channels=[])
        with opened() as browser:
            sign_in(browser, stack)
            browser.run(f"location.hash = '#{path}/stage'")
            browser.until("document.querySelector('.stage-ready')")
            for phase in ("prize", "roll"):
                browser.press_space()
                browser.until(f"document.querySelector('.stage[data-phase={phase}]')")
            # The first second is not counted: the motion begins in it.
            time.sleep(seconds + 1)
            shown, dropped = browser.frames(seconds)
            print(f"| {names:,} names in motion | {shown / seconds:.0f} frames a second, {dropped} dropped, "
                  f"{browser.heap_mb():.0f} MB of JavaScript |", flush=True)
    finally:
        stack.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--names", default="300,5000,50000")
    arguments = parser.parse_args()
    print("| | |\n| --- | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        proof(folder, arguments.entries)
    for names in arguments.names.split(","):
        with tempfile.TemporaryDirectory() as folder:
            stage(folder, int(names))
    with tempfile.TemporaryDirectory() as folder:
        executions(folder, arguments.executions)


if __name__ == "__main__":
    main()
