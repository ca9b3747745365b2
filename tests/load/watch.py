#!/usr/bin/env python3
"""Watches a draw of a deployed stack as many people would, and tells how the answers came.

    tests/load/watch.py URL [--watchers N] [--seconds S] [--every S]

URL is a draw, as https://…/lotteries/party/draws/DRAW_ID: the stack is asked nothing but this public address and its events,
each watcher by itself every --every seconds, with the ETag of what it has. At most 500 watchers for 120 seconds, so that it
costs a few cents. It ends with 1 if anything was answered but 200, 204, 304 and, where people are refused, 429.
"""

import argparse
import collections
import http.client
import json
import sys
import threading
import time
import urllib.parse

MAX_WATCHERS, MAX_SECONDS, MIN_INTERVAL = 500, 120, 0.5
FINE = {200, 204, 304, 429}


class Watcher(threading.Thread):
    """One person's page: the draw, then its events, again and again over one connection."""

    def __init__(self, url, begin, until, every):
        super().__init__(daemon=True)
        self.url, self.begin, self.until, self.every = url, begin, until, every
        self.answers, self.failures = [], collections.Counter()

    def connect(self):
        secure = self.url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return kind(self.url.netloc, timeout=35)

    def run(self):
        time.sleep(max(0, self.begin - time.monotonic()))
        connection, tags = self.connect(), {}
        while time.monotonic() < self.until:
            next_time = time.monotonic() + self.every
            for path in (self.url.path, f"{self.url.path}/events"):
                headers = {"Accept": "application/json", "User-Agent": "lottery-load-test"}
                if path in tags:
                    headers["If-None-Match"] = tags[path]
                asked = time.monotonic()
                try:
                    connection.request("GET", path, headers=headers)
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException) as error:
                    self.failures[type(error).__name__] += 1
                    connection.close()
                    connection = self.connect()
                    continue
                self.answers.append((answer.status, time.monotonic() - asked))
                if answer.status == 200 and answer.headers["ETag"]:
                    tags[path] = answer.headers["ETag"]
            time.sleep(max(0, next_time - time.monotonic()))


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def bounded(name, kind, low, high):
    def parse(text):
        value = kind(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{name} is from {low} to {high}")
        return value

    return parse


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--watchers", type=bounded("--watchers", int, 1, MAX_WATCHERS), default=100)
    parser.add_argument("--seconds", type=bounded("--seconds", float, 1, MAX_SECONDS), default=30)
    parser.add_argument("--every", type=bounded("--every", float, MIN_INTERVAL, 60), default=5)
    given = parser.parse_args()
    url = urllib.parse.urlsplit(given.url.rstrip("/"))
    parts = url.path.split("/")
    if url.scheme not in ("http", "https") or len(parts) < 5 or parts[-4] != "lotteries" or parts[-2] != "draws":
        parser.error("URL is a draw, as https://…/lotteries/party/draws/DRAW_ID")
    return given, url


def main():
    given, url = arguments()
    began = time.monotonic()
    # They come spread over one interval, as people do.
    watchers = [
        Watcher(url, began + given.every * number / given.watchers, began + given.seconds, given.every)
        for number in range(given.watchers)
    ]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()
    took = time.monotonic() - began
    answers = [answer for watcher in watchers for answer in watcher.answers]
    failures = sum((watcher.failures for watcher in watchers), collections.Counter())
    statuses = collections.Counter(status for status, _ in answers)
    times = [seconds * 1000 for _, seconds in answers] or [0]
    print(json.dumps({
        "watchers": given.watchers,
        "requests": len(answers),
        "requests_per_second": round(len(answers) / took, 1),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "not_answered": dict(failures),
        "milliseconds": {"p50": round(percentile(times, 0.5), 1), "p99": round(percentile(times, 0.99), 1), "max": round(max(times), 1)},
    }, indent=1))
    sys.exit(bool(failures or not answers or set(statuses) - FINE))


if __name__ == "__main__":
    main()
