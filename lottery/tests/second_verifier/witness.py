"""Time stamps (RFC 3161) for the second verifier, after docs/fair-draw.md, with Python's standard library.

    python3 witness.py CASES.json     one line of JSON for each case: what its stamp is worth

A case has `token` (base64), `commitment`, `round_at` and `roots` (PEM).
"""

import base64
import datetime
import hashlib
import json
import pathlib
import re
import sys

LOCAL = "Local time-stamp authority, a machine's own clock"
MAX_CERTIFICATES, MAX_BETWEEN = 8, 4
INTEGER, BITS, OCTETS, OID, UTC, TIME, SEQUENCE, SET = 0x02, 0x03, 0x04, 0x06, 0x17, 0x18, 0x30, 0x31


class Malformed(Exception):
    """Not the form of a time stamp."""


class Worthless(Exception):
    """A time stamp that does not count, with the name of the reason."""


def need(truth):
    if not truth:
        raise Malformed


# --- DER: one byte of tag, the shortest length ------------------------------------------------------------------


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def is_empty(self):
        return self.at == len(self.data)

    def end(self):
        need(self.is_empty())

    def element(self):
        """The next element: its tag, its content, and all of it."""
        rest = self.data[self.at :]
        need(len(rest) >= 2 and rest[0] & 0x1F != 0x1F)
        length, head = rest[1], 2
        if length >= 0x80:
            digits = length & 0x7F
            need(0x81 <= length <= 0x83 and len(rest) >= 2 + digits)
            length, head = int.from_bytes(rest[2 : 2 + digits], "big"), 2 + digits
            need(rest[2] != 0 and length >= 0x80)
        need(len(rest) >= head + length)
        self.at += head + length
        return rest[0], rest[head : head + length], rest[: head + length]

    def expect(self, tag):
        found = self.element()
        need(found[0] == tag)
        return found

    def take(self, tag):
        return Reader(self.expect(tag)[1])

    def optional(self, tag):
        if self.at < len(self.data) and self.data[self.at] == tag:
            return self.element()
        return None

    def number(self):
        return number(self.expect(INTEGER)[1])


def only(data, tag):
    reader = Reader(data)
    content = reader.take(tag)
    reader.end()
    return content


def number(content):
    need(1 <= len(content) <= 7 and content[0] < 0x80 and not (len(content) > 1 and content[0] == 0 and content[1] < 0x80))
    return int.from_bytes(content, "big")


def oid(content):
    """The dotted form, of what is spelled as it must be."""
    numbers, value, is_first = [], 0, True
    for byte in content:
        if is_first and byte == 0x80:
            return ""
        is_first = byte < 0x80
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(value)
            value = 0
    if not numbers or not is_first:
        return ""
    return ".".join(map(str, [min(numbers[0] // 40, 2), numbers[0] - 40 * min(numbers[0] // 40, 2)] + numbers[1:]))


def whole_bits(content):
    need(content[:1] == b"\0")
    return content[1:]


def time(element):
    """Milliseconds since 1970, rounded up."""
    tag, content, _ = element
    if tag == UTC:
        need(re.fullmatch(rb"[0-9]{12}Z", content))
        content = (b"20" if content[0] < ord("5") else b"19") + content
    else:
        need(tag == TIME and re.fullmatch(rb"[0-9]{14}(\.[0-9]{0,8}[1-9])?Z", content))
    whole, fraction = content[:14].decode(), content[15:-1].decode()
    try:
        seconds = datetime.datetime.strptime(whole + "+0000", "%Y%m%d%H%M%S%z")
    except ValueError as error:
        raise Malformed from error
    need(whole[:4] >= "1950" and whole[12:] < "60")
    since = seconds - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return since // datetime.timedelta(milliseconds=1) + -(-int(fraction.ljust(9, "0")) // 10**6)


# --- signatures --------------------------------------------------------------------------------------------------

HASHES = {"2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}
SCHEMES = {
    "1.2.840.113549.1.1.1": ("rsa", None),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
}
# Prime, b, base point, order; a is -3.
CURVES = {
    "1.2.840.10045.3.1.7": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        (
            0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
            0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
        ),
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        32,
    ),
    "1.3.132.0.34": (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        (
            0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
            0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
        ),
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        48,
    ),
}


def plain(algorithm):
    """The identifier of an algorithm without parameters, or with NULL."""
    name = oid(algorithm.expect(OID)[1])
    if not algorithm.is_empty():
        need(algorithm.element()[2] == b"\5\0")
    algorithm.end()
    return name


def known(table, algorithm):
    try:
        return table.get(plain(algorithm))
    except Malformed:
        return None


def add(one, other, p):
    if one is None or other is None:
        return one or other
    if one[0] == other[0]:
        if (one[1] + other[1]) % p == 0:
            return None
        slope = (3 * one[0] * one[0] - 3) * pow(2 * one[1], -1, p)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, p)
    x = (slope * slope - one[0] - other[0]) % p
    return x, (slope * (one[0] - x) - one[1]) % p


def multiply(scalar, point, p):
    product = None
    while scalar:
        if scalar & 1:
            product = add(product, point, p)
        point = add(point, point, p)
        scalar >>= 1
    return product


def positive(content):
    need(content and content[0] < 0x80 and content != b"\0" and not (content[0] == 0 and content[1] < 0x80))
    return int.from_bytes(content, "big")


def by_rsa(key, digest, name, signature):
    numbers = only(key, SEQUENCE)
    modulus, exponent = positive(numbers.expect(INTEGER)[1]), numbers.number()
    numbers.end()
    length = (modulus.bit_length() + 7) // 8
    if not 2048 <= modulus.bit_length() <= 4096 or not 2 <= exponent < 2**32 or exponent % 2 == 0 or modulus % 2 == 0:
        return False
    if len(signature) != length or int.from_bytes(signature, "big") >= modulus:
        return False
    id_ = bytes.fromhex("60864801650304020" + {"sha256": "1", "sha384": "2", "sha512": "3"}[name])
    info = bytes([0x30, 17 + len(digest), 0x30, 13, 6, 9]) + id_ + bytes([5, 0, 4, len(digest)]) + digest
    padded = b"\0\1" + b"\xff" * (length - 3 - len(info)) + b"\0" + info
    return pow(int.from_bytes(signature, "big"), exponent, modulus) == int.from_bytes(padded, "big")


def by_curve(curve, key, digest, signature):
    p, b, base, order, length = CURVES[curve]
    if len(key) != 1 + 2 * length or key[0] != 4:
        return False
    point = int.from_bytes(key[1 : 1 + length], "big"), int.from_bytes(key[1 + length :], "big")
    if max(point) >= p or (point[1] ** 2 - point[0] ** 3 + 3 * point[0] - b) % p:
        return False
    numbers = only(signature, SEQUENCE)
    r, s = positive(numbers.expect(INTEGER)[1]), positive(numbers.expect(INTEGER)[1])
    numbers.end()
    if r >= order or s >= order:
        return False
    e, inverse = int.from_bytes(digest[:length], "big"), pow(s, -1, order)
    found = add(multiply(e * inverse % order, base, p), multiply(r * inverse % order, point, p), p)
    return found is not None and found[0] % order == r


def signed(key, scheme, name, data, signature):
    """Whether the key of a SubjectPublicKeyInfo signed; `name` is the hash function of a scheme that leaves it open."""
    kind, own = scheme
    used = own or name
    if used is None or name is not None and own is not None and own != name:
        return False
    digest = hashlib.new(used, data).digest()
    try:
        info = only(key, SEQUENCE)
        algorithm, bits = info.take(SEQUENCE), whole_bits(info.expect(BITS)[1])
        info.end()
        id_, parameters = oid(algorithm.expect(OID)[1]), algorithm.element()
        algorithm.end()
        if id_ == "1.2.840.113549.1.1.1" and parameters[2] == b"\5\0":
            return kind == "rsa" and by_rsa(bits, digest, used, signature)
        if id_ == "1.2.840.10045.2.1" and parameters[0] == OID and oid(parameters[1]) in CURVES:
            return kind == "ecdsa" and by_curve(oid(parameters[1]), bits, digest, signature)
    except Malformed:
        pass
    return False


# --- certificates ------------------------------------------------------------------------------------------------


class Certificate:
    def __init__(self, data):
        whole = only(data, SEQUENCE)
        body, algorithm = whole.expect(SEQUENCE), whole.expect(SEQUENCE)
        self.signature = whole_bits(whole.expect(BITS)[1])
        whole.end()
        self.signed, fields = body[2], Reader(body[1])
        fields.optional(0xA0)
        self.serial = fields.expect(INTEGER)[1]
        need(fields.expect(SEQUENCE)[2] == algorithm[2])
        self.issuer = fields.expect(SEQUENCE)[2]
        validity = fields.take(SEQUENCE)
        self.valid = time(validity.element()), time(validity.element())
        validity.end()
        self.subject, self.key = fields.expect(SEQUENCE)[2], fields.expect(SEQUENCE)[2]
        fields.optional(0x81)
        fields.optional(0x82)
        self.authority = self.signs = self.purposes = None
        self.is_critical = self.has_unknown = False
        extensions = fields.optional(0xA3)
        if extensions:
            self.extend(only(extensions[1], SEQUENCE))
        fields.end()
        self.scheme = known(SCHEMES, Reader(algorithm[1]))

    def extend(self, extensions):
        while not extensions.is_empty():
            extension = extensions.take(SEQUENCE)
            name, critical = oid(extension.expect(OID)[1]), extension.optional(0x01)
            need(critical is None or critical[1] == b"\xff")
            value = extension.expect(OCTETS)[1]
            extension.end()
            if name == "2.5.29.19":
                constraints = only(value, SEQUENCE)
                flag = constraints.optional(0x01)
                if flag and flag[1] == b"\xff":
                    most = constraints.optional(INTEGER)
                    self.authority = number(most[1]) if most else MAX_BETWEEN
            elif name == "2.5.29.15":
                bits = Reader(value).expect(BITS)[1]
                self.signs = len(bits) > 1 and bits[1] & 4 != 0
            elif name == "2.5.29.37":
                purposes, self.purposes = only(value, SEQUENCE), []
                while not purposes.is_empty():
                    self.purposes.append(oid(purposes.expect(OID)[1]))
                self.is_critical = critical is not None
            elif critical:
                self.has_unknown = True

    def is_valid_at(self, at):
        return self.valid[0] <= at <= self.valid[1]

    def is_for_stamps_alone(self):
        return not self.has_unknown and self.is_critical and self.purposes == ["1.3.6.1.5.5.7.3.8"]

    def may_issue(self, between):
        purposes = self.purposes is None or {"1.3.6.1.5.5.7.3.8", "2.5.29.37.0"} & set(self.purposes)
        return self.authority is not None and between <= self.authority and self.signs is not False and purposes and not self.has_unknown

    def issued(self, other):
        if other.issuer != self.subject or other.scheme is None:
            return False
        return signed(self.key, other.scheme, None, other.signed, other.signature)

    def name(self):
        found, names = None, only(self.subject, SEQUENCE)
        while not names.is_empty():
            part = names.take(SET).take(SEQUENCE)
            name, text = oid(part.expect(OID)[1]), part.element()[1].decode()
            if name == "2.5.4.3" or found is None:
                found = text
        return found


def certificates_of(pem):
    found = re.findall("-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", pem, re.DOTALL)
    return [Certificate(base64.b64decode("".join(body.split()))) for body in found]


def public_roots():
    """The authorities that verify-draw knows."""
    path = pathlib.Path(__file__).parent / "../../src/witness/roots.pem"
    return certificates_of(path.read_text(encoding="utf-8"))


# --- time stamps -------------------------------------------------------------------------------------------------


class Token:
    def __init__(self, data):
        message = only(data, SEQUENCE)
        need(oid(message.expect(OID)[1]) == "1.2.840.113549.1.7.2")
        inner = message.expect(0xA0)[1]
        message.end()
        data = only(inner, SEQUENCE)
        data.number()
        data.expect(SET)
        stamp = data.take(SEQUENCE)
        need(oid(stamp.expect(OID)[1]) == "1.2.840.113549.1.9.16.1.4")
        self.content = only(stamp.expect(0xA0)[1], OCTETS).data
        stamp.end()
        self.certificates, listed = [], data.optional(0xA0)
        listed = Reader(listed[1] if listed else b"")
        while not listed.is_empty():
            whole = listed.element()[2]
            try:
                self.certificates.append(Certificate(whole))
            except Malformed:
                pass
        data.optional(0xA1)
        signers = data.take(SET)
        data.end()
        signer = signers.take(SEQUENCE)
        signers.end()
        need(len(self.certificates) <= MAX_CERTIFICATES)
        signer.number()
        id_ = signer.take(SEQUENCE)
        self.signer = id_.expect(SEQUENCE)[2], id_.expect(INTEGER)[1]
        id_.end()
        self.hash = known(HASHES, signer.take(SEQUENCE))
        attributes = signer.expect(0xA0)
        self.scheme = known(SCHEMES, signer.take(SEQUENCE))
        self.signature = signer.expect(OCTETS)[1]
        signer.optional(0xA1)
        signer.end()
        self.attributes, self.digest = bytes([SET]) + attributes[2][1:], digest_of(Reader(attributes[1]))
        self.read_stamp(only(self.content, SEQUENCE))

    def read_stamp(self, info):
        need(info.number() == 1)
        info.expect(OID)
        imprint = info.take(SEQUENCE)
        is_sha256 = known(HASHES, imprint.take(SEQUENCE)) == "sha256"
        hashed = imprint.expect(OCTETS)[1]
        imprint.end()
        self.imprint = hashed if is_sha256 else None
        info.expect(INTEGER)
        stamped_at = info.expect(TIME)
        accuracy = info.optional(SEQUENCE)
        self.accuracy = 1000
        if accuracy:
            accuracy, parts = Reader(accuracy[1]), []
            for tag, most in ((INTEGER, 2**32 - 1), (0x80, 999), (0x81, 999)):
                part = accuracy.optional(tag)
                parts.append(number(part[1]) if part else 0)
                need(parts[-1] <= most)
            accuracy.end()
            self.accuracy = parts[0] * 1000 + parts[1] + (parts[2] > 0)
        for tag in (0x01, INTEGER, 0xA0, 0xA1):
            info.optional(tag)
        info.end()
        self.time = time(stamped_at)


def digest_of(attributes):
    is_stamp, digest = False, None
    while not attributes.is_empty():
        attribute = attributes.take(SEQUENCE)
        name, values = oid(attribute.expect(OID)[1]), attribute.take(SET)
        attribute.end()
        if name == "1.2.840.113549.1.9.3":
            need(not is_stamp and oid(values.expect(OID)[1]) == "1.2.840.113549.1.9.16.1.4")
            values.end()
            is_stamp = True
        elif name == "1.2.840.113549.1.9.4":
            need(digest is None)
            digest = values.expect(OCTETS)[1]
            values.end()
    need(is_stamp and digest is not None)
    return digest


def check(truth, reason):
    if not truth:
        raise Worthless(reason)


def authority_of(token, signer, roots):
    """The name of the root in which the chain ends; None if that is a machine's own."""
    last = signer
    for between in range(MAX_BETWEEN + 1):
        check(last.is_valid_at(token.time), "expired")
        for root in roots:
            if root.issued(last):
                check(root.is_valid_at(token.time), "expired")
                return root.name()
        above = next((it for it in token.certificates if it.may_issue(between) and it.issued(last)), None)
        check(above is not None, "authority")
        if above.issuer == above.subject:
            check(above.is_valid_at(token.time), "expired")
            try:
                name = above.name()
            except (Malformed, UnicodeDecodeError):
                name = None
            check(name == LOCAL, "authority")
            return None
        last = above
    raise Worthless("authority")


def worth(data, commitment, round_at, roots):
    """What a stamp is worth for a commitment whose round comes out at `round_at`, in milliseconds since 1970."""
    try:
        token = Token(data)
    except Malformed:
        return {"outcome": "nothing", "reason": "form"}
    try:
        check(token.imprint == commitment, "imprint")
        signer = next((it for it in token.certificates if (it.issuer, it.serial) == token.signer), None)
        check(signer is not None, "signer")
        made = token.hash is not None and token.scheme is not None
        made = made and hashlib.new(token.hash, token.content).digest() == token.digest
        check(made and signed(signer.key, token.scheme, token.hash, token.attributes, token.signature), "signature")
        check(signer.is_for_stamps_alone(), "purpose")
        authority = authority_of(token, signer, roots)
        before = token.time + token.accuracy
        check(before < round_at, "late")
    except Worthless as reason:
        return {"outcome": "nothing", "reason": str(reason)}
    if authority is None:
        return {"outcome": "local", "before": timestamp(before)}
    return {"outcome": "witnessed", "authority": authority, "before": timestamp(before)}


def timestamp(milliseconds):
    time_ = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.timezone.utc)
    return f"{time_:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def milliseconds(text):
    since = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return since // datetime.timedelta(milliseconds=1)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    for case in cases:
        token, commitment = base64.b64decode(case["token"]), bytes.fromhex(case["commitment"])
        print(json.dumps(worth(token, commitment, milliseconds(case["round_at"]), certificates_of(case["roots"]))))


if __name__ == "__main__":
    main()
