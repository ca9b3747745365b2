"""A large list over HTTP into the local stack: people a second, CPU of each, memory.

    cargo build --release
    python3 tests/bench/imports.py [people] [--in-memory] [--columns id,name,phone,email]
"""
import argparse
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def rows(people, columns):
    """The list, in pieces of some thousand lines."""
    cell = {
        "participant_id": lambda n: f"{n:07}",
        "name": lambda n: f"Somebody {n}",
        "phone": lambda n: f"+1202{n:07}",
        "email": lambda n: f"somebody.{n}@example.com",
        "group": lambda n: f"Group {n % 4}",
    }
    yield (",".join(columns) + "\n").encode()
    for first in range(0, people, 2_000):
        lines = (",".join(cell[column](n) for column in columns) for n in range(first, min(first + 2_000, people)))
        yield ("\n".join(lines) + "\n").encode()


def status(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_by_thread(pid):
    """Seconds of CPU of the threads of each name."""
    seconds = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            name, fields = (task / "comm").read_text().strip(), (task / "stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        seconds[name] = seconds.get(name, 0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("people", nargs="?", type=int, default=100_000)
    parser.add_argument("--in-memory", action="store_true")
    parser.add_argument("--columns", default="participant_id,name,phone,email,group")
    parser.add_argument("--program", default=TARGET / "release/local-stack", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--again", action="store_true", help="import the same list a second time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIRECTORY")) as folder:
        token = pathlib.Path(folder, "token")
        storage = ["--in-memory"] if arguments.in_memory else ["--data-dir", pathlib.Path(folder, "data")]
        command = [arguments.program, *storage, "--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0", "--token-file", token]
        server = subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        api = None
        for line in server.stdout:
            if "http://" in line and "AWS" not in line:
                api = line.split("http://")[1].split()[0].rstrip("/")
                break
        threading.Thread(target=server.stdout.read, daemon=True).start()
        try:
            headers = {"Authorization": "Bearer " + token.read_text().strip()}
            send(api, headers | {"Content-Type": "application/json"},
                 json.dumps({"id": "party", "name": "Party", "email_through": "ses"}).encode(), "/lotteries")
            for turn in range(2 if arguments.again else 1):
                before, threads, began = cpu_seconds(server.pid), cpu_by_thread(server.pid), time.monotonic()
                report = send(api, headers | {"Content-Type": "text/csv"},
                              rows(arguments.people, arguments.columns.split(",")), "/lotteries/party/participants")
                seconds, cpu = time.monotonic() - began, cpu_seconds(server.pid) - before
                print(f"{arguments.people} people: {seconds:.1f} s, {arguments.people / seconds:.0f} a second, "
                      f"{cpu / arguments.people * 1e6:.0f} µs of CPU each, "
                      f"peak {status(server.pid, 'VmHWM'):.0f} MB resident, now {status(server.pid, 'VmRSS'):.0f} MB; "
                      f"{report['accepted']} accepted, {report['updated']} updated, {report['refused']} refused", flush=True)
                spent = {name: (seconds - threads.get(name, 0)) / arguments.people * 1e6
                         for name, seconds in cpu_by_thread(server.pid).items()}
                print("  of that: " + ", ".join(f"{name} {micros:.0f} µs" for name, micros in
                                                sorted(spent.items(), key=lambda each: -each[1]) if micros >= 1), flush=True)
        finally:
            server.terminate()
            server.wait()


def send(api, headers, body, path):
    connection = http.client.HTTPConnection(api, timeout=600)
    connection.request("POST", path, body, headers, encode_chunked=not isinstance(body, bytes))
    response = connection.getresponse()
    content = response.read()
    assert response.status < 300, (response.status, content[:500])
    return json.loads(content)


if __name__ == "__main__":
    main()
