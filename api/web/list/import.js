// @ts-check
// The import panel: a file that is dropped, chosen or pasted is looked at, shown, imported, and can be taken back.

import { ask } from "../dialog.js";
import { find, h, put } from "../dom.js";
import { number, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { bigImport } from "./big.js";
import { Pace } from "./pace.js";
import { preview } from "./preview.js";
import { lastImport, progress, result } from "./progress.js";
import { bring, finish, last, look } from "./send.js";
import { stoppable } from "./stoppable.js";
import { saveTemplate } from "./template.js";
import { MAX_DIRECT_BYTES, MAX_UPLOAD_BYTES } from "./upload.js";

/**
 * The panel of a lottery. `people` is its list: `total()` is how many are on it, `reload()` shows it anew.
 */
export function importPanel(lottery, people, signal) {
  const id = lottery.lottery_id;
  const input = h("input", {
    type: "file",
    accept: ".csv,.txt,.tsv,.xlsx,.xls,.ods,.json,.ndjson",
    class: "visually-hidden",
    id: "list-file",
  });
  const text = h("textarea", {
    rows: 5,
    name: "pasted",
    "aria-label": t("import.paste_label"),
    placeholder: t("import.paste_example"),
    spellcheck: "false",
  });
  const problem = h("p", { class: "problem", role: "alert" });
  const former = h("div");
  const stage = h("div", { class: "import-stage" });
  const zone = h(
    "div",
    { class: "drop" },
    h(
      "p",
      { class: "drop-lead" },
      h("strong", null, t("import.drop")),
      " ",
      h("label", { for: "list-file", class: "link" }, t("import.choose"), input),
    ),
    h("p", { class: "quiet" }, t("import.forms")),
    h(
      "p",
      { class: "drop-more" },
      h(
        "button",
        { type: "button", class: "small", name: "template", onclick: saveTemplate },
        t("import.template"),
      ),
    ),
    h(
      "details",
      { class: "paste" },
      h("summary", null, t("import.paste")),
      text,
      h(
        "button",
        { type: "button", class: "small", name: "look", onclick: () => takeText(text.value) },
        t("import.look"),
      ),
    ),
  );
  const panel = h("div", { class: "import" }, zone, problem, former, stage);
  let isImporting = false;
  let endPreview = () => {};

  const showFormer = async () => {
    const known = await last(id, signal).catch(() => null);
    if (!zone.hidden && !stage.children.length) put(former, lastImport(id, known, people.reload, signal));
  };
  showFormer();

  const big = bigImport({
    lottery,
    stage,
    people,
    signal,
    isBusy: () => isImporting || Boolean(zone.hidden),
    onBusy: () => {
      isImporting = true;
      zone.hidden = true;
      problem.textContent = "";
      put(former);
    },
    onFree: () => {
      isImporting = false;
      zone.hidden = false;
      input.value = "";
      text.value = "";
      if (!stage.children.length) showFormer();
    },
    onDirect: (file) => {
      zone.hidden = true;
      put(former);
      showPreview(file);
    },
  });
  big.resume();

  async function take(file) {
    problem.textContent = "";
    if (isImporting || !file) return;
    if (file.size === 0) {
      problem.textContent = t("import.empty");
      return;
    }
    if (file.size > MAX_UPLOAD_BYTES) {
      problem.textContent = t("big.too_large");
      return;
    }
    if (file.size > MAX_DIRECT_BYTES) {
      endPreview();
      big.start(file);
      return;
    }
    big.forget();
    try {
      // What is imported is what was looked at, even if the file is saved anew meanwhile.
      file = new File([await file.arrayBuffer()], file.name, { type: file.type });
    } catch {
      problem.textContent = t("import.unreadable");
      return;
    }
    zone.hidden = true;
    put(former);
    showPreview(file);
  }

  function takeText(pasted) {
    if (pasted.trim()) take(new File([pasted], t("import.pasted"), { type: "text/plain" }));
  }

  function reset() {
    zone.hidden = false;
    input.value = "";
    put(stage);
    showFormer();
  }

  function showPreview(file) {
    const options = {
      mode: "merge",
      mapping: null,
      charset: null,
      country: null,
      header_row: null,
      sheet: null,
      strict: null,
      clear: null,
    };
    let looking = new AbortController();
    let first = null;
    const end = () => looking.abort();
    endPreview();
    endPreview = end;
    signal.addEventListener("abort", end);
    const check = async () => {
      looking.abort();
      looking = new AbortController();
      const { signal: mine } = looking;
      try {
        await look(id, file, options, {
          signal: mine,
          onAnswer: (tally, found) => {
            if (mine.aborted) return;
            first = found;
            shown.show(tally, found);
          },
        });
      } catch (error) {
        if (!mine.aborted) shown.fail(error);
      }
    };
    const shown = preview({
      file,
      lottery,
      options,
      people: people.total,
      onChange: check,
      onCancel: () => {
        end();
        reset();
        find(zone, "label")?.scrollIntoView({ block: "nearest" });
      },
      onImport: async (tally, withdrawn) => {
        if (options.mode === "replace" && withdrawn > 0) {
          const isSure = await ask({
            title: t("replace_list.title", { n: number(withdrawn) }),
            text: t("replace_list.text"),
            yes: t("replace_list.yes"),
          });
          if (!isSure) return;
        }
        end();
        run(file, options, first, tally);
      },
    });
    put(stage, shown.element);
    shown.focus();
    check();
  }

  async function run(file, options, first, looked) {
    isImporting = true;
    const work = stoppable(signal, { title: t("leave.title"), text: t("leave.text") });
    /** @type {import("./tally.js").Tally | null} */
    let tally = null;
    const pace = new Pace((state) => shown.setState(state));
    const shown = progress(file.name, looked.rows, { pace, onStop: work.stop });
    put(stage, shown.element);
    shown.focus();
    try {
      tally = await bring(id, file, options, {
        first,
        looked,
        signal: work.signal,
        pace,
        onAnswer: (so_far) => {
          tally = so_far;
          shown.update(Math.min(so_far.done, looked.rows));
        },
      });
      await showResult(file, first, tally);
    } catch (error) {
      if (signal.aborted) return;
      if (!work.signal.aborted) put(stage, failed(error, tally));
      else if (tally?.import) await stopped(file, options, first, tally);
      else reset();
      zone.hidden = false;
    } finally {
      isImporting = false;
      work.end();
      if (!signal.aborted) people.reload();
    }
  }

  /** What is in stays in. An import that merges is ended; one that replaces is not, or it would withdraw all others. */
  async function stopped(file, options, first, tally) {
    tally.isStopped = true;
    if (options.mode !== "replace") await finish(id, tally.import.number, signal).catch(() => null);
    await showResult(file, first, tally);
  }

  async function showResult(file, first, tally) {
    const known = await last(id, signal).catch(() => null);
    if (signal.aborted) return;
    const shown = result({ lottery: id, file, tally, first, import: known, onUndone: people.reload, signal });
    zone.hidden = false;
    input.value = "";
    text.value = "";
    put(stage, shown);
    find(shown, "h3")?.focus();
  }

  function failed(error, tally) {
    return h(
      "section",
      { class: "card result" },
      h(
        "p",
        { class: "problem" },
        error.status === 413 ? t("import.too_large") : error.status ? trouble(error) : t("import.changed"),
      ),
      tally ? h("p", { class: "quiet" }, t("import.so_far", { n: number(tally.brought) })) : null,
    );
  }

  input.addEventListener("change", () => take(input.files?.[0]));
  addEventListener(
    "emptied",
    () => {
      if (zone.hidden) return;
      big.forget();
      put(stage);
      showFormer();
    },
    { signal },
  );
  listen(
    zone,
    {
      take,
      takeText,
      refuse: () => {
        problem.textContent = t("import.one");
      },
    },
    signal,
  );
  return panel;
}

/** Files may be dropped anywhere on the view, and pasted wherever nothing else takes what is pasted. */
function listen(zone, { take, takeText, refuse }, signal) {
  const isText = (event) =>
    event.target.closest?.("input, textarea, select, [contenteditable], dialog") !== null;
  const over = (isOver) => zone.classList.toggle("over", isOver);
  addEventListener(
    "dragover",
    (event) => {
      if (isText(event)) return;
      event.preventDefault();
      over(true);
    },
    { signal },
  );
  addEventListener(
    "dragleave",
    (event) => {
      if (!event.relatedTarget) over(false);
    },
    { signal },
  );
  addEventListener(
    "drop",
    (event) => {
      if (!event.dataTransfer || (isText(event) && !event.dataTransfer.files.length)) return;
      event.preventDefault();
      over(false);
      const { files } = event.dataTransfer;
      if (files.length > 1) refuse();
      else if (files.length) take(files[0]);
      else takeText(event.dataTransfer.getData("text/plain"));
    },
    { signal },
  );
  addEventListener(
    "paste",
    (event) => {
      const isOurs = /** @type {HTMLTextAreaElement} */ (event.target).name === "pasted";
      if (!event.clipboardData || (isText(event) && !isOurs)) return;
      // Spreadsheets put a picture of the cells beside their text.
      const text = event.clipboardData.getData("text/plain");
      const [file] = event.clipboardData.files;
      if (isOurs && text) return;
      event.preventDefault();
      if (text) takeText(text);
      else take(file);
    },
    { signal },
  );
}
