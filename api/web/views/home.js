// @ts-check
// The first view: all lotteries.

import { foreign, h, put } from "../dom.js";
import { timestamp } from "../format.js";
import { t } from "../i18n/index.js";
import { showLotteries } from "../paging.js";
import { link } from "../router.js";

export async function show(root, { signal }) {
  document.title = t("home.title");
  const list = h("div");
  put(
    root,
    h(
      "section",
      { class: "hero" },
      h("h1", null, t("home.heading")),
      h("p", { class: "lead" }, t("home.lead")),
      h(
        "p",
        { class: "actions" },
        h("a", { class: "button primary", href: "#/console" }, t("home.organise")),
        h("a", { class: "button", href: "openapi.json" }, t("home.api")),
      ),
    ),
    h("section", null, h("h2", null, t("home.lotteries")), list),
  );
  await showLotteries(list, card, t("home.none"), signal);
}

function card(lottery) {
  return h(
    "li",
    { class: "card" },
    h("a", { class: "title", href: link("lotteries", lottery.lottery_id) }, foreign(lottery.name)),
    h(
      "p",
      { class: "quiet" },
      t("home.created"),
      " ",
      timestamp(lottery.created_at),
      lottery.open_to_join ? [" · ", t("home.open")] : null,
    ),
  );
}
