// @ts-check
// A phone in the hand of the organiser: moves the stage of a draw. The code on the stage holds this view's address and no token;
// the phone signs in by itself, so that a photograph of the stage is worth nothing.

import { get } from "../api.js";
import { foreign, h, put } from "../dom.js";
import { hasWinners, lotteryPath } from "../draws.js";
import { number } from "../format.js";
import { known, t } from "../i18n/index.js";
import { token } from "../session.js";
import { results } from "../stage/people.js";
import { allOfPrize, back, firstPosition, next, seats } from "../stage/program.js";
import { Step } from "../stage/step.js";
import { showSignIn } from "./sign_in.js";
import { watchDraw } from "../watch.js";

/** @typedef {import("../stage/program.js").Position} Position */

/**
 * @param {HTMLElement} root
 * @param {{parameters: string[], signal: AbortSignal}} view
 */
export async function show(root, { parameters: [lottery, id], signal }) {
  if (!token()) return showSignIn(root);
  const { name } = await get(lotteryPath(lottery), { signal });
  document.title = `${t("stage.remote")} · ${name}`;
  const state = h("div", { class: "remote-state", role: "status" });
  const trouble = h("p", { class: "problem", role: "alert" });
  const button = (/** @type {string} */ key, /** @type {string} */ kind, /** @type {() => void} */ action) =>
    h(
      "button",
      { type: "button", class: kind, name: key, disabled: true, onclick: action },
      t(`stage.${key}`),
    );
  /** @type {Step | null} */
  let step = null;
  /** @type {any} */
  let draw = null;
  /** @type {import("../stage/program.js").Winner[][]} */
  let won = [];
  const go = (/** @type {(position: Position, won: any) => Position} */ where) => () => {
    if (step) step.move(where(step.position, won));
  };
  const buttons = [
    button("next", "primary remote-next", go(next)),
    button("back", "", go(back)),
    button("all", "", go(allOfPrize)),
  ];
  put(
    root,
    h(
      "section",
      { class: "remote" },
      h("h1", null, foreign(name)),
      state,
      trouble,
      buttons[0],
      h("div", { class: "remote-more" }, buttons.slice(1)),
    ),
  );

  const render = () => {
    const isReady = hasWinners(draw.status) && won.some((list) => list.length);
    for (const one of buttons) one.disabled = !isReady;
    if (!isReady || !step) {
      put(state, h("p", { class: "lead" }, known(`status.${draw.status}`)));
      return;
    }
    const { screen, prize, from, to } = step.position;
    const hasPrize = ["prize", "roll", "names"].includes(screen);
    const names = screen === "names" ? won[prize].slice(from, Math.min(to, from + 60)) : [];
    put(
      state,
      h("p", { class: "remote-screen" }, t(`stage.remote_${screen}`)),
      hasPrize ? h("p", { class: "remote-prize" }, foreign(draw.prizes[prize].name)) : null,
      hasPrize && to > from
        ? h(
            "p",
            { class: "quiet" },
            t("stage.range", { from: number(from + 1), to: number(to), all: number(won[prize].length) }),
          )
        : null,
      names.length
        ? h(
            "ul",
            { class: "remote-names" },
            names.map((winner) =>
              h(
                "li",
                null,
                foreign(winner.name ?? "—"),
                winner.group ? h("span", { class: "quiet" }, " · ", foreign(winner.group)) : null,
              ),
            ),
          )
        : null,
    );
    buttons[0].textContent = t(screen === "roll" ? "stage.remote_stop" : "stage.next");
    buttons[0].disabled = screen === "wall";
  };

  await watchDraw(lottery, id, signal, async (/** @type {any} */ found) => {
    draw = found;
    if (!step) {
      step = new Step([lottery, id], draw.prizes, firstPosition(draw.prizes), {
        signal,
        onMove: render,
        onTrouble: (isBehind) => {
          trouble.textContent = isBehind ? t("stage.behind") : "";
        },
      });
      step.follow();
    }
    if (hasWinners(draw.status))
      won = seats(
        draw.prizes,
        (await results([lottery, id], { signal }).catch(() => ({ winners: [] }))).winners,
      );
    if (!signal.aborted) render();
  });
}
