// Participants: imported by dropping a file, searched, withdrawn.

import { get, send } from "../api.js";
import { add, field, foreign, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { explanation, number, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { paged } from "../paging.js";
import { saveReceipt } from "./join.js";

/** What one request may carry on Lambda. */
const MOST_LINES = 2000;
const MOST_BYTES = 3_500_000;
const LISTED = 200;

/** The section of a lottery's participants. */
export function participants(lottery, signal) {
  const list = h("div");
  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  let loading = new AbortController();
  signal.addEventListener("abort", () => loading.abort());
  // What was asked for before must not come after what is asked for now.
  const reload = () => {
    loading.abort();
    loading = new AbortController();
    showList(list, lottery, search.value, loading.signal);
  };
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(reload, 250);
  });
  reload();
  return h("section", null,
    h("h2", null, t("participants.title")),
    dropZone(lottery, reload, signal),
    field(t("participants.search"), search),
    list);
}

function dropZone(lottery, done, signal) {
  const input = h("input", { type: "file", accept: ".csv,text/csv,.txt", class: "visually-hidden", id: "csv" });
  const report = h("div", { class: "report", role: "status" });
  const zone = h("div", { class: "drop" },
    h("p", null, h("strong", null, t("import.drop")), " ", h("label", { for: "csv", class: "link" }, t("import.choose"), input)),
    h("p", { class: "quiet" }, t("import.columns"), " ", h("code", null, "participant_id,name,phone,email,group,tickets")));
  let isBusy = false;
  const take = async (file) => {
    if (!file || isBusy) return;
    isBusy = true;
    zone.classList.add("busy");
    await upload(lottery, file, report, signal).catch((error) => {
      if (!signal.aborted) add(report, h("p", { class: "problem" }, error.status ? trouble(error) : t("import.broken")));
    });
    zone.classList.remove("busy");
    isBusy = false;
    input.value = "";
    if (!signal.aborted) done();
  };
  input.addEventListener("change", () => take(input.files[0]));
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  return h("div", null, zone, report);
}

/** Sends a file piece by piece, and says how far it is and which lines were refused, by their place in the file. */
async function upload(lottery, file, report, signal) {
  const text = await file.text();
  const pieces = cut(text);
  const bar = h("progress", { max: pieces.length, value: 0, "aria-label": t("import.progress") });
  const counts = { accepted: 0, updated: 0, refused: 0, warned: 0 };
  const refusals = [];
  const warnings = [];
  const notices = new Map();
  const keep = (list, more) => list.push(...more.slice(0, LISTED - list.length));
  const words = h("p");
  put(report, h("p", { class: "file" }, foreign(file.name)), bar, words);
  let done = 0;
  for (const piece of pieces) {
    const answer = await send("POST", lotteryPath(lottery, "participants"), { body: piece.text, headers: { "content-type": "text/csv" }, signal });
    const part = await answer.json();
    for (const name of ["accepted", "updated", "refused"]) counts[name] += part[name];
    // Each piece repeats the header as its first line.
    const inFile = (remark) => ({ ...remark, line: piece.before + remark.line });
    // However long the file is, no more is held than is shown.
    keep(refusals, part.refusals.map(inFile));
    keep(warnings, part.warnings.map(inFile));
    counts.warned += part.warnings.length;
    for (const notice of part.notices) notices.set(notice.code, notice);
    done += 1;
    bar.value = done;
    words.textContent = t("import.counts", Object.fromEntries(Object.entries(counts).map(([name, n]) => [name, number(n)])));
  }
  bar.remove();
  if (refusals.length) add(report, remarks("import.refused", refusals, counts.refused));
  if (warnings.length) add(report, remarks("import.warned", warnings, counts.warned));
  add(report, [...notices.values()].map((notice) => h("p", { class: "notice" }, explanation(notice))));
}

/** Lines of the file with what is to be said about them. */
function remarks(title, list, total) {
  const head = ["import.line", "import.column", "import.reason"].map((name) => h("th", { scope: "col", class: name === "import.line" ? "n" : null }, t(name)));
  const rows = list.slice(0, LISTED).map((remark) =>
    h("tr", null, h("td", { class: "n" }, remark.line), h("td", null, remark.column ?? ""), h("td", null, explanation(remark))));
  return h("details", { class: "refusals", open: true },
    h("summary", null, t(title, { n: number(total) })),
    h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": t(title, { n: number(total) }) },
      h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows))),
    total > rows.length ? h("p", { class: "quiet" }, t("import.more", { n: number(total - rows.length) })) : null);
}

/**
 * Cuts CSV into pieces that one request may carry, each with the header: `{text, before}`, with the number of lines
 * of the file that are to be added to a line of the piece. A field in quotation marks may hold line breaks.
 */
function cut(text, mostLines = MOST_LINES, mostBytes = MOST_BYTES) {
  const records = [];
  let isQuoted = false;
  let begin = 0;
  let lines = 0;
  for (let i = text.charCodeAt(0) === 0xfeff ? (begin = 1) : 0; i < text.length; i += 1) {
    const character = text[i];
    if (character === '"') isQuoted = !isQuoted;
    if (character !== "\n") continue;
    lines += 1;
    if (isQuoted) continue;
    records.push({ text: text.slice(begin, i + 1), lines });
    begin = i + 1;
    lines = 0;
  }
  if (begin < text.length) records.push({ text: text.slice(begin), lines: lines + 1 });
  const header = records.shift() ?? { text: "", lines: 0 };
  if (!header.text.endsWith("\n")) header.text += "\n";
  const pieces = [];
  let piece = null;
  let before = 0;
  for (const record of records) {
    const size = new Blob([record.text]).size;
    if (!piece || piece.lines + record.lines > mostLines - 1 || piece.size + size > mostBytes) {
      piece = { text: header.text, lines: header.lines, size: header.text.length, before };
      pieces.push(piece);
    }
    piece.text += record.text;
    piece.lines += record.lines;
    piece.size += size;
    before += record.lines;
  }
  return pieces.length ? pieces : [{ text: header.text, before: 0 }];
}

async function showList(list, lottery, search, signal) {
  const shown = h("tbody");
  const { more, load } = paged(shown, async (cursor) => {
    const query = new URLSearchParams({ limit: "50" });
    if (cursor) query.set("cursor", cursor);
    if (search.trim()) query.set("search", search.trim());
    const page = await get(`${lotteryPath(lottery, "participants")}?${query}`, { signal });
    return { elements: page.participants.map((participant) => row(lottery, participant)), next_cursor: page.next_cursor };
  });
  try {
    // A page of a search may be empty and still have a next one.
    while ((await load()) && !shown.children.length && !signal.aborted);
  } catch (error) {
    if (!signal.aborted) put(list, h("p", { class: "problem" }, trouble(error)));
    return;
  }
  if (!shown.children.length) {
    put(list, h("p", { class: "quiet" }, t(search.trim() ? "participants.not_found" : "participants.none")));
    return;
  }
  const head = ["id", "name", "phone", "email", "group", "tickets"].map((name) => h("th", { scope: "col", class: name === "tickets" ? "n" : null }, t(`participants.${name}`)));
  put(list,
    h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": t("participants.title") },
      h("table", null, h("thead", null, h("tr", null, head, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("participants.actions"))))), shown)), more);
}

function row(lottery, participant) {
  const line = h("tr", null,
    h("td", null, participant.participant_id),
    h("td", null, foreign(participant.name)),
    h("td", null, participant.phone), h("td", null, participant.email),
    h("td", null, participant.group ? foreign(participant.group) : null),
    h("td", { class: "n" }, participant.tickets));
  const withdraw = async () => {
    if (!confirm(t("participants.confirm", { id: participant.participant_id }))) return;
    try {
      await send("DELETE", lotteryPath(lottery, "participants", participant.participant_id));
      line.remove();
    } catch (error) {
      alert(trouble(error));
    }
  };
  const save = async () => {
    try {
      saveReceipt(lottery, await get(lotteryPath(lottery, "participants", participant.participant_id, "receipt")));
    } catch (error) {
      alert(trouble(error));
    }
  };
  const receipt = h("button", { type: "button", class: "small", "aria-label": `${t("participants.receipt")}: ${participant.participant_id}`, onclick: save }, t("participants.receipt"));
  const label = `${t("participants.withdraw")}: ${participant.participant_id}`;
  return add(line, h("td", { class: "row-buttons" }, receipt, h("button", { type: "button", class: "small", "aria-label": label, onclick: withdraw }, t("participants.withdraw"))));
}
