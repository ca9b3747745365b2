// @ts-check
// The languages of the page: the browser's choice, or the reader's.

const KEY = "language";
const LANGUAGES = { en: "English", "zh-CN": "简体中文" };

let texts = {};
let chosen = "en";

export function languages() {
  return Object.entries(LANGUAGES);
}

export function language() {
  return chosen;
}

/** The language that a browser asks for, among those that there are. */
function preferred(wishes) {
  for (const wish of wishes) {
    const name = wish.toLowerCase();
    if (name.startsWith("zh")) return "zh-CN";
    if (name.startsWith("en")) return "en";
  }
  return "en";
}

/** Loads the texts of the reader's language. */
export async function load() {
  const kept = localStorage.getItem(KEY);
  chosen = kept !== null && kept in LANGUAGES ? kept : preferred(navigator.languages ?? []);
  const module = chosen === "zh-CN" ? await import("./zh-CN.js") : await import("./en.js");
  texts = module.default;
  document.documentElement.lang = chosen;
}

export function choose(language) {
  localStorage.setItem(KEY, language);
}

/** The text of this name, with `{placeholders}` replaced by `values`; `{n?word:words}` is the first word where `n` is one. */
export function t(name, values = {}) {
  const text = texts[name];
  if (text === undefined) {
    console.error(`no text is named ${name}`);
    return name;
  }
  return text
    .replace(/\{(\w+)\?([^:}]*):([^}]*)\}/g, (_, key, one, many) =>
      String(values[key]) === "1" ? one : many,
    )
    .replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

/** The text of this name if there is one: for names that come from the service. */
export function known(name) {
  return texts[name];
}
