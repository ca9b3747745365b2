#!/usr/bin/env python3
"""What it costs the server that many people watch one draw, as a table of Markdown.

    cargo build --release --package local-stack
    tests/bench/watchers.py [--watchers N] [--winners N]

A draw among a fifth more people than it has winners runs twice: unwatched, and followed by HTTP clients that ask as the
page's `follow.js` does. CPU is the stack's alone, from `/proc`; the clients share the machine with it. Each watcher must
see every event, in order.
"""
import argparse
import datetime
import http.client
import tempfile
import threading
import time

from local_stack import LocalStack, call

ENDED = ("SUCCEEDED", "INCOMPLETE", "REJECTED", "FAILED", "ABANDONED")


class Watcher(threading.Thread):
    """Follows a draw to its last event."""

    def __init__(self, address, path):
        super().__init__()
        self.address, self.path = address, path
        self.ids, self.calls, self.refused, self.bytes = [], 0, 0, 0

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        while True:
            headers = {"Accept": "text/event-stream"}
            if self.ids:
                headers["Last-Event-ID"] = str(self.ids[-1])
            connection.request("GET", self.path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            self.calls += 1
            self.bytes += len(body)
            if response.status == 204:
                self.ended = time.perf_counter()
                return
            self.refused += response.status == 429
            self.ids += [int(line[3:]) for line in body.split(b"\n") if line.startswith(b"id:")]
            time.sleep(0.2)


def run_draw(stack, name, winners, watchers):
    """Runs one draw and gives how long it took, the stack's CPU, and its watchers."""
    lottery = f"/lotteries/{name}"
    call(stack.api, "POST", "/lotteries", {"id": name, "name": name}, stack.headers)
    people = [{"participant_id": f"p{n}", "name": f"Person {n}", "phone": f"+1202{5_000_000 + n}"}
              for n in range(winners * 6 // 5)]
    call(stack.api, "POST", f"{lottery}/participants", people, stack.headers)
    # Time for all to be there before anything happens.
    closes_at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
    body = {"winners": winners, "closes_at": closes_at.isoformat()}
    began = stack.cpu_seconds()
    draw = call(stack.api, "POST", f"{lottery}/draws", body, stack.headers)["draw_id"]
    threads = [Watcher(stack.api, f"{lottery}/draws/{draw}/events") for _ in range(watchers)]
    for thread in threads:
        thread.start()
    time.sleep((closes_at - datetime.datetime.now(datetime.timezone.utc)).total_seconds())
    closed = time.perf_counter()
    while (status := call(stack.api, "GET", f"{lottery}/draws/{draw}")["status"]) not in ENDED:
        time.sleep(0.1)
    ended = time.perf_counter()
    assert status == "SUCCEEDED", status
    for thread in threads:
        thread.join()
        assert thread.ids == list(range(1, len(thread.ids) + 1)) == list(range(1, len(threads[0].ids) + 1))
    return ended, ended - closed, stack.cpu_seconds() - began, threads


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--winners", type=int, default=1000)
    arguments = parser.parse_args()
    if arguments.watchers < 1 or arguments.winners < 1:
        parser.error("a draw has one winner and one watcher at least")
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(folder)
        try:
            _, quiet, quiet_cpu, _ = run_draw(stack, "unwatched", arguments.winners, 0)
            ended, watched, watched_cpu, threads = run_draw(stack, "watched", arguments.winners, arguments.watchers)
        finally:
            stack.stop()
    calls, size = sum(thread.calls for thread in threads), sum(thread.bytes for thread in threads)
    last = max(thread.ended for thread in threads) - ended
    refused = sum(thread.refused for thread in threads)
    print(f"| | no watcher | {arguments.watchers} watchers |\n| --- | ---: | ---: |")
    print(f"| the draw takes, from its closing time | {quiet:.1f} s | {watched:.1f} s |")
    print(f"| CPU of the whole stack | {quiet_cpu:.2f} s | {watched_cpu:.2f} s |")
    print(f"| of that for a watcher | | {(watched_cpu - quiet_cpu) / len(threads) * 1000:.1f} ms |")
    print(f"| calls, and those refused by the rate limit | 0 | {calls:,}, {refused} |")
    print(f"| sent to a watcher: events, kB | | {len(threads[0].ids)}, {size / len(threads) / 1000:.0f} |")
    print(f"| the last watcher has all events after | | {last:.1f} s |")


if __name__ == "__main__":
    main()
