// @ts-check
// The stage of a lottery before its draw: guests join and are counted. It turns to the draw once one is started.

import { get } from "../api.js";
import { h, put } from "../dom.js";
import { isFinal, lotteryPath } from "../draws.js";
import { t } from "../i18n/index.js";
import { poll } from "../poll.js";
import { link } from "../router.js";
import { Frame } from "../stage/frame.js";
import { headCount, wayIn } from "../stage/lobby.js";
import { namesInMotion } from "../stage/people.js";
import { openSetup } from "../stage/setup.js";

/** Asks in this interval whether a draw was started, in milliseconds. */
const LOOK = 1500;
/** The names in motion are read anew in this interval, in milliseconds. */
const NAMES = 15_000;

/**
 * @param {HTMLElement} root
 * @param {{parameters: string[], signal: AbortSignal}} view
 */
export async function show(root, { parameters: [id], signal }) {
  const lottery = await get(lotteryPath(id), { signal });
  document.title = `${t("stage.title")} · ${lottery.name}`;
  const frame = new Frame(root, lottery.name, id, signal);
  frame.element.dataset.phase = "waiting";
  const leave = () => {
    location.hash = link("lotteries", id);
  };
  const setup = () => {
    if (frame.look)
      openSetup({
        lottery: id,
        draw: null,
        prizes: [],
        position: null,
        canOrder: false,
        look: frame.look,
        signal,
        onPosition: () => {},
        onLook: () => frame.dress(),
      });
  };
  const showFooter = () =>
    put(
      frame.footer,
      frame.button(t(frame.sound.isMuted ? "stage.sound_on" : "stage.sound_off"), "S", toggle),
      frame.button(t("stage.setup"), "O", setup),
      frame.button(t("stage.full"), "F", () => frame.fullScreen()),
      h("a", { href: link("lotteries", id) }, t("stage.leave"), " ", h("kbd", null, "Esc")),
    );
  const toggle = () => {
    frame.sound.toggle();
    showFooter();
  };
  frame.keys({
    s: toggle,
    o: setup,
    f: () => frame.fullScreen(),
    Escape: () => {
      if (!document.fullscreenElement) leave();
    },
  });
  showFooter();
  put(
    frame.center,
    h(
      "div",
      { class: lottery.open_to_join ? "stage-lobby" : "stage-lobby alone" },
      lottery.open_to_join ? wayIn(id) : null,
      h(
        "div",
        { class: "stage-lobby-words" },
        headCount(id, signal),
        h("p", { class: "stage-calm" }, t(lottery.open_to_join ? "stage.lobby_open" : "stage.lobby")),
      ),
    ),
  );
  const names = () =>
    namesInMotion([id, null], {
      sealedAt: null,
      signal,
      onNames: (list, isAll) => {
        if (isAll) frame.globe.setNames(list);
      },
    });
  names().catch((error) => console.warn("the list cannot be shown in motion", error));
  poll(() => NAMES, signal, names);
  await poll(
    () => LOOK,
    signal,
    async () => {
      const { draws } = await get(lotteryPath(id), { signal });
      const started = draws.find((/** @type {any} */ draw) => !isFinal(draw.status));
      if (started && !signal.aborted)
        location.replace(link("lotteries", id, "draws", started.draw_id, "stage"));
    },
  );
}
