// @ts-check
// Cuts the text of a list: into records, and those into pieces that one request may carry. A record is never cut, nor is a
// line break within quotation marks; each piece begins with the record of the header. The file is read bit by bit.

const CHUNK = 1024 * 1024;
/** A quotation mark that is not closed within so many characters is taken for a stray one, as the service does. */
const MAX_RECORD = 16 * 1024;
/** UTF-8 spends no more bytes on a unit of UTF-16. */
const BYTES_PER_UNIT = 3;

export const MAX_ROWS = 2000;
export const MAX_BYTES = 3_500_000;

/** The text of a file, chunk by chunk. Bytes that are not of this encoding are an error, never replaced. */
export async function* textOf(file, encoding) {
  const decoder = new TextDecoder(encoding, { fatal: true });
  for (let at = 0; at < file.size; at += CHUNK) {
    yield decoder.decode(await file.slice(at, at + CHUNK).arrayBuffer(), { stream: true });
  }
  yield decoder.decode();
}

/**
 * The records of a text that comes in chunks, for each chunk a list of those that end in it: `{text, line, lines}`, with the
 * line on which the record begins, from 1, and how many it spans. Without a delimiter each line is a record.
 */
export async function* recordsOf(chunks, delimiter) {
  let rest = "";
  let line = 1;
  const taken = (scanner, isLast) => {
    const records = [];
    for (const record of scanner.records(isLast)) {
      records.push({ text: record.text, line, lines: record.lines });
      line += record.lines;
    }
    return records;
  };
  for await (const chunk of chunks) {
    const scanner = new Scanner(rest + chunk, delimiter);
    yield taken(scanner, false);
    rest = scanner.rest();
  }
  yield taken(new Scanner(rest, delimiter), true);
}

class Scanner {
  constructor(text, delimiter) {
    this.text = text;
    this.delimiter = delimiter;
    this.at = 0;
    this.nearest = {};
  }

  rest() {
    return this.text.slice(this.at);
  }

  /** The next index of this character. The last result is reused as long as it lies ahead. */
  find(character, from) {
    const known = this.nearest[character];
    if (known !== undefined && known >= from) return known;
    const found = this.text.indexOf(character, from);
    return (this.nearest[character] = found === -1 ? Infinity : found);
  }

  *records(isLast) {
    while (this.at < this.text.length) {
      const line = this.endOfLine(isLast);
      if (line === null) return;
      const isPlain = this.delimiter === null || this.find('"', this.at) >= line;
      const end = isPlain ? line : this.endOfQuoted(line, isLast);
      if (end === null) return;
      const text = this.text.slice(this.at, end);
      this.at = end;
      yield { text, lines: end === line ? 1 : 1 + (text.slice(0, -1).match(/\n/g) ?? []).length };
    }
  }

  /** Where the next line begins; null if the text at hand does not say. */
  endOfLine(isLast) {
    const at = Math.min(this.find("\n", this.at), this.find("\r", this.at));
    if (at === Infinity) return isLast ? this.text.length : null;
    return afterBreak(this.text, at, isLast);
  }

  /** The index after a record with quotation marks. A stray mark takes its own line and no other. */
  endOfQuoted(line, isLast) {
    const { text, delimiter } = this;
    let state = "field";
    for (let at = this.at; at < text.length; at += 1) {
      if (at - this.at > MAX_RECORD) return line;
      const character = text[at];
      if (state === "quoted") {
        if (character === '"') state = "quote";
      } else if (character === "\n" || character === "\r") {
        return afterBreak(text, at, isLast);
      } else if (character === '"' && state !== "plain") {
        state = "quoted";
      } else if (character === delimiter) {
        state = "field";
      } else if (state === "quote") {
        if (character !== " ") return line;
      } else {
        state = "plain";
      }
    }
    if (!isLast) return null;
    return state === "quoted" ? line : text.length;
  }
}

/** What follows a line break, which is `\n`, `\r` or both; null if the other half may still come. */
function afterBreak(text, at, isLast) {
  if (text[at] === "\n") return at + 1;
  if (at + 1 === text.length) return isLast ? at + 1 : null;
  return text[at + 1] === "\n" ? at + 2 : at + 1;
}

/** The fields of a record. */
export function cellsOf(record, delimiter) {
  const text = record.replace(/[\r\n]+$/, "");
  if (delimiter === null) return [text];
  if (!text.includes('"')) return text.split(delimiter);
  const cells = [];
  for (let at = 0; ;) {
    let cell = "";
    if (text[at] === '"') {
      for (at += 1; at < text.length; at += 1) {
        if (text[at] === '"' && text[at + 1] !== '"') break;
        if (text[at] === '"') at += 1;
        cell += text[at];
      }
      at += 1;
    }
    const next = text.indexOf(delimiter, at);
    cells.push(cell + text.slice(at, next === -1 ? undefined : next));
    if (next === -1) return cells;
    at = next + delimiter.length;
  }
}

/**
 * What the records of a list are.
 *
 * @typedef {object} Shape
 * @property {string} encoding
 * @property {string | null} delimiter Null where each line is a record.
 * @property {number | null} headerLine
 * @property {number | null} idColumn
 */

/**
 * A piece of a list, which is a list of its own.
 *
 * @typedef {object} Piece
 * @property {string} text
 * @property {number} rows
 * @property {object[]} doubles Remarks on ids that an earlier piece holds.
 * @property {(line: number) => number} lineOf The line in the file of a line in the piece.
 */

/**
 * What the records are, by what the service detected.
 *
 * @returns {Shape}
 */
export function shapeOf(detected) {
  const isTable = detected.form === "csv";
  const idColumn = detected.columns.findIndex((column) => column.field === "participant_id");
  return {
    encoding: detected.encoding?.name ?? "utf-8",
    delimiter: isTable ? (detected.delimiter ?? ",") : null,
    headerLine: isTable ? detected.header_line : null,
    idColumn: isTable && idColumn >= 0 ? idColumn : null,
  };
}

/**
 * Cuts a file into pieces, each of them a list of its own: `{text, rows, lineOf, doubles, isLast}`. `lineOf` gives the line in
 * the file of a line in the piece. An id that stood in an earlier piece is left out and named in `doubles`: each piece is
 * read by itself, and would not notice.
 */
export async function* piecesOf(file, shape, { maxRows = MAX_ROWS, maxBytes = MAX_BYTES } = {}) {
  /** @type {Piece | null} */
  let waiting = null;
  for await (const piece of cut(file, shape, maxRows, maxBytes)) {
    if (waiting) yield { ...waiting, isLast: false };
    waiting = piece;
  }
  if (waiting) yield { ...waiting, isLast: true };
}

async function* cut(file, shape, maxRows, maxBytes) {
  const cutter = new Cutter(shape, maxRows, maxBytes);
  for await (const records of recordsOf(textOf(file, shape.encoding), shape.delimiter)) {
    for (const record of records) {
      const piece = cutter.take(record);
      if (piece) yield piece;
    }
  }
  const piece = cutter.end();
  if (piece) yield piece;
}

/** Collects records until they fill a piece. */
class Cutter {
  constructor({ delimiter, headerLine, idColumn }, maxRows, maxBytes) {
    this.delimiter = delimiter;
    this.headerLine = headerLine;
    this.idColumn = idColumn;
    this.maxRows = maxRows;
    this.maxBytes = maxBytes;
    this.seen = new Map();
    /** @type {any} */
    this.header = null;
    /** @type {any} */
    this.piece = null;
    this.index = 0;
  }

  /** Takes a record, and gives the piece that ends before it, if one does. */
  take(record) {
    if (this.headerLine && record.line + record.lines <= this.headerLine) return null;
    if (this.headerLine && !this.header) return this.setHeader(record);
    if (!record.text.trim()) return null;
    const cells = this.header || this.idColumn !== null ? cellsOf(record.text, this.delimiter) : null;
    const isHeader =
      this.header !== null && this.header.names.has(cells[0].trim()) && order(cells) === this.header.sorted;
    if (isHeader && record.text.trim() !== this.header.text.trim()) {
      // A second table with its columns in another order begins here: what follows is under that header.
      const done = this.end();
      this.setHeader(record);
      return done;
    }
    const { piece } = this;
    const isFull =
      piece &&
      (piece.rows >= this.maxRows || (piece.size + record.text.length) * BYTES_PER_UNIT > this.maxBytes);
    const done = isFull ? this.end() : null;
    this.piece ??= this.begin();
    const id = this.idColumn === null || isHeader ? "" : (cells[this.idColumn] ?? "").trim();
    this.add(record, id);
    return done;
  }

  setHeader(record) {
    const text = ended(record.text, "\n");
    const cells = cellsOf(text, this.delimiter);
    this.header = { ...record, text, names: new Set(cells.map((cell) => cell.trim())), sorted: order(cells) };
    return null;
  }

  begin() {
    const { header } = this;
    this.index += 1;
    return {
      texts: [header?.text ?? ""],
      size: header?.text.length ?? 0,
      rows: 0,
      lines: header?.lines ?? 0,
      starts: [[1, header?.line ?? 1]],
      doubles: [],
    };
  }

  add(record, id) {
    const { piece, index } = this;
    const before = id && this.seen.get(id);
    if (before && before.index < index) {
      piece.doubles.push({
        line: record.line,
        column: "participant_id",
        code: "IdTwice",
        parameters: { first_line: before.line },
      });
      return;
    }
    if (id && !before) this.seen.set(id, { line: record.line, index });
    piece.starts.push([piece.lines + 1, record.line]);
    piece.texts.push(record.text);
    piece.size += record.text.length;
    piece.lines += record.lines;
    piece.rows += 1;
  }

  /** The piece at hand, if there is one, as it is sent. */
  end() {
    if (!this.piece) return null;
    const { texts, rows, starts, doubles } = this.piece;
    this.piece = null;
    return { text: texts.join(""), rows, doubles, lineOf: (line) => lineIn(starts, line) };
  }
}

/** The line in the file of a line in a piece, whose records begin at these `[line in the piece, line in the file]`. */
function lineIn(starts, line) {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (starts[middle][0] <= line) low = middle;
    else high = middle - 1;
  }
  return starts[low][1] + line - starts[low][0];
}

function ended(record, end) {
  return /[\r\n]$/.test(record) ? record : record + end;
}

function order(cells) {
  return JSON.stringify(cells.map((cell) => cell.trim()).sort());
}

/** The records at these lines as a list of their own, with the header: what is to be corrected and sent again. */
export async function recordsAt(file, shape, lines) {
  let header = "";
  const found = [];
  for await (const records of recordsOf(textOf(file, shape.encoding), shape.delimiter)) {
    for (const record of records) {
      const spanned = Array.from({ length: record.lines }, (_, index) => record.line + index);
      if (shape.headerLine && spanned.includes(shape.headerLine)) header = ended(record.text, "\r\n");
      else if (spanned.some((line) => lines.has(line))) found.push(ended(record.text, "\r\n"));
    }
  }
  return header + found.join("");
}

/** The beginning of a file, up to the end of a line, by which the service detects its form. */
export async function headOf(file, maxBytes = 256 * 1024) {
  if (file.size <= maxBytes) return file;
  const bytes = new Uint8Array(await file.slice(0, maxBytes).arrayBuffer());
  let end = bytes.lastIndexOf(0x0a) + 1;
  if (end === 0) end = bytes.lastIndexOf(0x0d) + 1;
  // In UTF-16 the other byte of the line break comes after it, or before.
  if (bytes[end] === 0 && end % 2 === 1) end += 1;
  return file.slice(0, end || maxBytes);
}

/** What the bytes of a file are: `text` or `lines` of JSON, which can be cut, or something that is sent whole. */
export async function kindOf(file) {
  const bytes = new Uint8Array(await file.slice(0, 4096).arrayBuffer());
  const starts = (...magic) => magic.every((byte, at) => bytes[at] === byte);
  if (starts(0x50, 0x4b) || starts(0xd0, 0xcf, 0x11, 0xe0)) return "workbook";
  const first = [...bytes].find(
    (byte) => ![0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf, 0xfe, 0xff, 0].includes(byte),
  );
  return { 0x5b: "json", 0x7b: "lines" }[first] ?? "text";
}

const DELIMITERS = [",", "\t", ";", "|", "，"];

/**
 * The first records of a text as cells, for a person to say what they hold: `{line, cells}`. Encoding and separator are guessed
 * where they are not said; null of what is no text.
 */
export async function peek(file, encoding, maxRecords = 8) {
  if ((await kindOf(file)) !== "text") return null;
  const head = await headOf(file);
  for (const name of encoding ? [encoding] : ["utf-8", "gb18030"]) {
    try {
      const records = await firstRecords(textOf(head, name), maxRecords);
      const [first] = records;
      if (!first) return null;
      const count = (delimiter) => first.text.split(delimiter).length;
      const delimiter = DELIMITERS.reduce((best, one) => (count(one) > count(best) ? one : best));
      return records.map(({ line, text }) => ({ line, cells: cellsOf(text, delimiter) }));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
  return null;
}

async function firstRecords(chunks, maxRecords) {
  const found = [];
  for await (const records of recordsOf(chunks, null)) {
    found.push(...records.filter((record) => record.text.trim()));
    if (found.length >= maxRecords) break;
  }
  return found.slice(0, maxRecords);
}
