// @ts-check
// Asks before something that cannot be taken back lightly.

import { field, find, h } from "./dom.js";
import { t } from "./i18n/index.js";

/**
 * Shows a question over the page and gives whether it was agreed to. With `type`, agreeing needs that text to be typed in.
 *
 * @param {{title: string, text: string | string[], yes: string, no?: string, type?: string | number, isGrave?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, text, yes, no = t("dialog.no"), type, isGrave = true }) {
  return new Promise((resolve) => {
    const input =
      type === undefined
        ? null
        : h("input", { name: "typed", autocomplete: "off", inputmode: "numeric", oninput: check });
    const agree = h(
      "button",
      {
        type: "button",
        class: isGrave ? "grave" : "primary",
        "data-answer": "yes",
        onclick: () => end(true),
      },
      yes,
    );
    const heading = h("h2", { id: "dialog-title" }, title);
    const dialog = h(
      "dialog",
      { class: "ask", "aria-labelledby": "dialog-title", oncancel: () => end(false), onkeydown: enter },
      heading,
      [text].flat().map((part) => h("p", null, part)),
      input ? field(t("dialog.type", { text: type }), input) : null,
      h(
        "p",
        { class: "actions" },
        h("button", { type: "button", "data-answer": "no", onclick: () => end(false) }, no),
        agree,
      ),
    );
    function check() {
      agree.disabled = input !== null && input.value.trim() !== String(type);
    }
    function enter(event) {
      if (event.key === "Enter" && event.target === input && !agree.disabled) end(true);
    }
    function end(answer) {
      removeEventListener("hashchange", leave);
      dialog.remove();
      resolve(answer);
    }
    function leave() {
      end(false);
    }
    check();
    document.body.append(dialog);
    addEventListener("hashchange", leave);
    dialog.showModal();
    (input ?? find(dialog, "[data-answer=no]"))?.focus();
  });
}
