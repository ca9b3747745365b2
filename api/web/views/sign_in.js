// @ts-check
// Asks for the organiser's token.

import { get } from "../api.js";
import { field, h, put } from "../dom.js";
import { t } from "../i18n/index.js";
import { renew, signIn, signOut } from "../session.js";

/**
 * The form that asks for a token, and its input. `taken` gets a token that the service takes.
 * @param {(text: string) => void} taken
 */
function tokenForm(taken) {
  const input = h("input", {
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    name: "token",
  });
  const problem = h("p", { class: "problem", role: "alert" });
  const enter = async (/** @type {Event} */ event) => {
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
    taken(text);
  };
  const form = h(
    "form",
    { onsubmit: enter, class: "card" },
    field(t("sign_in.token"), input, t("sign_in.hint")),
    problem,
    h("button", { type: "submit", class: "primary" }, t("sign_in.enter")),
  );
  return { form, input };
}

/** Shows the form. Once the token is taken, the view is shown anew. */
export function showSignIn(root) {
  document.title = t("sign_in.title");
  const { form, input } = tokenForm((text) => {
    signOut();
    signIn(text);
  });
  put(
    root,
    h(
      "section",
      { class: "narrow" },
      h("h1", null, t("sign_in.title")),
      h("p", { class: "lead" }, t("sign_in.lead")),
      form,
    ),
  );
  input.focus();
}

/**
 * Asks for a token over the view, which stays as it is. Gives whether there is one now.
 * @param {{title: string, text: string}} why
 * @returns {Promise<boolean>}
 */
export function askToken({ title, text }) {
  return new Promise((resolve) => {
    const { form, input } = tokenForm((given) => {
      renew(given);
      end(true);
    });
    const later = h(
      "button",
      { type: "button", name: "later", onclick: () => end(false) },
      t("sign_in.later"),
    );
    const heading = h("h2", { id: "sign-in-again" }, title);
    const dialog = h(
      "dialog",
      { class: "ask", "aria-labelledby": "sign-in-again", oncancel: () => end(false) },
      heading,
      h("p", null, text),
      form,
      h("p", { class: "actions" }, later),
    );
    function end(/** @type {boolean} */ isSignedIn) {
      dialog.remove();
      resolve(isSignedIn);
    }
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
}
