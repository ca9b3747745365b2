"""A second verifier of the fair draw, written from docs/fair-draw.md, with Python's standard library alone.

    python3 verify.py [--receipt RECEIPT] [--tsa-root PEM] PROOF...     one line of JSON for each file: the verdict, the ranking or the step that
                                                    does not hold
    python3 verify.py --lines      the same for each line of the standard input, a proof's bytes in base64
"""

import base64
import datetime
import functools
import hashlib
import hmac
import json
import re
import sys
import unicodedata
import uuid

import bls
import witness


class Refused(Exception):
    """A step that does not hold."""

    def __init__(self, step, why):
        super().__init__(why)
        self.step = step


def need(truth, step, why):
    if not truth:
        raise Refused(step, why)


def canonical(value):
    """RFC 8785 for the values of a proof: its names are ASCII, its numbers whole."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# --- shapes: each field, and no other -------------------------------------------------------------------------


def fits(value, shape):
    if isinstance(shape, dict):
        return isinstance(value, dict) and value.keys() == shape.keys() and all(fits(value[k], shape[k]) for k in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    return shape(value)


def whole(least, most):
    return lambda value: type(value) is int and least <= value <= most


def text(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def or_null(shape):
    return lambda value: value is None or fits(value, shape)


def hexadecimal(length):
    return text("[0-9a-f]{%d}" % (2 * length))


WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def any_text(value):
    """Text: half a surrogate pair is none."""
    return isinstance(value, str) and not any(0xD800 <= ord(character) < 0xE000 for character in value)


def line(longest):
    def fits_line(value):
        if not any_text(value) or not 1 <= len(value) <= longest or value != value.strip(WHITE_SPACE):
            return False
        return not any(unicodedata.category(character) == "Cc" for character in value)

    return fits_line


def group(value):
    return line(64)(value) and unicodedata.normalize("NFC", value) == value


def timestamp(value):
    if not text("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-5][0-9]:[0-5][0-9][.][0-9]{3}Z")(value) or value[11:13] > "23":
        return False
    try:
        return FIRST <= milliseconds(value) <= LAST
    except ValueError:
        return False


def milliseconds(value):
    since = datetime.datetime.fromisoformat(value.replace("Z", "+00:00")) - datetime.datetime(
        1970, 1, 1, tzinfo=datetime.timezone.utc
    )
    return since // datetime.timedelta(milliseconds=1)


FIRST, LAST = milliseconds("0001-01-01T00:00:00.000Z"), milliseconds("9998-12-31T23:59:59.999Z")


def holder(value):
    if not text("[A-Za-z0-9_-]{43}")(value):
        return False
    return base64.urlsafe_b64encode(base64.urlsafe_b64decode(value + "=")).decode() == value + "="


EXACT = 2**53 - 1
U32 = 2**32 - 1
SLUG = "[a-z0-9][a-z0-9-]{0,%d}"
LABEL = text("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SCHEME = text("bls-unchained-g1-rfc9380")
ENTRY = {
    "excluded": or_null(text("absent|organiser|past_winner:" + SLUG % 39)),
    "group": or_null(group),
    "holder": holder,
    "label": LABEL,
    "tickets": whole(1, 1000),
}
BOUNDS = {"at_least": or_null(whole(0, U32)), "at_most": or_null(whole(0, U32))}
ONE_GROUP = {**BOUNDS, "group": group}
SEVERAL = {**BOUNDS, "groups": [group], "without_group": lambda value: type(value) is bool}
PROOF = {
    "beacon": {
        "chain": {
            "beacon_id": any_text,
            "genesis_time": whole(0, U32),
            "group_hash": hexadecimal(32),
            "period": whole(1, U32),
            "public_key": hexadecimal(96),
            "scheme": SCHEME,
        },
        "round": or_null({"randomness": hexadecimal(32), "round": whole(0, EXACT), "signature": hexadecimal(48)}),
    },
    "manifest": {
        "algorithm": text("hkdf-sha256-lowest-ticket"),
        "alternates": whole(0, U32),
        "beacon": {
            "chain_hash": hexadecimal(32),
            "public_key": hexadecimal(96),
            "round": whole(0, EXACT),
            "scheme": SCHEME,
        },
        "claim_within_seconds": or_null(whole(0, U32)),
        "closes_at": or_null(timestamp),
        "draw_id": text(SLUG % 39),
        "entries": whole(0, EXACT),
        "lottery_id": text(SLUG % 62),
        "margin_seconds": whole(0, U32),
        "previous_commitment": or_null(hexadecimal(32)),
        "previous_status": or_null(
            text("WAITING|SEALED|DRAWN|RECORDED|SUCCEEDED|INCOMPLETE|REJECTED|FAILED|CANCELLED|ABANDONED")
        ),
        "prizes": [
            {
                "name": line(100),
                "quota": [lambda value: fits(value, ONE_GROUP) or fits(value, SEVERAL) and parts_make_sense(value)],
                "winners": whole(1, 10000),
            }
        ],
        "root": hexadecimal(32),
        "sealed_at": timestamp,
        "sequence": whole(0, EXACT),
        "tickets": whole(0, EXACT),
        "version": whole(1, 1),
    },
    "ranking": or_null(
        [
            {
                "label": LABEL,
                "prize": or_null(whole(0, 99)),
                "score": hexadecimal(32),
                "seat": text("reserved|open|alternate"),
            }
        ]
    ),
    "signature": {"public_key": hexadecimal(32), "signature": hexadecimal(64)},
    "version": whole(1, 1),
}


def stamp(value):
    """1 to 32768 bytes in base64 with padding, in its one spelling."""
    try:
        data = base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str) and 1 <= len(data) <= 32768 and base64.b64encode(data).decode() == value


def witnesses(value):
    return isinstance(value, list) and len(value) <= 8 and fits(value, [{"kind": text("rfc3161"), "token": stamp}])


CHANGE = {
    "at": timestamp,
    "kind": text("withdrawn|replaced"),
    "number": whole(0, U32),
    "previous": hexadecimal(32),
    "rank": whole(0, U32),
    "reason": or_null(text("absent|declined|unreachable|ineligible|unclaimed")),
    "signature": hexadecimal(64),
    "taken_by": or_null(whole(0, U32)),
}


def changes(value):
    return isinstance(value, list) and len(value) <= 10000 and fits(value, [CHANGE])


# A manifest of the second version says more.
MANIFEST_2 = {
    **PROOF["manifest"],
    "exclude_past_winners": lambda value: type(value) is bool,
    "operator": {"lane": whole(0, 15), "previous_commitment": or_null(hexadecimal(32)), "sequence": whole(0, EXACT)},
    "version": whole(2, 2),
}
# A proof of the second version has witnesses and seat changes, of which there may be none.
PROOF_2 = {**PROOF, "changes": changes, "version": whole(2, 2), "witnesses": witnesses}


def parts_make_sense(bound):
    """Ascending groups, and not what the other form says: one group alone. Python compares text by code points, as UTF-8 does."""
    groups = bound["groups"]
    ascend = all(one < other for one, other in zip(groups, groups[1:]))
    return ascend and (bound["without_group"] or len(groups) > 1)


def parts(bound):
    """The groups that a quota is about; None are the people without one."""
    if "group" in bound:
        return [bound["group"]]
    return bound["groups"] + ([None] if bound["without_group"] else [])


def prizes_make_sense(prizes):
    if not 1 <= len(prizes) <= 100 or sum(prize["winners"] for prize in prizes) > 10000:
        return False
    for prize in prizes:
        quota = prize["quota"]
        names = [part for bound in quota for part in parts(bound)]
        if len(names) > 50 or len(set(names)) != len(names):
            return False
        for bound in quota:
            least, most = bound["at_least"], bound["at_most"]
            if least is None and most is None or None not in (least, most) and least > most:
                return False
        if sum(bound["at_least"] or 0 for bound in quota) > prize["winners"]:
            return False
    return True


# --- Ed25519, RFC 8032 section 5.1.7 -----------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(one, other):
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    product = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            product = add(product, point)
        point = add(point, point)
        scalar >>= 1
    return product


def same(one, other):
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (one[1] * other[2] - other[1] * one[2]) % P == 0


def decode_point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or x == 0 and sign:
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(key, message, signature):
    point, commitment = decode_point(key), decode_point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if point is None or commitment is None or scalar >= ORDER:
        return False
    if any(same(multiply(8, small), (0, 1, 1, 0)) for small in (point, commitment)):
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return same(multiply(scalar, BASE), add(commitment, multiply(challenge, point)))


# --- the draw ----------------------------------------------------------------------------------------------------


def merkle_root(hashes):
    """RFC 6962, section 2.1, over the hashes of the leaves."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return sha256(b"\x01", merkle_root(hashes[:split]), merkle_root(hashes[split:]))


def score(key, entry):
    label = entry["label"].encode()
    infos = [label] + [label + b"\x00" + ticket.to_bytes(4, "big") for ticket in range(1, entry["tickets"])]
    # The first block of HKDF-Expand (RFC 5869), which is 32 bytes long.
    return min(hmac.digest(key, info + b"\x01", "sha256") for info in infos)


def seat(line, manifest):
    """Gives the seats to a line of (score, label, group), best first; answers the ranking."""
    seats = [None] * len(line)
    for place, prize in enumerate(manifest["prizes"]):
        for bound in prize["quota"]:
            free = [i for i, one in enumerate(line) if seats[i] is None and one[2] in parts(bound)]
            for i in free[: bound["at_least"] or 0]:
                seats[i] = (place, "reserved")
    for place, prize in enumerate(manifest["prizes"]):
        quotas = {part: number for number, bound in enumerate(prize["quota"]) for part in parts(bound)}
        room = [None if bound["at_most"] is None else bound["at_most"] - (bound["at_least"] or 0) for bound in prize["quota"]]
        open_seats = prize["winners"] - sum(bound["at_least"] or 0 for bound in prize["quota"])
        for i, one in enumerate(line):
            if open_seats == 0:
                break
            quota = quotas.get(one[2])
            limited = quota is not None and room[quota] is not None
            if seats[i] is None and not (limited and room[quota] == 0):
                if limited:
                    room[quota] -= 1
                seats[i] = (place, "open")
                open_seats -= 1
    for i in [i for i in range(len(line)) if seats[i] is None][: manifest["alternates"]]:
        seats[i] = (None, "alternate")
    return [
        {"label": one[1], "prize": given[0], "score": one[0].hex(), "seat": given[1]}
        for one, given in zip(line, seats)
        if given is not None
    ]


def replay(log, commitment, key, ranking, line, manifest, round_at):
    """Replays the seat changes: each by its number, chain and signature, and each seat to the first in line who fits."""
    # By rank, since when those have a seat who took it; the others have theirs since the round.
    taken_at = {}
    to_claim = manifest["claim_within_seconds"]
    ranked = {one["label"] for one in ranking}
    groups = {label: group for _, label, group in line}
    # By rank: the ranking, and behind it whoever else stands in line.
    people = [one["label"] for one in ranking] + [label for _, label, _ in line if label not in ranked]
    seats = [one["prize"] for one in ranking] + [None] * (len(people) - len(ranking))
    waiting = [rank for rank, prize in enumerate(seats, 1) if prize is None]
    gone = set()

    def fits_prize(rank, place):
        prize = manifest["prizes"][place]
        sitting = [other for other, seat in enumerate(seats, 1) if seat == place and other not in gone] + [rank]
        empty = prize["winners"] - len(sitting)
        lacking = 0
        for bound in prize["quota"]:
            named = [other for other in sitting if groups[people[other - 1]] in parts(bound)]
            full = bound["at_most"] is not None and len(named) > bound["at_most"]
            if rank in named and full:
                return False
            lacking += max(0, (bound["at_least"] or 0) - len(named))
        return empty >= 0 and lacking <= empty

    previous, at, replacing = commitment.hex(), round_at, False
    # Of the withdrawals: when the first was decided, and the place of the last, which is the prize, if any, and the rank.
    withdrawn_at, place_before = None, (-1, 0)
    for number, change in enumerate(log, 1):
        need(change["number"] == number, "changes", "another number than its place")
        need(change["previous"] == previous, "changes", "does not name the entry before")
        need(milliseconds(change["at"]) >= at, "changes", "dated before the entry before, or before the round")
        replaced = change["kind"] == "replaced"
        need(replaced == (change["reason"] is not None), "changes", "a kind that does not fit its reason")
        need(replaced or not replacing, "changes", "a withdrawal after a replacement")
        hashed = sha256(canonical({name: value for name, value in change.items() if name != "signature"}))
        signature = bytes.fromhex(change["signature"])
        need(signed(key, b"fair-draw seat change 1\n" + hashed, signature), "changes", "not signed by the organiser")
        previous, at, replacing = hashed.hex(), milliseconds(change["at"]), replaced
        rank = change["rank"]
        need(1 <= rank <= len(people) and rank not in gone, "changes", "nobody who is there has the rank")
        prize = seats[rank - 1]
        need(prize is not None or not replaced, "changes", "the rank has no seat")
        if not replaced:
            need(withdrawn_at in (None, at), "changes", "withdrawals of different times")
            place = (-1 if prize is None or rank in taken_at else prize, rank)
            need(place > place_before, "changes", "withdrawals in another order")
            withdrawn_at, place_before = at, place
        gone.add(rank)
        taker = None
        if prize is None:
            waiting.remove(rank)
        else:
            taker = next((other for other in waiting if fits_prize(other, prize)), None)
        need(change["taken_by"] == taker, "changes", "another than the first in line who fits")
        if change["reason"] == "unclaimed":
            need(to_claim is not None, "changes", "unclaimed, in a draw in which nobody had to claim")
            since = taken_at.get(rank, round_at)
            need(at >= since + to_claim * 1000, "changes", "unclaimed before the time to claim was over")
        if taker is not None:
            taken_at[taker] = at
            waiting.remove(taker)
            seats[taker - 1] = prize


QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"

# A round that many proofs share is verified once.
is_signed_round = functools.lru_cache(maxsize=1024)(bls.is_signed)


def parsed(data, step):
    """The value whose canonical text these bytes are."""
    try:
        value = json.loads(data.decode())
        is_canonical = canonical(value) == data
    except (ValueError, RecursionError) as error:
        raise Refused(step, str(error)) from error
    need(is_canonical, step, "not the canonical text")
    return value


def cut(data):
    """The proof without its entries, and the list of these, in bytes that are not read yet."""
    before, behind = b',"entries":', b',"manifest":'
    head, tail = data.find(before), data.rfind(behind)
    first = head + len(before)
    need(0 <= head and first <= tail, "form", "no entries before the manifest")
    entries = data[first:tail]
    is_list = len(entries) > 1 and entries.startswith(b"[") and entries.endswith(b"]")
    need(entries == b"null" or is_list, "form", "entries that are no list")
    return data[:head] + data[tail:], None if entries == b"null" else entries


def shape_of(proof):
    """The shape of a proof of this version with a manifest of that version."""
    version = lambda value: value.get("version") if isinstance(value, dict) else None
    shape = PROOF_2 if version(proof) == 2 else PROOF
    is_second = isinstance(proof, dict) and version(proof.get("manifest")) == 2
    return {**shape, "manifest": MANIFEST_2} if is_second else shape


def check_operator(manifest):
    """The place among all draws of the operator."""
    place = manifest["operator"]
    lane = sha256(manifest["lottery_id"].encode())[0] >> 4
    need(place["lane"] == lane, "manifest", "another lane than the lottery's")
    if "kind" in manifest:
        need(place["sequence"] == 0 and place["previous_commitment"] is None, "manifest", "a rehearsal with a place")
        return
    need(place["sequence"] > 0, "manifest", "the lane counts from 1")
    is_first = place["previous_commitment"] is None
    need(is_first == (place["sequence"] == 1), "manifest", "the draw before in the lane must be named, unless it is the first")
    # Every draw of the lottery has a number in the lane too.
    need(place["sequence"] >= manifest["sequence"], "manifest", "a lower number in the lane than in the lottery")
    is_alone = place["sequence"] == manifest["sequence"]
    is_same = place["previous_commitment"] == manifest["previous_commitment"]
    need(is_same or not is_alone, "manifest", "another draw before in the lane than in the lottery")


def check_past_winners(manifest, entries):
    """Nobody can have won in a draw that is no earlier one."""
    draws = {entry["excluded"].split(":")[1] for entry in entries if (entry["excluded"] or "").startswith("past_winner:")}
    need(not draws or manifest["exclude_past_winners"], "entries", "past winners are excluded, which the manifest denies")
    need(not draws or manifest["sequence"] != 1, "entries", "past winners before the first draw")
    need(manifest["draw_id"] not in draws, "entries", "past winners of this very draw")


# --- receipts ----------------------------------------------------------------------------------------------------

RECEIPT = {
    "email": or_null(any_text),
    "name": any_text,
    "participant_id": text("[A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
    "phone": or_null(any_text),
    "secret": hexadecimal(32),
}
RECEIPT_1 = {"label": LABEL, "nonce": hexadecimal(32), "participant_id": RECEIPT["participant_id"]}


def expand(key, info):
    """The first block of HKDF-Expand (RFC 5869), which is 32 bytes long."""
    return hmac.digest(key, info + b"\x01", "sha256")


def own(receipt, manifest):
    """The label and the holder that a receipt gives in a draw."""
    if manifest["version"] == 1:
        need(fits(receipt, RECEIPT_1), "receipt", "no receipt of this version")
        holder = sha256(bytes.fromhex(receipt["nonce"]), receipt["participant_id"].encode())
        return receipt["label"], base64.urlsafe_b64encode(holder).decode().rstrip("=")
    need(fits(receipt, RECEIPT), "receipt", "no receipt of this version")
    secret = bytes.fromhex(receipt["secret"])
    person = {name: receipt[name] for name in ("email", "name", "participant_id", "phone")}
    identity = sha256(secret, canonical(person))
    link = expand(secret, b"fair-draw link")
    draw = (manifest["lottery_id"] + "/" + manifest["draw_id"]).encode()
    bits = bytearray(expand(link, b"fair-draw label " + draw)[:16])
    bits[6] = bits[6] & 0x0F | 0x40
    bits[8] = bits[8] & 0x3F | 0x80
    holder = expand(link, b"fair-draw holder " + draw + b" " + identity)
    return str(uuid.UUID(bytes=bytes(bits))), base64.urlsafe_b64encode(holder).decode().rstrip("=")


def check_receipt(receipt, manifest, entries):
    label, holder = own(receipt, manifest)
    entry = next((entry for entry in entries if entry["label"] == label), None)
    need(entry is not None, "receipt", "no entry has the label of the receipt")
    need(entry["holder"] == holder, "receipt", "the entry is bound to something else")


def verify(data, roots=(), receipt=None):
    data, listed = cut(data)
    proof = parsed(data, "form")
    # The manifest of a rehearsal says so in a member that no draw's has.
    is_rehearsal = isinstance(proof, dict) and isinstance(proof.get("manifest"), dict) and "kind" in proof["manifest"]
    shape = shape_of(proof)
    if is_rehearsal:
        shape = {**shape, "manifest": {**shape["manifest"], "kind": text("rehearsal")}}
    need(fits(proof, shape), "form", "not every field and no other, in its bounds")
    manifest, chain, drawn = proof["manifest"], proof["beacon"]["chain"], proof["beacon"]["round"]
    need(prizes_make_sense(manifest["prizes"]), "form", "prizes that make no sense")

    first = is_rehearsal or manifest["sequence"] == 1
    need((manifest["sequence"] > 0) != is_rehearsal, "manifest", "the sequence counts from 1, and a rehearsal has none")
    for name in ("previous_commitment", "previous_status"):
        need((manifest[name] is None) == first, "manifest", "the draw before must be named, unless it is the first")
    closes_at, sealed_at = manifest["closes_at"], milliseconds(manifest["sealed_at"])
    need(closes_at is None or milliseconds(closes_at) <= sealed_at, "manifest", "sealed before it closed")

    if manifest["version"] == 2:
        check_operator(manifest)

    commitment = sha256(canonical(manifest))
    key, signature = (bytes.fromhex(proof["signature"][name]) for name in ("public_key", "signature"))
    need(signed(key, b"fair-draw commitment 1\n" + commitment, signature), "signature", "not the key's signature")

    public_key = bytes.fromhex(chain["public_key"])
    parameters = chain["period"].to_bytes(4, "big") + chain["genesis_time"].to_bytes(8, "big")
    name = b"" if chain["beacon_id"] == "default" else chain["beacon_id"].encode()
    chain_hash = sha256(parameters, public_key, bytes.fromhex(chain["group_hash"]), name)
    named = manifest["beacon"]
    need(chain_hash.hex() == named["chain_hash"], "round", "another chain than the one named")
    need(chain["public_key"] == named["public_key"], "round", "another key than the one named")
    earliest = sealed_at + manifest["margin_seconds"] * 1000
    periods = -(-max(0, earliest - chain["genesis_time"] * 1000) // (chain["period"] * 1000))
    need(named["round"] == periods + 1, "round", "not the round that follows from the time of sealing")
    time = (chain["genesis_time"] + periods * chain["period"]) * 1000
    need(time <= LAST, "round", "a round outside of the calendar")

    # A stamp that does not count breaks nothing: the proof is what it is without the stamp.
    stamps = [base64.b64decode(one["token"]) for one in proof.get("witnesses", [])]
    stamps = [witness.worth(stamp, commitment, time, roots) for stamp in stamps]

    if drawn is not None:
        need(drawn["round"] == named["round"], "randomness", "another round than the one named")
        signature = bytes.fromhex(drawn["signature"])
        randomness = sha256(signature)
        need(randomness.hex() == drawn["randomness"], "randomness", "not the hash of the round's signature")
        need(is_signed_round(public_key, drawn["round"], signature), "randomness", "not signed by the beacon")

    if listed is None:
        return {"verdict": "incomplete", "commitment": commitment.hex()}
    entries = parsed(listed, "entries")
    need(fits(entries, [ENTRY]), "entries", "an entry is not of the expected form")
    labels = [entry["label"] for entry in entries]
    need(all(one < other for one, other in zip(labels, labels[1:])), "entries", "not in the order of the labels")
    need(len(entries) == manifest["entries"], "entries", "another number of entries")
    need(sum(entry["tickets"] for entry in entries) == manifest["tickets"], "entries", "another number of tickets")
    leaves = [sha256(b"\x00", canonical(entry)) for entry in entries]
    root = merkle_root(leaves) if leaves else sha256()
    need(root.hex() == manifest["root"], "entries", "another Merkle root")
    if manifest["version"] == 2:
        check_past_winners(manifest, entries)

    if drawn is None:
        need(proof["ranking"] is None, "ranking", "winners without the round that decides them")
        need(not proof.get("changes"), "changes", "seat changes without winners")
        return {"verdict": "incomplete", "commitment": commitment.hex()}
    key = hmac.digest(commitment, randomness, "sha256")
    line = sorted(
        ((score(key, entry), entry["label"], entry["group"]) for entry in entries if entry["excluded"] is None),
        key=lambda one: one[:2],
    )
    ranking = seat(line, manifest)
    winners = sum(1 for ranked in ranking if ranked["prize"] is not None)
    need(winners == sum(prize["winners"] for prize in manifest["prizes"]), "ranking", "a seat stays empty")
    if proof["ranking"] is None:
        need(not proof.get("changes"), "changes", "seat changes without winners")
        return {"verdict": "incomplete", "commitment": commitment.hex()}
    need(ranking == proof["ranking"], "ranking", "another ranking than the one that follows")
    organiser = bytes.fromhex(proof["signature"]["public_key"])
    replay(proof.get("changes", []), commitment, organiser, ranking, line, manifest, time)
    if receipt is not None:
        check_receipt(receipt, manifest, entries)
    if is_rehearsal:
        return {"verdict": "rehearsal", "commitment": commitment.hex(), "ranking": ranking, "witnesses": stamps}
    verdict = "holds" if chain_hash.hex() == QUICKNET else "consistent"
    return {"verdict": verdict, "commitment": commitment.hex(), "ranking": ranking, "witnesses": stamps}


def judged(data, roots, receipt=None):
    try:
        return verify(data, roots, receipt)
    except Refused as refused:
        return {"verdict": "refused", "step": refused.step, "why": str(refused)}


def main():
    paths, roots, receipt = sys.argv[1:], witness.public_roots(), None
    if paths[:1] == ["--receipt"]:
        with open(paths[1], encoding="utf-8") as file:
            receipt = json.load(file)
        paths = paths[2:]
    while paths[:1] == ["--tsa-root"]:
        with open(paths[1], encoding="utf-8") as file:
            roots += witness.certificates_of(file.read())
        paths = paths[2:]
    if paths == ["--lines"]:
        for text_line in sys.stdin:
            print(json.dumps(judged(base64.b64decode(text_line), roots)), flush=True)
        return
    verdicts = []
    for path in paths:
        with open(path, "rb") as file:
            verdicts.append(judged(file.read(), roots, receipt))
    for verdict in verdicts:
        print(json.dumps(verdict))
    sys.exit(0 if verdicts and all(verdict["verdict"] in ("holds", "consistent") for verdict in verdicts) else 1)


if __name__ == "__main__":
    main()
