// @ts-check
// The organiser's lotteries, and a new one.

import { post } from "../api.js";
import { field, foreign, h, put } from "../dom.js";
import { timestamp, trouble } from "../format.js";
import { language, t } from "../i18n/index.js";
import { countrySelect, likelyCountry } from "../list/country.js";
import { showLotteries } from "../paging.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { showSignIn } from "./sign_in.js";

export async function show(root, { signal }) {
  if (!token()) return showSignIn(root);
  document.title = t("console.title");
  const list = h("section", { "aria-label": t("home.lotteries") });
  put(
    root,
    h("h1", null, t("console.title")),
    h("div", { class: "columns" }, list, h("section", { class: "aside" }, newLottery())),
  );
  await showLotteries(list, card, t("console.none"), signal);
}

function card(lottery) {
  return h(
    "li",
    { class: "card" },
    h("a", { class: "title", href: link("console", lottery.lottery_id) }, foreign(lottery.name)),
    h("p", { class: "quiet" }, lottery.lottery_id, " · ", timestamp(lottery.created_at)),
  );
}

function newLottery() {
  const name = h("input", { name: "name", required: true, maxlength: 100, autocomplete: "off" });
  const id = h("input", {
    name: "id",
    pattern: "[a-z0-9][a-z0-9\\-]{0,62}",
    autocomplete: "off",
    spellcheck: "false",
  });
  const locale = h(
    "select",
    { name: "locale" },
    h("option", { value: "en" }, "English"),
    h("option", { value: "zh-CN", lang: "zh-CN" }, "简体中文"),
  );
  locale.value = language();
  const zone = h("input", {
    name: "time_zone",
    value: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC",
    required: true,
  });
  const country = countrySelect("country", likelyCountry(zone.value));
  // As long as nobody chose the country it is that of the time zone.
  const follow = () => {
    country.value = likelyCountry(zone.value.trim());
  };
  zone.addEventListener("input", follow);
  country.addEventListener("change", () => zone.removeEventListener("input", follow));
  const open = h("input", { type: "checkbox", name: "open_to_join" });
  const problem = h("p", { class: "problem", role: "alert" });
  const create = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    const body = {
      name: name.value,
      locale: locale.value,
      time_zone: zone.value,
      open_to_join: open.checked,
    };
    if (id.value) body.id = id.value;
    if (country.value) body.country = country.value;
    try {
      const lottery = await post("/lotteries", body, {
        headers: { "idempotency-key": crypto.randomUUID?.() ?? String(Math.random()) },
      });
      location.hash = link("console", lottery.lottery_id);
    } catch (error) {
      problem.textContent = trouble(error);
    }
  };
  return h(
    "form",
    { class: "card", onsubmit: create },
    h("h2", null, t("new_lottery.title")),
    field(t("new_lottery.name"), name),
    field(t("new_lottery.id"), id, t("new_lottery.id_hint")),
    field(t("new_lottery.locale"), locale),
    field(t("new_lottery.zone"), zone),
    field(t("new_lottery.country"), country, t("new_lottery.country_hint")),
    h("label", { class: "check" }, open, " ", t("new_lottery.open")),
    problem,
    h("button", { type: "submit", class: "primary" }, t("new_lottery.create")),
  );
}
