// @ts-check
// QR codes (ISO/IEC 18004): bytes, error correction level M, versions 1 to 15.

import { svg } from "./dom.js";

/** By version: error correction bytes in a block, and blocks. */
const CORRECTION = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10];
const LEVEL_M = 0;

/** The code of a text as a picture. */
export function code(text, label) {
  const { size, dark } = encode(text);
  let path = "";
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) if (dark[y][x]) path += `M${x + 4} ${y + 4}h1v1h-1z`;
  }
  const whole = size + 8;
  return svg(
    "svg",
    {
      class: "qr",
      viewBox: `0 0 ${whole} ${whole}`,
      role: "img",
      "aria-label": label,
      "shape-rendering": "crispEdges",
    },
    svg("rect", { width: whole, height: whole, fill: "#fff" }),
    svg("path", { d: path, fill: "#000" }),
  );
}

/** The code of a text: `{size, version, mask, dark}`, with `dark[y][x]`. */
export function encode(text) {
  const bytes = new TextEncoder().encode(text);
  const version = CORRECTION.findIndex(
    (_, one) => one > 0 && bytes.length + (one < 10 ? 2 : 3) <= capacity(one),
  );
  if (version < 1) throw new RangeError("the text is too long for a code");
  const words = interleave(dataWords(bytes, version), version);
  /** @type {ReturnType<typeof draw> | null} */
  let best = null;
  for (let mask = 0; mask < 8; mask += 1) {
    const made = draw(words, version, mask);
    if (!best || made.penalty < best.penalty) best = made;
  }
  return /** @type {ReturnType<typeof draw>} */ (best);
}

/** How many bits or bytes hold data and correction, by counting what the fixed patterns leave. */
function rawBits(version) {
  let bits = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const alignments = Math.floor(version / 7) + 2;
    bits -= (25 * alignments - 10) * alignments - 55;
    if (version >= 7) bits -= 36;
  }
  return bits;
}

function capacity(version) {
  return Math.floor(rawBits(version) / 8) - CORRECTION[version] * BLOCKS[version];
}

function dataWords(bytes, version) {
  const bits = [];
  const push = (value, length) => {
    for (let i = length - 1; i >= 0; i -= 1) bits.push((value >>> i) & 1);
  };
  push(4, 4);
  push(bytes.length, version < 10 ? 8 : 16);
  bytes.forEach((byte) => push(byte, 8));
  const most = capacity(version) * 8;
  push(0, Math.min(4, most - bits.length));
  push(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0xec; bits.length < most; pad ^= 0xec ^ 0x11) push(pad, 8);
  const words = new Uint8Array(most / 8);
  bits.forEach((bit, i) => {
    words[i >> 3] |= bit << (7 - (i & 7));
  });
  return words;
}

/** Splits data into blocks, adds the correction of each, and deals them out in turn. */
function interleave(data, version) {
  const count = BLOCKS[version];
  const correction = CORRECTION[version];
  const raw = Math.floor(rawBits(version) / 8);
  const short = count - (raw % count);
  const length = Math.floor(raw / count) - correction;
  const divisor = generator(correction);
  const blocks = [];
  for (let i = 0, at = 0; i < count; i += 1) {
    const part = data.slice(at, (at += length + (i < short ? 0 : 1)));
    blocks.push({ part, check: remainder(part, divisor) });
  }
  const words = [];
  for (let i = 0; i <= length; i += 1)
    for (const { part } of blocks) if (i < part.length) words.push(part[i]);
  for (let i = 0; i < correction; i += 1) for (const { check } of blocks) words.push(check[i]);
  return words;
}

/** Product in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
function times(x, y) {
  let z = 0;
  for (let i = 7; i >= 0; i -= 1) {
    z = (z << 1) ^ ((z >>> 7) * 0x11d);
    z ^= ((y >>> i) & 1) * x;
  }
  return z;
}

function generator(degree) {
  const result = new Uint8Array(degree);
  result[degree - 1] = 1;
  for (let i = 0, root = 1; i < degree; i += 1, root = times(root, 2)) {
    for (let j = 0; j < degree; j += 1) result[j] = times(result[j], root) ^ (result[j + 1] ?? 0);
  }
  return result;
}

function remainder(data, divisor) {
  const result = new Array(divisor.length).fill(0);
  for (const byte of data) {
    const factor = byte ^ result.shift();
    result.push(0);
    divisor.forEach((coefficient, i) => {
      result[i] ^= times(coefficient, factor);
    });
  }
  return result;
}

const MASKS = [
  (x, y) => (x + y) % 2,
  (_, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

function draw(words, version, mask) {
  const size = version * 4 + 17;
  const dark = Array.from({ length: size }, () => new Array(size).fill(false));
  const fixed = Array.from({ length: size }, () => new Array(size).fill(false));
  const set = (x, y, isDark) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    dark[y][x] = Boolean(isDark);
    fixed[y][x] = true;
  };
  for (let i = 0; i < size; i += 1) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  for (const [cx, cy] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ]) {
    square(4, (dx, dy, ring) => set(cx + dx, cy + dy, ring !== 2 && ring !== 4));
  }
  const positions = alignments(version, size);
  positions.forEach((cx, i) =>
    positions.forEach((cy, j) => {
      const last = positions.length - 1;
      const isFinder = (i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0);
      if (!isFinder) square(2, (dx, dy, ring) => set(cx + dx, cy + dy, ring !== 1));
    }),
  );
  drawFormat(set, size, mask);
  drawVersion(set, size, version);
  drawWords(words, size, dark, fixed);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) if (!fixed[y][x] && MASKS[mask](x, y) === 0) dark[y][x] = !dark[y][x];
  }
  return { size, version, mask, dark, penalty: penalty(dark, size) };
}

/** Calls back for each module around a centre with the number of its ring. */
function square(radius, each) {
  for (let dy = -radius; dy <= radius; dy += 1) {
    for (let dx = -radius; dx <= radius; dx += 1) each(dx, dy, Math.max(Math.abs(dx), Math.abs(dy)));
  }
}

function alignments(version, size) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
  const positions = [6];
  for (let position = size - 7; positions.length < count; position -= step) positions.splice(1, 0, position);
  return positions;
}

function drawFormat(set, size, mask) {
  const data = (LEVEL_M << 3) | mask;
  let rest = data;
  for (let i = 0; i < 10; i += 1) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
  const bits = ((data << 10) | rest) ^ 0x5412;
  const bit = (i) => (bits >>> i) & 1;
  for (let i = 0; i <= 5; i += 1) set(8, i, bit(i));
  set(8, 7, bit(6));
  set(8, 8, bit(7));
  set(7, 8, bit(8));
  for (let i = 9; i < 15; i += 1) set(14 - i, 8, bit(i));
  for (let i = 0; i < 8; i += 1) set(size - 1 - i, 8, bit(i));
  for (let i = 8; i < 15; i += 1) set(8, size - 15 + i, bit(i));
  set(8, size - 8, true);
}

function drawVersion(set, size, version) {
  if (version < 7) return;
  let rest = version;
  for (let i = 0; i < 12; i += 1) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
  const bits = (version << 12) | rest;
  for (let i = 0; i < 18; i += 1) {
    const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)];
    set(a, b, (bits >>> i) & 1);
    set(b, a, (bits >>> i) & 1);
  }
}

/** In columns of two from the lower right corner, up and down in turn. */
function drawWords(words, size, dark, fixed) {
  let i = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (fixed[y][x] || i >= words.length * 8) continue;
        dark[y][x] = ((words[i >> 3] >>> (7 - (i & 7))) & 1) === 1;
        i += 1;
      }
    }
  }
}

/** How hard a code is to read: long runs, blocks, what looks like a finder, too much of one colour. */
function penalty(dark, size) {
  let points = 0;
  let count = 0;
  const finder = /(?=0000(1011101)|(1011101)0000)/g;
  for (let i = 0; i < size; i += 1) {
    const row = dark[i].map(Number).join("");
    const column = dark.map((line) => Number(line[i])).join("");
    for (const line of [row, column]) {
      for (const run of line.match(/0{5,}|1{5,}/g) ?? []) points += run.length - 2;
      points += 40 * (line.match(finder) ?? []).length;
    }
    count += dark[i].filter(Boolean).length;
  }
  for (let y = 1; y < size; y += 1) {
    for (let x = 1; x < size; x += 1) {
      const one = dark[y][x];
      if (one === dark[y - 1][x] && one === dark[y][x - 1] && one === dark[y - 1][x - 1]) points += 3;
    }
  }
  return points + 10 * Math.floor(Math.abs((count * 20) / (size * size) - 10));
}
