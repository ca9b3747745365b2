// @ts-check
// What every screen of the stage has: heading, room for a scene, buttons, names in motion behind, confetti before it.

import { foreign, h, put } from "../dom.js";
import { Confetti } from "./confetti.js";
import { Globe } from "./globe.js";
import { look, picture } from "./kept.js";
import { Sound } from "./sound.js";

/** The controls hide after this time without the mouse, in milliseconds: in full screen only. */
const REST = 2500;

export class Frame {
  /**
   * @param {HTMLElement} root
   * @param {string} name the lottery's
   * @param {string} lottery its id
   * @param {AbortSignal} signal
   */
  constructor(root, name, lottery, signal) {
    this.lottery = lottery;
    this.signal = signal;
    this.motion = matchMedia("(prefers-reduced-motion: reduce)");
    this.sound = new Sound();
    /** Called when the look has changed.
     * @type {(() => void) | null} */
    this.onDressed = null;
    this.logo = h("span", { class: "stage-logo" });
    this.number = h("p", { class: "stage-number" });
    this.backdrop = h("div", { class: "stage-backdrop", "aria-hidden": "true" });
    const globe = /** @type {HTMLCanvasElement} */ (
      h("canvas", { class: "stage-globe", "aria-hidden": "true" })
    );
    const confetti = /** @type {HTMLCanvasElement} */ (
      h("canvas", { class: "stage-confetti", "aria-hidden": "true" })
    );
    // Not atomic: of a wall on which one prize is claimed, that line is spoken alone.
    this.center = h("div", { class: "stage-center", role: "status", "aria-atomic": "false" });
    this.trouble = h("p", { class: "stage-trouble", role: "alert" });
    this.footer = h("footer", { class: "stage-foot" });
    this.element = h(
      "div",
      { class: "stage", "data-theme": "crimson" },
      this.backdrop,
      globe,
      h("header", { class: "stage-head" }, h("h1", null, this.logo, foreign(name)), this.number),
      h("div", { class: "stage-body" }, this.center),
      this.trouble,
      this.footer,
      confetti,
    );
    put(root, this.element);
    this.globe = new Globe(globe, { color: "#fff2d6", isStill: this.motion.matches });
    this.confetti = new Confetti(confetti);
    this.idle();
    const still = () => {
      this.globe.isStill = this.motion.matches;
      if (this.motion.matches) this.confetti.end();
      this.globe.start();
    };
    this.motion.addEventListener("change", still);
    signal.addEventListener("abort", () => {
      this.motion.removeEventListener("change", still);
      this.globe.end();
      this.confetti.end();
      this.sound.end();
      this.wake?.release().catch(() => {});
      if (document.fullscreenElement) document.exitFullscreen();
    });
    this.keepAwake();
    this.dress();
  }

  /** Puts on what this machine keeps of the lottery's look. */
  async dress() {
    const found = await look(this.lottery);
    if (this.signal.aborted) return;
    this.look = found;
    this.element.dataset.theme = found.theme;
    put(this.logo, found.logo ? picture(found.logo, "stage-logo-picture", "") : null);
    put(this.backdrop, found.background ? picture(found.background, "stage-background", "") : null);
    this.element.classList.toggle("has-background", Boolean(found.background));
    this.colors = ["--c1", "--c2", "--c3", "--c4"].map((name) =>
      getComputedStyle(this.element).getPropertyValue(name).trim(),
    );
    this.globe.setColor(getComputedStyle(this.element).getPropertyValue("--name").trim());
    this.onDressed?.();
  }

  /** Throws confetti, for those who like motion. */
  celebrate(/** @type {number} */ strength) {
    if (!this.motion.matches) this.confetti.fire(this.colors ?? ["#ffd27a"], strength);
  }

  /** Hides the controls and the mouse while nobody moves it. */
  idle() {
    let timer = 0;
    const moved = () => {
      delete this.element.dataset.idle;
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        this.element.dataset.idle = "";
      }, REST);
    };
    this.element.addEventListener("mousemove", moved);
    this.element.addEventListener("focusin", moved);
    this.signal.addEventListener("abort", () => clearTimeout(timer));
    moved();
  }

  /** Keeps the projector's machine from sleeping, where the browser can. */
  async keepAwake() {
    const ask = async () => {
      if (document.hidden || this.signal.aborted) return;
      this.wake = await navigator.wakeLock?.request("screen").catch(() => undefined);
    };
    document.addEventListener("visibilitychange", ask, { signal: this.signal });
    await ask();
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen?.().catch(() => {});
  }

  /** Calls an action for a key, unless it belongs to a button, a field or a dialog. */
  keys(/** @type {Record<string, () => void>} */ actions) {
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      const target = /** @type {Element} */ (event.target);
      const isOnButton = target.closest?.("button, a, select, input");
      const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action || (isOnButton && (event.key === " " || event.key === "Enter"))) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", press, { signal: this.signal });
  }

  /**
   * A button of the footer, with its key.
   * @param {string} words
   * @param {string} key
   * @param {() => void} action
   */
  button(words, key, action) {
    return h("button", { type: "button", onclick: action }, words, " ", h("kbd", null, key));
  }
}
