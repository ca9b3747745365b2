#!/usr/bin/env python3
"""What it costs the server that many people watch one draw, as a table of Markdown.

    cargo build --release --package local-stack
    tests/bench/watchers.py [--watchers N] [--winners N]

A draw among a fifth more people than it has winners runs twice: unwatched, and followed by HTTP clients that ask as the
page's `follow.js` does: behind the last event, after the time that `retry` says, about, longer after a refusal. CPU is the
stack's alone, from `/proc`; the clients share the machine with it. Each watcher must see every event, in order.

Then ten clients read each public page of the draw again and again, as its readers do, and the table says what a read costs.
"""
import argparse
import datetime
import http.client
import random
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
        retry, attempt = 1.0, 0
        while True:
            last = self.ids[-1] if self.ids else 0
            connection.request("GET", f"{self.path}?after={last}", headers={"Accept": "text/event-stream"})
            response = connection.getresponse()
            body = response.read()
            self.calls += 1
            self.bytes += len(body)
            if response.status == 204:
                self.ended = time.perf_counter()
                return
            if response.status in (429, 503):
                self.refused += 1
                after = float(response.headers.get("Retry-After", 0))
                time.sleep(after + min(2 ** attempt, 30) * random.uniform(0.5, 1.5))
                attempt += 1
                continue
            assert response.status == 200, (response.status, body)
            attempt = 0
            for line in body.split(b"\n"):
                if line.startswith(b"id:"):
                    self.ids.append(int(line[3:]))
                if line.startswith(b"retry:"):
                    retry = int(line[6:]) / 1000
            time.sleep(retry * random.uniform(0.5, 1.5))


class Reader(threading.Thread):
    """Reads a page of the service again and again."""

    def __init__(self, address, path, count):
        super().__init__()
        self.address, self.path, self.count = address, path, count

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        for _ in range(self.count):
            connection.request("GET", self.path)
            response = connection.getresponse()
            response.read()
            assert response.status == 200, (self.path, response.status)


def read_again_and_again(stack, path, readers, count):
    """What one read of a page costs the stack, in milliseconds of CPU, and how many come through in a second."""
    call(stack.api, "GET", path)
    began, cpu = time.perf_counter(), stack.cpu_seconds()
    threads = [Reader(stack.api, path, count) for _ in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reads = readers * count
    return (stack.cpu_seconds() - cpu) / reads * 1000, reads / (time.perf_counter() - began)


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
    return f"{lottery}/draws/{draw}", ended, ended - closed, stack.cpu_seconds() - began, threads


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--winners", type=int, default=1000)
    parser.add_argument("--reads", type=int, default=500, help="of each page")
    arguments = parser.parse_args()
    if arguments.watchers < 1 or arguments.winners < 1:
        parser.error("a draw has one winner and one watcher at least")
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(folder)
        try:
            _, _, quiet, quiet_cpu, _ = run_draw(stack, "unwatched", arguments.winners, 0)
            path, ended, watched, watched_cpu, threads = run_draw(stack, "watched", arguments.winners, arguments.watchers)
            # Below the burst that one address may take, all pages together.
            pages = ["/lotteries", "/lotteries/watched/draws", path, f"{path}/winners", f"{path}/proof"]
            reads = {page: read_again_and_again(stack, page, 10, arguments.reads // 10) for page in pages}
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
    print("\n| read again and again | CPU of a read | reads a second |\n| --- | ---: | ---: |")
    for page, (cpu, rate) in reads.items():
        print(f"| `{page.replace(path, '…')}` | {cpu:.3f} ms | {rate:,.0f} |")


if __name__ == "__main__":
    main()
