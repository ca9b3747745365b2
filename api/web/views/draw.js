// A draw, as everyone may see it; its organiser sees the winners in full and may cancel.

import { get, send } from "../api.js";
import { foreign, h, put } from "../dom.js";
import { canBeCancelled, drawPath, hasWinners, isFinal, lotteryPath, watchDraw } from "../draws.js";
import { badge, groupedHash, moment, number, percent, prizes, reasonOf, trouble } from "../format.js";
import { known, t } from "../i18n/index.js";
import { link } from "../router.js";
import { token } from "../session.js";

export async function show(root, { parameters: [lottery, id], signal }) {
  const { name } = await get(lotteryPath(lottery), { signal });
  const place = (...rest) => link("lotteries", lottery, "draws", id, ...rest);
  const head = h("div", { class: "draw-head", role: "status" });
  const body = h("div");
  const odds = h("div");
  const actions = h("p", { class: "actions" },
    h("a", { class: "button primary", href: place("check") }, t("draw.check")),
    h("a", { class: "button", href: place("stage") }, t("draw.stage")),
    h("a", { class: "button", href: place("execution") }, t("draw.execution")));
  put(root,
    h("p", { class: "crumbs" }, h("a", { href: link("lotteries", lottery) }, foreign(name))),
    head, actions, body, odds);
  document.title = name;
  let full = null;
  await watchDraw(lottery, id, signal, async (draw) => {
    showHead(head, draw);
    const show = () => put(body, cancelling(draw), steps(draw), rules(draw), sealed(draw), winners(draw, full), notifications(draw));
    show();
    if (draw.entries !== null && !odds.children.length) showOdds(odds, draw, signal);
    if (token() && hasWinners(draw.status)) {
      const answer = await get(drawPath(lottery, id, "winners"), { signal }).catch(() => null);
      if (answer) full = answer.winners;
      if (!signal.aborted) show();
    }
  });
}

function showHead(head, draw) {
  put(head,
    h("h1", null, draw.sequence ? [h("span", { class: "sequence" }, `№ ${number(draw.sequence)}`), " · "] : null, prizes(draw.prizes)),
    h("p", null, badge(draw.status), " ", h("span", { class: "quiet" }, moment(draw.created_at),
      draw.closes_at ? [" · ", t("draw.closes"), " ", moment(draw.closes_at)] : null)),
    draw.reason ? h("p", { class: "reason" }, h("code", null, draw.reason.name), " ", reasonOf(draw)) : null);
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
  return h("ol", { class: "way", "aria-label": t("way.label") }, WAY.map((status, index) => {
    const state = index < last || (index === last && isFinal(draw.status) && !isOver) ? "done" : index === last ? (isOver ? "stopped" : "now") : "ahead";
    return h("li", { "data-state": state, "aria-current": state === "now" ? "step" : null },
      h("span", { class: "point", "aria-hidden": "true" }, state === "done" ? "✓" : state === "stopped" ? "✕" : index + 1), t(`way.${status}`));
  }));
}

/** Quotas and alternates, if there are any. */
function rules(draw) {
  const quotas = draw.prizes.flatMap((prize) => (prize.quota ?? []).map((quota) => ({ prize, quota })));
  if (!quotas.length && !draw.alternates) return null;
  return h("ul", { class: "rules" },
    quotas.map(({ prize, quota }) => h("li", null, foreign(prize.name), ": ", foreign(quota.group), " ",
      [quota.at_least === null ? null : t("rules.at_least", { n: number(quota.at_least) }), quota.at_most === null ? null : t("rules.at_most", { n: number(quota.at_most) })].filter(Boolean).join(", "))),
    draw.alternates ? h("li", null, t("rules.alternates", { n: number(draw.alternates) })) : null);
}

/** What was fixed before anybody could know the result. */
function sealed(draw) {
  if (!draw.commitment) return null;
  return h("section", { class: "card sealed" },
    h("h2", null, t("sealed.title")),
    h("p", { class: "quiet" }, t("sealed.text")),
    groupedHash(draw.commitment),
    h("dl", { class: "facts-list" },
      fact(t("sealed.at"), moment(draw.sealed_at)),
      fact(t("sealed.entries"), number(draw.entries)),
      draw.round ? fact(t("sealed.round"), number(draw.round)) : null,
      draw.round_at ? fact(t("sealed.round_at"), moment(draw.round_at)) : null));
}

function fact(name, value) {
  return h("div", null, h("dt", null, name), h("dd", null, value));
}

/** The winners by prize: in full for their organiser, otherwise masked. */
function winners(draw, full) {
  const list = full?.length ? full : draw.winners;
  if (!list.length) return null;
  const byPrize = new Map(draw.prizes.map((prize) => [prize.name, []]));
  for (const winner of list) {
    if (!byPrize.has(winner.prize)) byPrize.set(winner.prize, []);
    byPrize.get(winner.prize).push(winner);
  }
  return h("section", null,
    h("h2", null, t("winners.title")),
    full ? null : h("p", { class: "quiet" }, t("winners.masked")),
    [...byPrize].filter(([, won]) => won.length).map(([prize, won]) =>
      h("div", { class: "prize-block" },
        h("h3", null, foreign(prize)),
        h("ul", { class: "winners" }, won.map(winnerItem)))));
}

function winnerItem(winner) {
  const contact = [winner.phone, winner.email].filter(Boolean);
  const notes = (winner.notifications ?? []).filter((note) => note.state !== "SENT");
  const seat = [
    winner.forfeited ? t("winners.forfeited") : null,
    winner.taken_by ? t("winners.taken_by", { n: number(winner.taken_by) }) : null,
    winner.instead_of ? t("winners.instead_of", { n: number(winner.instead_of) }) : null,
  ].filter(Boolean).join(" · ");
  return h("li", null,
    h("span", { class: "rank" }, winner.rank),
    h("span", { class: "who" }, winner.name ? foreign(winner.name) : h("em", null, t("winners.withdrawn"))),
    winner.participant_id || contact.length ? h("span", { class: "quiet" }, winner.participant_id ? [winner.participant_id, " · "] : null, contact.map((one, i) => [i ? " · " : "", foreign(one)])) : null,
    seat ? h("span", { class: "quiet" }, seat) : null,
    notes.map((note) => h("span", { class: "problem" }, `${channel(note.channel)}: ${known(`note.${note.state}`) ?? note.state}${note.reason ? ` (${note.reason})` : ""}`)));
}

function channel(name) {
  return known(`channel.${name}`) ?? name;
}

function notifications(draw) {
  const rows = Object.entries(draw.notifications ?? {}).filter(([, counts]) => Object.values(counts).some((n) => n > 0));
  if (!rows.length) return null;
  const states = ["sent", "failed", "unknown", "pending"];
  return h("section", null,
    h("h2", null, t("notifications.title")),
    h("table", { class: "small-table" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, t("notifications.channel")), states.map((state) => h("th", { scope: "col", class: "n" }, t(`notifications.${state}`))))),
      h("tbody", null, rows.map(([name, counts]) => h("tr", null, h("th", { scope: "row" }, channel(name)), states.map((state) => h("td", { class: "n" }, number(counts[state]))))))));
}

async function showOdds(place, draw, signal) {
  const answer = await get(drawPath(draw.lottery_id, draw.draw_id, "odds"), { signal }).catch(() => null);
  if (!answer?.classes.length || signal.aborted) return;
  const classes = answer.classes.slice(0, 200);
  const hasGroups = classes.some((one) => one.group !== null);
  const head = [hasGroups ? h("th", { scope: "col" }, t("odds.group")) : null, ["tickets", "entries", "chance"].map((name) => h("th", { scope: "col", class: "n" }, t(`odds.${name}`)))];
  const rows = classes.map(({ group, tickets, entries, any }) => h("tr", null,
    hasGroups ? h("td", null, group === null ? "–" : foreign(group)) : null,
    h("td", { class: "n" }, number(tickets)),
    h("td", { class: "n" }, number(entries)),
    h("td", { class: "n" }, percent(any.chance), any.error > 0.00001 ? ` ± ${percent(any.error)}` : "")));
  put(place, h("details", { class: "odds" }, h("summary", null, t("odds.title")),
    answer.simulated_draws ? h("p", { class: "quiet" }, t("odds.simulated", { n: number(answer.simulated_draws) })) : null,
    h("table", { class: "small-table" }, h("thead", null, h("tr", null, head)), h("tbody", null, rows))));
}
