// @ts-check
// Asks for the organiser's token.

import { get } from "../api.js";
import { field, h, put } from "../dom.js";
import { t } from "../i18n/index.js";
import { signIn, signOut } from "../session.js";

/** Shows the form. Once the token is taken, the view is shown anew. */
export function showSignIn(root) {
  document.title = t("sign_in.title");
  const input = h("input", {
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    name: "token",
  });
  const problem = h("p", { class: "problem", role: "alert" });
  const enter = async (event) => {
    event.preventDefault();
    const text = input.value.trim().replace(/^Bearer\s+/i, "");
    // A token that may list participants is the organiser's. The lottery is unknown, so that the request changes nothing.
    const tried = { headers: { authorization: `Bearer ${text}` } };
    problem.textContent = "";
    try {
      await get("/lotteries/0/participants?limit=1", tried);
    } catch (error) {
      if (error.status !== 404) {
        problem.textContent =
          error.status === 401
            ? t("sign_in.refused")
            : error.status === 403
              ? t("sign_in.scope")
              : t("failure.text");
        input.focus();
        return;
      }
    }
    signOut();
    signIn(text);
  };
  put(
    root,
    h(
      "section",
      { class: "narrow" },
      h("h1", null, t("sign_in.title")),
      h("p", { class: "lead" }, t("sign_in.lead")),
      h(
        "form",
        { onsubmit: enter, class: "card" },
        field(t("sign_in.token"), input, t("sign_in.hint")),
        problem,
        h("button", { type: "submit", class: "primary" }, t("sign_in.enter")),
      ),
    ),
  );
  input.focus();
}
