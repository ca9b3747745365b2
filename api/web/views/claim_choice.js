// @ts-check
// How long winners have to claim, as an organiser chooses it.

import { field, h } from "../dom.js";
import { t } from "../i18n/index.js";
import { numberInput } from "./quota_form.js";

/** The units of the choice in seconds, the largest first, with the keys of their names. */
const UNITS = /** @type {[number, string][]} */ ([
  [86400, "draw_form.days"],
  [3600, "draw_form.hours"],
  [60, "draw_form.minutes"],
]);

/** A number of units, which starts as the time that is given; without a number nobody has to claim. */
export function claimChoice(/** @type {number | null} */ seconds = null) {
  const [length] = UNITS.find(([unit]) => (seconds ?? 0) % unit === 0) ?? UNITS[UNITS.length - 1];
  const count = numberInput(1, 43200, seconds === null ? "" : Math.ceil(seconds / length));
  count.name = "claim_count";
  const unit = h(
    "select",
    { name: "claim_unit", "aria-label": t("draw_form.claim_unit") },
    [...UNITS].reverse().map(([value, name]) => h("option", { value }, t(name))),
  );
  unit.value = String(length);
  const element = h(
    "div",
    { class: "pair" },
    field(t("draw_form.claim"), count, t("draw_form.claim_hint")),
    field(t("draw_form.claim_unit"), unit),
  );
  const chosen = () => (Number(count.value) > 0 ? Number(count.value) * Number(unit.value) : null);
  const shown = chosen();
  return {
    element,
    /** Adds what is chosen to the body of a request, if it is something else than was shown: null ends the duty to claim. */
    write(/** @type {any} */ body) {
      if (chosen() !== shown) body.claim_within_seconds = chosen();
    },
  };
}
