// @ts-check
// Gives every state of a definition its box and every transition its line. Boxes within a Parallel or Map state
// are laid out first; the state is then as large as they need.

import { inLayers } from "./layers.js";
import { END, arrows, machinesWithin } from "./model.js";

const BOX_HEIGHT = 46;
const PADDING = 18;
const HEADER = 38;
const DOT = 26;
const LAYER_GAP = 32;
const LOOP = 26;
const LABEL_LENGTH = 22;
const LABEL_HEIGHT = 14;
const START = "\u0000start";
const FINISH = "\u0000end";

/**
 * The picture of a definition: `{width, height, boxes, lines}`. A box is `{name, type, x, y, width, height,
 * isContainer}`, or a dot (`dot: "start" | "end"`); a line is `{from, to, kinds, labels, path, label}`, with the middle of its
 * label and the text that there is room for. All positions are absolute; `depth` is how deeply a box or a line is nested.
 */
export function layout(definition) {
  const picture = machine(definition, true);
  const boxes = [];
  const lines = [];
  flatten(picture, PADDING, PADDING, 0, boxes, lines);
  return { width: picture.width + 2 * PADDING, height: picture.height + 2 * PADDING, boxes, lines };
}

function machine(definition, isOuter) {
  const states = Object.entries(definition.States ?? {});
  /** @type {any[]} */
  const boxes = states.map(([name, state]) => stateBox(name, state));
  const links = arrows(definition, isOuter).map((arrow) => ({
    ...arrow,
    to: arrow.to === END ? FINISH : arrow.to,
    label: arrow.from === arrow.to ? null : labelOf(arrow.labels),
  }));
  boxes.push({ id: START, dot: "start", width: DOT, height: DOT });
  if (isOuter) boxes.push({ id: FINISH, dot: "end", width: DOT, height: DOT });
  if (Object.hasOwn(definition.States ?? {}, definition.StartAt)) {
    links.unshift({ from: START, to: definition.StartAt, kinds: ["next"], labels: [] });
  }
  for (const box of boxes) {
    box.loops = links.some((link) => link.from === box.id && link.to === box.id);
    if (box.loops) box.width += LOOP * 2;
  }
  const { layers, chains } = inLayers(boxes, links, START, isOuter ? FINISH : null);
  const rows = measure(layers);
  const placed = layers.flat().filter((box) => !box.isLane);
  for (const box of placed) box.y = rows[box.layer].middle - box.height / 2;
  const lines = [...chains.map((one) => ({ ...one, points: null }))];
  route(lines, rows);
  const left = Math.min(...layers.flat().map((box) => box.x - box.width / 2));
  const right = Math.max(...layers.flat().map((box) => box.x + box.width / 2));
  for (const box of placed)
    if (box.loops)
      lines.push({ arrow: links.find((link) => link.from === box.id && link.to === box.id), loop: box });
  return { boxes: placed, lines, left, width: right - left, height: rows[rows.length - 1].bottom };
}

function stateBox(name, state) {
  const inner = machinesWithin(state).map((within) => machine(within, false));
  const box = { id: name, name, type: state.Type, inner };
  const wide = textWidth(name) + 78;
  if (!inner.length) return { ...box, width: Math.min(Math.max(wide, 120), 300), height: BOX_HEIGHT };
  const across = inner.reduce((sum, one) => sum + one.width, 0) + PADDING * (inner.length + 1);
  const tall = Math.max(...inner.map((one) => one.height));
  return {
    ...box,
    isContainer: true,
    width: Math.max(across, Math.min(wide, 300)),
    height: tall + HEADER + PADDING,
  };
}

/** The labels of an arrow as one text that is not too long, with the room that it takes; null for none. */
function labelOf(labels) {
  if (!labels.length) return null;
  const whole = labels.join(" | ");
  const characters = [...whole];
  const text =
    characters.length > LABEL_LENGTH ? `${characters.slice(0, LABEL_LENGTH - 1).join("")}…` : whole;
  return { text, width: textWidth(text) * 0.72 + 6, height: LABEL_HEIGHT };
}

/** How wide a name is at 13 px, near enough: East Asian characters are square, the others about half as wide. */
function textWidth(name) {
  let width = 0;
  for (const character of name) width += character.codePointAt(0) >= 0x1100 ? 13.5 : 8.6;
  return width;
}

/** The top, middle and bottom of each layer. Where many lines run between two layers, they are spaced further apart. */
function measure(layers) {
  const rows = [];
  let y = 0;
  for (const layer of layers) {
    const tall = Math.max(0, ...layer.map((box) => box.height));
    const row = { top: y, bottom: y + tall, middle: y + tall / 2 };
    rows.push(row);
    const lines = layer.reduce((sum, box) => sum + box.below.length, 0);
    y = row.bottom + LAYER_GAP + Math.min(lines, 12) * 2.5;
  }
  return rows;
}

/** Lines leave a box at its lower border and arrive at the upper one of another, side by side in the order of where they go. */
function route(lines, rows) {
  const downs = new Map();
  const ups = new Map();
  for (const line of lines) {
    const { chain } = line;
    const [first, last] = [chain[0], chain[chain.length - 1]];
    line.points = chain.map((box) => ({ x: box.x, box }));
    if (!downs.has(first)) downs.set(first, []);
    if (!ups.has(last)) ups.set(last, []);
    downs.get(first).push({ point: line.points[0], towards: chain[1].x });
    ups.get(last).push({ point: line.points[chain.length - 1], towards: chain[chain.length - 2].x });
  }
  for (const [box, ends] of [...downs, ...ups]) {
    ends.sort((a, b) => a.towards - b.towards);
    const step = Math.min(18, (box.width - 20) / ends.length);
    ends.forEach((end, i) => {
      end.point.x = box.x + (i - (ends.length - 1) / 2) * (box.dot ? 0 : step);
    });
  }
  for (const line of lines) {
    line.path = path(line, rows);
    const lane = line.chain.find((box) => box.isLabel);
    if (lane) line.label = { x: lane.x, y: rows[lane.layer].middle, text: line.arrow.label.text };
  }
}

/** Straight through the layers, curved between them: so a line never meets a box that is not its own. */
function path({ points, isBack }, rows) {
  const stops = [];
  points.forEach(({ x, box }, i) => {
    const row = rows[box.layer];
    const [top, bottom] = box.isLane ? [row.top, row.bottom] : [box.y, box.y + box.height];
    if (i > 0) {
      stops.push({ x, y: row.top });
      if (top !== row.top) stops.push({ x, y: top });
    }
    if (i < points.length - 1) {
      if (box.isLane || bottom !== row.bottom) stops.push({ x, y: bottom });
      if (bottom !== row.bottom || i === 0) stops.push({ x, y: row.bottom });
    }
  });
  return isBack ? stops.reverse() : stops;
}

function flatten(picture, dx, dy, depth, boxes, lines) {
  const shift = dx - picture.left;
  for (const box of picture.boxes) {
    const width = box.width - (box.loops ? LOOP * 2 : 0);
    const x = shift + box.x - width / 2;
    const y = dy + box.y;
    boxes.push({
      name: box.name,
      type: box.type,
      dot: box.dot,
      isContainer: Boolean(box.isContainer),
      depth,
      x,
      y,
      width,
      height: box.height,
    });
    let left =
      x +
      PADDING +
      Math.max(
        0,
        (width - PADDING - (box.inner ?? []).reduce((sum, one) => sum + one.width + PADDING, 0)) / 2,
      );
    for (const inner of box.inner ?? []) {
      flatten(inner, left, y + HEADER, depth + 1, boxes, lines);
      left += inner.width + PADDING;
    }
  }
  for (const { arrow, path: stops, loop, label } of picture.lines) {
    const ends = {
      from: plain(arrow.from),
      to: plain(arrow.to),
      kinds: arrow.kinds,
      labels: arrow.labels,
      depth,
    };
    if (loop)
      lines.push({
        ...ends,
        path: loopPath(shift + loop.x + loop.width / 2 - LOOP, dy + loop.y + loop.height / 2),
      });
    else {
      lines.push({
        ...ends,
        path: curve(stops.map(({ x, y }) => ({ x: x + shift, y: y + dy }))),
        label: label ? { ...label, x: label.x + shift, y: label.y + dy } : null,
      });
    }
  }
}

/** What a line's end is called outside: a state's name, or `start` and `end` as the history has them. */
function plain(id) {
  return id === START ? "" : id === FINISH ? "end" : id;
}

function curve(stops) {
  const round = (value) => Math.round(value * 10) / 10;
  let text = `M${round(stops[0].x)} ${round(stops[0].y)}`;
  for (let i = 1; i < stops.length; i += 1) {
    const [a, b] = [stops[i - 1], stops[i]];
    const half = (b.y - a.y) / 2;
    text +=
      a.x === b.x
        ? `L${round(b.x)} ${round(b.y)}`
        : `C${round(a.x)} ${round(a.y + half)} ${round(b.x)} ${round(b.y - half)} ${round(b.x)} ${round(b.y)}`;
  }
  return text;
}

function loopPath(x, y) {
  return `M${x} ${y - 9}C${x + LOOP} ${y - 22} ${x + LOOP} ${y + 22} ${x} ${y + 9}`;
}
