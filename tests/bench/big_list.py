"""A list of a million people through S3 into a draw on the local stack, which is killed in the middle: time, memory, exactly the people.

    cargo build --release
    python3 tests/bench/big_list.py [people] [--profile release] [--no-kill]

The stack keeps its data in a folder. The list goes to a presigned address; after some of its batches the stack is killed as by
`kill -9` and started again on the same folder. In the end everybody of the file is on the list, nobody else, and all are in a draw.
"""
import argparse
import http.client
import pathlib
import tempfile
import time
import urllib.parse

from local_stack import LocalStack, call

LOTTERY = "/lotteries/party"


def peak_mb(stack):
    """The most memory that the stack has used so far."""
    status = pathlib.Path(f"/proc/{stack.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def write_list(path, people):
    with path.open("w") as file:
        file.write("participant_id,name,phone,email\n")
        for number in range(people):
            file.write(f"{number:07},Somebody {number},+86138{number:08},somebody.{number}@example.com\n")


def upload(stack, path):
    """Sends the file to the address that the API answers with; returns the import's id."""
    begun = call(stack.api, "POST", f"{LOTTERY}/imports", {"bytes": path.stat().st_size}, stack.headers)
    address = urllib.parse.urlsplit(begun["upload"]["url"])
    connection = http.client.HTTPConnection(address.netloc, timeout=600)
    with path.open("rb") as file:
        headers = {"Content-Length": str(path.stat().st_size)}
        connection.request("PUT", f"{address.path}?{address.query}", file, headers)
    response = connection.getresponse()
    assert response.status == 200, response.read()
    return begun["import_id"]


def wait(stack, import_id, is_reached):
    while True:
        view = call(stack.api, "GET", f"{LOTTERY}/imports/{import_id}", headers=stack.headers)
        assert view["state"] not in ("FAILED", "CANCELLED", "ASKING"), view
        if is_reached(view):
            return view
        time.sleep(0.25)


def check_people(stack, people):
    """Reads the whole list: everybody of the file, each once, and nobody else."""
    seen, cursor = set(), ""
    while cursor is not None:
        page = call(stack.api, "GET", f"{LOTTERY}/participants?limit=1000{cursor}", headers=stack.headers)
        ids = [person["participant_id"] for person in page["participants"]]
        assert seen.isdisjoint(ids), "somebody is on the list twice"
        seen.update(ids)
        cursor = "&cursor=" + urllib.parse.quote(page["next_cursor"]) if page["next_cursor"] else None
    assert seen == {f"{number:07}" for number in range(people)}, "the list is not that of the file"


def draw(stack):
    """The draw's entries."""
    begun = call(stack.api, "POST", f"{LOTTERY}/draws", {"winners": 3, "channels": ["sms"]}, stack.headers)
    while True:
        draw = call(stack.api, "GET", f"{LOTTERY}/draws/{begun['draw_id']}", headers=stack.headers)
        if draw["status"] in ("SUCCEEDED", "FAILED", "REJECTED", "INCOMPLETE"):
            assert draw["status"] == "SUCCEEDED", draw
            return draw["entries"]
        time.sleep(0.25)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("people", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--profile", default="release")
    parser.add_argument("--no-kill", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        path = folder / "list.csv"
        write_list(path, asked.people)
        data = ["--data-dir", folder / "data"]
        stack = LocalStack(folder, *data, profile=asked.profile, in_memory=False)
        lottery = {"id": "party", "name": "Party", "email_through": "ses"}
        call(stack.api, "POST", "/lotteries", lottery, stack.headers)
        began = time.monotonic()
        import_id = upload(stack, path)
        uploaded = time.monotonic()
        print(f"{path.stat().st_size / 1e6:.0f} MB uploaded in {uploaded - began:.1f} s")
        if not asked.no_kill:
            view = wait(stack, import_id, lambda view: view["batches"] and view["batches_done"] * 2 > view["batches"])
            read = peak_mb(stack)
            stack.process.kill()
            stack.process.wait()
            print(f"killed at {time.monotonic() - began:.0f} s with {view['batches_done']} of {view['batches']} batches; peak {read:.0f} MB")
            stack = LocalStack(folder, *data, profile=asked.profile, in_memory=False)
        view = wait(stack, import_id, lambda view: view["state"] == "SUCCEEDED")
        took = time.monotonic() - began
        print(f"{view['accepted']} people imported in {took:.0f} s, {view['accepted'] / took:.0f} a second; peak {peak_mb(stack):.0f} MB")
        assert (view["accepted"], view["refused"]) == (asked.people, 0), view
        check_people(stack, asked.people)
        print("exactly the people of the file are on the list")
        began = time.monotonic()
        entries = draw(stack)
        assert entries == asked.people, entries
        print(f"all of them are in a draw, which took {time.monotonic() - began:.0f} s; peak {peak_mb(stack):.0f} MB")
        stack.stop()


if __name__ == "__main__":
    main()
