// @ts-check
// The stage view, for the projector: the commitment before the round, the countdown, then one name after another.
// It is driven by the keyboard; the buttons below say which keys.

import { get } from "../api.js";
import { sleep } from "../connection.js";
import { foreign, h, put } from "../dom.js";
import { allWinners, hasWinners, isFinal, lotteryPath } from "../draws.js";
import { groupedHash, number, reasonOf } from "../format.js";
import { known, t } from "../i18n/index.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { watchDraw } from "../watch.js";

export async function show(root, { parameters: [lottery, id], signal }) {
  const { name } = await get(lotteryPath(lottery), { signal });
  document.title = `${t("stage.title")} · ${name}`;
  const stage = new Stage(root, name, lottery, id, signal);
  await watchDraw(lottery, id, signal, (draw) => stage.take(draw));
}

class Stage {
  constructor(root, name, lottery, id, signal) {
    this.where = [lottery, id];
    this.signal = signal;
    this.revealed = 0;
    this.isFull = Boolean(token());
    this.isOnPrize = true;
    this.counting = new AbortController();
    this.masked = [];
    this.full = null;
    this.draw = null;
    this.number = h("p", { class: "stage-number" });
    this.center = h("div", { class: "stage-center", role: "status", onclick: () => this.next() });
    this.side = h("aside", { class: "stage-side", "aria-label": t("stage.so_far") });
    this.footer = h("footer", { class: "stage-foot" });
    this.element = h(
      "div",
      { class: "stage" },
      h("header", { class: "stage-head" }, h("h1", null, foreign(name)), this.number),
      h("div", { class: "stage-body" }, this.center, this.side),
      this.footer,
    );
    put(root, this.element);
    const keys = (event) => this.key(event);
    addEventListener("keydown", keys);
    signal.addEventListener("abort", () => {
      removeEventListener("keydown", keys);
      if (document.fullscreenElement) document.exitFullscreen();
    });
    this.showFooter();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isOnButton = event.target.closest?.("button, a, select, input");
    const actions = {
      " ": () => this.next(),
      Enter: () => this.next(),
      ArrowRight: () => this.next(),
      PageDown: () => this.next(),
      ArrowLeft: () => this.back(),
      PageUp: () => this.back(),
      a: () => this.all(),
      f: () => this.fullScreen(),
      m: () => this.toggleMask(),
      Escape: () => {
        if (!document.fullscreenElement)
          location.hash = link("lotteries", this.where[0], "draws", this.where[1]);
      },
    };
    const action = actions[event.key];
    if (!action || (isOnButton && (event.key === " " || event.key === "Enter"))) return;
    event.preventDefault();
    action();
  }

  async take(draw) {
    this.draw = draw;
    const { signal } = this;
    if (hasWinners(draw.status) && token() && !this.full) {
      const winners = await allWinners(...this.where, { signal }).catch(() => []);
      if (winners.length) this.full = winners;
    }
    // Whoever withdraws is masked altogether: a list of one page is as new as the draw.
    if (!draw.winners_next_cursor) this.masked = draw.winners;
    else if (!this.masked.length)
      this.masked = await allWinners(...this.where, { signal, anonymous: true }).catch(() => draw.winners);
    if (!signal.aborted) this.show();
  }

  /** The winners in the order of the prizes; of one prize by rank. Who forfeited a seat is not called up. */
  get winners() {
    const list = this.isFull && this.full ? this.full : this.masked;
    const order = new Map(this.draw.prizes.map((prize, at) => [prize.name, at]));
    return list
      .filter((winner) => !winner.forfeited)
      .sort((a, b) => (order.get(a.prize) ?? 0) - (order.get(b.prize) ?? 0) || a.rank - b.rank);
  }

  /** A prize is announced before its first name. */
  next() {
    if (this.element.dataset.phase !== "reveal") return;
    const { winners } = this;
    if (this.isOnPrize && this.revealed < winners.length) {
      this.isOnPrize = false;
      this.revealed += 1;
    } else if (this.revealed < winners.length) {
      const isNewPrize = winners[this.revealed].prize !== winners[this.revealed - 1].prize;
      if (isNewPrize) this.isOnPrize = true;
      else this.revealed += 1;
    } else return;
    this.show();
  }

  back() {
    if (this.revealed === 0) return;
    if (this.isOnPrize) this.isOnPrize = false;
    else {
      this.revealed -= 1;
      const { winners } = this;
      this.isOnPrize =
        this.revealed === 0 || winners[this.revealed - 1].prize !== winners[this.revealed].prize;
    }
    this.show();
  }

  /** All names of the prize that is drawn. */
  all() {
    const { winners } = this;
    const prize =
      winners[Math.min(this.isOnPrize ? this.revealed : Math.max(0, this.revealed - 1), winners.length - 1)]
        ?.prize;
    while (this.revealed < winners.length && winners[this.revealed].prize === prize) this.revealed += 1;
    if (winners.length) this.isOnPrize = false;
    this.show();
  }

  toggleMask() {
    if (!this.full) return;
    this.isFull = !this.isFull;
    this.show();
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen?.().catch(() => {});
  }

  show() {
    const { draw } = this;
    if (!draw) return;
    this.number.textContent = draw.sequence ? t("stage.number", { n: number(draw.sequence) }) : "";
    const phase =
      hasWinners(draw.status) && this.winners.length
        ? "reveal"
        : isFinal(draw.status)
          ? "over"
          : draw.commitment
            ? "sealed"
            : "waiting";
    this.element.dataset.phase = phase;
    const drawn = JSON.stringify([
      phase,
      draw.status,
      this.revealed,
      this.isOnPrize,
      this.isFull,
      this.winners.length,
      draw.commitment,
    ]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.counting.abort();
    const counting = new AbortController();
    this.counting = counting;
    this.signal.addEventListener("abort", () => counting.abort(), { once: true });
    put(
      this.center,
      {
        waiting: () => this.waiting(),
        sealed: () => this.sealed(),
        reveal: () => this.reveal(),
        over: () => this.over(),
      }[phase](),
    );
    this.showSide();
    this.showFooter();
  }

  waiting() {
    const { draw } = this;
    return [
      h("p", { class: "stage-prize" }, t("stage.prizes")),
      h(
        "ul",
        { class: "stage-prizes" },
        draw.prizes
          .slice(0, 8)
          .map((prize) =>
            h(
              "li",
              null,
              h("span", { class: "count" }, `${number(prize.winners)} ×`),
              " ",
              foreign(prize.name),
            ),
          ),
      ),
      draw.closes_at
        ? [h("p", { class: "stage-note" }, t("stage.closes")), this.countdown(Date.parse(draw.closes_at))]
        : h("p", { class: "stage-note pulse" }, t("stage.sealing")),
    ];
  }

  sealed() {
    const { draw } = this;
    return [
      h("p", { class: "stage-prize" }, t("stage.sealed", { n: number(draw.entries ?? 0) })),
      h("p", { class: "stage-note" }, t("stage.commitment")),
      h("div", { class: "stage-hash" }, groupedHash(draw.commitment)),
      draw.round ? h("p", { class: "stage-note" }, t("stage.round", { n: number(draw.round) })) : null,
      draw.round_at && draw.status === "SEALED"
        ? this.countdown(Date.parse(draw.round_at))
        : h("p", { class: "stage-note pulse" }, t("stage.drawing")),
    ];
  }

  /** Counts down to a point in time, and says so when it is reached. */
  countdown(until) {
    const shown = h("p", { class: "stage-countdown", role: "timer" });
    const { signal } = this.counting;
    (async () => {
      while (!signal.aborted) {
        const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
        const hours = Math.floor(left / 3600);
        const minutes = String(Math.floor((left % 3600) / 60)).padStart(2, "0");
        const seconds = String(left % 60).padStart(2, "0");
        shown.textContent =
          left === 0 ? t("stage.now") : hours ? `${hours}:${minutes}:${seconds}` : `${minutes}:${seconds}`;
        if (left === 0) return;
        await sleep(250, signal);
      }
    })();
    return shown;
  }

  reveal() {
    const { winners } = this;
    const index = this.isOnPrize ? this.revealed : this.revealed - 1;
    const winner = winners[index];
    const ofPrize = winners.filter((one) => one.prize === winner.prize);
    const heading = h("p", { class: "stage-prize" }, foreign(winner.prize));
    if (this.isOnPrize) {
      return [
        h("p", { class: "stage-announced" }, foreign(winner.prize)),
        h(
          "p",
          { class: "stage-calm" },
          t(ofPrize.length === 1 ? "stage.one_winner" : "stage.winners", { n: number(ofPrize.length) }),
        ),
        h("p", { class: "stage-note pulse" }, t("stage.press")),
      ];
    }
    const name = winner.name ?? t("winners.withdrawn");
    const isLast = this.revealed === winners.length;
    return [
      heading,
      h("p", { class: `stage-name ${size(name)}` }, foreign(name)),
      h(
        "p",
        { class: "stage-note" },
        t("stage.of", { n: number(ofPrize.indexOf(winner) + 1), all: number(ofPrize.length) }),
        winner.phone && !this.isFull ? [" · ", foreign(winner.phone)] : null,
      ),
      sparks(),
      isLast ? h("p", { class: "stage-note" }, t("stage.done")) : null,
    ];
  }

  /** A draw without winners: what happened, and that nobody loses by it. */
  over() {
    const { draw } = this;
    return [
      h("p", { class: "stage-prize" }, known(`status.${draw.status}`)),
      h("p", { class: "stage-calm" }, draw.reason ? reasonOf(draw) : t("stage.over")),
      h("p", { class: "stage-note" }, t(draw.status === "ABANDONED" ? "stage.abandoned" : "stage.nobody")),
    ];
  }

  showSide() {
    const shown = hasWinners(this.draw.status) ? this.winners.slice(0, this.revealed) : [];
    const groups = [];
    for (const winner of shown) {
      if (groups.at(-1)?.prize !== winner.prize) groups.push({ prize: winner.prize, names: [] });
      groups.at(-1).names.push(winner.name ?? t("winners.withdrawn"));
    }
    this.side.hidden = !shown.length;
    put(
      this.side,
      h("h2", null, t("stage.so_far")),
      groups.reverse().map(({ prize, names }) =>
        h(
          "div",
          null,
          h("h3", null, foreign(prize)),
          h(
            "ol",
            null,
            names.map((name) => h("li", null, foreign(name))),
          ),
        ),
      ),
    );
  }

  showFooter() {
    const button = (name, key, action, isShown = true) =>
      isShown
        ? h("button", { type: "button", onclick: () => action.call(this) }, t(name), " ", h("kbd", null, key))
        : null;
    const canReveal = this.draw && hasWinners(this.draw.status);
    put(
      this.footer,
      button("stage.back", "←", this.back, canReveal && this.revealed > 0),
      button("stage.next", "␣", this.next, canReveal && this.revealed < this.winners.length),
      button("stage.all", "A", this.all, canReveal && this.revealed < this.winners.length),
      button(this.isFull ? "stage.mask" : "stage.unmask", "M", this.toggleMask, Boolean(this.full)),
      button("stage.full", "F", this.fullScreen),
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

/** Long names are set smaller, so that they fit. */
function size(name) {
  let width = 0;
  for (const character of name) width += character.codePointAt(0) >= 0x1100 ? 2 : 1;
  return width <= 12 ? "short" : width <= 24 ? "middle" : width <= 60 ? "long" : "huge";
}

/** A burst of gold, for those who like motion. */
function sparks() {
  const box = h("span", { class: "sparks", "aria-hidden": "true" });
  for (let i = 0; i < 26; i += 1) {
    const spark = h("i");
    const angle = (i / 26) * 2 * Math.PI;
    const far = 22 + ((i * 37) % 19);
    spark.style.setProperty("--x", `${(Math.cos(angle) * far).toFixed(1)}vw`);
    spark.style.setProperty("--y", `${(Math.sin(angle) * far * 0.6).toFixed(1)}vh`);
    spark.style.setProperty("--delay", `${(i * 53) % 220}ms`);
    box.append(spark);
  }
  return box;
}
