// @ts-check
// Keeps every screen of a draw at the same position: moves go to the service, and what others moved comes from it. A move is
// shown at once and sent behind; it is kept in this browser until it is accepted, so that the show survives a lost connection
// and a reload.

import { get, send } from "../api.js";
import { pause, sleep } from "../connection.js";
import { drawPath } from "../draws.js";
import { token } from "../session.js";
import { isPosition } from "./program.js";

/** @typedef {import("./program.js").Position} Position */
/** @typedef {import("./program.js").Prize} Prize */

/** Screens ask in this interval, in milliseconds. */
const LOOK = 1000;
/** A refusal that the same request will meet again. */
const isForGood = (/** @type {any} */ error) =>
  error.status >= 400 && error.status < 500 && ![408, 409, 429].includes(error.status);

export class Step {
  /**
   * @param {[string, string]} where
   * @param {Prize[]} prizes
   * @param {Position} position where to begin if nothing else is known
   * @param {{signal: AbortSignal, onMove: (position: Position) => void, onTrouble: (isBehind: boolean) => void}} options
   */
  constructor(where, prizes, position, { signal, onMove, onTrouble }) {
    this.path = drawPath(where[0], where[1], "stage");
    this.key = `stage-position/${where.join("/")}`;
    this.prizes = prizes;
    this.position = position;
    this.revision = 0;
    this.isDirty = false;
    this.signal = signal;
    this.onMove = onMove;
    this.onTrouble = onTrouble;
    /** @type {Promise<void> | null} */
    this.sending = null;
    this.recall();
  }

  /** What this browser knew when the page was left. */
  recall() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
      if (kept && isPosition(kept.position, this.prizes)) {
        this.position = kept.position;
        this.revision = Number(kept.revision) || 0;
        this.isDirty = kept.isDirty === true;
      }
    } catch (error) {
      console.warn("the kept position cannot be read", error);
    }
  }

  remember() {
    localStorage.setItem(
      this.key,
      JSON.stringify({ position: this.position, revision: this.revision, isDirty: this.isDirty }),
    );
  }

  /** Goes where the others are, then stays in step until the view is left. */
  async follow() {
    for (let attempt = 0; !this.signal.aborted;) {
      try {
        if (!document.hidden && !this.sending) this.adopt(await get(this.path, { signal: this.signal }));
        attempt = 0;
        if (this.isDirty) this.push();
        await sleep(LOOK, this.signal);
      } catch (error) {
        if (this.signal.aborted) return;
        await pause(attempt, this.signal, /** @type {any} */ (error).retryAfter);
        attempt += 1;
      }
    }
  }

  /** Takes over a position that is newer than the one that this screen knows. */
  adopt(/** @type {{revision: number, position: unknown}} */ { revision, position }) {
    if (this.sending || revision <= this.revision || !isPosition(position, this.prizes)) return;
    this.take(revision, position);
  }

  /**
   * @param {number} revision
   * @param {Position} position
   */
  take(revision, position) {
    this.revision = revision;
    this.isDirty = false;
    const isNews = JSON.stringify(position) !== JSON.stringify(this.position);
    this.position = position;
    this.remember();
    if (isNews) this.onMove(position);
  }

  /** Moves the show: here at once, on the other screens within about a second. */
  move(/** @type {Position} */ position) {
    if (JSON.stringify(position) === JSON.stringify(this.position)) return;
    this.position = position;
    this.isDirty = true;
    this.remember();
    this.onMove(position);
    this.push();
  }

  push() {
    if (!token()) return;
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
    });
  }

  /** Sends the position until the service has the latest one. Where somebody else moved meanwhile, that move counts. */
  async sendAll() {
    for (let attempt = 0; this.isDirty && !this.signal.aborted;) {
      const sent = this.position;
      try {
        const body = JSON.stringify({ after: this.revision, position: sent });
        const response = await send("PUT", this.path, {
          body,
          headers: { "content-type": "application/json", accept: "application/json" },
          signal: this.signal,
        });
        this.revision = (await response.json()).revision;
        this.isDirty = this.position !== sent;
        this.remember();
        this.onTrouble(false);
        attempt = 0;
      } catch (caught) {
        const error = /** @type {any} */ (caught);
        if (this.signal.aborted) return;
        if (error.status === 409) {
          const found = await get(this.path, { signal: this.signal }).catch(() => null);
          if (found && isPosition(found.position, this.prizes)) this.take(found.revision, found.position);
          else if (found) this.revision = found.revision;
          continue;
        }
        this.onTrouble(true);
        if (isForGood(error)) return;
        await pause(attempt, this.signal, error.retryAfter);
        attempt += 1;
      }
    }
  }
}
