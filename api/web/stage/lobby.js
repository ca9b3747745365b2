// @ts-check
// Before the draw: the way in, how many are in, what can be won.

import { address, get } from "../api.js";
import { foreign, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { number } from "../format.js";
import { t } from "../i18n/index.js";
import { poll } from "../poll.js";
import { code } from "../qr.js";
import { link } from "../router.js";
import { token } from "../session.js";

/** The head count is asked for in this interval, in milliseconds. */
const COUNTING = 2000;

/** The address of a view, as a phone follows it. */
export function viewAddress(/** @type {string[]} */ ...parts) {
  return address("").replace(/#.*$/, "") + link(...parts);
}

/** Whether a phone cannot follow an address: it would look for the service on itself. */
export function isOnlyHere(/** @type {string} */ where) {
  const { hostname } = new URL(where);
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127\./.test(hostname)
  );
}

/**
 * The code by which guests join, and a warning where no phone can follow it.
 * @param {string} lottery
 */
export function wayIn(lottery) {
  const where = viewAddress("lotteries", lottery, "join");
  const picture = h("div", { class: "stage-code" }, code(where, t("join.code")));
  const words = h("p", { class: "stage-venue", hidden: true });
  // Only the organiser's screens know what is shown at the venue: whoever scans it is there.
  if (token())
    get(lotteryPath(lottery, "settings")).then(
      ({ venue_code: venue }) => {
        if (!venue) return;
        put(picture, code(`${where}?venue=${encodeURIComponent(venue)}`, t("join.code")));
        put(words, t("stage.venue"), " ", h("strong", null, venue));
        words.hidden = false;
      },
      () => {},
    );
  return h(
    "div",
    { class: "stage-join" },
    picture,
    h("p", { class: "stage-join-words" }, t("stage.join")),
    words,
    isOnlyHere(where)
      ? h("p", { class: "stage-warning", role: "alert" }, t("stage.only_here", { host: new URL(where).host }))
      : null,
  );
}

/** How many are on the list, kept up to date. */
export function headCount(/** @type {string} */ lottery, /** @type {AbortSignal} */ signal) {
  const figure = h("span", { class: "stage-count" });
  const words = h("span", { class: "stage-count-words" });
  const element = h("p", { class: "stage-heads", hidden: true }, figure, " ", words);
  let shown = -1;
  const ask = async () => {
    const { people: count } = await get(lotteryPath(lottery, "head-count"), { signal });
    if (count === shown) return;
    put(figure, number(count));
    put(words, t(count === 1 ? "stage.heads_one" : "stage.heads"));
    element.hidden = false;
    if (shown >= 0) {
      figure.classList.remove("grown");
      void figure.offsetWidth;
      figure.classList.add("grown");
    }
    shown = count;
  };
  ask().catch(() => {});
  poll(() => COUNTING, signal, ask);
  return element;
}

/** What can be won, in the order in which it is drawn. */
export function prizeList(
  /** @type {{name: string, winners: number}[]} */ prizes,
  /** @type {number[]} */ order,
) {
  const shown = order.map((index) => prizes[index]);
  return h(
    "ul",
    { class: shown.length > 6 ? "stage-prizes many" : "stage-prizes" },
    shown
      .slice(0, 12)
      .map((prize) =>
        h("li", null, h("span", { class: "count" }, `${number(prize.winners)} ×`), " ", foreign(prize.name)),
      ),
    shown.length > 12 ? h("li", null, t("prizes.more", { n: number(shown.length - 12) })) : null,
  );
}
