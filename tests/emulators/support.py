"""What the runs against other emulators of AWS have in common: processes, binaries, a beacon, and one story of a draw."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TOOLS = PROJECT / "tests/tools"
REGION = "us-east-1"
# Whom a draw is among: everybody has a phone, and one an e-mail address too.
PEOPLE = "participant_id,name,phone,email\n" + "".join(
    f"{number},Person {number},+120255501{number:02},{'one@example.com' if number == 1 else ''}\n"
    for number in range(1, 7)
)
ENDED = ("SUCCEEDED", "INCOMPLETE", "REJECTED", "FAILED", "ABANDONED", "CANCELLED")


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def credentials(endpoint):
    """The environment in which every SDK and tool asks `endpoint`."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "SAM_CLI_TELEMETRY": "0",
    }


class Processes:
    """Programs that run until the block ends. When it fails, the end of what each said is shown."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="emulators-"))
        self.running = []
        return self

    def start(self, name, command, env):
        log = self.folder / f"{name}.log"
        with log.open("w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=self.folder)
        self.running.append((name, process, log))
        return process, log

    def __exit__(self, kind, error, trace):
        for _, process, _ in reversed(self.running):
            process.terminate()
        for name, process, log in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            if kind:
                print(f"--- {name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-40:]))
        shutil.rmtree(self.folder, ignore_errors=True)


def until(what, answer, seconds=60):
    """What `answer` gives as soon as it gives something."""
    last, end = None, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := answer():
                return found
        except OSError as error:
            last = error
        time.sleep(0.1)
    raise TimeoutError(f"{what}: nothing after {seconds} s {last or ''}")


def http(method, url, body=None, headers=None):
    """Status, headers and text of one request. `body` is sent as JSON, or as it is if it is a text."""
    data = body if isinstance(body, str) else json.dumps(body) if body is not None else None
    request = urllib.request.Request(url, data and data.encode(), headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def local_stack(processes, binaries, *options):
    """Starts the local stack, for its beacon (drand is on the internet) and what else the emulator does not have.

    Gives its AWS endpoint, and the variables that name the beacon to functions.
    """
    command = [binaries / "local-stack", "--in-memory", "--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0",
               "--token-file", processes.folder / "token", *options]
    _, log = processes.start("local-stack", command, {**os.environ})

    def address():
        lines = [line for line in log.read_text().splitlines() if "AWS" in line and "http://127.0.0.1:" in line]
        return lines and next(word for word in lines[0].split() if word.startswith("http://127.0.0.1:")).rstrip("/")

    url = until("the local stack", address)
    return url, {"BEACON_CHAIN": http("GET", f"{url}/info")[2], "BEACON_RELAYS": url, "BEACON_MARGIN_SECONDS": "1"}


def binaries():
    """The folder with the functions' binaries, as cargo has left them; built if they are not there."""
    folder = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target")) / "debug"
    if not all((folder / name).exists() for name in ("api", "send-sms", "local-stack")):
        subprocess.run(["cargo", "build", "--workspace", "--bins", "--locked"], cwd=PROJECT, check=True)
    return folder


def pack(binaries, names, target):
    """Puts each binary into a folder of its own as Lambda wants it, without what only a debugger reads."""
    for name in names:
        bootstrap = target / name / "bootstrap"
        bootstrap.parent.mkdir(parents=True)
        if shutil.which("strip"):
            subprocess.run(["strip", "-o", bootstrap, binaries / name], check=True)
        else:
            shutil.copy(binaries / name, bootstrap)


class Api:
    """The API at `url`; `headers` come with each request. Without a token it is anybody's."""

    def __init__(self, url, token=None, headers=None):
        self.url, self.headers = url, {**(headers or {})}
        self.anonymous = Api(url, None, headers) if token else self
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def call(self, status, method, path, body=None, **headers):
        kind = "text/csv" if isinstance(body, str) else "application/json"
        sent = {**self.headers, **({"Content-Type": kind} if body is not None else {}), **headers}
        text = self.text(status, method, path, body, sent)
        return json.loads(text) if text.startswith(("{", "[")) else text

    def text(self, status, method, path, body=None, headers=None):
        found, _, text = http(method, self.url + path, body, headers or self.headers)
        assert found == status, f"{method} {path}: {found} instead of {status}: {text[:500]}"
        return text

    def draw(self, lottery, **request):
        """Runs a draw to its end, and gives it."""
        path = f"/lotteries/{lottery}/draws"
        draw = self.call(202, "POST", path, request)["draw_id"]
        return until(f"the draw {draw}", lambda: self.ended(f"{path}/{draw}"), 120)

    def ended(self, path):
        draw = self.call(200, "GET", path)
        return draw if draw["status"] in ENDED else None


def story(api, lottery, verifier, **options):
    """Two draws, of which the second cannot have the first one's winners; a rejected one; a cancelled one; a withdrawal.

    `verifier` is the command that proofs are held against.
    """
    anonymous = api.anonymous
    anonymous.call(401, "POST", "/lotteries", {"id": lottery, "name": "Refused"})
    api.call(201, "POST", "/lotteries", {"id": lottery, "name": "Party", **options})
    report = api.call(200, "POST", f"/lotteries/{lottery}/participants", PEOPLE)
    assert report["accepted"] == 6, report
    again = api.call(200, "POST", f"/lotteries/{lottery}/participants", PEOPLE)
    assert again["accepted"] == 0 and again["unchanged"] == 6, again

    draws = [api.draw(lottery, winners=3, channels=["sms"]) for _ in range(2)]
    winners = []
    for draw in draws:
        path = f"/lotteries/{lottery}/draws/{draw['draw_id']}"
        assert draw["status"] == "SUCCEEDED", draw
        winners += [it["participant_id"] for it in api.call(200, "GET", f"{path}/winners")["winners"]]
        public = json.dumps(anonymous.call(200, "GET", f"{path}/winners"))
        assert "Person" not in public, public
        assert anonymous.call(200, "GET", f"{path}/events", Accept="application/json"), "no events"
        verify(anonymous.text(200, "GET", f"{path}/proof"), verifier)
    assert sorted(winners) == [str(number) for number in range(1, 7)], winners

    rejected = api.draw(lottery, winners=1)
    assert rejected["status"] == "REJECTED", rejected
    closes_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    waiting = api.call(202, "POST", f"/lotteries/{lottery}/draws", {"winners": 1, "closes_at": closes_at})
    path = f"/lotteries/{lottery}/draws/{waiting['draw_id']}"
    api.call(200, "POST", f"{path}/cancel", {})
    assert until("the cancelled draw", lambda: api.ended(path))["status"] == "CANCELLED"
    status, _, text = http("DELETE", f"{api.url}/lotteries/{lottery}/participants/1", None, api.headers)
    assert status in (200, 204), text
    return draws


def verify(proof, verifier):
    """Holds a proof against the program that anybody can hold it against."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(proof)
        file.flush()
        checked = subprocess.run([*verifier, file.name], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def verifier(binaries, variables):
    """The command that checks proofs of draws that this beacon decides."""
    return [binaries / "verify-draw", "--chain-hash", json.loads(variables["BEACON_CHAIN"])["hash"]]


def step(began, what):
    print(f"ok  {time.monotonic() - began:5.1f} s  {what}", flush=True)
