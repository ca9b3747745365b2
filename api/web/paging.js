// @ts-check
// Lists that the service gives page by page.

import { get } from "./api.js";
import { add, h, put } from "./dom.js";
import { t } from "./i18n/index.js";

/**
 * Fills a list page by page: `load` adds the next page and returns whether another one follows, and so does
 * the button `more`. `next(cursor)` gives `{elements, next_cursor}`.
 */
export function paged(list, next, cursor = null) {
  const more = h("button", { type: "button", hidden: !cursor }, t("more"));
  const load = async () => {
    more.disabled = true;
    try {
      const page = await next(cursor);
      add(list, page.elements);
      cursor = page.next_cursor;
      more.hidden = !cursor;
    } finally {
      more.disabled = false;
    }
    return Boolean(cursor);
  };
  more.addEventListener("click", load);
  return { more, load };
}

/** The address of the page that begins at this cursor. */
export function pageOf(where, cursor) {
  return cursor ? `${where}${where.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}` : where;
}

/** Shows all lotteries in an element, each as the card that `card` makes of it, or the text `none`. */
export async function showLotteries(element, card, none, signal) {
  const list = h("ul", { class: "cards" });
  const notice = h("p", { class: "quiet", role: "status" });
  const { more, load } = paged(list, async (cursor) => {
    const page = await get(pageOf("/lotteries", cursor), { signal });
    return { elements: page.lotteries.map(card), next_cursor: page.next_cursor };
  });
  put(element, notice, list, more);
  await load();
  if (!list.children.length) notice.textContent = none;
}
