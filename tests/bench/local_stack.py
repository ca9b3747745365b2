"""The local stack as the benchmarks use it: started on free ports, in memory if nothing else is said, and called."""
import http.client
import json
import os
import pathlib
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


class LocalStack:
    """A running stack: `api` and `aws` are its addresses, `headers` those of its organiser."""

    def __init__(self, folder, *options, profile="release", in_memory=True):
        token = pathlib.Path(folder, "token")
        arguments = [*(["--in-memory"] if in_memory else []), "--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0", "--token-file", token]
        self.process = subprocess.Popen([TARGET / profile / "local-stack", *arguments, *options], cwd=folder, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        address = {}
        while len(address) < 2:
            line = self.process.stdout.readline()
            assert line, "the local stack did not start"
            if "http://" in line:
                address["aws" if "AWS" in line else "api"] = line.split("http://")[1].split()[0]
        self.api, self.aws = address["api"], address["aws"]
        self.headers = {"Authorization": "Bearer " + token.read_text().strip(), "Content-Type": "application/json"}
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def cpu_seconds(self):
        """What the process has computed so far, its own work and the kernel's on its behalf."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def call(address, method, path, body=None, headers=None):
    """The JSON that the answer holds, which must be a good one."""
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request(method, path, None if body is None else json.dumps(body), headers or {})
    response = connection.getresponse()
    content = response.read()
    assert response.status < 300, (method, path, response.status, content)
    return json.loads(content)
