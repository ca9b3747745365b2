// @ts-check
// Time stamps of the commitment (RFC 3161): what each is worth (docs/fair-draw.md, section 8).

import { hex, join } from "./bytes.js";
import { Certificate, ID, hashOf, schemeOf } from "./certificate.js";
import { Malformed, Reader, TAG, need, number, only, time } from "./der.js";
import { ROOTS } from "./roots.js";

/** The name of the root of every authority that is a machine's own. */
const LOCAL = "Local time-stamp authority, a machine's own clock";
const [MAX_CERTIFICATES, MAX_BETWEEN] = [8, 4];

/** Why a stamp does not count. */
class Worthless extends Error {}

function check(isTrue, reason) {
  if (!isTrue) throw new Worthless(reason);
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** The certificates of a text in PEM. */
export function certificates(pem) {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g)].map(
    ([, body]) => new Certificate(fromBase64(body.replace(/\s/g, ""))),
  );
}

/**
 * What a stamp is worth for a commitment whose round comes out at `roundAt`, in milliseconds since 1970: its outcome is
 * `witnessed`, `local`, `nothing` with a reason, or `unsupported` where this browser cannot check signatures.
 *
 * @returns {Promise<{outcome: string, reason?: string, before?: string, authority?: string}>}
 */
export async function worth(token, commitment, roundAt, roots = ROOTS) {
  let stamp;
  try {
    stamp = new Stamp(token);
  } catch (error) {
    if (error instanceof Malformed) return { outcome: "nothing", reason: "form" };
    throw error;
  }
  if (!globalThis.crypto?.subtle) return { outcome: "unsupported" };
  try {
    check(stamp.imprint === hex(commitment), "imprint");
    const signer = stamp.certificates.find((it) => it.issuer === stamp.issuer && it.serial === stamp.serial);
    check(signer, "signer");
    check(await stamp.isSignedBy(signer), "signature");
    check(signer.isForStampsAlone, "purpose");
    const authority = await authorityOf(stamp, signer, certificates(roots));
    const before = stamp.time + stamp.accuracy;
    check(before < roundAt, "late");
    const named = { before: new Date(before).toISOString() };
    return authority === null
      ? { outcome: "local", ...named }
      : { outcome: "witnessed", authority, ...named };
  } catch (error) {
    if (error instanceof Worthless) return { outcome: "nothing", reason: error.message };
    throw error;
  }
}

/** The name of the root in which the chain of a signer ends; null if that is a machine's own. */
async function authorityOf(stamp, signer, roots) {
  let last = signer;
  for (let between = 0; between <= MAX_BETWEEN; between += 1) {
    check(last.isValidAt(stamp.time), "expired");
    for (const root of roots) {
      if (await root.issued(last)) {
        check(root.isValidAt(stamp.time), "expired");
        return root.name;
      }
    }
    /** @type {Certificate | null} */
    let above = null;
    for (const it of stamp.certificates) {
      if (above === null && it.mayIssue(between) && (await it.issued(last))) above = it;
    }
    if (above === null) throw new Worthless("authority");
    if (above.issuer === above.subject) {
      check(above.isValidAt(stamp.time), "expired");
      check(above.name === LOCAL, "authority");
      return null;
    }
    last = above;
  }
  throw new Worthless("authority");
}

/** A time stamp as it says of itself: a CMS message (RFC 5652) with one signer, about a hash and a time. */
class Stamp {
  constructor(bytes) {
    const message = only(bytes, TAG.sequence);
    is(message, ID.signedData);
    const inner = message.expect(0xa0).content;
    message.end();
    const data = only(inner, TAG.sequence);
    data.number();
    data.expect(TAG.set);
    const stamp = data.take(TAG.sequence);
    is(stamp, ID.timeStamp);
    this.content = only(stamp.expect(0xa0).content, TAG.octets).bytes;
    stamp.end();
    this.certificates = [];
    const listed = new Reader(data.optional(0xa0)?.content ?? new Uint8Array());
    while (!listed.isEmpty) this.#bring(listed.element().whole);
    data.optional(0xa1);
    const signers = data.take(TAG.set);
    data.end();
    const signer = signers.take(TAG.sequence);
    signers.end();
    need(this.certificates.length <= MAX_CERTIFICATES);
    signer.number();
    const id = signer.take(TAG.sequence);
    this.issuer = hex(id.expect(TAG.sequence).whole);
    this.serial = hex(id.expect(TAG.integer).content);
    id.end();
    this.hash = hashOf(signer.take(TAG.sequence));
    const attributes = signer.expect(0xa0);
    this.scheme = schemeOf(signer.take(TAG.sequence));
    this.signature = signer.expect(TAG.octets).content;
    signer.optional(0xa1);
    signer.end();
    this.digest = digestOf(new Reader(attributes.content));
    // They are signed as a SET OF, under whose tag they do not stand here.
    this.attributes = join(Uint8Array.of(TAG.set), attributes.whole.subarray(1));
    this.#read(only(this.content, TAG.sequence));
  }

  #bring(bytes) {
    try {
      this.certificates.push(new Certificate(bytes));
    } catch (error) {
      // Other kinds than X.509 may be there, and are not looked at.
      if (!(error instanceof Malformed)) throw error;
    }
  }

  #read(info) {
    need(info.number() === 1);
    info.expect(TAG.id);
    const imprint = info.take(TAG.sequence);
    const hash = hashOf(imprint.take(TAG.sequence));
    const hashed = hex(imprint.expect(TAG.octets).content);
    imprint.end();
    this.imprint = hash === "SHA-256" ? hashed : null;
    info.expect(TAG.integer);
    const stampedAt = info.expect(TAG.time);
    const accuracy = info.optional(TAG.sequence);
    // Without a word on it, a fraction of a second may have been left out.
    this.accuracy = accuracy ? accuracyOf(new Reader(accuracy.content)) : 1000;
    [TAG.boolean, TAG.integer, 0xa0, 0xa1].forEach((tag) => info.optional(tag));
    info.end();
    this.time = time(stampedAt);
  }

  async isSignedBy(signer) {
    if (this.hash === null || this.scheme === null) return false;
    const digest = new Uint8Array(await crypto.subtle.digest(this.hash, this.content));
    return (
      hex(digest) === this.digest &&
      signer.isSignedBy(this.scheme, this.hash, this.attributes, this.signature)
    );
  }
}

function is(reader, id) {
  need(hex(reader.expect(TAG.id).content) === id);
}

/** The hash that the signed attributes name; they must be about a time stamp. */
function digestOf(attributes) {
  let isStamp = false;
  /** @type {string | null} */
  let digest = null;
  while (!attributes.isEmpty) {
    const attribute = attributes.take(TAG.sequence);
    const id = hex(attribute.expect(TAG.id).content);
    const values = attribute.take(TAG.set);
    attribute.end();
    if (id === ID.contentType) {
      need(!isStamp);
      is(values, ID.timeStamp);
      values.end();
      isStamp = true;
    } else if (id === ID.messageDigest) {
      need(digest === null);
      digest = hex(values.expect(TAG.octets).content);
      values.end();
    }
  }
  need(isStamp && digest !== null);
  return digest;
}

/** Seconds, thousandths, millionths, each of which may be left out; in milliseconds, rounded up. */
function accuracyOf(accuracy) {
  const part = (tag, most) => {
    const found = accuracy.optional(tag);
    const value = found ? number(found.content) : 0;
    need(value <= most);
    return value;
  };
  const [seconds, thousandths, millionths] = [
    part(TAG.integer, 2 ** 32 - 1),
    part(0x80, 999),
    part(0x81, 999),
  ];
  accuracy.end();
  return seconds * 1000 + thousandths + (millionths > 0 ? 1 : 0);
}
