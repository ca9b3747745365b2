// @ts-check
// One lottery, for its organiser: participants, a new draw, the draws so far.

import { get } from "../api.js";
import { foreign, h, put } from "../dom.js";
import { isFinal, lotteryPath } from "../draws.js";
import { inZone } from "../format.js";
import { t } from "../i18n/index.js";
import { importPanel } from "../list/import.js";
import { people } from "../list/people.js";
import { poll } from "../poll.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { drawForm } from "./draw_form.js";
import { drawList } from "./lottery.js";
import { lotterySettings } from "./lottery_settings.js";
import { repeatingDraws } from "./repeats.js";
import { showSignIn } from "./sign_in.js";
import { webhookSettings } from "./webhook.js";

export async function show(root, { parameters: [id], signal }) {
  if (!token()) return showSignIn(root);
  const lottery = await get(lotteryPath(id), { signal });
  document.title = lottery.name;
  inZone(lottery.time_zone);
  const draws = h("div");
  const list = people(lottery, signal);
  put(
    root,
    h("p", { class: "crumbs" }, h("a", { href: "#/console" }, t("console.title"))),
    h("h1", null, foreign(lottery.name)),
    h(
      "p",
      { class: "actions" },
      h("a", { class: "button", href: link("lotteries", id) }, t("lottery.public")),
      h("a", { class: "button", href: link("lotteries", id, "stage") }, t("draw.stage")),
      h("a", { class: "button", href: link("console", id, "door") }, t("door.title")),
    ),
    h(
      "div",
      { class: "columns" },
      h(
        "div",
        null,
        h(
          "section",
          { class: "importing" },
          h("h2", null, t("import.title")),
          importPanel(lottery, list, signal),
        ),
        h("section", { class: "draws-so-far" }, h("h2", null, t("lottery.draws")), draws),
        list.element,
      ),
      h(
        "section",
        { class: "aside" },
        lottery.closed_at ? h("p", { class: "notice" }, t("lottery.closed")) : drawForm(lottery),
        repeatingDraws(lottery, signal),
        lotterySettings(lottery, signal),
        webhookSettings(lottery, signal),
      ),
    ),
  );
  let shown = lottery;
  put(draws, drawList(lottery));
  const isMoving = () => shown.draws.some((draw) => !isFinal(draw.status));
  await poll(
    () => (isMoving() ? 1500 : 5000),
    signal,
    async () => {
      const next = await get(lotteryPath(id), { signal });
      if (JSON.stringify(next) !== JSON.stringify(shown)) put(draws, drawList(next));
      shown = next;
    },
  );
}
