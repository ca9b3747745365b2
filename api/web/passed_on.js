// @ts-check
// Seats that were passed on, in words: how many, and why.

import { h } from "./dom.js";
import { number } from "./format.js";
import { t } from "./i18n/index.js";

/** Why an organiser replaces a winner. */
export const REASONS = ["absent", "declined", "unreachable", "ineligible"];

/**
 * Such as "3 seats were passed on: 2 absent, 1 declined."; null without any.
 * @param {Record<string, number>} counts how many by reason, `withdrawn` among them, and how many stay `empty`
 */
export function passedOnInWords(counts) {
  const reasons = ["withdrawn", ...REASONS, "unclaimed"].filter((reason) => counts[reason]);
  const total = reasons.reduce((sum, reason) => sum + counts[reason], 0);
  if (!total) return null;
  const list = reasons.map((reason) => t(`passed_on.${reason}`, { n: number(counts[reason]) }));
  const words = t(total === 1 ? "passed_on.one" : "passed_on.some", {
    n: number(total),
    reasons: list.join(t("passed_on.and")),
  });
  return counts.empty ? `${words} ${t("passed_on.empty", { n: number(counts.empty) })}` : words;
}

/** How many left the line without a seat, on whom it depends too who comes next; null if nobody did. */
export function leftLineInWords(count) {
  return count ? t("passed_on.left_line", { n: number(count) }) : null;
}

/** What everyone is told of a draw's seats that were passed on; null if none was. */
export function passedOnNotice(draw) {
  const words = draw.passed_on ? passedOnInWords(draw.passed_on) : null;
  return words === null ? null : h("p", { class: "notice", "data-passed-on": "" }, words);
}
