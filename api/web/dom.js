// @ts-check
// Makes elements. Whatever comes from outside becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element: `h("p", { class: "lead" }, "text", child)`. Null children are left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any> | null} [properties] Attributes; `onclick` and its like are listeners.
 * @param {...any} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/**
 * An SVG element.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...any} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Record<string, any> | null | undefined} properties
 * @param {any[]} children
 * @returns {E}
 */
function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  return add(element, ...children);
}

/**
 * Appends children: elements, texts, lists of them.
 *
 * @template {Element} E
 * @param {E} element
 * @param {...any} children
 * @returns {E}
 */
export function add(element, ...children) {
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/**
 * Replaces all children by these.
 *
 * @template {Element} E
 * @param {E} element
 * @param {...any} children
 * @returns {E}
 */
export function put(element, ...children) {
  element.replaceChildren();
  return add(element, ...children);
}

/**
 * The first element of this selector within another, if there is one.
 *
 * @param {Element} element
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function find(element, selector) {
  return element.querySelector(selector);
}

/** A text that somebody else wrote: it may run from right to left, and must not turn its neighbours. */
export function foreign(text) {
  return h("bdi", null, text);
}

let made = 0;

/** An id that nothing else has. */
function newId(prefix) {
  made += 1;
  return `${prefix}-${made}`;
}

/** A labelled form control. */
export function field(label, control, hint) {
  control.id ||= newId("field");
  const note = hint ? h("span", { class: "hint", id: newId("hint") }, hint) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, note);
}

/** Loads a style sheet that only some views need, once; gives when it applies. */
export function style(name) {
  const href = new URL(`style/${name}.css`, import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  return new Promise((resolve) => {
    // A page without its style is better than none.
    document.head.append(h("link", { rel: "stylesheet", href, onload: resolve, onerror: resolve }));
  });
}
