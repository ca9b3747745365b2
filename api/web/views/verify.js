// @ts-check
// "Check this draw yourself": the proof is fetched, or a kept one dropped, and verified here, step by step.

import { address, get, send } from "../api.js";
import { field, foreign, h, put } from "../dom.js";
import { drawPath } from "../draws.js";
import { number, prizes, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { leftLineInWords, passedOnInWords } from "../passed_on.js";
import { givenReceipt, receiptText } from "../receipt.js";
import { link } from "../router.js";
import { readReceipt } from "../verify/receipt.js";
import { STEPS, verify } from "../verify/steps.js";

export async function show(root, { parameters: [lottery, id], signal }) {
  const draw = await get(drawPath(lottery, id), { signal });
  document.title = t("verify.title");
  const noted = h("input", {
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "0a1795c5…",
    class: "mono",
  });
  const receipt = h("textarea", { rows: 2, spellcheck: "false", class: "mono" });
  const found = givenReceipt();
  receipt.value = found ? receiptText(found) : "";
  const file = h("input", { type: "file", accept: ".json,application/json" });
  const results = h("ol", { class: "checks" });
  const verdict = h("p", { class: "verdict", role: "status" });
  const again = h("button", { type: "button", class: "primary" }, t("verify.again"));
  put(
    root,
    h(
      "section",
      { class: "narrow verify" },
      h(
        "p",
        { class: "crumbs" },
        h(
          "a",
          { href: link("lotteries", lottery, "draws", id) },
          draw.sequence ? `№ ${number(draw.sequence)} · ` : null,
          prizes(draw.prizes),
        ),
      ),
      h("h1", null, t("verify.title")),
      h("p", { class: "lead" }, t("verify.lead")),
      verdict,
      results,
      h(
        "form",
        {
          class: "card",
          onsubmit: (event) => {
            event.preventDefault();
            run();
          },
        },
        h("h2", null, t("verify.own")),
        field(t("verify.noted"), noted, t("verify.noted_hint")),
        field(t("verify.receipt"), receipt, t("verify.receipt_hint")),
        field(t("verify.file"), file, t("verify.file_hint")),
        h(
          "p",
          { class: "actions" },
          again,
          h(
            "a",
            { class: "button", href: address(drawPath(lottery, id, "proof")), download: `proof-${id}.json` },
            t("verify.save"),
          ),
        ),
      ),
      h(
        "section",
        null,
        h("h2", null, t("verify.offline")),
        h("p", null, t("verify.offline_text")),
        h("pre", { tabindex: "0" }, `verify-draw --url ${address(drawPath(lottery, id))}`),
        h("p", { class: "quiet" }, t("verify.not_proven")),
      ),
    ),
  );

  again.addEventListener("click", (event) => {
    event.preventDefault();
    run();
  });
  file.addEventListener("change", run);
  let runs = 0;
  async function run() {
    const mine = (runs += 1);
    const current = () => runs === mine && !signal.aborted;
    put(results);
    put(verdict, t("verify.running"));
    verdict.dataset.verdict = "running";
    const key = receipt.value.trim() ? readReceipt(receipt.value.trim()) : null;
    if (receipt.value.trim() && !key) return finish("usage", t("verify.bad_receipt"));
    let bytes;
    try {
      const [own] = file.files ?? [];
      bytes = own
        ? await own.arrayBuffer()
        : await (await send("GET", drawPath(lottery, id, "proof"), { signal })).arrayBuffer();
    } catch (error) {
      if (current())
        finish(
          "usage",
          error.status === 404 || error.status === 409 ? t("verify.not_yet") : t("failure.text"),
        );
      return;
    }
    let authorities = null;
    // What the verdict adds: what had become of the draw before, and the seats that changed hands.
    /** @type {string | null} */
    let before = null;
    /** @type {string | null} */
    let seats = null;
    const report = (step) => {
      if (!current()) return;
      results.append(item(step));
      if (step.previous && step.previous !== "SUCCEEDED")
        before = t("verdict.previous", { status: t(`status.${step.previous}`) });
      if (step.reasons) seats = changesInWords(step);
      if (step.step === "witness" && step.state === "holds") authorities = step.places.authorities;
    };
    const readEntries = () => pages(lottery, id, signal);
    const found = await verify(
      new Uint8Array(bytes),
      { readEntries, noted: noted.value.trim().toLowerCase() || null, receipt: key },
      report,
    ).catch((error) => {
      if (current()) finish("usage", trouble(error));
      return null;
    });
    if (!found || !current()) return;
    const time = authorities
      ? t("verdict.witnessed", { authorities })
      : noted.value.trim()
        ? null
        : t("verdict.unwitnessed");
    const words = t(`verdict.${found}`);
    const isWhole = !["broken", "incomplete", "rehearsal"].includes(found);
    finish(
      found,
      words,
      isWhole ? [time, t("verdict.signer"), before, seats].filter(Boolean).join(" ") : null,
    );
  }

  function finish(kind, text, more) {
    verdict.dataset.verdict = kind;
    put(verdict, h("strong", null, text), more ? [" ", more] : null);
  }
  await run();
}

/** The entries of a large draw, page by page. */
async function* pages(lottery, id, signal) {
  let cursor = null;
  do {
    const page = await get(
      `${drawPath(lottery, id, "entries")}?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
      { signal },
    );
    yield page.entries;
    cursor = page.next_cursor;
  } while (cursor);
}

const MARKS = { holds: "✓", broken: "✕", open: "…" };

/** How many seats were passed on for each reason. */
function counted({ reasons, empty }) {
  const counts = { empty };
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

/** The seats that were passed on, and who left the line without one. */
function changesInWords(step) {
  return [passedOnInWords(counted(step)), leftLineInWords(step.leftLine)].filter(Boolean).join(" ");
}

function item({ step, state, reason, places = {}, ...more }) {
  const filled = Object.fromEntries(
    Object.entries(places).map(([name, value]) => [name, typeof value === "number" ? number(value) : value]),
  );
  const { reasons, empty, leftLine } = /** @type {any} */ (more);
  if (reason === "changes_some") filled.seats = passedOnInWords(counted({ reasons, empty }));
  // A time stamp that does not count was checked all the same.
  const isUnwitnessed = step === "witness" && state === "open" && reason !== "witness_unsupported";
  const found = reason ? t(`why.${reason}`, filled) : t(`step.${step}.holds`, filled);
  const words = [found, leftLineInWords(leftLine)].filter(Boolean).join(" ");
  return h(
    "li",
    { "data-step": step, "data-state": state },
    h("span", { class: "point", "aria-hidden": "true" }, MARKS[state]),
    h(
      "div",
      null,
      h("strong", null, `${STEPS.indexOf(step) + 1}. ${t(`step.${step}`)}`),
      " ",
      h("span", { class: "state-word" }, t(`check.${isUnwitnessed ? "unwitnessed" : state}`)),
      h("p", null, foreign(words)),
    ),
  );
}
