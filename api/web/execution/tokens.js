// @ts-check
// Answers a task that waits for its token: success, failure, or a sign of life.

import { field, h, put } from "../dom.js";
import { trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { call } from "./operations.js";

/** The token in what a task was given: what is called so, or else a long text without blanks. */
function tokenIn(details) {
  let [named, long] = ["", ""];
  const look = (value, key) => {
    if (typeof value === "string") {
      if (/^\s*[[{]/.test(value)) {
        try {
          look(JSON.parse(value), key);
        } catch {
          // It only looks like JSON.
        }
      } else if (/token/i.test(key) && /^\S{16,}$/.test(value)) named ||= value;
      else if (/^[\w+/=-]{32,}$/.test(value) && !/^[\da-f]{8}-/.test(value)) long ||= value;
    } else if (value && typeof value === "object") {
      for (const [name, inner] of Object.entries(value)) look(inner, name);
    }
  };
  look(details?.parameters ?? details?.input, "");
  return named || long;
}

/** The form for a task under way; null where it waits for no token. */
export function tokenForm(visit, attempt) {
  const isWaiting =
    attempt && !attempt.outcome && /waitForTaskToken|:activity:/.test(visit.definition?.Resource ?? "");
  if (!isWaiting) return null;
  const token = h("input", {
    name: "token",
    value: tokenIn(attempt.details),
    autocomplete: "off",
    spellcheck: "false",
  });
  const output = h("textarea", { name: "output", rows: 3, value: "{}", spellcheck: "false" });
  const error = h("input", { name: "error", value: "Rejected" });
  const cause = h("input", { name: "cause" });
  const said = h("p", { role: "status" });
  const send = (operation, body) => async () => {
    said.className = "";
    try {
      await call(operation, { taskToken: token.value.trim(), ...body() });
      put(said, t("tokens.sent"));
    } catch (failure) {
      said.className = "problem";
      put(said, trouble(failure));
    }
  };
  const button = (name, operation, body) =>
    h(
      "button",
      { type: "button", class: "compact", onclick: send(operation, body), "data-act": operation },
      t(name),
    );
  return h(
    "fieldset",
    { class: "tokens" },
    h("legend", null, t("tokens.title")),
    field(t("tokens.token"), token, token.value ? undefined : t("tokens.hint")),
    field(t("tokens.output"), output),
    h(
      "p",
      null,
      button("tokens.success", "SendTaskSuccess", () => ({ output: output.value })),
      " ",
      button("tokens.heartbeat", "SendTaskHeartbeat", () => ({})),
    ),
    h("div", { class: "token-pair" }, field(t("tokens.error"), error), field(t("tokens.cause"), cause)),
    h(
      "p",
      null,
      button("tokens.failure", "SendTaskFailure", () => ({ error: error.value, cause: cause.value })),
    ),
    said,
  );
}
