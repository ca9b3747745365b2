"""A large list over HTTP into the local stack: people a second, CPU of each, memory.

    cargo build --release
    python3 tests/bench/imports.py [people] [--in-memory] [--again] [--columns participant_id,name,phone,email,group]
    python3 tests/bench/imports.py 100000 --workbook    # the list as an .xlsx, previewed and then imported
"""
import argparse
import http.client
import io
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


# Of ten million people nobody has another's number, and each number can be one.
CELLS = {
    "participant_id": lambda n: f"{n:07}",
    "name": lambda n: f"Somebody {n}",
    "phone": lambda n: f"+86138{n:08}",
    "email": lambda n: f"somebody.{n}@example.com",
    "group": lambda n: f"Group {n % 4}",
}


def rows(people, columns):
    """The list, in pieces of some thousand lines."""
    yield (",".join(columns) + "\n").encode()
    for first in range(0, people, 2_000):
        lines = (",".join(CELLS[column](n) for column in columns) for n in range(first, min(first + 2_000, people)))
        yield ("\n".join(lines) + "\n").encode()


def workbook(people, columns):
    """The list as Excel writes it: the texts once each in a table of their own, the cells by their numbers in it."""
    texts, strings = {}, io.StringIO()
    sheet = io.StringIO()

    def cell(text):
        number = texts.setdefault(text, len(texts))
        if number == len(texts) - 1:
            strings.write(f"<si><t>{text}</t></si>")
        return f'<c t="s"><v>{number}</v></c>'

    sheet.write('<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
    for row in range(people + 1):
        cells = (column if row == 0 else CELLS[column](row - 1) for column in columns)
        sheet.write(f'<row r="{row + 1}">{"".join(map(cell, cells))}</row>')
    sheet.write("</sheetData></worksheet>")
    office, package = "http://schemas.openxmlformats.org/officeDocument/2006", "http://schemas.openxmlformats.org/package/2006"
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    spreadsheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        f'"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{main}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{main}.worksheet+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{main}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/relationships/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{spreadsheet}" xmlns:r="{office}/relationships"><sheets><sheet name="People" sheetId="1" r:id="r1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/relationships/worksheet" '
        f'Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{office}/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet.getvalue(),
        "xl/sharedStrings.xml": f'<sst xmlns="{spreadsheet}">{strings.getvalue()}</sst>',
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + content)
    return archive.getvalue()


def status(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bytes_written(pid):
    """What the process has had written to disks."""
    lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


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
    parser.add_argument("--workbook", action="store_true", help="the list is an .xlsx, which is previewed first")
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
            columns = arguments.columns.split(",")
            path = "/lotteries/party/participants"
            turns = ["imported"] * (2 if arguments.again else 1)
            if arguments.workbook:
                file, turns = workbook(arguments.people, columns), ["previewed", *turns]
            for turn in turns:
                before, threads, began = cpu_seconds(server.pid), cpu_by_thread(server.pid), time.monotonic()
                written = bytes_written(server.pid)
                body = file if arguments.workbook else rows(arguments.people, columns)
                kind = "application/octet-stream" if arguments.workbook else "text/csv"
                report = send(api, headers | {"Content-Type": kind}, body,
                              path + ("?dry_run=true" if turn == "previewed" else ""))
                seconds, cpu = time.monotonic() - began, cpu_seconds(server.pid) - before
                counts = ", ".join(f"{report[count]} {count}" for count in ("accepted", "updated", "unchanged", "refused") if count in report)
                print(f"{arguments.people} people {turn}: {seconds:.1f} s, {arguments.people / seconds:.0f} a second, "
                      f"{cpu / arguments.people * 1e6:.0f} µs of CPU each, "
                      f"{(bytes_written(server.pid) - written) / arguments.people / 1000:.1f} kB written each, "
                      f"peak {status(server.pid, 'VmHWM'):.0f} MB resident, now {status(server.pid, 'VmRSS'):.0f} MB; {counts}", flush=True)
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
