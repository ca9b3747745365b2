// @ts-check
// What the stage shows at each position: elements, made from the draw, the position and the winners.

import { foreign, h } from "../dom.js";
import { groupedHash, number, reasonOf } from "../format.js";
import { known, t } from "../i18n/index.js";
import { code } from "../qr.js";
import { countdown } from "./countdown.js";
import { lineOfWall } from "./cast.js";
import { Grid } from "./grid.js";
import { picture } from "./kept.js";
import { headCount, isOnlyHere, prizeList, viewAddress, wayIn } from "./lobby.js";
import { Wall } from "./wall.js";

/** @typedef {import("./program.js").Position} Position */

/**
 * What a scene is made from. `scope` ends with the scene.
 * @typedef {{lottery: any, draw: any, where: [string, string], position: Position, won: import("./program.js").Winner[][],
 *   cast: import("./cast.js").Cast, frame: import("./frame.js").Frame, scope: AbortSignal, isPaused: () => boolean,
 *   showsInTurn: boolean, hasAlternates: boolean, onWall: (wall: Wall) => void}} Scene
 */

/**
 * The elements of a scene, by the phase of the stage.
 * @type {Record<string, (scene: Scene) => any>}
 */
export const SCENES = { waiting, commitment, prize, roll, names, wall, over };

function count(/** @type {Scene} */ { frame, scope }, /** @type {string} */ until) {
  return countdown(Date.parse(until), scope, (isLast) => frame.sound.tick(isLast));
}

function waiting(/** @type {Scene} */ scene) {
  const { lottery, draw, where, position, scope } = scene;
  return h(
    "div",
    { class: lottery.open_to_join ? "stage-lobby" : "stage-lobby alone" },
    lottery.open_to_join ? wayIn(where[0]) : null,
    h(
      "div",
      { class: "stage-lobby-words" },
      headCount(where[0], scope),
      h("p", { class: "stage-prize" }, t("stage.prizes")),
      prizeList(draw.prizes, position.order),
      draw.closes_at
        ? [h("p", { class: "stage-note" }, t("stage.closes")), count(scene, draw.closes_at)]
        : h("p", { class: "stage-note pulse" }, t("stage.sealing")),
    ),
  );
}

/** What is fixed before anybody can know the result: shown until the organiser continues. */
function commitment(/** @type {Scene} */ scene) {
  const { draw, where, won } = scene;
  const page = viewAddress("lotteries", where[0], "draws", where[1]);
  const isReady = won.some((list) => list.length);
  const round = draw.round
    ? t(isReady ? "stage.round_came" : "stage.round", { n: number(draw.round) })
    : null;
  const state = isReady
    ? h("p", { class: "stage-ready pulse" }, t("stage.ready"))
    : draw.round_at && draw.status === "SEALED"
      ? count(scene, draw.round_at)
      : h("p", { class: "stage-note pulse" }, t("stage.drawing"));
  return h(
    "div",
    { class: "stage-commitment" },
    h("p", { class: "stage-prize" }, t("stage.sealed", { n: number(draw.entries ?? 0) })),
    h("p", { class: "stage-note" }, t("stage.commitment")),
    h("div", { class: "stage-hash" }, groupedHash(draw.commitment)),
    h(
      "div",
      { class: "stage-evidence" },
      isOnlyHere(page)
        ? null
        : h("div", { class: "stage-check" }, code(page, t("stage.check")), h("p", null, t("stage.check"))),
      h("div", null, round ? h("p", { class: "stage-note" }, round) : null, state),
    ),
  );
}

/** The picture of a prize, if this machine has one. */
function pictureOf(/** @type {Scene} */ { frame }, /** @type {string} */ name, /** @type {string} */ kind) {
  const blob = frame.look?.prizes.get(name);
  return blob ? picture(blob, kind, t("stage.picture_of", { prize: name })) : null;
}

function winnersInWords(/** @type {number} */ count) {
  return t(count === 1 ? "stage.one_winner" : "stage.winners", { n: number(count) });
}

function prize(/** @type {Scene} */ scene) {
  const { name } = scene.draw.prizes[scene.position.prize];
  const image = pictureOf(scene, name, "stage-picture");
  return h(
    "div",
    { class: image ? "stage-announce pictured" : "stage-announce" },
    image,
    h(
      "div",
      null,
      h("p", { class: `stage-announced ${lengthOf(name)}` }, foreign(name)),
      h("p", { class: "stage-calm" }, winnersInWords(scene.won[scene.position.prize].length)),
      h("p", { class: "stage-note pulse" }, t("stage.press")),
    ),
  );
}

/** Which winners of the prize are shown: none of these words where it has one. */
function rangeInWords(/** @type {Position} */ { from, to }, /** @type {number} */ all) {
  if (all === 1) return null;
  if (to - from === 1) return t("stage.of", { n: number(to), all: number(all) });
  if (to - from === all) return winnersInWords(all);
  return t("stage.range", { from: number(from + 1), to: number(to), all: number(all) });
}

/** The prize and how far it is: above the names in motion and the names revealed. */
function heading(/** @type {Scene} */ scene) {
  const { draw, position, won } = scene;
  const { name } = draw.prizes[position.prize];
  const range = rangeInWords(position, won[position.prize].length);
  return h(
    "div",
    { class: "stage-heading" },
    pictureOf(scene, name, "stage-picture small"),
    h("p", { class: "stage-prize" }, foreign(name)),
    range ? h("p", { class: "stage-of" }, range) : null,
  );
}

/** The whole list in motion, while the winners are long fixed: and the stage says so. */
function roll(/** @type {Scene} */ scene) {
  const { draw, position } = scene;
  const awaited = position.to - position.from;
  return h(
    "div",
    { class: "stage-roll" },
    heading(scene),
    h(
      "div",
      { class: "stage-roll-words" },
      h(
        "p",
        { class: "stage-press" },
        t(awaited === 1 ? "stage.stop" : "stage.stop_many", { n: number(awaited) }),
      ),
      h(
        "p",
        { class: "stage-fixed" },
        draw.round ? t("stage.fixed", { n: number(draw.round) }) : t("stage.fixed_plain"),
      ),
    ),
  );
}

function names(/** @type {Scene} */ scene) {
  const { draw, position, won, cast, scope, isPaused, showsInTurn } = scene;
  const lines = won[position.prize].slice(position.from, position.to).map((winner) => cast.line(winner));
  const label = draw.prizes[position.prize].name;
  const grid = new Grid(lines, { signal: scope, isPaused, label, showsInTurn });
  return h("div", { class: "stage-reveal" }, heading(scene), grid.element);
}

/**
 * What the wall shows: all winners, those of the last prize of the show first, and the alternates where they are asked for.
 * @param {Pick<Scene, "draw" | "position" | "won" | "cast" | "hasAlternates">} scene
 * @returns {import("./wall.js").Section[]}
 */
export function wallSections({ draw, position, won, cast, hasAlternates }) {
  const sections = [...position.order]
    .reverse()
    .filter((one) => won[one].length)
    .map((one) => ({
      prize: draw.prizes[one].name,
      lines: won[one].map((winner) => lineOfWall(cast, winner, draw)),
    }));
  if (hasAlternates) {
    sections.push({ prize: t("stage.alternates"), lines: cast.alternates.map((one) => cast.line(one)) });
  }
  return sections;
}

function wall(/** @type {Scene} */ scene) {
  const { scope, isPaused, onWall } = scene;
  const options = { signal: scope, isPaused, unit: (/** @type {number} */ length) => number(length) };
  const made = new Wall(wallSections(scene), options);
  onWall(made);
  return h(
    "div",
    { class: "stage-reveal" },
    h("div", { class: "stage-heading" }, h("p", { class: "stage-prize" }, t("stage.done"))),
    made.element,
  );
}

/** A draw without winners: what happened, and that nobody loses by it. */
function over(/** @type {Scene} */ { draw }) {
  return [
    h("p", { class: "stage-prize" }, known(`status.${draw.status}`)),
    h("p", { class: "stage-calm" }, draw.reason ? reasonOf(draw) : t("stage.over")),
    h("p", { class: "stage-note" }, t(draw.status === "ABANDONED" ? "stage.abandoned" : "stage.nobody")),
  ];
}

/** Long names of prizes are set smaller, so that they fit. */
function lengthOf(/** @type {string} */ name) {
  let width = 0;
  for (const character of name) width += (character.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1;
  return width <= 14 ? "short" : width <= 30 ? "middle" : "long";
}
