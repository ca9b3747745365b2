// @ts-check
// "My entry": am I in, did I win, in one sentence; then the way to check it.

import { get, post, send } from "../api.js";
import { ask } from "../dialog.js";
import { field, foreign, h, put } from "../dom.js";
import { isFinal, lotteryPath } from "../draws.js";
import { inZone, number, timestamp, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { poll } from "../poll.js";
import { code } from "../qr.js";
import {
  forgetReceipt,
  given,
  givenReceipt,
  hideReceipt,
  keepReceipt,
  keptReceipt,
  ownAddress,
  parseReceipt,
  receiptText,
  shortCode,
  withReceipt,
} from "../receipt.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { saveReceipt } from "./join.js";

/** @typedef {import("../receipt.js").Receipt} Receipt */

/** Asked anew in this interval, in milliseconds: while a draw is under way, and else. */
const SOON = 3000;
const LATER = 15_000;

/**
 * @param {HTMLElement} root
 * @param {{parameters: string[], signal: AbortSignal}} view
 */
export async function show(root, { parameters: [id], signal }) {
  const lottery = await get(lotteryPath(id), { signal });
  inZone(lottery.time_zone);
  document.title = `${t("me.title")} · ${lottery.name}`;
  const content = h("div");
  put(
    root,
    h(
      "section",
      { class: "narrow me" },
      h("p", { class: "crumbs" }, h("a", { href: link("lotteries", id) }, foreign(lottery.name))),
      h("h1", null, t("me.title")),
      content,
    ),
  );
  const found = givenReceipt();
  const venue = given("venue");
  const kept = keptReceipt(id);
  // A receipt that comes by a link is kept if there is none yet: another person's must not take its place.
  if (found && !kept) keepReceipt(id, found);
  if (found || venue) hideReceipt();
  const receipt = found ?? kept;
  if (receipt) await showEntry(lottery, receipt, content, signal, venue);
  else put(content, without(lottery, content, signal));
}

/** No receipt is known here: one may be given. */
function without(lottery, content, signal) {
  const file = h("input", { type: "file", accept: ".json,application/json", name: "receipt_file" });
  const text = h("textarea", { rows: 2, spellcheck: "false", class: "mono", name: "receipt_text" });
  const problem = h("p", { class: "problem", role: "alert" });
  const open = async (/** @type {string} */ words) => {
    const receipt = parseReceipt(words);
    if (!receipt) {
      problem.textContent = t("me.bad_receipt");
      return;
    }
    keepReceipt(lottery.lottery_id, receipt);
    await showEntry(lottery, receipt, content, signal, null);
  };
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    if (chosen) await open(await chosen.text());
  });
  return [
    h("p", { class: "lead" }, t("me.none")),
    lottery.open_to_join
      ? h(
          "p",
          null,
          h(
            "a",
            { class: "button primary", href: link("lotteries", lottery.lottery_id, "join") },
            t("join.here"),
          ),
        )
      : null,
    h(
      "form",
      {
        class: "card",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          open(text.value);
        },
      },
      h("h2", null, t("me.have")),
      field(t("me.file"), file),
      field(t("me.text"), text, t("me.text_hint")),
      problem,
      h("button", { type: "submit" }, t("me.open")),
    ),
    lostReceipt(lottery),
  ];
}

/** Has the link to one's own entry sent to the address that the entry has. */
function lostReceipt(lottery) {
  const address = h("input", { name: "address", required: true, maxlength: 254, autocomplete: "email" });
  const said = h("p", { role: "status" });
  const submit = h("button", { type: "submit" }, t("me.link_send"));
  const ask = async (/** @type {Event} */ event) => {
    event.preventDefault();
    said.textContent = "";
    submit.disabled = true;
    const text = address.value.trim();
    const body = text.includes("@") ? { email: text } : { phone: text };
    try {
      await send("POST", lotteryPath(lottery.lottery_id, "join", "link"), {
        headers: { accept: "application/json", "content-type": "application/json" },
        body: JSON.stringify(body),
        anonymous: true,
      });
      said.className = "notice";
      said.textContent = t("me.link_sent");
    } catch (error) {
      said.className = "problem";
      said.textContent = error.status === 429 ? t("join.too_many") : trouble(error);
    }
    submit.disabled = false;
  };
  return h(
    "form",
    { class: "card", name: "link", onsubmit: ask },
    h("h2", null, t("me.link_title")),
    h("p", null, t("me.link_lead")),
    field(t("me.link_address"), address),
    said,
    submit,
  );
}

/**
 * @param {any} lottery
 * @param {Receipt} receipt
 * @param {HTMLElement} content
 * @param {AbortSignal} signal
 * @param {string | null} venue
 */
async function showEntry(lottery, receipt, content, signal, venue) {
  const id = lottery.lottery_id;
  const answer = h("div", { class: "answer", role: "status" });
  const door = h("div");
  const past = h("div");
  put(content, answer, door, past, keeping(lottery, receipt), leaving(lottery, receipt, content, signal));
  let shown = "";
  /** @type {any} */
  let now = null;
  const look = async () => {
    now = await post(lotteryPath(id, "entry"), receipt, { signal, anonymous: true });
    const text = JSON.stringify(now);
    if (text === shown) return;
    shown = text;
    put(answer, sentences(now, receipt, lottery));
    put(past, earlier(now, receipt, id));
    put(door, presence(lottery, now, receipt, venue, look));
  };
  try {
    await look();
  } catch (error) {
    if (signal.aborted) return;
    const isNobodys = error.name === "unknown-receipt";
    put(
      answer,
      h("p", { class: "big", "data-result": "unknown" }, isNobodys ? t("me.unknown") : trouble(error)),
      isNobodys ? lostReceipt(lottery) : null,
    );
    if (!isNobodys) throw error;
    return;
  }
  const isMoving = () => now?.draws.some((/** @type {any} */ draw) => !isFinal(draw.status));
  await poll(() => (isMoving() ? SOON : LATER), signal, look);
}

/** The answer, of the draw that matters most: one that is won before one that is under way before the newest. */
function newest(/** @type {any} */ { draws }) {
  return (
    draws.find((/** @type {any} */ draw) => draw.result === "won") ??
    draws.find((/** @type {any} */ draw) => !isFinal(draw.status)) ??
    draws[0] ??
    null
  );
}

function sentences(entry, receipt, lottery) {
  const id = lottery.lottery_id;
  const draw = newest(entry);
  const result = draw ? draw.result : entry.on_list ? "in" : "left";
  const mood = result === "won" ? "won" : null;
  return [
    h(
      "p",
      { class: "big", "data-result": result, "data-mood": mood },
      result === "won"
        ? [t("me.won_before_prize"), " ", foreign(draw.prize), t("me.won_after_prize")]
        : t(`me.result.${result}`),
    ),
    draw?.claim ? claiming(draw.claim) : null,
    draw && !entry.on_list ? h("p", { class: "quiet" }, t("me.left_note")) : null,
    draw && entry.on_list && isFinal(draw.status) && result !== "won" && result !== "not_in"
      ? h("p", { class: "quiet" }, t("me.still_in"))
      : null,
    draw?.sequence ? check(draw, receipt, id) : null,
    result === "not_in" && entry.on_list && lottery.open_to_join
      ? [h("p", { class: "quiet" }, t("me.not_in_note")), lostReceipt(lottery)]
      : null,
  ];
}

/** How the claim of a prize stands, with the way to claim it. */
function claiming({ state, until, token: claimToken }) {
  if (state === "claimed") return h("p", { class: "notice", "data-claimed": "" }, t("claim.claimed"));
  if (state !== "open") return h("p", { class: "warning" }, t(`claim.${state}`));
  return h(
    "p",
    { class: "actions" },
    h("a", { class: "button primary", href: link("claims", claimToken) }, t("claim.confirm")),
    until ? [" ", t("claim.until"), " ", timestamp(until)] : null,
  );
}

/** "Check it yourself", with the receipt filled in. */
function check(draw, receipt, lottery) {
  return h(
    "p",
    { class: "actions" },
    h("a", { class: "button", href: checkAddress(draw, receipt, lottery) }, t("me.check")),
    h(
      "a",
      { href: link("lotteries", lottery, "draws", draw.draw_id) },
      t("me.draw", { n: number(draw.sequence) }),
    ),
  );
}

/** The verifier of a draw, with the receipt if there is an entry that it opens. */
function checkAddress(draw, receipt, lottery) {
  const view = link("lotteries", lottery, "draws", draw.draw_id, "check");
  return draw.result === "not_in" ? view : withReceipt(view, receipt);
}

/** The other draws, each in a line. */
function earlier(entry, receipt, lottery) {
  const others = entry.draws.filter((/** @type {any} */ draw) => draw !== newest(entry));
  if (!others.length) return null;
  return h(
    "section",
    null,
    h("h2", null, t("me.others")),
    h(
      "ul",
      { class: "others" },
      others.map((/** @type {any} */ draw) =>
        h(
          "li",
          { "data-result": draw.result },
          draw.sequence ? h("span", { class: "sequence" }, `№ ${number(draw.sequence)} `) : null,
          draw.result === "won"
            ? [t("me.won_before_prize"), " ", foreign(draw.prize), t("me.won_after_prize")]
            : t(`me.result.${draw.result}`),
          " ",
          draw.sequence ? h("a", { href: checkAddress(draw, receipt, lottery) }, t("me.check_short")) : null,
        ),
      ),
    ),
  );
}

/** Whether one is marked as present, and the ways to be. */
function presence(lottery, entry, receipt, venue, look) {
  if (!entry.on_list) return null;
  if (entry.present) return h("p", { class: "notice", "data-present": "yes" }, t("me.present"));
  const problem = h("p", { class: "problem", role: "alert" });
  const press = (words, name, call) =>
    h(
      "p",
      { class: "actions" },
      h(
        "button",
        {
          type: "button",
          class: "primary",
          name,
          onclick: async (/** @type {any} */ event) => {
            event.target.disabled = true;
            problem.textContent = "";
            try {
              await call();
              await look();
            } catch (error) {
              problem.textContent = trouble(error);
              event.target.disabled = false;
            }
          },
        },
        words,
      ),
    );
  const where = (/** @type {string[]} */ ...rest) => lotteryPath(lottery.lottery_id, ...rest);
  if (token())
    return h(
      "div",
      { class: "card" },
      h("p", null, t("me.organiser")),
      press(t("me.mark_present"), "mark-present", () => post(where("presence"), { receipt })),
      problem,
    );
  if (!venue) return null;
  const headers = { "venue-code": venue };
  return h(
    "div",
    { class: "card" },
    press(t("me.check_in"), "check-in", () =>
      post(where("entry", "check-in"), receipt, { headers, anonymous: true }),
    ),
    problem,
  );
}

/** The receipt: its short name, a code that opens it elsewhere, a file. */
function keeping(lottery, receipt) {
  const isKept = keptReceipt(lottery.lottery_id) !== null;
  return h(
    "section",
    { class: "card receipt" },
    h("h2", null, t("me.receipt")),
    h("p", { class: "short-code", "aria-label": t("me.short_code") }, shortCode(receipt)),
    h("p", { class: "quiet" }, isKept ? t("me.kept") : t("me.not_kept")),
    h(
      "details",
      null,
      h("summary", null, t("me.elsewhere")),
      code(ownAddress(lottery.lottery_id, receipt), t("me.code")),
      h("p", { class: "quiet" }, t("me.code_hint")),
      h("pre", { tabindex: "0" }, receiptText(receipt)),
    ),
    h(
      "p",
      { class: "actions" },
      h(
        "button",
        { type: "button", onclick: () => saveReceipt(lottery.lottery_id, receipt) },
        t("join.save"),
      ),
      h("a", { class: "button", href: link("lotteries", lottery.lottery_id) }, t("join.to_lottery")),
    ),
    lottery.joining?.closes_at
      ? h("p", { class: "quiet" }, t("me.join_closes"), " ", timestamp(lottery.joining.closes_at))
      : null,
  );
}

/** Leaving by oneself, and forgetting the receipt here. */
function leaving(lottery, receipt, content, signal) {
  const problem = h("p", { class: "problem", role: "alert" });
  const leave = async () => {
    const isSure = await ask({
      title: t("me.leave_title"),
      text: t("me.leave_text"),
      yes: t("me.leave_yes"),
    });
    if (!isSure) return;
    try {
      await send("POST", lotteryPath(lottery.lottery_id, "entry", "leave"), {
        headers: { accept: "application/json", "content-type": "application/json" },
        body: receiptText(receipt),
        anonymous: true,
      });
      forgetReceipt(lottery.lottery_id);
      put(
        content,
        h("p", { class: "big", "data-result": "left", role: "status", tabindex: "-1" }, t("me.leave_done")),
      );
    } catch (error) {
      problem.textContent = trouble(error);
    }
  };
  const forget = async () => {
    const isSure = await ask({ title: t("forget.title"), text: t("forget.text"), yes: t("forget.yes") });
    if (!isSure) return;
    forgetReceipt(lottery.lottery_id);
    put(content, without(lottery, content, signal));
  };
  return h(
    "p",
    { class: "actions quiet-actions" },
    h("button", { type: "button", class: "plain", name: "leave", onclick: leave }, t("me.leave_title")),
    h("button", { type: "button", class: "plain", name: "forget", onclick: forget }, t("forget.title")),
    problem,
  );
}
