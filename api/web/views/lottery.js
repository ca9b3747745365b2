// @ts-check
// The public page of a lottery: what everyone may see.

import { address, get } from "../api.js";
import { foreign, h, put } from "../dom.js";
import { isFinal, lotteryPath } from "../draws.js";
import { drawBadge, inZone, timestamp, number, prizes, shortHash } from "../format.js";
import { t } from "../i18n/index.js";
import { pageOf, paged } from "../paging.js";
import { poll } from "../poll.js";
import { code } from "../qr.js";
import { keptReceipt } from "../receipt.js";
import { link } from "../router.js";

export async function show(root, { parameters: [id], signal }) {
  let lottery = await get(lotteryPath(id), { signal });
  document.title = lottery.name;
  inZone(lottery.time_zone);
  const draws = h("div");
  put(
    root,
    h("h1", null, foreign(lottery.name)),
    h(
      "p",
      { class: "quiet" },
      t("home.created"),
      " ",
      timestamp(lottery.created_at),
      " · ",
      lottery.time_zone,
    ),
    lottery.deleted_at
      ? h("p", { class: "notice" }, t("lottery.deleted"), " ", timestamp(lottery.deleted_at))
      : lottery.closed_at
        ? h("p", { class: "notice" }, t("lottery.closed"))
        : null,
    keptReceipt(id)
      ? h(
          "p",
          null,
          h("a", { class: "button primary", href: link("lotteries", id, "me") }, t("join.to_entry")),
        )
      : null,
    h(
      "div",
      { class: mayJoin(lottery) ? "columns" : "" },
      h(
        "section",
        null,
        h("h2", null, t("lottery.draws")),
        h("p", { class: "quiet" }, t("lottery.draws_lead")),
        draws,
      ),
      mayJoin(lottery) ? joining(id, signal) : null,
    ),
  );
  put(draws, drawList(lottery));
  const isMoving = () => lottery.draws.some((draw) => !isFinal(draw.status));
  await poll(
    () => (isMoving() ? 4000 : 20000),
    signal,
    async () => {
      const next = await get(lotteryPath(id), { signal });
      if (JSON.stringify(next) !== JSON.stringify(lottery)) put(draws, drawList(next));
      lottery = next;
    },
  );
}

/** Whether people enter by themselves, now or later. */
function mayJoin({ joining: { state } }) {
  return state === "open" || state === "not_yet";
}

/** The way in: a code for phones, a link for others. */
function joining(id, signal) {
  const where = address("").replace(/#.*$/, "") + link("lotteries", id, "join");
  const count = h("p", { class: "head-count" });
  const look = async () => {
    const { people } = await get(lotteryPath(id, "head-count"), { signal });
    put(count, people ? t("join.count", { n: number(people) }) : null);
  };
  look().catch(() => {});
  poll(() => 5000, signal, look);
  return h(
    "section",
    { class: "aside" },
    h(
      "div",
      { class: "card join-card" },
      h("h2", null, t("join.scan")),
      code(where, t("join.code")),
      h("p", null, h("a", { class: "button primary", href: link("lotteries", id, "join") }, t("join.here"))),
      count,
      h("p", { class: "quiet" }, t("join.once")),
      h("p", null, h("a", { href: link("lotteries", id, "me") }, t("me.title"))),
    ),
  );
}

/** All draws of a lottery with their numbers and commitments, newest first. */
export function drawList(lottery) {
  if (!lottery.draws.length) return h("p", { class: "quiet" }, t("lottery.no_draws"));
  const list = h(
    "ol",
    { class: "draws" },
    lottery.draws.map((draw) => item(lottery.lottery_id, draw)),
  );
  if (!lottery.next_cursor) return list;
  const { more } = paged(
    list,
    async (cursor) => {
      const page = await get(pageOf(lotteryPath(lottery.lottery_id, "draws"), cursor));
      return {
        elements: page.draws.map((draw) => item(lottery.lottery_id, draw)),
        next_cursor: page.next_cursor,
      };
    },
    lottery.next_cursor,
  );
  return [list, more];
}

function item(lottery, draw) {
  return h(
    "li",
    { class: "card", "data-draw": draw.draw_id },
    h(
      "div",
      { class: "head" },
      h(
        "span",
        { class: "sequence", title: t("draw.number") },
        draw.sequence ? `№ ${number(draw.sequence)}` : "–",
      ),
      h(
        "a",
        { class: "title", href: link("lotteries", lottery, "draws", draw.draw_id) },
        prizes(draw.prizes),
      ),
      draw.rehearsal
        ? h("span", { class: "badge warn", "data-rehearsal": "yes" }, t("rehearsal.badge"))
        : null,
      drawBadge(draw),
    ),
    h(
      "p",
      { class: "quiet" },
      timestamp(draw.created_at),
      draw.entries === null ? null : [" · ", t("draw.entries", { n: number(draw.entries) })],
      draw.commitment ? [" · ", t("draw.commitment"), " ", shortHash(draw.commitment)] : null,
    ),
  );
}
