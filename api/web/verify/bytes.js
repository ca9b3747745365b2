// @ts-check
// Bytes, SHA-256 and HMAC. WebCrypto hashes well, but not at once, and only on pages that came over HTTPS; a
// ranking needs millions of short hashes, one after the other.

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function unhex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function utf8(text) {
  return new TextEncoder().encode(text);
}

/** Base64 for addresses, without padding. */
export function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
}

/** A number in so many bytes, most significant first. */
export function bigEndian(number, length) {
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = number; i >= 0; i -= 1, rest = Math.floor(rest / 256))
    bytes[i] = rest % 256;
  return bytes;
}

export function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Canonical JSON after RFC 8785: for objects with names in ASCII, JSON.stringify and sorted names are all it takes. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)
    .join(",")}}`;
}

const [START, ROUNDS] = constants();

/** The fractions of the square roots of the first primes, and of the cube roots (FIPS 180-4, 4.2.2 and 5.3.3). */
function constants() {
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime)) primes.push(n);
  const fraction = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
  return [
    Int32Array.from(primes.slice(0, 8), (prime) => fraction(prime ** 0.5)),
    Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
  ];
}

const W = new Int32Array(64);

function compress(state, bytes, at) {
  for (let i = 0; i < 16; i += 1, at += 4) {
    W[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i += 1) {
    const [x, y] = [W[i - 15], W[i - 2]];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
  }
  let a = state[0],
    b = state[1],
    c = state[2],
    d = state[3],
    e = state[4],
    f = state[5],
    g = state[6],
    h = state[7];
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + W[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/** Hashes on from a state in which `before` bytes are taken already. */
function finish(from, before, bytes) {
  const state = Int32Array.from(from);
  let at = 0;
  for (; at + 64 <= bytes.length; at += 64) compress(state, bytes, at);
  const rest = bytes.length - at;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  tail.set(bytes.subarray(at));
  tail[rest] = 0x80;
  tail.set(bigEndian((before + bytes.length) * 8, 8), tail.length - 8);
  for (let i = 0; i < tail.length; i += 64) compress(state, tail, i);
  const digest = new Uint8Array(32);
  for (let i = 0; i < 32; i += 1) digest[i] = state[i >> 2] >>> (24 - 8 * (i & 3));
  return digest;
}

/** SHA-256 of these parts, one behind the other. */
export function sha256(...parts) {
  return finish(START, 0, parts.length === 1 ? parts[0] : join(...parts));
}

/** HMAC-SHA-256 with a key of at most 64 bytes, as a function of the message. */
export function hmac(key) {
  const [inner, outer] = [0x36, 0x5c].map((pad) => {
    const state = Int32Array.from(START);
    const block = new Uint8Array(64).fill(pad);
    key.forEach((byte, i) => {
      block[i] ^= byte;
    });
    compress(state, block, 0);
    return state;
  });
  return (message) => finish(outer, 64, finish(inner, 64, message));
}

/** Which of two byte strings of one length comes first. */
export function compare(a, b) {
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}
