// @ts-check
// A field for a time in the lottery's time zone. A time that its clocks skip, or show twice, is asked about.

import { ask } from "./dialog.js";
import { field, h } from "./dom.js";
import { timestamp } from "./format.js";
import { language, t } from "./i18n/index.js";
import { instantAfter, instantsOf, typedIn, zoneName } from "./zone.js";

/**
 * @param {string} zone
 * @param {string} name
 * @param {string} label
 * @param {string} hint
 * @param {string | null} value
 */
export function timeField(zone, name, label, hint, value = null) {
  const input = h("input", { type: "datetime-local", name, value: typedIn(zone, value) });
  const given = input.value;
  const element = field(label, input, `${hint} ${t("time.zone", { zone })}`.trim());
  /** What was typed, as the service takes it: null if nothing was. Throws `Unsure` if the reader does not decide. */
  const read = async () => {
    if (!input.value) return null;
    // What was not touched stays, to the second.
    if (input.value === given && value) return value;
    return new Date(await instantIn(zone, input.value)).toISOString();
  };
  return { element, input, read };
}

/** The reader has not said which of two times is meant, or that another one is. */
export class Unsure extends Error {}

async function instantIn(/** @type {string} */ zone, /** @type {string} */ typed) {
  const found = instantsOf(zone, typed);
  if (found.length === 1) return found[0];
  const shown = typed.replace("T", " ");
  if (found.length === 0) {
    const later = instantAfter(zone, typed);
    const yes = await ask({
      title: t("time.skipped_title", { time: shown }),
      text: t("time.skipped", { zone, later: words(zone, later) }),
      yes: t("time.skipped_yes", { later: words(zone, later) }),
      isGrave: false,
    });
    if (yes) return later;
    throw new Unsure(t("time.unsure"));
  }
  const [first, second] = found;
  const isFirst = await ask({
    title: t("time.twice_title", { time: shown }),
    text: t("time.twice", { zone }),
    yes: t("time.twice_first", { name: zoneName(zone, first, language()) }),
    no: t("time.twice_second", { name: zoneName(zone, second, language()) }),
    isGrave: false,
  });
  return isFirst ? first : second;
}

function words(/** @type {string} */ zone, /** @type {number} */ instant) {
  return timestamp(new Date(instant).toISOString(), zone)?.textContent ?? "";
}
