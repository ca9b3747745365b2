// @ts-check
// Sets the stage up: the order of the prizes, how many come at once, pictures, logo, theme, the phone as a remote control.

import { field, foreign, h, put } from "../dom.js";
import { number } from "../format.js";
import { t } from "../i18n/index.js";
import { code } from "../qr.js";
import { THEMES, keep, picture, pictureFrom } from "./kept.js";
import { isOnlyHere, viewAddress } from "./lobby.js";

/** @typedef {import("./program.js").Position} Position */

/**
 * Opens the panel; it closes with the button, with Escape, and when the view is left.
 * @param {{lottery: string, draw: string | null, prizes: import("./program.js").Prize[], position: Position | null, canOrder: boolean,
 *   look: import("./kept.js").Look, signal: AbortSignal, onPosition: (position: Position) => void, onLook: () => Promise<void>}} options
 */
export function openSetup({ lottery, draw, prizes, position, canOrder, look, signal, onPosition, onLook }) {
  const problem = h("p", { class: "problem", role: "alert" });
  const said = h("p", { class: "visually-hidden", role: "status" });
  let current = position;

  /**
   * A part of the look changes: it is kept, then put on.
   * @param {string} part
   * @param {string | Blob | null} value
   */
  const set = async (part, value) => {
    problem.textContent = "";
    try {
      await keep(lottery, part, value);
      await onLook();
    } catch (error) {
      console.warn(error);
      problem.textContent = t("stage.setup_not_kept");
    }
  };

  /**
   * A field for a picture, which shows the one that there is.
   * @param {string} part
   * @param {string} label
   * @param {Blob | null} now
   */
  const pictureField = (part, label, now) => {
    const shown = h("span", { class: "setup-picture" });
    const input = /** @type {HTMLInputElement} */ (
      h("input", {
        type: "file",
        accept: "image/*",
        class: "visually-hidden",
        name: part,
        "aria-label": label,
      })
    );
    const remove = h("button", { type: "button", class: "small", hidden: !now }, t("stage.setup_remove"));
    const showPicture = (/** @type {Blob | null} */ blob) => {
      put(shown, blob ? picture(blob, "setup-thumb", "") : null);
      remove.hidden = !blob;
    };
    input.addEventListener("change", async () => {
      const [file] = input.files ?? [];
      input.value = "";
      if (!file) return;
      problem.textContent = "";
      const made = await pictureFrom(file).catch(() => null);
      if (!made) {
        problem.textContent = t("stage.setup_no_picture", { name: file.name });
        return;
      }
      showPicture(made);
      await set(part, made);
    });
    remove.addEventListener("click", async () => {
      showPicture(null);
      await set(part, null);
    });
    showPicture(now);
    return h(
      "span",
      { class: "setup-file" },
      shown,
      h("label", { class: "button small" }, label, input),
      remove,
    );
  };

  const list = h("ol", { class: "setup-prizes" });
  /** @type {number | null} */
  let dragged = null;
  const moveTo = (/** @type {number} */ prize, /** @type {number} */ place) => {
    if (!current) return;
    const order = current.order.filter((one) => one !== prize);
    order.splice(Math.max(0, Math.min(place, order.length)), 0, prize);
    if (order.join() === current.order.join()) return;
    current = { ...current, order, prize: order[0] };
    onPosition(current);
    showOrder();
    said.textContent = t("stage.setup_moved", {
      prize: prizes[prize].name,
      n: number(order.indexOf(prize) + 1),
      all: number(order.length),
    });
    /** @type {HTMLElement | null} */ (list.querySelector(`[data-prize="${prize}"] .setup-handle`))?.focus();
  };
  const item = (/** @type {number} */ prize, /** @type {number} */ place) => {
    const handle = h(
      "button",
      {
        type: "button",
        class: "setup-handle small",
        disabled: !canOrder,
        "aria-label": t("stage.setup_move", { prize: prizes[prize].name }),
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
          if (!step || !canOrder) return;
          event.preventDefault();
          moveTo(prize, place + step);
        },
      },
      "⇅",
    );
    const batch = /** @type {HTMLInputElement} */ (
      h("input", {
        type: "number",
        min: 1,
        max: Math.max(1, prizes[prize].winners),
        value: current?.batches[prize] ?? 1,
        name: `batch-${prize}`,
        "aria-label": t("stage.setup_at_once", { prize: prizes[prize].name }),
      })
    );
    batch.addEventListener("change", () => {
      if (!current) return;
      const wanted = Math.max(1, Math.min(prizes[prize].winners, Math.round(Number(batch.value)) || 1));
      batch.value = String(wanted);
      current = {
        ...current,
        batches: current.batches.map((one, index) => (index === prize ? wanted : one)),
      };
      onPosition(current);
    });
    return h(
      "li",
      {
        draggable: canOrder ? "true" : null,
        "data-prize": prize,
        ondragstart: (/** @type {DragEvent} */ event) => {
          dragged = prize;
          event.dataTransfer?.setData("text/plain", prizes[prize].name);
        },
        ondragend: () => {
          dragged = null;
        },
        ondragover: (/** @type {DragEvent} */ event) => {
          if (dragged !== null) event.preventDefault();
        },
        ondrop: (/** @type {DragEvent} */ event) => {
          event.preventDefault();
          if (dragged !== null) moveTo(dragged, place);
        },
      },
      handle,
      h(
        "span",
        { class: "setup-prize" },
        h("strong", null, foreign(prizes[prize].name)),
        h(
          "span",
          { class: "quiet" },
          t(prizes[prize].winners === 1 ? "stage.one_winner" : "stage.winners", {
            n: number(prizes[prize].winners),
          }),
        ),
      ),
      h("label", { class: "setup-batch" }, t("stage.setup_batch"), batch),
      pictureField(
        `prize/${prizes[prize].name}`,
        t("stage.setup_picture"),
        look.prizes.get(prizes[prize].name) ?? null,
      ),
    );
  };
  const showOrder = () => put(list, (current?.order ?? []).map(item));
  showOrder();

  const theme = /** @type {HTMLSelectElement} */ (
    h(
      "select",
      { name: "theme" },
      THEMES.map((one) => h("option", { value: one }, t(`stage.theme_${one}`))),
    )
  );
  theme.value = look.theme;
  theme.addEventListener("change", () => set("theme", theme.value));

  const remote = draw ? viewAddress("lotteries", lottery, "draws", draw, "remote") : null;
  const dialog = /** @type {HTMLDialogElement} */ (
    h(
      "dialog",
      { class: "stage-setup", "aria-labelledby": "stage-setup-title" },
      h("h2", { id: "stage-setup-title" }, t("stage.setup")),
      problem,
      said,
      current && prizes.length
        ? h(
            "section",
            null,
            h("h3", null, t("stage.setup_order")),
            h("p", { class: "hint" }, t(canOrder ? "stage.setup_order_hint" : "stage.setup_order_fixed")),
            list,
          )
        : null,
      h(
        "div",
        { class: "setup-columns" },
        h(
          "section",
          null,
          h("h3", null, t("stage.setup_look")),
          field(t("stage.setup_theme"), theme),
          h("p", { class: "setup-row" }, pictureField("logo", t("stage.setup_logo"), look.logo)),
          h(
            "p",
            { class: "setup-row" },
            pictureField("background", t("stage.setup_background"), look.background),
          ),
          h("p", { class: "hint" }, t("stage.setup_local")),
        ),
        remote
          ? h(
              "section",
              { class: "setup-remote" },
              h("h3", null, t("stage.setup_remote")),
              code(remote, t("stage.setup_remote")),
              h("p", { class: "hint" }, t("stage.setup_remote_hint")),
              isOnlyHere(remote)
                ? h("p", { class: "problem" }, t("stage.only_here", { host: new URL(remote).host }))
                : null,
            )
          : null,
      ),
      h(
        "p",
        { class: "actions" },
        h(
          "button",
          { type: "button", class: "primary", onclick: () => dialog.close() },
          t("stage.setup_done"),
        ),
      ),
    )
  );
  dialog.addEventListener("close", () => dialog.remove());
  signal.addEventListener("abort", () => dialog.remove());
  // Inside the stage, so that it is seen in full screen too.
  (document.fullscreenElement ?? document.body).append(dialog);
  dialog.showModal();
}
