// @ts-check
// The sum of the reports of one import.

const MAX_REMARKS = 5000;

/** Adds up the reports of all requests of one list. */
export class Tally {
  constructor() {
    this.rows = 0;
    this.done = 0;
    this.accepted = 0;
    this.updated = 0;
    this.unchanged = 0;
    this.refused = 0;
    this.warned = 0;
    /** @type {number | null} */
    this.withdrawn = null;
    /** @type {any[]} */
    this.refusals = [];
    /** @type {any[]} */
    this.warnings = [];
    this.notices = new Map();
    /** @type {any[]} */
    this.refusedRows = [];
    this.known = new Set();
    /** @type {{number: number, state: string} | null} */
    this.import = null;
    this.isComplete = false;
    this.isStopped = false;
  }

  /** Takes a report whose lines are those that `lineOf` gives. */
  add(report, lineOf = (line) => line, doubles = []) {
    for (const name of ["accepted", "updated", "unchanged", "refused"]) this[name] += report[name] ?? 0;
    if (report.withdrawn !== null && report.withdrawn !== undefined)
      this.withdrawn = (this.withdrawn ?? 0) + report.withdrawn;
    this.refused += doubles.length;
    this.keep(this.refusals, report.refusals ?? [], lineOf);
    this.keep(this.refusals, doubles);
    this.warned += this.keep(this.warnings, report.warnings ?? [], lineOf) + (report.more_warnings ?? 0);
    for (const notice of report.notices ?? []) this.notices.set(notice.code, notice);
    if (this.refusedRows.length < MAX_REMARKS) this.refusedRows.push(...(report.refused_rows ?? []));
    this.import = report.import ?? this.import;
  }

  /** Keeps remarks that were not made before: what is said of the list as a whole is said with each part of it. */
  keep(list, remarks, lineOf = (line) => line) {
    let added = 0;
    for (const remark of remarks) {
      const placed = { ...remark, line: lineOf(remark.line) };
      const key = `${placed.line}|${placed.cell ?? ""}|${placed.column}|${placed.code}`;
      if (this.known.has(key)) continue;
      if (list.length < MAX_REMARKS) {
        this.known.add(key);
        list.push(placed);
      }
      added += 1;
    }
    return added;
  }

  get brought() {
    return this.accepted + this.updated + this.unchanged;
  }
}
