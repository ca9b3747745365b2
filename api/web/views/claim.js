// @ts-check
// A prize that is to be claimed, for whoever has its link: what it is, and one confirmation.

import { get, path, post } from "../api.js";
import { lasting } from "../claims.js";
import { foreign, h, put } from "../dom.js";
import { inZone, timestamp, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { link } from "../router.js";

/**
 * @param {HTMLElement} root
 * @param {{parameters: string[], signal: AbortSignal}} view
 */
export async function show(root, { parameters: [token], signal }) {
  document.title = t("claim.title");
  const content = h("section", { class: "narrow me claim" });
  put(root, content);
  try {
    const claim = await get(path("claims", token), { signal, anonymous: true });
    inZone(claim.time_zone);
    document.title = `${t("claim.title")} · ${claim.lottery}`;
    showClaim(content, claim, token, signal);
  } catch (error) {
    if (signal.aborted) return;
    put(content, h("h1", null, t("claim.title")), h("p", { class: "problem" }, trouble(error)));
  }
}

/** @param {any} claim */
function showClaim(content, claim, token, signal) {
  const { state } = claim;
  put(
    content,
    h(
      "p",
      { class: "crumbs" },
      h("a", { href: link("lotteries", claim.lottery_id) }, foreign(claim.lottery)),
    ),
    h("h1", null, t("claim.title")),
    h(
      "p",
      { class: "big", "data-claim": state, "data-mood": state === "claimed" ? "won" : null, role: "status" },
      state === "passed_on" || state === "late"
        ? t(`claim.${state}`)
        : [t("me.won_before_prize"), " ", foreign(claim.prize), t("me.won_after_prize")],
    ),
    state === "claimed"
      ? h("p", { class: "notice", "data-claimed": "" }, t("claim.claimed"), " ", timestamp(claim.claimed_at))
      : null,
    state === "open" ? confirmation(content, claim, token, signal) : null,
    claim.collect && (state === "open" || state === "claimed") ? collecting(claim.collect) : null,
    h(
      "p",
      { class: "actions" },
      h(
        "a",
        { class: "button", href: link("lotteries", claim.lottery_id, "draws", claim.draw_id) },
        t("claim.draw"),
      ),
    ),
  );
}

/** The one button, and how much time there is. */
function confirmation(content, claim, token, signal) {
  const problem = h("p", { class: "problem", role: "alert" });
  const confirm = async (/** @type {any} */ event) => {
    event.target.disabled = true;
    problem.textContent = "";
    try {
      const claimed = await post(path("claims", token), {}, { signal, anonymous: true });
      showClaim(content, claimed, token, signal);
    } catch (error) {
      if (signal.aborted) return;
      problem.textContent = trouble(error);
      event.target.disabled = false;
    }
  };
  return h(
    "div",
    { class: "card" },
    h(
      "p",
      null,
      claim.until
        ? [t("claim.until"), " ", h("strong", null, timestamp(claim.until))]
        : t("claim.within", { time: lasting(claim.within_seconds) }),
    ),
    h("p", { class: "quiet" }, t("claim.else")),
    problem,
    h(
      "p",
      { class: "actions" },
      h("button", { type: "button", class: "primary", name: "claim", onclick: confirm }, t("claim.confirm")),
    ),
  );
}

/** The organiser's words, line by line. */
function collecting(words) {
  const lines = words.split("\n");
  return h(
    "section",
    { class: "card", "data-collect": "" },
    h("h2", null, t("claim.collect")),
    lines.map((/** @type {string} */ line) => h("p", null, foreign(line))),
  );
}
