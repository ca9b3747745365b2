"""Time stamps as OpenSSL's own authority makes them, good and bad, with what each is worth.

    python3 time_stamps.py > time-stamps.json

Root -> authority -> signer, with RSA and with elliptic curves; the time of each is that of this machine.
"""

import base64
import datetime
import hashlib
import json
import pathlib
import re
import subprocess
import tempfile

CONFIG = """
[ca]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[authority]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
extendedKeyUsage = timeStamping
[signer]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[web]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping, serverAuth
[tsa]
serial = {folder}/tsa_serial
crypto_device = builtin
default_policy = 1.2.3.4.1
digests = sha256, sha384
signer_digest = {digest}
accuracy = {accuracy}
clock_precision_digits = {precision}
ess_cert_id_alg = sha256
"""

COMMITMENT = hashlib.sha256(b"a commitment").digest()


class Authority:
    """A root, an authority below it and its signers, in a folder of their own."""

    def __init__(self, folder, name, key):
        self.folder, self.name, self.key = folder, name, key
        folder.mkdir()
        self.write(digest="sha256", accuracy="secs:1, millisecs:500, microsecs:1", precision=3)
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("1000\n")
        (folder / "tsa_serial").write_text("01\n")
        self.run("genpkey", *key, "-out", "root.key")
        self.run("req", "-x509", "-new", "-key", "root.key", "-subj", f"/CN={name}", "-days", "36500",
                 "-extensions", "root", "-config", self.request("root"), "-out", "root.pem")
        self.certificate("authority", "root", "authority")

    def write(self, **settings):
        (self.folder / "config").write_text(CONFIG.format(folder=self.folder, **settings))

    def request(self, kind):
        path = self.folder / f"{kind}.request"
        path.write_text("[req]\ndistinguished_name = name\n[name]\n" + (self.folder / "config").read_text())
        return str(path)

    def run(self, *arguments):
        return subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True).stdout

    def certificate(self, name, issuer, kind, dates=("20200101000000Z", "20991231000000Z"), key=None):
        self.run("genpkey", *(key or self.key), "-out", f"{name}.key")
        self.run("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={self.name} {name}", "-config",
                 self.request(name), "-out", f"{name}.csr")
        self.run("ca", "-batch", "-notext", "-config", "config", "-name", "ca", "-extensions", kind, "-cert",
                 f"{issuer}.pem", "-keyfile", f"{issuer}.key", "-startdate", dates[0], "-enddate", dates[1],
                 "-in", f"{name}.csr", "-out", f"{name}.pem")

    def stamp(self, signer, chain="authority.pem", commitment=COMMITMENT):
        self.run("ts", "-query", "-digest", commitment.hex(), "-sha256", "-cert", "-out", "query")
        more = ["-chain", chain] if chain else []
        self.run("ts", "-reply", "-config", "config", "-section", "tsa", "-queryfile", "query", "-inkey",
                 f"{signer}.key", "-signer", f"{signer}.pem", *more, "-token_out", "-out", "token")
        text = self.run("ts", "-reply", "-token_in", "-in", "token", "-text").decode()
        return (self.folder / "token").read_bytes(), stamped_at(text)


    def resigned(self, signer):
        """The stamp of the good signer, signed by another one, whom OpenSSL's authority may not have."""
        token, time = self.stamp("signer")
        self.run("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "content")
        self.run("cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", "content",
                 "-outform", "DER", "-signer", f"{signer}.pem", "-inkey", f"{signer}.key", "-certfile", "authority.pem",
                 "-nosmimecap", "-md", "sha256", "-out", "resigned")
        return (self.folder / "resigned").read_bytes(), time


def stamped_at(text):
    """The time of a stamp in milliseconds, rounded up, as OpenSSL shows it."""
    spelled = re.search(r"Time stamp: (\w+ +\d+ \d+:\d+:\d+)(?:\.(\d+))? (\d+) GMT", text)
    seconds = datetime.datetime.strptime(f"{spelled[1]} {spelled[3]} +0000", "%b %d %H:%M:%S %Y %z").timestamp()
    return int(seconds) * 1000 + -(-int((spelled[2] or "0").ljust(9, "0")) // 10**6)


def timestamp(milliseconds):
    time = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.timezone.utc)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def main():
    cases = []
    with tempfile.TemporaryDirectory() as parent:
        parent = pathlib.Path(parent)
        rsa = Authority(parent / "rsa", "Stamps by RSA", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        curve = lambda name: ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{name}"]
        ec = Authority(parent / "ec", "Stamps by curves", curve("P-384"))
        roots = {"rsa": (rsa.folder / "root.pem").read_text(), "ec": (ec.folder / "root.pem").read_text()}
        for authority in (rsa, ec):
            authority.certificate("signer", "authority", "signer", key=curve("P-256") if authority is ec else None)
            authority.certificate("expired", "authority", "signer", ("20200101000000Z", "20200201000000Z"))
            authority.certificate("web", "authority", "web")

        def case(name, stamp, root, worth, accuracy=1501, round_after=60_000, token=None):
            bytes_, time = stamp
            before = timestamp(time + accuracy)
            if worth is None:
                worth = {"outcome": "witnessed", "authority": root[1], "before": before}
            else:
                worth = {"outcome": "nothing", "reason": worth}
            cases.append({
                "name": name, "commitment": COMMITMENT.hex(), "round_at": timestamp(time + accuracy + round_after),
                "roots": root[0], "token": base64.b64encode(token or bytes_).decode(), "worth": worth,
            })

        of_rsa, of_ec = (roots["rsa"], rsa.name), (roots["ec"], ec.name)
        good = rsa.stamp("signer")
        case("RSA, SHA-256", good, of_rsa, None)
        case("elliptic curves, SHA-256", ec.stamp("signer"), of_ec, None)
        case("the last time before the round", good, of_rsa, None, round_after=1)
        case("the time of the round, with its accuracy", good, of_rsa, "late", round_after=0)
        case("one second late", good, of_rsa, "late", round_after=-1000)
        case("another commitment", rsa.stamp("signer", commitment=hashlib.sha256(b"x").digest()), of_rsa, "imprint")
        case("an authority that is not known", good, of_ec, "authority")
        case("the certificate between is missing", rsa.stamp("signer", chain=None), of_rsa, "authority")
        for authority, root in ((rsa, of_rsa), (ec, of_ec)):
            case(f"an expired certificate, {authority.name}", authority.resigned("expired"), root, "expired")
            case(f"a certificate for web servers too, {authority.name}", authority.resigned("web"), root, "purpose")
        for place, reason in ((len(good[0]) - 5, "signature"), (good[0].index(COMMITMENT), "imprint")):
            touched = bytearray(good[0])
            touched[place] ^= 1
            case(f"byte {place} changed", good, of_rsa, reason, token=bytes(touched))
        case("cut off", good, of_rsa, "form", token=good[0][:-1])
        case("a byte more", good, of_rsa, "form", token=good[0] + b"\0")
        case("no time stamp at all", good, of_rsa, "form", token=b"hello")
        rsa.write(digest="sha512", accuracy="secs:2", precision=0)
        case("RSA, SHA-512, whole seconds", rsa.stamp("signer"), of_rsa, None, accuracy=2000)
        ec.write(digest="sha384", accuracy="millisecs:20", precision=6)
        stamp = ec.stamp("signer")
        case("elliptic curves, SHA-384, a root far away", stamp, (roots["rsa"] + roots["ec"], ec.name), None, accuracy=20)
    print(json.dumps(cases, indent=1))


if __name__ == "__main__":
    main()
