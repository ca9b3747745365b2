// @ts-check
// Prizes that have to be claimed, in words.

import { h } from "./dom.js";
import { number, timestamp } from "./format.js";
import { t } from "./i18n/index.js";

/** A time to claim, in days, hours or minutes, whichever it is a number of. */
export function lasting(seconds) {
  const minutes = Math.ceil(seconds / 60);
  if (minutes % 1440 === 0) return t("claims.days", { n: number(minutes / 1440) });
  if (minutes % 60 === 0) return t("claims.hours", { n: number(minutes / 60) });
  return t("claims.minutes", { n: number(minutes) });
}

/** What everyone is told of a draw's claims; null if nobody has to claim. */
export function claimsNotice({ claims, draw_id: id }) {
  if (!claims) return null;
  const counts = {
    claimed: number(claims.claimed),
    open: number(claims.open),
    passed_on: number(claims.passed_on),
  };
  return h(
    "p",
    { class: "quiet", "data-claims": id },
    t("claims.within", { time: lasting(claims.within_seconds) }),
    " ",
    t("claims.counts", counts),
    claims.open && claims.until ? [" ", t("claims.until"), " ", timestamp(claims.until)] : null,
  );
}
