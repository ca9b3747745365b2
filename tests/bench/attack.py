#!/usr/bin/env python3
"""What the local stack does for its organiser while it is attacked, as a table of Markdown.

    cargo build --release --package local-stack
    tests/bench/attack.py [--slow N] [--half N] [--readers N] [--seconds N]

Against a stack of its own on loopback, all at once: connections that send a byte a second of a request's head, on both
ports; requests whose large body stops half way; and clients that read the public pages as fast as they are answered. Meanwhile
one client asks for the health check and another starts draws. Every attacker ends with the time; whatever is
refused is counted. The clients share the machine with the stack.
"""
import argparse
import http.client
import json
import os
import pathlib
import resource
import selectors
import socket
import tempfile
import threading
import time

from local_stack import LocalStack, call

HALF = 15 * 1024 * 1024
READ = ("/lotteries", "/lotteries/party", "/lotteries/party/draws", "{draw}", "{draw}/proof", "{draw}/winners")


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


class Slow(threading.Thread):
    """Many connections that send a byte a second, and come again when they are closed."""

    def __init__(self, targets, count, until):
        super().__init__(daemon=True)
        self.targets, self.count, self.until, self.closed = targets, count, until, 0

    def run(self):
        sockets = [self.open(index) for index in range(self.count)]
        while time.monotonic() < self.until:
            began = time.monotonic()
            for index, one in enumerate(sockets):
                try:
                    one.send(b"x")
                    if index % 50 == 0:
                        time.sleep(0)
                except OSError:
                    self.closed += 1
                    one.close()
                    sockets[index] = self.open(index)
            time.sleep(max(0.0, 1 - (time.monotonic() - began)))
        for one in sockets:
            one.close()

    def open(self, index):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(self.targets[index % len(self.targets)])
        try:
            one.send(b"GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ")
        except OSError:
            pass
        return one


class Half(threading.Thread):
    """Requests to the AWS port whose body stops half way."""

    def __init__(self, target, count, until):
        super().__init__(daemon=True)
        self.target, self.count, self.until, self.sent, self.ended = target, count, until, 0, 0

    def run(self):
        selector = selectors.DefaultSelector()
        for _ in range(self.count):
            self.begin(selector)
        piece = bytes(64 * 1024)
        while time.monotonic() < self.until:
            for key, _ in selector.select(0.2):
                one, left = key.fileobj, key.data
                try:
                    if left[0] > 0:
                        sent = one.send(piece[:left[0]])
                        left[0] -= sent
                        self.sent += sent
                    if left[0] == 0:
                        selector.modify(one, selectors.EVENT_READ, [-1])
                    elif left[0] < 0 and not one.recv(4096):
                        raise OSError
                except OSError:
                    selector.unregister(one)
                    one.close()
                    self.ended += 1
                    self.begin(selector)
        for key in list(selector.get_map().values()):
            key.fileobj.close()

    def begin(self, selector):
        one = socket.create_connection(self.target)
        head = f"POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: {HALF}\r\n\r\n"
        one.sendall(head.encode())
        one.setblocking(False)
        selector.register(one, selectors.EVENT_WRITE, [HALF // 2])


class Readers(threading.Thread):
    """A share of the readers of public pages, each on a connection of its own, in a closed loop."""

    def __init__(self, target, count, paths, until):
        super().__init__(daemon=True)
        self.target, self.count, self.until = target, count, until
        self.requests = [f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode() for path in paths]
        self.statuses = {}

    def run(self):
        selector = selectors.DefaultSelector()
        for index in range(self.count):
            self.begin(selector, index)
        while time.monotonic() < self.until:
            for key, _ in selector.select(0.2):
                state = key.data
                try:
                    state[1] += (piece := key.fileobj.recv(65536))
                    if not piece:
                        raise OSError
                    if (end := whole(state[1])) is not None:
                        status = int(state[1][9:12])
                        self.statuses[status] = self.statuses.get(status, 0) + 1
                        del state[1][:end]
                        state[0] += 1
                        key.fileobj.sendall(self.requests[state[0] % len(self.requests)])
                except OSError:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
                    self.begin(selector, state[0])
        for key in list(selector.get_map().values()):
            key.fileobj.close()

    def begin(self, selector, index):
        try:
            one = socket.create_connection(self.target, timeout=10)
            one.sendall(self.requests[index % len(self.requests)])
        except OSError:
            return
        selector.register(one, selectors.EVENT_READ, [index, bytearray()])


def whole(text):
    """Where the first answer ends, if all of it is there."""
    head = text.find(b"\r\n\r\n")
    if head < 0:
        return None
    lines = bytes(text[:head]).lower().split(b"\r\n")
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    end = head + 4 + length
    return end if len(text) >= end else None


def timed(target, method, path, headers, until, pause, body=None):
    """Calls until the time is over, each on a connection that is kept; gives the milliseconds and the statuses."""
    times, statuses, connection, number = [], {}, None, 0
    while time.monotonic() < until:
        number += 1
        began = time.perf_counter()
        try:
            connection = connection or http.client.HTTPConnection(target, timeout=30)
            connection.request(method, path, body and body(number), headers)
            response = connection.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException) as error:
            status, connection = type(error).__name__, None
        times.append((time.perf_counter() - began) * 1000)
        statuses[status] = statuses.get(status, 0) + 1
        time.sleep(pause)
    return sorted(times), statuses


def resident(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    field = lambda name: int(text.split(name + ":")[1].split()[0]) / 1024
    return field("VmRSS"), field("VmHWM")


def at(times, share):
    return times[min(len(times) - 1, int(len(times) * share))]


def prepare(stack):
    """Lotteries, one of which has been drawn; gives the paths that readers ask for."""
    for name in ("party", "busy"):
        call(stack.api, "POST", "/lotteries", {"id": name, "name": name}, stack.headers)
        people = [{"participant_id": f"p{n}", "name": f"Person {n}", "phone": f"+1202{5_000_000 + n}"} for n in range(100)]
        call(stack.api, "POST", f"/lotteries/{name}/participants", people, stack.headers)
    draw = call(stack.api, "POST", "/lotteries/party/draws", {"winners": 5}, stack.headers)["draw_id"]
    path = f"/lotteries/party/draws/{draw}"
    while call(stack.api, "GET", path)["status"] != "SUCCEEDED":
        time.sleep(0.05)
    return [template.replace("{draw}", path) for template in READ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", type=int, default=2000)
    parser.add_argument("--half", type=int, default=200)
    parser.add_argument("--readers", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--profile", default="release", choices=("release", "debug"))
    arguments = parser.parse_args()
    if not (0 <= arguments.slow <= 20_000 and 0 <= arguments.half <= 2_000 and 0 <= arguments.readers <= 5_000
            and 1 <= arguments.seconds <= 600):
        parser.error("at most 20000 slow connections, 2000 half bodies, 5000 readers, 600 seconds")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(folder, profile=arguments.profile)
        try:
            paths = prepare(stack)
            idle, _ = resident(stack.process.pid)
            until = time.monotonic() + arguments.seconds
            api, aws = address(stack.api), address(stack.aws)
            slow = Slow([api, aws], arguments.slow, until)
            half = Half(aws, arguments.half, until)
            shares = [arguments.readers // 2, arguments.readers - arguments.readers // 2]
            readers = [Readers(api, share, paths, until) for share in shares]
            for thread in (slow, half, *readers):
                thread.start()
            time.sleep(1)
            results = {}
            draw = lambda number: json.dumps({"winners": 1, "closes_at": "2027-06-01T00:00:00Z"})
            callers = [
                threading.Thread(target=lambda: results.update(
                    health=timed(stack.api, "GET", "/healthz", {}, until, 0.02))),
                threading.Thread(target=lambda: results.update(
                    draws=timed(stack.api, "POST", "/lotteries/busy/draws", stack.headers, until, 0.2, draw))),
            ]
            for caller in callers:
                caller.start()
            highest = 0.0
            while time.monotonic() < until:
                highest = max(highest, resident(stack.process.pid)[0])
                time.sleep(0.2)
            for thread in (*callers, slow, half, *readers):
                thread.join(60)
            after, _ = resident(stack.process.pid)
            descriptors = len(os.listdir(f"/proc/{stack.process.pid}/fd"))
        finally:
            stack.stop()
    reads = {}
    for share in readers:
        for status, count in share.statuses.items():
            reads[status] = reads.get(status, 0) + count
    print(f"{arguments.slow} slow connections, {arguments.half} half bodies, {arguments.readers} readers, "
          f"{arguments.seconds} s\n")
    print("| | calls | p50 | p99 | longest | answers |\n| --- | ---: | ---: | ---: | ---: | --- |")
    for name, label in (("health", "GET /healthz"), ("draws", "POST of a draw")):
        times, statuses = results[name]
        print(f"| {label} | {len(times)} | {at(times, 0.5):.0f} ms | {at(times, 0.99):.0f} ms | {times[-1]:.0f} ms | "
              f"{', '.join(f'{count} x {status}' for status, count in statuses.items())} |")
    print(f"\nPublic reads: {', '.join(f'{count:,} x {status}' for status, count in sorted(reads.items()))}. "
          f"Slow connections closed: {slow.closed:,}. Half bodies: {half.ended:,} ended, {half.sent / 2**20:,.0f} MiB sent. "
          f"Resident: {idle:.0f} MB before, {highest:.0f} MB at most, {after:.0f} MB after, "
          f"with {descriptors} descriptors.")


if __name__ == "__main__":
    main()
