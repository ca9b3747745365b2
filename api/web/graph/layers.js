// @ts-check
// Puts boxes into layers, so that arrows run downwards and cross as little as they can, and computes the
// horizontal position of each: the layered layout of Sugiyama, Tagawa and Toda.

const SWEEPS = 8;
const PASSES = 14;
const GAP = 28;
const LANE = 14;

/**
 * Lays out boxes `{id, width, height}` and arrows `{from, to, label}`. Gives `layers`, lists of boxes from left to
 * right with their centre `x`, and for each arrow the `chain` of boxes from its upper end to its lower one:
 * the two ends, and between them a lane through each layer that it crosses. A label `{text, width, height}` gets a lane of its
 * own, in which it has room; arrows to one box share their other lanes.
 */
export function inLayers(boxes, arrows, start, end) {
  const byId = new Map(boxes.map((box) => [box.id, { ...box, above: [], below: [] }]));
  const links = downwards(byId, arrows, start);
  rank(byId, links, end);
  const layers = [];
  for (const box of byId.values()) (layers[box.layer] ??= []).push(box);
  for (let layer = 0; layer < layers.length; layer += 1) layers[layer] ??= [];
  const shared = new Map();
  const chains = links.map((link) => ({ ...link, chain: chain(layers, link, shared) }));
  reorder(layers);
  position(layers);
  return { layers, chains };
}

/** Turns the arrows that would run back up, found by a walk in depth from the first state. */
function downwards(byId, arrows, start) {
  /** @type {Map<string, any>} */
  const out = new Map([...byId.keys()].map((id) => [id, []]));
  for (const arrow of arrows) if (arrow.from !== arrow.to) out.get(arrow.from).push(arrow);
  const state = new Map();
  const links = [];
  const walk = (root) => {
    const stack = [{ id: root, next: 0 }];
    state.set(root, "open");
    while (stack.length) {
      const top = stack[stack.length - 1];
      const arrow = out.get(top.id)[top.next];
      top.next += 1;
      if (!arrow) {
        state.set(top.id, "closed");
        stack.pop();
        continue;
      }
      const isBack = state.get(arrow.to) === "open";
      const [upper, lower] = isBack ? [arrow.to, arrow.from] : [arrow.from, arrow.to];
      links.push({ arrow, isBack, upper: byId.get(upper), lower: byId.get(lower) });
      if (!state.has(arrow.to)) {
        state.set(arrow.to, "open");
        stack.push({ id: arrow.to, next: 0 });
      }
    }
  };
  for (const id of [start, ...byId.keys()]) if (byId.has(id) && !state.has(id)) walk(id);
  return links;
}

/** Each box one layer below the lowest of those that lead to it; the end below all. */
function rank(byId, links, end) {
  /** @type {Map<any, any>} */
  const waiting = new Map([...byId.values()].map((box) => [box, 0]));
  /** @type {Map<any, any>} */
  const out = new Map([...byId.values()].map((box) => [box, []]));
  for (const { arrow, upper, lower } of links) {
    waiting.set(lower, waiting.get(lower) + 1);
    // A label lies between its boxes.
    out.get(upper).push({ lower, span: arrow.label ? 2 : 1 });
  }
  const ready = [...byId.values()].filter((box) => waiting.get(box) === 0);
  for (const box of ready) box.layer = 0;
  for (const box of ready) {
    for (const { lower, span } of out.get(box)) {
      lower.layer = Math.max(lower.layer ?? 0, box.layer + span);
      waiting.set(lower, waiting.get(lower) - 1);
      if (waiting.get(lower) === 0) ready.push(lower);
    }
  }
  const last = byId.get(end);
  if (last) last.layer = Math.max(...[...byId.values()].map((box) => (box === last ? 0 : box.layer + 1)));
}

/** The way of an arrow through the layers, with a lane in each between its ends. */
function chain(layers, { arrow, isBack, upper, lower }, shared) {
  const way = [upper];
  // The label is near the state that the arrow comes from.
  const labelled = arrow.label ? (isBack ? lower.layer - 1 : upper.layer + 1) : -1;
  for (let layer = upper.layer + 1; layer < lower.layer; layer += 1) {
    const key = `${layer} ${isBack} ${arrow.to}`;
    const isOwn = layer === labelled;
    let lane = isOwn ? null : shared.get(key);
    if (!lane) {
      const { width, height } = isOwn ? arrow.label : { width: LANE, height: 0 };
      lane = { isLane: true, isLabel: isOwn, layer, width, height, above: [], below: [] };
      layers[layer].push(lane);
      if (!isOwn) shared.set(key, lane);
    }
    way.push(lane);
  }
  way.push(lower);
  for (let i = 1; i < way.length; i += 1) {
    if (way[i - 1].below.includes(way[i])) continue;
    way[i - 1].below.push(way[i]);
    way[i].above.push(way[i - 1]);
  }
  return way;
}

/** Orders each layer by the middle of its neighbours, up and down, and keeps the order with the fewest crossings. */
function reorder(layers) {
  number(layers);
  let best = layers.map((layer) => [...layer]);
  let fewest = crossings(layers);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep += 1) {
    const isDown = sweep % 2 === 0;
    const order = isDown ? layers : [...layers].reverse();
    for (const layer of order.slice(1)) {
      for (const box of layer) box.middle = middle(isDown ? box.above : box.below, box.order);
      layer.sort((a, b) => a.middle - b.middle);
      layer.forEach((box, index) => {
        box.order = index;
      });
    }
    const found = crossings(layers);
    if (found < fewest) {
      fewest = found;
      best = layers.map((layer) => [...layer]);
    }
  }
  best.forEach((layer, index) => {
    layers[index] = layer;
  });
  number(layers);
}

function number(layers) {
  for (const layer of layers)
    layer.forEach((box, index) => {
      box.order = index;
    });
}

function middle(neighbours, otherwise) {
  if (!neighbours.length) return otherwise;
  let sum = 0;
  for (const box of neighbours) sum += box.order;
  return sum / neighbours.length;
}

/** How many arrows cross between the layers: inversions, counted in a tree of sums. */
function crossings(layers) {
  let count = 0;
  for (let index = 0; index + 1 < layers.length; index += 1) {
    const size = layers[index + 1].length + 1;
    const tree = new Int32Array(size + 1);
    let before = 0;
    for (const box of layers[index]) {
      for (const lower of box.below) {
        let smallerOrEqual = 0;
        for (let i = lower.order + 1; i > 0; i -= i & -i) smallerOrEqual += tree[i];
        count += before - smallerOrEqual;
      }
      // Arrows from one box do not cross.
      for (const lower of box.below) {
        before += 1;
        for (let i = lower.order + 1; i <= size; i += i & -i) tree[i] += 1;
      }
    }
  }
  return count;
}

/** Moves each layer as near to its neighbours as its order and widths allow, up and down in turn. */
function position(layers) {
  for (const layer of layers) {
    let x = 0;
    for (const box of layer) {
      box.x = x + box.width / 2;
      x += box.width + gap(box, null);
    }
  }
  measurePulls(layers);
  for (let pass = 0; pass < PASSES; pass += 1) {
    const order = pass % 2 === 0 ? layers : [...layers].reverse();
    for (const layer of order) settle(layer, pass);
  }
}

/** How much is free between neighbours. */
function gap(left, right) {
  if (left?.isLane && right?.isLane) return GAP * 0.4;
  return left?.isLane || right?.isLane ? GAP * 0.6 : GAP;
}

/** Whether a box has one box above or below it: then they form a chain. */
function isAlone(boxes) {
  let count = 0;
  for (const box of boxes) if (!box.isLane) count += 1;
  return count === 1;
}

/** How much two ends of an arrow want to be in line: those of a chain of boxes by far the most, so that what passes by makes way. */
function pull(upper, lower) {
  if (upper.isLabel || lower.isLabel) return upper.isLane && lower.isLane ? 1 : 64;
  if (upper.isLane && lower.isLane) return 16;
  if (upper.isLane || lower.isLane) return 1;
  return isAlone(upper.below) && isAlone(lower.above) ? 1e6 : 8;
}

/** The neighbours of each box with how much they pull. */
function measurePulls(layers) {
  for (const box of layers.flat()) {
    box.pulls = [
      box.above.map((other) => ({ other, force: pull(other, box) })),
      box.below.map((other) => ({ other, force: pull(box, other) })),
    ];
    box.pulls.push([...box.pulls[0], ...box.pulls[1]]);
    // A label stays beside its state, whichever way the others move.
    if (box.isLabel) box.pulls = [box.pulls[2], box.pulls[2], box.pulls[2]];
  }
}

function settle(layer, pass) {
  const side = pass >= PASSES - 4 ? 2 : pass % 2;
  const wishes = layer.map((box) => {
    const used = box.pulls[side].length ? box.pulls[side] : box.pulls[2];
    if (!used.length) return { x: box.x, weight: 0.1 };
    let sum = 0;
    let weight = 0;
    for (const { other, force } of used) {
      sum += force * other.x;
      weight += force;
    }
    return { x: sum / weight, weight };
  });
  // Without the space that the boxes to its left need, each box may be anywhere right of the one before: the
  // nearest such positions are found by pooling those that want to pass each other.
  const offsets = new Float64Array(layer.length);
  for (let i = 1; i < layer.length; i += 1) {
    offsets[i] = offsets[i - 1] + (layer[i - 1].width + layer[i].width) / 2 + gap(layer[i - 1], layer[i]);
  }
  const pools = [];
  wishes.forEach(({ x, weight }, i) => {
    const pool = { sum: (x - offsets[i]) * weight, weight, count: 1 };
    for (
      let last = pools.at(-1);
      last && last.sum / last.weight > pool.sum / pool.weight;
      last = pools.at(-1)
    ) {
      pools.pop();
      pool.sum += last.sum;
      pool.weight += last.weight;
      pool.count += last.count;
    }
    pools.push(pool);
  });
  let index = 0;
  for (const pool of pools) {
    for (let i = 0; i < pool.count; i += 1, index += 1)
      layer[index].x = pool.sum / pool.weight + offsets[index];
  }
}
