// @ts-check
// A part of a view that is folded: its answer is fetched when it is opened, and again and again while it stays open.

import { get } from "../api.js";
import { h, put } from "../dom.js";
import { trouble } from "../format.js";
import { poll } from "../poll.js";

/** How often a part that was folded again looks whether it is open, in milliseconds. */
const CLOSED_INTERVAL = 60000;

/**
 * @typedef {object} FoldedView What is within.
 * @property {HTMLElement} element
 * @property {(answer: any) => void} show Shows what the service has answered.
 */

/**
 * A folded part of the page.
 * @param {object} options
 * @param {string} options.name Its class.
 * @param {string} options.title What one reads while it is folded.
 * @param {string} options.where The path of what it shows.
 * @param {number} options.interval How often that is asked for, in milliseconds.
 * @param {AbortSignal} options.signal Ends with the view around it.
 * @param {() => FoldedView} make Makes what is within, once.
 */
export function folded({ name, title, where, interval, signal }, make) {
  const body = h("div");
  const details = h("details", { class: `card ${name}` }, h("summary", null, title), body);
  details.addEventListener("toggle", async () => {
    if (!details.open || body.children.length) return;
    try {
      const view = make();
      const look = async () => view.show(await get(where, { signal }));
      await look();
      put(body, view.element);
      await poll(
        () => (details.open ? interval : CLOSED_INTERVAL),
        signal,
        async () => {
          if (details.open) await look();
        },
      );
    } catch (error) {
      if (!signal.aborted) put(body, h("p", { class: "problem" }, trouble(error)));
    }
  });
  return details;
}
