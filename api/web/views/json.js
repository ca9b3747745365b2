// @ts-check
// Values and texts that can be folded.

import { h } from "../dom.js";

/** JSON that can be folded. Texts that hold JSON are shown as what they hold. */
export function json(title, value) {
  if (value === null || value === undefined) return null;
  return h(
    "details",
    { class: "json" },
    h("summary", null, title),
    h("pre", { tabindex: "0" }, pretty(value)),
  );
}

/** A text that can be folded. */
export function text(title, value) {
  return h("details", { class: "json" }, h("summary", null, title), h("pre", { tabindex: "0" }, value));
}

function pretty(value) {
  const open = (inner) => {
    if (typeof inner === "string" && /^[[{]/.test(inner)) {
      try {
        return open(JSON.parse(inner));
      } catch {
        return inner;
      }
    }
    return inner;
  };
  return JSON.stringify(open(value), (_, inner) => open(inner), 2);
}
