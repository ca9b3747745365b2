// @ts-check
// The import of a big list: it is sent to the storage, looked at there, shown to the organiser, and imported by the service
// itself, which goes on while nobody looks.

import { pause, sleep, spread } from "../connection.js";
import { ask } from "../dialog.js";
import { h, put } from "../dom.js";
import { trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { bigResult, following, interrupted, megabytes, sending } from "./big_cards.js";
import { question } from "./question.js";
import { stillThere } from "./send.js";
import { stoppable } from "./stoppable.js";
import {
  answer,
  begin,
  broughtBy,
  cancel,
  isOver,
  isUsable,
  look,
  openImport,
  recall,
  remember,
  sendFile,
} from "./upload.js";

/** How often the service is asked how far an import is, in milliseconds. */
const INTERVAL = 1000;

/**
 * @typedef {object} Panel What this is shown in.
 * @property {any} lottery
 * @property {HTMLElement} stage
 * @property {{total: () => number | null, reload: () => void}} people
 * @property {AbortSignal} signal
 * @property {() => boolean} isBusy Whether another file is at hand.
 * @property {() => void} onBusy No other file is taken.
 * @property {() => void} onFree Another file may be taken; what is on the stage stays.
 * @property {(file: File) => void} onDirect Sends a file without the storage.
 */

/** @param {Panel} panel */
export function bigImport(panel) {
  const { lottery, stage, people, signal } = panel;
  const id = lottery.lottery_id;
  /** Stops an import that nobody follows; one that is over already is none. */
  const drop = (importId) => cancel(id, importId).catch(() => {});

  /** What this tab has begun is not shown again. */
  const forget = () => remember(id, null);

  /** Sends a file, and follows its import. */
  async function start(file) {
    panel.onBusy();
    const former = recall(id);
    if (former && !former.isSent) drop(former.id);
    forget();
    const work = stoppable(signal, { title: t("big.leave_title"), text: t("big.leave_text") });
    let isDirect = false;
    const other = () => {
      isDirect = true;
      work.stop();
    };
    const shown = sending(file, { onStop: work.stop, onDirect: other, signal: work.signal });
    put(stage, shown.element);
    shown.focus();
    const importId = await deliver(file, shown, work.signal, other);
    work.end();
    if (importId) {
      remember(id, { id: importId, name: file.name, isSent: true });
      return follow(importId, file.name, true);
    }
    if (signal.aborted) return;
    put(stage);
    panel.onFree();
    if (isDirect) panel.onDirect(file);
  }

  /** Sends a file as often as it takes. Gives the id of its import, or null if it was given up. */
  async function deliver(file, shown, leaving, onDirect) {
    /** @type {any} */
    let begun = null;
    const giveUp = () => {
      if (begun) drop(begun.import_id);
      begun = null;
      forget();
    };
    while (!leaving.aborted) {
      try {
        shown.restart();
        if (!isUsable(begun)) {
          giveUp();
          begun = await begin(id, file, leaving);
          remember(id, { id: begun.import_id, name: file.name, isSent: false });
        }
        await sendFile(begun.upload, file, { signal: leaving, onProgress: shown.update });
        return begun.import_id;
      } catch (error) {
        if (leaving.aborted) break;
        if (error.name === "no-uploads") {
          onDirect();
          break;
        }
        if (begun && (await hasArrived(begun.import_id))) return begun.import_id;
        if (error.why === "expired") giveUp();
        await shown.fail(await reasonOf(error, file));
      }
    }
    giveUp();
    return null;
  }

  /** Whether a file arrived although nobody heard of it. */
  async function hasArrived(importId) {
    const view = await look(id, importId, signal).catch(() => null);
    return view !== null && view.state !== "UPLOADING" && view.state !== "CANCELLED";
  }

  /** Shows an import until it is over; asks where the service asks. */
  async function follow(importId, name, isNew) {
    panel.onBusy();
    const shown = following(name, { onStop: (view) => stop(importId, view) });
    put(stage, shown.element);
    if (isNew) shown.focus();
    try {
      for (let looks = 0; ;) {
        const view = await next(importId, looks, shown);
        if (view.state !== "ASKING") return end(view, name);
        const decided = await decide(importId, name, view);
        if (typeof decided !== "number") return end(decided, name);
        looks = decided;
        put(stage, shown.element);
        shown.focus();
      }
    } catch (error) {
      if (signal.aborted) return;
      forget();
      put(stage, h("p", { class: "problem", role: "alert" }, trouble(error)));
      panel.onFree();
    }
  }

  /** Waits until an import is over, or asks for the first time after so many looks. A lost connection is waited for. */
  async function next(importId, looks, shown) {
    for (let attempt = 0; ;) {
      signal.throwIfAborted();
      try {
        const view = await look(id, importId, signal);
        attempt = 0;
        if (isOver(view) || (view.state === "ASKING" && (view.inspection?.looks ?? 0) > looks)) return view;
        shown?.update(view);
        await sleep(spread(INTERVAL), signal);
      } catch (error) {
        if (signal.aborted || error.status === 404) throw error;
        shown?.lost();
        await pause(attempt, signal, error.retryAfter);
        attempt += 1;
      }
    }
  }

  /** Asks how the list is read. Gives how often it was looked at by then, or the view of an import that ended meanwhile. */
  function decide(importId, name, view) {
    /** False if somebody else has answered. */
    const tell = async (said) => {
      try {
        await answer(id, importId, said, signal);
        return true;
      } catch (error) {
        if (error.name !== "not-asking") throw error;
        return false;
      }
    };
    return new Promise((resolve, reject) => {
      const form = question({
        name,
        lottery,
        view,
        people: people.total,
        onLook: async (settings, looks) => {
          if (!(await tell({ settings, preview: true }))) return resolve(looks);
          const seen = await next(importId, looks, null);
          if (isOver(seen)) resolve(seen);
          return seen;
        },
        onImport: async (settings, mode, looks) => {
          if (mode === "replace" && !(await isSure())) return;
          await tell({ settings, mode });
          resolve(looks);
        },
        onStop: async (asked) => {
          if (await stop(importId, asked)) resolve(await look(id, importId, signal));
        },
      });
      signal.addEventListener("abort", () => reject(signal.reason));
      put(stage, form.element);
      form.focus();
    });
  }

  const isSure = () =>
    ask({ title: t("big.replace_title"), text: t("big.replace_text"), yes: t("big.replace_yes") });

  /** Stops an import after asking. False if that was not wanted. */
  async function stop(importId, view) {
    const isBegun = view?.state === "IMPORTING";
    const words = isBegun ? "big.stop" : "big.drop";
    const texts = ["title", "text", "yes", "no"].map((name) => [name, t(`${words}_${name}`)]);
    if (!(await ask(Object.fromEntries(texts)))) return false;
    try {
      await cancel(id, importId);
    } catch (error) {
      // It ended while the question stood there.
      if (error.name !== "import-over") throw error;
    }
    return true;
  }

  function end(view, name) {
    panel.onBusy();
    if (view.state === "CANCELLED" && broughtBy(view) === 0) {
      forget();
      put(stage, h("p", { class: "notice", role: "status" }, t("big.stopped_none")));
    } else {
      const onUndone = () => {
        forget();
        people.reload();
      };
      const shown = bigResult({ lottery: id, name, view, onUndone, signal });
      put(stage, shown.element);
      shown.focus();
    }
    people.reload();
    panel.onFree();
  }

  /** Finds the import again that this tab has begun, or one that goes on. */
  async function resume() {
    const kept = recall(id);
    const own = kept ? await look(id, kept.id, signal).catch(() => null) : null;
    const view = own ?? (await openImport(id, signal).catch(() => null));
    if (!view || signal.aborted || panel.isBusy()) return;
    const name = (own && kept?.name) ?? t("big.unnamed", { size: megabytes(view.bytes) });
    if (view.state === "UPLOADING" && !kept?.isSent) {
      const onForget = () => {
        drop(view.import_id);
        forget();
        put(stage);
      };
      put(stage, interrupted(name, onForget));
    } else if (isOver(view)) end(view, name);
    else await follow(view.import_id, name, false);
  }

  return { start, resume, forget };
}

/** Why a file did not arrive, and what to do. */
async function reasonOf(error, file) {
  try {
    await stillThere(file);
  } catch {
    return { words: t("import.changed"), isFileGone: true };
  }
  if (error.why) return { words: t(`big.${error.why}`, { code: error.code }), isFileGone: false };
  return { words: trouble(error), isFileGone: false };
}
