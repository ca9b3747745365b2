// @ts-check
// The form of a proof: each field within its bounds, and no other field (docs/fair-draw.md, sections 1, 2 and 5).

import { compare, utf8 } from "./bytes.js";

const EXACT = Number.MAX_SAFE_INTEGER;
const U32 = 2 ** 32 - 1;

/** Whether a value is of a shape: a test, an object of shapes, or a list of one shape. */
export function fits(value, shape) {
  if (typeof shape === "function") return shape(value);
  if (Array.isArray(shape)) return Array.isArray(value) && value.every((item) => fits(item, shape[0]));
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  const names = Object.keys(shape);
  return (
    Object.keys(value).length === names.length &&
    names.every((name) => Object.hasOwn(value, name) && fits(value[name], shape[name]))
  );
}

const whole = (least, most) => (value) => Number.isSafeInteger(value) && value >= least && value <= most;
const text = (pattern) => (value) => typeof value === "string" && pattern.test(value);
const orNull = (shape) => (value) => value === null || fits(value, shape);
const hexadecimal = (bytes) => text(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const list = (shape, least, most) => (value) =>
  Array.isArray(value) && value.length >= least && value.length <= most && fits(value, [shape]);

// White space is Unicode's property of that name, which is not what `trim` takes off (U+FEFF is none). Of half a surrogate
// pair there is no UTF-8.
const AT_THE_ENDS = /^\p{White_Space}|\p{White_Space}$/u;
const isText = (value) => typeof value === "string" && !/\p{Cs}/u.test(value);
const line = (longest) => (value) =>
  isText(value) &&
  value !== "" &&
  [...value].length <= longest &&
  !AT_THE_ENDS.test(value) &&
  !/\p{Cc}/u.test(value);
const group = (value) => line(64)(value) && value.normalize("NFC") === value;

/** A timestamp of the years 0001 to 9998, in milliseconds since 1970. */
export const isTimestamp = (time) => time >= -62135596800000 && time <= 253370764799999;

function timestamp(value) {
  if (!text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)(value)) return false;
  const time = new Date(value);
  return isTimestamp(time.getTime()) && time.toISOString() === value;
}

/** The groups that a quota is about; null are the people without one. */
export function partsOf(bound) {
  if ("group" in bound) return [bound.group];
  return bound.without_group ? [...bound.groups, null] : bound.groups;
}

/** Groups in ascending order, and not what the other form says: one group alone. */
function areSeveral({ groups, without_group: withoutGroup }) {
  const ascend = groups.every((name, i) => i === 0 || compare(utf8(groups[i - 1]), utf8(name)) < 0);
  return ascend && (withoutGroup || groups.length > 1);
}

function bound(value) {
  const bounds = { at_least: orNull(whole(0, U32)), at_most: orNull(whole(0, U32)) };
  const several = { ...bounds, groups: [group], without_group: (one) => typeof one === "boolean" };
  if (!fits(value, { ...bounds, group }) && !(fits(value, several) && areSeveral(value))) return false;
  const { at_least: least, at_most: most } = value;
  return (least !== null || most !== null) && (least === null || most === null || least <= most);
}

function prize(value) {
  if (!fits(value, { name: line(100), quota: list(bound, 0, 50), winners: whole(1, 10000) })) return false;
  const parts = value.quota.flatMap(partsOf);
  return (
    parts.length <= 50 &&
    new Set(parts).size === parts.length &&
    value.quota.reduce((sum, one) => sum + (one.at_least ?? 0), 0) <= value.winners
  );
}

const prizes = (value) =>
  list(prize, 1, 100)(value) && value.reduce((sum, one) => sum + one.winners, 0) <= 10000;

const LABEL = text(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
const SCHEME = text(/^bls-unchained-g1-rfc9380$/);
const STATUS = text(
  /^(WAITING|SEALED|DRAWN|RECORDED|SUCCEEDED|INCOMPLETE|REJECTED|FAILED|CANCELLED|ABANDONED)$/,
);

/** The last of the 43 characters carries four bits: the two below them must be zero. */
const HOLDER = text(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);

export const ENTRY = {
  excluded: orNull(text(/^(absent|organiser|past_winner:[a-z0-9][a-z0-9-]{0,39})$/)),
  group: orNull(group),
  holder: HOLDER,
  label: LABEL,
  tickets: whole(1, 1000),
};

/** A receipt for manifests of the first version. */
export const RECEIPT = {
  label: LABEL,
  nonce: hexadecimal(32),
  participant_id: text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
};

/** A receipt for manifests of the second version, which names the person. */
export const RECEIPT_2 = {
  email: orNull(isText),
  name: isText,
  participant_id: RECEIPT.participant_id,
  phone: orNull(isText),
  secret: hexadecimal(32),
};

/** Bytes in base64 with padding, in its one spelling. */
function base64(most) {
  return (value) => {
    if (
      typeof value !== "string" ||
      value === "" ||
      value.length > Math.ceil(most / 3) * 4 ||
      !/^[A-Za-z0-9+/]+={0,2}$/.test(value)
    )
      return false;
    try {
      const bytes = atob(value);
      return bytes.length <= most && btoa(bytes) === value;
    } catch {
      return false;
    }
  };
}

/** A proof without its entries, which are held to their shape in a step of their own. */
const PROOF = {
  beacon: {
    chain: {
      beacon_id: isText,
      genesis_time: whole(0, U32),
      group_hash: hexadecimal(32),
      period: whole(1, U32),
      public_key: hexadecimal(96),
      scheme: SCHEME,
    },
    round: orNull({ randomness: hexadecimal(32), round: whole(0, EXACT), signature: hexadecimal(48) }),
  },
  manifest: {
    algorithm: text(/^hkdf-sha256-lowest-ticket$/),
    alternates: whole(0, U32),
    beacon: {
      chain_hash: hexadecimal(32),
      public_key: hexadecimal(96),
      round: whole(0, EXACT),
      scheme: SCHEME,
    },
    claim_within_seconds: orNull(whole(0, U32)),
    closes_at: orNull(timestamp),
    draw_id: text(/^[a-z0-9][a-z0-9-]{0,39}$/),
    entries: whole(0, EXACT),
    lottery_id: text(/^[a-z0-9][a-z0-9-]{0,62}$/),
    margin_seconds: whole(0, U32),
    previous_commitment: orNull(hexadecimal(32)),
    previous_status: orNull(STATUS),
    prizes,
    root: hexadecimal(32),
    sealed_at: timestamp,
    sequence: whole(0, EXACT),
    tickets: whole(0, EXACT),
    version: whole(1, 1),
  },
  ranking: orNull([
    {
      label: LABEL,
      prize: orNull(whole(0, 99)),
      score: hexadecimal(32),
      seat: text(/^(reserved|open|alternate)$/),
    },
  ]),
  signature: { public_key: hexadecimal(32), signature: hexadecimal(64) },
  version: whole(1, 1),
};

/** A shape of a proof, of a rehearsal: its manifest says so in a member that no draw's has. */
function ofRehearsal(shape) {
  return { ...shape, manifest: { ...shape.manifest, kind: text(/^rehearsal$/) } };
}

/** Whether a manifest is a rehearsal's. */
export function isRehearsal(manifest) {
  return Object.hasOwn(Object(manifest), "kind");
}

/** A manifest of the second version says more. */
const MANIFEST_2 = {
  ...PROOF.manifest,
  exclude_past_winners: (value) => typeof value === "boolean",
  operator: { lane: whole(0, 15), previous_commitment: orNull(hexadecimal(32)), sequence: whole(0, EXACT) },
  version: whole(2, 2),
};

/** A proof of the second version has witnesses and seat changes, of which there may be none. */
const PROOF_2 = {
  ...PROOF,
  changes: list(
    {
      at: timestamp,
      kind: text(/^(withdrawn|replaced)$/),
      number: whole(0, U32),
      previous: hexadecimal(32),
      rank: whole(0, U32),
      reason: orNull(text(/^(absent|declined|unreachable|ineligible|unclaimed)$/)),
      signature: hexadecimal(64),
      taken_by: orNull(whole(0, U32)),
    },
    0,
    10000,
  ),
  version: whole(2, 2),
  witnesses: list({ kind: text(/^rfc3161$/), token: base64(32768) }, 0, 8),
};

/** The shape of a proof of this version with a manifest of that version. */
export function proofShape(proof) {
  const proofs = proof?.version === 2 ? PROOF_2 : PROOF;
  const shape = proof?.manifest?.version === 2 ? { ...proofs, manifest: MANIFEST_2 } : proofs;
  return isRehearsal(proof?.manifest) ? ofRehearsal(shape) : shape;
}
