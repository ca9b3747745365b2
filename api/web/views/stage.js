// @ts-check
// The stage of a draw, for the projector: the commitment before the round, then prize after prize, names in motion and names
// revealed, and at the end all winners. Keys, the buttons below and a phone (`stage_remote.js`) drive it; the position is in
// `stage/program.js`, and every screen of the draw follows it.

import { get } from "../api.js";
import { sleep } from "../connection.js";
import { h, put } from "../dom.js";
import { drawPath, hasWinners, isFinal, lotteryPath } from "../draws.js";
import { number } from "../format.js";
import { t } from "../i18n/index.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { Cast, mask } from "../stage/cast.js";
import { Frame } from "../stage/frame.js";
import { namesInMotion } from "../stage/people.js";
import { allOfPrize, back, firstPosition, next, repeated, toRelease } from "../stage/program.js";
import { Releases, releaseCall } from "../stage/release.js";
import { SCENES, wallSections } from "../stage/scenes.js";
import { openSetup } from "../stage/setup.js";
import { Step } from "../stage/step.js";
import { watchDraw } from "../watch.js";
import { askToken } from "./sign_in.js";

/** Winners that could not be read, or are not released yet, are asked for again after this time, in milliseconds. */
const AGAIN = 1200;
/** While all winners are shown, the draw is asked for again after this time, in milliseconds. */
const WALL_AGAIN = 4000;

/** @typedef {import("../stage/program.js").Position} Position */

/**
 * @param {HTMLElement} root
 * @param {{parameters: string[], signal: AbortSignal}} view
 */
export async function show(root, { parameters: [lottery, id], signal }) {
  const found = await get(lotteryPath(lottery), { signal });
  document.title = `${t("stage.title")} · ${found.name}`;
  const stage = new Stage(root, found, id, signal);
  await watchDraw(lottery, id, signal, (/** @type {any} */ draw) => stage.take(draw));
}

/** A browser or a tab in which nobody is signed in shows masked names: it can be signed in where it stands. */
async function signInHere() {
  if (await askToken({ title: t("stage.sign_in"), text: t("stage.sign_in_text") })) location.reload();
}

class Stage {
  /**
   * @param {HTMLElement} root
   * @param {any} lottery
   * @param {string} id
   * @param {AbortSignal} signal
   */
  constructor(root, lottery, id, signal) {
    this.lottery = lottery;
    /** @type {[string, string]} */
    this.where = [lottery.lottery_id, id];
    this.signal = signal;
    this.cast = new Cast(this.where, signal);
    this.isPaused = false;
    this.hasAlternates = false;
    /** @type {string[]} */
    this.inMotion = [];
    /** @type {any} */
    this.draw = null;
    /** @type {Step | null} */
    this.step = null;
    /** All winners, while they are shown.
     * @type {import("../stage/wall.js").Wall | null} */
    this.wall = null;
    this.frame = new Frame(root, lottery.name, this.where[0], signal);
    this.frame.onDressed = () => {
      this.drawn = "";
      this.show();
    };
    this.frame.center.addEventListener("click", () => this.next());
    this.releases = new Releases({
      post: releaseCall(drawPath(this.where[0], id, "release"), signal),
      signal,
      onState: (state) => {
        this.releasing = state;
        this.tell();
      },
    });
    const forward = () => this.next();
    const backward = () => this.back();
    this.frame.keys({
      " ": forward,
      Enter: forward,
      ArrowRight: forward,
      PageDown: forward,
      ArrowLeft: backward,
      PageUp: backward,
      a: () => this.all(),
      f: () => this.frame.fullScreen(),
      m: () => this.toggleMask(),
      s: () => this.toggleSound(),
      o: () => this.setup(),
      n: () => this.toggleAlternates(),
      p: () => {
        this.isPaused = !this.isPaused;
      },
      Escape: () => {
        if (!document.fullscreenElement) location.hash = link("lotteries", this.where[0], "draws", id);
      },
    });
    this.showFooter();
  }

  async take(/** @type {any} */ draw) {
    const isFirst = !this.draw;
    this.draw = draw;
    if (isFirst && draw.rehearsal) {
      const words = h("p", { class: "stage-rehearsal", role: "note" }, t("rehearsal.badge"));
      this.frame.element.append(words);
    }
    if (isFirst) this.begin();
    this.listen();
    await this.load();
    this.show();
  }

  /** The position is known from here on: from this browser first, then from the service. */
  begin() {
    this.step = new Step(this.where, this.draw.prizes, firstPosition(this.draw.prizes), {
      signal: this.signal,
      onMove: (position) => this.moved(position),
      onTrouble: (isBehind) => {
        this.isBehind = isBehind;
        this.tell();
      },
    });
    this.step.follow();
  }

  /** Names in motion: the list as it is, and the sealed one once it is sealed. */
  listen() {
    const sealed = this.draw.sealed_at ?? "";
    if (this.listed === sealed) return;
    this.listed = sealed;
    namesInMotion(this.where, {
      sealedAt: this.draw.sealed_at,
      signal: this.signal,
      onNames: (names, isAll) => {
        this.inMotion = names;
        if (!isAll && names.length % 5000 > 1000) return;
        this.showNames();
        if (isAll && token()) {
          this.cast.namesakes = repeated(names);
          this.drawn = "";
          this.show();
        }
      },
    }).catch((error) => console.warn("the list cannot be shown in motion", error));
  }

  /** The names on the globe are masked when all names are. */
  showNames() {
    const isMasked = token() && !this.cast.isFull;
    this.frame.globe.setNames(isMasked ? this.inMotion.map(mask) : this.inMotion);
  }

  /** Reads the winners, and tries again until they are there. */
  async load() {
    while (hasWinners(this.draw.status) && !this.signal.aborted) {
      await this.cast.load(this.draw);
      if (!this.cast.isEmpty) break;
      await sleep(AGAIN, this.signal);
    }
    this.release();
  }

  /** The winners by prize, in full for the organiser. */
  get won() {
    return this.cast.won(this.draw.prizes);
  }

  get phase() {
    const { draw, step } = this;
    if (hasWinners(draw.status) && this.won.some((list) => list.length))
      return step?.position.screen ?? "commitment";
    if (isFinal(draw.status)) return "over";
    return draw.commitment ? "commitment" : "waiting";
  }

  canReveal() {
    return this.draw && hasWinners(this.draw.status) && this.phase !== "over";
  }

  next() {
    if (this.step && this.canReveal()) this.step.move(next(this.step.position, this.won));
  }

  back() {
    if (this.step && this.canReveal()) this.step.move(back(this.step.position, this.won));
  }

  /** All names of the prize that is drawn. */
  all() {
    if (this.step && this.canReveal()) this.step.move(allOfPrize(this.step.position, this.won));
  }

  toggleMask() {
    if (!this.cast.full.length) return;
    this.cast.isFull = !this.cast.isFull;
    this.showNames();
    this.show();
  }

  toggleSound() {
    this.frame.sound.toggle();
    this.showFooter();
  }

  toggleAlternates() {
    if (this.phase !== "wall" || !this.cast.alternates.length) return;
    this.hasAlternates = !this.hasAlternates;
    this.show();
  }

  setup() {
    const { frame, step } = this;
    if (!frame.look || !this.draw) return;
    openSetup({
      lottery: this.where[0],
      draw: this.where[1],
      prizes: this.draw.prizes,
      position: step?.position ?? null,
      canOrder: step?.position.screen === "commitment",
      look: frame.look,
      signal: this.signal,
      onPosition: (position) => step?.move(position),
      onLook: () => frame.dress(),
    });
  }

  /** The show is at another position: by this screen, or by another one. */
  moved(/** @type {Position} */ position) {
    if (!this.draw) return;
    this.release();
    this.show();
    // Seats may have passed to others meanwhile.
    if (position.screen === "prize" || position.screen === "wall") this.load().then(() => this.show());
  }

  /** Whom this screen has shown others may see too, in a draw that waits for the stage. */
  release() {
    const { draw, step } = this;
    if (!step || !token() || draw.release?.mode !== "on_reveal" || !hasWinners(draw.status)) return;
    this.releases.want(toRelease(step.position, this.won));
  }

  /** What only the organiser has to know, in small letters. */
  tell() {
    const release = { refused: "stage.release_refused", waiting: "stage.release_waiting" }[
      this.releasing ?? ""
    ];
    const words = release ?? (this.isBehind ? "stage.behind" : null);
    this.frame.trouble.textContent = words ? t(words) : "";
  }

  show() {
    const { draw, frame } = this;
    if (!draw || this.signal.aborted) return;
    const { phase } = this;
    const position = this.step?.position;
    frame.number.textContent = draw.sequence ? t("stage.number", { n: number(draw.sequence) }) : "";
    const won = hasWinners(draw.status) ? this.won : [];
    const lines = phase === "names" ? won.map((list) => list.map(({ rank, name }) => [rank, name])) : [];
    const isHeld = phase === "commitment" || phase === "waiting";
    const scene = JSON.stringify([phase, position?.prize, position?.from, position?.to]);
    const drawn = JSON.stringify([
      scene,
      isHeld ? [draw.status, position?.order, won.some((list) => list.length)] : [],
      this.cast.isFull,
      this.hasAlternates,
      lines,
    ]);
    if (!position) return;
    this.cast.compare();
    const { cast, hasAlternates } = this;
    if (drawn === this.drawn) {
      // On the wall prizes are claimed, and seats pass to others: in their places, so that the pages turn on.
      if (phase !== "wall" || this.wall?.update(wallSections({ draw, position, won, cast, hasAlternates })))
        return;
    }
    const before = frame.element.dataset.phase;
    const isSameScene = this.scene === scene;
    this.drawn = drawn;
    this.scene = scene;
    frame.element.dataset.phase = phase;
    this.current?.abort();
    this.current = new AbortController();
    this.signal.addEventListener("abort", () => this.current?.abort(), { once: true });
    const scope = this.current.signal;
    const { lottery, where } = this;
    const isPaused = () => this.isPaused;
    put(
      frame.center,
      SCENES[phase]({
        lottery,
        draw,
        where,
        position,
        won,
        cast,
        frame,
        scope,
        isPaused,
        hasAlternates,
        showsInTurn: !isSameScene,
        onWall: (wall) => {
          this.wall = wall;
        },
      }),
    );
    if (phase === "wall") this.keepWall(scope);
    if (phase === "names" && !token() && won[position.prize].some((winner) => winner.released === false))
      this.awaitRelease(scope);
    if (!isSameScene) this.perform(phase, before);
    this.showFooter();
  }

  /** What moves and sounds when a scene begins. After a reload nothing is celebrated again. */
  perform(/** @type {string} */ phase, /** @type {string | undefined} */ before) {
    const { globe, sound } = this.frame;
    /** @type {Record<string, import("../stage/globe.js").Motion>} */
    const motions = {
      roll: "fast",
      names: before === "roll" ? "burst" : "hidden",
      wall: "hidden",
      over: "hidden",
    };
    globe.setMotion(motions[phase] ?? "idle");
    if (phase === "roll") sound.startRoll();
    else sound.stopRoll();
    if (!before) return;
    if (phase === "prize") sound.announce();
    if (phase === "names" && (before === "roll" || before === "prize")) {
      sound.fanfare();
      const count = (this.step?.position.to ?? 1) - (this.step?.position.from ?? 0);
      this.frame.celebrate(count > 1 ? 1.6 : 1);
    }
    if (phase === "wall") {
      sound.fanfare();
      this.frame.celebrate(3);
    }
  }

  /** What happens to the seats of a draw that has ended is not followed by itself: the wall asks for it, until it is closed. */
  async keepWall(/** @type {AbortSignal} */ scope) {
    for (;;) {
      await sleep(WALL_AGAIN, scope);
      if (scope.aborted || this.draw.closed_at) return;
      if (!isFinal(this.draw.status)) continue;
      const found = await get(drawPath(...this.where), { signal: scope }).catch(() => null);
      if (scope.aborted) return;
      if (found && JSON.stringify(found) !== JSON.stringify(this.draw)) await this.take(found);
    }
  }

  /** Names that are not released yet are asked for until they are. */
  async awaitRelease(/** @type {AbortSignal} */ scope) {
    for (;;) {
      await sleep(AGAIN, scope);
      if (!scope.aborted) await this.cast.loadMasked(scope);
      if (scope.aborted) return;
      this.show();
    }
  }

  showFooter() {
    const { frame } = this;
    const button = (
      /** @type {string} */ name,
      /** @type {string} */ key,
      /** @type {() => void} */ action,
      isShown = true,
    ) => (isShown ? frame.button(t(name), key, action) : null);
    const screen = this.draw ? this.phase : "waiting";
    const canReveal = Boolean(this.canReveal());
    put(
      frame.footer,
      button("stage.back", "←", () => this.back(), canReveal && screen !== "commitment"),
      button("stage.next", "␣", () => this.next(), canReveal && screen !== "wall"),
      button("stage.all", "A", () => this.all(), canReveal && ["prize", "roll", "names"].includes(screen)),
      button(
        this.hasAlternates ? "stage.hide_alternates" : "stage.show_alternates",
        "N",
        () => this.toggleAlternates(),
        screen === "wall" && this.cast.alternates.length > 0,
      ),
      button(
        this.cast.isFull ? "stage.mask" : "stage.unmask",
        "M",
        () => this.toggleMask(),
        this.cast.full.length > 0,
      ),
      button(frame.sound.isMuted ? "stage.sound_on" : "stage.sound_off", "S", () => this.toggleSound()),
      token()
        ? null
        : h("button", { type: "button", name: "sign-in", onclick: signInHere }, t("stage.masked")),
      button("stage.setup", "O", () => this.setup(), Boolean(this.draw)),
      button("stage.full", "F", () => frame.fullScreen()),
      h(
        "a",
        { href: link("lotteries", ...[this.where[0], "draws", this.where[1]]) },
        t("stage.leave"),
        " ",
        h("kbd", null, "Esc"),
      ),
    );
  }
}
