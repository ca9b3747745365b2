// @ts-check
// A draw that waits for its closing time, for its organiser: another time, another time to claim, or at once.

import { send } from "../api.js";
import { h } from "../dom.js";
import { drawPath } from "../draws.js";
import { trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { token } from "../session.js";
import { Unsure, timeField } from "../time_field.js";
import { claimChoice } from "./claim_choice.js";

/** Nearer to its closing time a draw is not changed, in milliseconds. */
const LATEST = 5000;

/** The form, or null where there is nothing to change. */
export function waitingForm(draw, zone) {
  if (!token() || draw.status !== "WAITING" || !draw.closes_at) return null;
  if (Date.parse(draw.closes_at) - Date.now() < LATEST) return null;
  const closes = timeField(zone, "closes_at", t("draw_form.closes"), "", draw.closes_at);
  // In a rehearsal nobody is asked to claim.
  const claims = draw.rehearsal ? null : claimChoice(draw.claims?.within_seconds ?? null);
  const problem = h("p", { class: "problem", role: "alert" });
  const change = async (/** @type {() => Promise<any>} */ read) => {
    problem.textContent = "";
    try {
      const body = JSON.stringify(await read());
      const headers = { accept: "application/json", "content-type": "application/merge-patch+json" };
      await send("PATCH", drawPath(draw.lottery_id, draw.draw_id), { headers, body });
    } catch (error) {
      problem.textContent = error instanceof Unsure ? error.message : trouble(error);
    }
  };
  const save = (/** @type {Event} */ event) => {
    event.preventDefault();
    change(async () => {
      const body = { closes_at: await closes.read() };
      claims?.write(body);
      return body;
    });
  };
  const now = () => {
    if (confirm(t("waiting.now_confirm"))) change(async () => ({ closes_at: null }));
  };
  return h(
    "form",
    { class: "card waiting", onsubmit: save },
    h("h2", null, t("waiting.title")),
    closes.element,
    claims?.element ?? null,
    problem,
    h(
      "p",
      { class: "actions" },
      h("button", { type: "submit", name: "change" }, t("waiting.change")),
      h("button", { type: "button", name: "draw-now", onclick: now }, t("waiting.now")),
    ),
  );
}
