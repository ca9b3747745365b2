// @ts-check
// Certificates (RFC 5280) as far as the chain of a time stamp needs them, and the signatures that they check.

import { hex } from "./bytes.js";
import { Malformed, Reader, TAG, need, number, only, positive, time, wholeBits } from "./der.js";

/** Identifiers by their bytes: no two spellings are one. */
export const ID = {
  signedData: "2a864886f70d010702",
  timeStamp: "2a864886f70d0109100104",
  contentType: "2a864886f70d010903",
  messageDigest: "2a864886f70d010904",
};
const TIME_STAMPING = "2b06010505070308";
const ANY_USAGE = "551d2500";
const COMMON_NAME = "550403";
const [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE] = ["551d13", "551d0f", "551d25"];
const [RSA_KEY, CURVE_KEY] = ["2a864886f70d010101", "2a8648ce3d0201"];
const CURVES = { "2a8648ce3d030107": ["P-256", 32], "2b81040022": ["P-384", 48] };
const HASHES = {
  "608648016503040201": "SHA-256",
  "608648016503040202": "SHA-384",
  "608648016503040203": "SHA-512",
};
const SCHEMES = {
  [RSA_KEY]: ["rsa", null],
  "2a864886f70d01010b": ["rsa", "SHA-256"],
  "2a864886f70d01010c": ["rsa", "SHA-384"],
  "2a864886f70d01010d": ["rsa", "SHA-512"],
  "2a8648ce3d040302": ["ecdsa", "SHA-256"],
  "2a8648ce3d040303": ["ecdsa", "SHA-384"],
  "2a8648ce3d040304": ["ecdsa", "SHA-512"],
};

/** The entry of a table for an algorithm without parameters, or with NULL; null if there is none. */
function known(table, algorithm) {
  try {
    const id = hex(algorithm.expect(TAG.id).content);
    if (!algorithm.isEmpty) need(hex(algorithm.element().whole) === "0500");
    algorithm.end();
    return Object.hasOwn(table, id) ? table[id] : null;
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

export const hashOf = (algorithm) => known(HASHES, algorithm);
export const schemeOf = (algorithm) => known(SCHEMES, algorithm);

/** A certificate, by its own bytes. */
export class Certificate {
  constructor(bytes) {
    const certificate = only(bytes, TAG.sequence);
    const body = certificate.expect(TAG.sequence);
    const algorithm = certificate.expect(TAG.sequence);
    this.signature = wholeBits(certificate.expect(TAG.bits).content);
    certificate.end();
    this.signed = body.whole;
    const fields = new Reader(body.content);
    fields.optional(0xa0);
    this.serial = hex(fields.expect(TAG.integer).content);
    need(hex(fields.expect(TAG.sequence).whole) === hex(algorithm.whole));
    this.issuer = hex(fields.expect(TAG.sequence).whole);
    const validity = fields.take(TAG.sequence);
    this.valid = [time(validity.element()), time(validity.element())];
    validity.end();
    const subject = fields.expect(TAG.sequence);
    this.subject = hex(subject.whole);
    this.names = subject.content;
    this.key = fields.expect(TAG.sequence).whole;
    fields.optional(0x81);
    fields.optional(0x82);
    /** @type {number | null} */
    this.authority = null;
    /** @type {boolean | null} */
    this.signs = null;
    /** @type {string[] | null} */
    this.purposes = null;
    this.isCritical = false;
    this.hasUnknown = false;
    const extensions = fields.optional(0xa3);
    if (extensions) this.#extend(only(extensions.content, TAG.sequence));
    fields.end();
    this.scheme = schemeOf(new Reader(algorithm.content));
  }

  #extend(extensions) {
    while (!extensions.isEmpty) {
      const extension = extensions.take(TAG.sequence);
      const id = hex(extension.expect(TAG.id).content);
      const critical = extension.optional(TAG.boolean);
      need(critical === null || hex(critical.content) === "ff");
      const value = extension.expect(TAG.octets).content;
      extension.end();
      if (id === BASIC_CONSTRAINTS) {
        const constraints = only(value, TAG.sequence);
        const flag = constraints.optional(TAG.boolean);
        if (flag && hex(flag.content) === "ff") {
          const most = constraints.optional(TAG.integer);
          this.authority = most ? number(most.content) : Infinity;
        }
      } else if (id === KEY_USAGE) {
        const bits = new Reader(value).expect(TAG.bits).content;
        this.signs = bits.length > 1 && (bits[1] & 4) !== 0;
      } else if (id === EXTENDED_KEY_USAGE) {
        const purposes = only(value, TAG.sequence);
        const named = [];
        while (!purposes.isEmpty) named.push(hex(purposes.expect(TAG.id).content));
        this.purposes = named;
        this.isCritical = critical !== null;
      } else if (critical) {
        this.hasUnknown = true;
      }
    }
  }

  isValidAt(at) {
    return this.valid[0] <= at && at <= this.valid[1];
  }

  /** Whether its key is for time stamps and nothing else. */
  get isForStampsAlone() {
    return (
      !this.hasUnknown && this.isCritical && this.purposes?.length === 1 && this.purposes[0] === TIME_STAMPING
    );
  }

  /** Whether its key may sign the certificate of a signer of time stamps, with so many others between. */
  mayIssue(between) {
    const isForStamps =
      this.purposes === null || this.purposes.includes(TIME_STAMPING) || this.purposes.includes(ANY_USAGE);
    return (
      this.authority !== null &&
      between <= this.authority &&
      this.signs !== false &&
      isForStamps &&
      !this.hasUnknown
    );
  }

  /** Whether this one's key signed the other. */
  async issued(other) {
    if (other.issuer !== this.subject || other.scheme === null) return false;
    return this.isSignedBy(other.scheme, null, other.signed, other.signature);
  }

  /** Whether its key made this signature; `name` is the hash function that a scheme leaves open. */
  async isSignedBy([kind, own], name, bytes, signature) {
    const hash = own ?? name;
    if (hash === null || (own !== null && name !== null && own !== name)) return false;
    let key;
    try {
      key = keyOf(this.key);
      if (key === null || key.kind !== kind) return false;
      if (kind === "rsa") {
        const imported = await crypto.subtle.importKey(
          "spki",
          this.key,
          { name: "RSASSA-PKCS1-v1_5", hash },
          false,
          ["verify"],
        );
        return await crypto.subtle.verify("RSASSA-PKCS1-v1_5", imported, signature, bytes);
      }
      const imported = await crypto.subtle.importKey(
        "spki",
        this.key,
        { name: "ECDSA", namedCurve: key.curve },
        false,
        ["verify"],
      );
      return await crypto.subtle.verify(
        { name: "ECDSA", hash },
        imported,
        fixed(signature, key.length),
        bytes,
      );
    } catch (error) {
      if (error instanceof Malformed || ["DataError", "OperationError"].includes(error.name)) return false;
      throw error;
    }
  }

  /** The common name, or else the first part of the subject's name; null if it is no text. */
  get name() {
    try {
      const names = new Reader(this.names);
      /** @type {string | null} */
      let found = null;
      while (!names.isEmpty) {
        const part = names.take(TAG.set).take(TAG.sequence);
        const id = hex(part.expect(TAG.id).content);
        const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
          part.element().content,
        );
        if (id === COMMON_NAME || found === null) found = text;
      }
      return found;
    } catch {
      return null;
    }
  }
}

/** What kind of key a SubjectPublicKeyInfo has; null if none that is taken. */
function keyOf(bytes) {
  const info = only(bytes, TAG.sequence);
  const algorithm = info.take(TAG.sequence);
  const key = wholeBits(info.expect(TAG.bits).content);
  info.end();
  const id = hex(algorithm.expect(TAG.id).content);
  const parameters = algorithm.element();
  algorithm.end();
  if (id === RSA_KEY && hex(parameters.whole) === "0500") {
    const numbers = only(key, TAG.sequence);
    const modulus = positive(numbers.expect(TAG.integer).content);
    const exponent = numbers.number();
    numbers.end();
    const bits = 8 * modulus.length - Math.clz32(modulus[0]) + 24;
    const isTaken =
      bits >= 2048 &&
      bits <= 4096 &&
      exponent >= 3 &&
      exponent < 2 ** 32 &&
      exponent % 2 === 1 &&
      modulus.at(-1) % 2 === 1;
    return isTaken ? { kind: "rsa" } : null;
  }
  const [curve, length] = (parameters.tag === TAG.id && CURVES[hex(parameters.content)]) || [];
  if (id !== CURVE_KEY || !curve || key.length !== 1 + 2 * length || key[0] !== 4) return null;
  return { kind: "ecdsa", curve, length };
}

/** Both numbers of a signature in so many bytes each, which is how browsers take them. */
function fixed(signature, length) {
  const numbers = only(signature, TAG.sequence);
  const both = new Uint8Array(2 * length);
  for (const end of [length, 2 * length]) {
    const value = positive(numbers.expect(TAG.integer).content);
    need(value.length <= length);
    both.set(value, end - value.length);
  }
  numbers.end();
  return both;
}
