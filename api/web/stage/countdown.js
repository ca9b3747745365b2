// @ts-check
// Counts down to a timestamp, and says when it has come.

import { sleep } from "../connection.js";
import { h } from "../dom.js";
import { t } from "../i18n/index.js";

/** From this many seconds on each second is heard. */
const HEARD = 5;

/**
 * @param {number} until milliseconds
 * @param {AbortSignal} signal
 * @param {(isLast: boolean) => void} onSecond called for each of the last seconds
 */
export function countdown(until, signal, onSecond) {
  const shown = h("p", { class: "stage-countdown", role: "timer" });
  let heard = -1;
  (async () => {
    while (!signal.aborted) {
      const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      const hours = Math.floor(left / 3600);
      const minutes = String(Math.floor((left % 3600) / 60)).padStart(2, "0");
      const seconds = String(left % 60).padStart(2, "0");
      shown.textContent =
        left === 0 ? t("stage.now") : hours ? `${hours}:${minutes}:${seconds}` : `${minutes}:${seconds}`;
      shown.classList.toggle("near", left <= HEARD);
      if (left <= HEARD && left !== heard && (heard !== -1 || left > 0)) onSecond(left === 0);
      heard = left;
      if (left === 0) return;
      await sleep(250, signal);
    }
  })();
  return shown;
}
