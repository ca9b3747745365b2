// @ts-check
// A draw, as everyone may see it; its organiser sees the winners in full, may cancel, and sends messages again.

import { get, send } from "../api.js";
import { sleep } from "../connection.js";
import { foreign, h, put } from "../dom.js";
import { canBeCancelled, drawPath, isFinal, isHeld, lotteryPath, noticesOf } from "../draws.js";
import {
  drawBadge,
  explanation,
  groupedHash,
  inZone,
  timestamp,
  number,
  percent,
  prizes,
  reasonOf,
  trouble,
} from "../format.js";
import { t } from "../i18n/index.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { watchDraw } from "../watch.js";
import { Notifications } from "./notifications.js";
import { whomInWords } from "./quota_form.js";
import { Release } from "./release.js";
import { Replace } from "./replace.js";
import { waitingForm } from "./waiting.js";
import { Winners } from "./winners.js";

export async function show(root, { parameters: [lottery, id], signal }) {
  const { name, time_zone: zone } = await get(lotteryPath(lottery), { signal });
  inZone(zone);
  const href = (...rest) => link("lotteries", lottery, "draws", id, ...rest);
  const head = h("div", { class: "draw-head", role: "status" });
  const body = h("div");
  const odds = h("div");
  const actions = h(
    "p",
    { class: "actions" },
    h("a", { class: "button primary", href: href("check") }, t("draw.check")),
    h("a", { class: "button", href: href("stage") }, t("draw.stage")),
    h("a", { class: "button", href: href("execution") }, t("draw.execution")),
    token() ? h("a", { class: "button", href: link("console", lottery) }, t("draw.console")) : null,
  );
  /** @type {(value?: unknown) => void} */
  let wake = () => {};
  let again = 0;
  const release = new Release(lottery, id, async () => {
    const now = await get(drawPath(lottery, id), { signal });
    show(now);
  });
  const replace = new Replace(lottery, id, signal, async () => {
    const now = await get(drawPath(lottery, id), { signal });
    show(now);
    // A draw that had ended notifies again.
    again = 8;
    wake();
  });
  const winners = new Winners(lottery, id, signal, release, replace);
  const notifications = new Notifications(lottery, id, signal, () => {
    again = 8;
    wake();
  });
  put(
    root,
    h("p", { class: "crumbs" }, h("a", { href: link("lotteries", lottery) }, foreign(name))),
    head,
    actions,
    noticesOf(id).map((notice) => h("p", { class: "notice" }, explanation(notice))),
    body,
    release.element,
    winners.element,
    replace.element,
    notifications.element,
    odds,
  );
  document.title = name;
  /** @type {any} */
  let shown = null;
  const show = (draw) => {
    shown = draw;
    if (!isFinal(draw.status)) again = 0;
    showHead(head, draw);
    put(body, waitingForm(draw, zone), cancelling(draw), steps(draw), rules(draw), sealed(draw));
    winners.show(draw);
    notifications.show(draw);
    if (draw.entries !== null && !odds.children.length) showOdds(odds, draw, signal);
  };
  // Time alone makes a draw late.
  const timer = setInterval(() => {
    if (!isFinal(shown?.status)) showHead(head, shown);
  }, 15000);
  signal.addEventListener("abort", () => clearInterval(timer));
  while (!signal.aborted) {
    await watchDraw(lottery, id, signal, show);
    // A draw that has ended resumes when its organiser sends messages again; a cache may hold the old status for some seconds.
    if (again > 0) {
      again -= 1;
      await sleep(2000, signal);
      continue;
    }
    await new Promise((resolve) => {
      wake = resolve;
      signal.addEventListener("abort", resolve, { once: true });
    });
  }
}

function showHead(head, draw) {
  put(
    head,
    draw.rehearsal ? h("p", { class: "rehearsal", role: "note" }, t("rehearsal.banner")) : null,
    h(
      "h1",
      null,
      draw.sequence ? [h("span", { class: "sequence" }, `№ ${number(draw.sequence)}`), " · "] : null,
      prizes(draw.prizes),
    ),
    h(
      "p",
      null,
      drawBadge(draw),
      " ",
      h(
        "span",
        { class: "quiet" },
        timestamp(draw.created_at),
        draw.closes_at ? [" · ", t("draw.closes"), " ", timestamp(draw.closes_at)] : null,
        draw.draw_at ? [" · ", t("draw.draws_at"), " ", timestamp(draw.draw_at)] : null,
      ),
    ),
    lateness(draw),
    draw.reason ? h("p", { class: "reason" }, h("code", null, draw.reason.name), " ", reasonOf(draw)) : null,
  );
}

/** A step that takes longer than this waits for a service that is down, or that takes no more calls now. */
const LATE = 60000;

/** Why a draw that should have come further has not, and that it will. */
function lateness(draw) {
  const since = (text) => (text ? Date.now() - Date.parse(text) : 0);
  const notified = draw.notifications
    ? Object.values(draw.notifications).reduce(
        (all, counts) => all + counts.sent + counts.failed + counts.unknown,
        0,
      )
    : 0;
  const [step, from] = {
    WAITING: ["sealing", draw.closes_at ?? draw.created_at],
    SEALED: draw.beacon_at ? ["drawing", draw.beacon_at] : ["beacon", draw.round_at],
    DRAWN: ["recording", draw.drawn_at],
    RECORDED: isHeld(draw) || draw.claims?.until ? [null, null] : ["notifying", draw.recorded_at],
  }[draw.status] ?? [null, null];
  if (!step || since(from) < LATE) return null;
  return h("p", { class: "late", "data-late": step }, t(`late.${step}`, { n: number(notified) }));
}

function cancelling(draw) {
  if (!token() || !canBeCancelled(draw.status)) return null;
  const problem = h("span", { class: "problem", role: "alert" });
  const cancel = async (event) => {
    if (!confirm(t("draw.cancel_confirm"))) return;
    event.target.disabled = true;
    try {
      await send("POST", drawPath(draw.lottery_id, draw.draw_id, "cancel"));
    } catch (error) {
      problem.textContent = trouble(error);
    }
  };
  return h("p", null, h("button", { type: "button", onclick: cancel }, t("draw.cancel")), " ", problem);
}

const WAY = ["WAITING", "SEALED", "DRAWN", "RECORDED", "SUCCEEDED"];

/** How far the draw is, in five steps. */
function steps(draw) {
  const isOver = isFinal(draw.status) && draw.status !== "SUCCEEDED" && draw.status !== "INCOMPLETE";
  const reached = draw.status === "INCOMPLETE" ? 4 : WAY.indexOf(draw.status);
  const last = isOver ? (draw.commitment ? 1 : 0) : reached;
  return h(
    "ol",
    { class: "way", "aria-label": t("way.label") },
    WAY.map((status, index) => {
      const state =
        index < last || (index === last && isFinal(draw.status) && !isOver)
          ? "done"
          : index === last
            ? isOver
              ? "stopped"
              : "now"
            : "ahead";
      return h(
        "li",
        { "data-state": state, "aria-current": state === "now" ? "step" : null },
        h(
          "span",
          { class: "point", "aria-hidden": "true" },
          state === "done" ? "✓" : state === "stopped" ? "✕" : index + 1,
        ),
        t(`way.${status}`),
      );
    }),
  );
}

/** Quotas and alternates, if there are any. */
function rules(draw) {
  const quotas = draw.prizes.flatMap((prize) => (prize.quota ?? []).map((quota) => ({ prize, quota })));
  if (!quotas.length && !draw.alternates) return null;
  return h(
    "ul",
    { class: "rules" },
    quotas.map(({ prize, quota }) =>
      h(
        "li",
        null,
        foreign(prize.name),
        ": ",
        whomInWords(quota),
        " ",
        [
          quota.at_least === null ? null : t("rules.at_least", { n: number(quota.at_least) }),
          quota.at_most === null ? null : t("rules.at_most", { n: number(quota.at_most) }),
        ]
          .filter(Boolean)
          .join(", "),
      ),
    ),
    draw.alternates ? h("li", null, t("rules.alternates", { n: number(draw.alternates) })) : null,
  );
}

/** What was fixed before anybody could know the result. */
function sealed(draw) {
  if (!draw.commitment) return null;
  return h(
    "section",
    { class: "card sealed" },
    h("h2", null, t("sealed.title")),
    h("p", { class: "quiet" }, t("sealed.text")),
    groupedHash(draw.commitment),
    h(
      "dl",
      { class: "facts-list" },
      fact(t("sealed.at"), timestamp(draw.sealed_at)),
      fact(t("sealed.entries"), number(draw.entries)),
      draw.round ? fact(t("sealed.round"), number(draw.round)) : null,
      draw.round_at ? fact(t("sealed.round_at"), timestamp(draw.round_at)) : null,
      draw.announce_commitment ? fact(t("sealed.announced"), number(draw.announced.sent)) : null,
    ),
  );
}

function fact(name, value) {
  return h("div", null, h("dt", null, name), h("dd", null, value));
}

/** So many kinds of entries are shown with their chances. */
const CLASSES = 200;

async function showOdds(element, draw, signal) {
  const answer = await get(`${drawPath(draw.lottery_id, draw.draw_id, "odds")}?limit=${CLASSES}`, {
    signal,
  }).catch(() => null);
  if (!answer?.classes.length || signal.aborted) return;
  const classes = answer.classes;
  const hasGroups = classes.some((one) => one.group !== null || one.without_group);
  const head = [
    hasGroups ? h("th", { scope: "col" }, t("odds.group")) : null,
    ["tickets", "entries", "chance"].map((name) => h("th", { scope: "col", class: "n" }, t(`odds.${name}`))),
  ];
  const rows = classes.map(({ group, without_group: withoutGroup, tickets, entries, any }) =>
    h(
      "tr",
      null,
      hasGroups
        ? h("td", null, withoutGroup ? t("quota.without_group") : group === null ? "–" : foreign(group))
        : null,
      h("td", { class: "n" }, number(tickets)),
      h("td", { class: "n" }, number(entries)),
      h("td", { class: "n" }, percent(any.chance), any.error > 0.00001 ? ` ± ${percent(any.error)}` : ""),
    ),
  );
  put(
    element,
    h(
      "details",
      { class: "odds" },
      h("summary", null, t("odds.title")),
      answer.simulated_draws
        ? h("p", { class: "quiet" }, t("odds.simulated", { n: number(answer.simulated_draws) }))
        : null,
      h("table", { class: "small-table" }, h("thead", null, h("tr", null, head)), h("tbody", null, rows)),
    ),
  );
}
