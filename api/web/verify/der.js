// @ts-check
// The few types of DER that a time stamp is made of, read strictly: one byte of tag, the length in its shortest form.

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  id: 0x06,
  utcTime: 0x17,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
};

/** What does not have the form of a time stamp. */
export class Malformed extends Error {}

export function need(isTrue) {
  if (!isTrue) throw new Malformed("malformed");
}

/** What is left of a list of elements. */
export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
  }

  get isEmpty() {
    return this.bytes.length === 0;
  }

  end() {
    need(this.isEmpty);
  }

  /** The next element: its tag, its content, and all of it. */
  element() {
    const bytes = this.bytes;
    need(bytes.length >= 2 && (bytes[0] & 0x1f) !== 0x1f);
    let [length, head] = [bytes[1], 2];
    if (length >= 0x80) {
      const digits = length & 0x7f;
      need(digits >= 1 && digits <= 3 && bytes.length >= 2 + digits);
      length = bytes.subarray(2, 2 + digits).reduce((sum, digit) => sum * 256 + digit, 0);
      head = 2 + digits;
      need(bytes[2] !== 0 && length >= 0x80);
    }
    need(bytes.length >= head + length);
    this.bytes = bytes.subarray(head + length);
    return {
      tag: bytes[0],
      content: bytes.subarray(head, head + length),
      whole: bytes.subarray(0, head + length),
    };
  }

  expect(tag) {
    const element = this.element();
    need(element.tag === tag);
    return element;
  }

  /** What is in the next element, which has this tag. */
  take(tag) {
    return new Reader(this.expect(tag).content);
  }

  optional(tag) {
    return this.bytes[0] === tag ? this.element() : null;
  }

  number() {
    return number(this.expect(TAG.integer).content);
  }
}

/** The content of the one element, of this tag, that these bytes are. */
export function only(bytes, tag) {
  const reader = new Reader(bytes);
  const content = reader.take(tag);
  reader.end();
  return content;
}

/** A whole number that is not negative, in the shortest form, and no more than seven bytes long. */
export function number(content) {
  need(
    content.length >= 1 &&
      content.length <= 7 &&
      content[0] < 0x80 &&
      !(content.length > 1 && content[0] === 0 && content[1] < 0x80),
  );
  const value = content.reduce((sum, digit) => sum * 256 + digit, 0);
  // More than JavaScript counts exactly is more than any bound here.
  return value;
}

/** The bytes of a whole number above zero, without a leading zero. */
export function positive(content) {
  const isSpelled = content.length > 0 && content[0] < 0x80 && !(content[0] === 0 && !(content[1] >= 0x80));
  need(isSpelled);
  return content[0] === 0 ? content.subarray(1) : content;
}

/** The bytes of a BIT STRING of whole bytes. */
export function wholeBits(content) {
  need(content[0] === 0);
  return content.subarray(1);
}

/** A time in milliseconds since 1970, rounded up. */
export function time({ tag, content }) {
  let text = String.fromCharCode(...content);
  if (tag === TAG.utcTime) {
    need(/^[0-9]{12}Z$/.test(text));
    text = `${text < "5" ? "20" : "19"}${text}`;
  } else {
    need(tag === TAG.time && /^[0-9]{14}(\.[0-9]{0,8}[1-9])?Z$/.test(text));
  }
  const [, year, month, day, hour, minute, second] = /^(....)(..)(..)(..)(..)(..)/.exec(text) ?? [];
  const spelled = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const found = Date.parse(spelled);
  need(year >= "1950" && !Number.isNaN(found) && new Date(found).toISOString() === spelled);
  return found + Math.ceil(Number(text.slice(15, -1).padEnd(9, "0")) / 1e6);
}
