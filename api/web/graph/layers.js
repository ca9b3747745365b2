// @ts-check
// Puts boxes into layers, so that arrows run downwards and cross as little as they can, and computes the
// horizontal position of each: the layered layout of Sugiyama, Tagawa and Toda.

const SWEEPS = 10;
const GAP = 28;
const LANE = 14;

/**
 * Lays out boxes `{id, width, height}` and arrows `{from, to}`. Gives `layers`, lists of boxes from left to
 * right with their centre `x`, and for each arrow the `chain` of boxes from its upper end to its lower one:
 * the two ends, and between them a lane through each layer that it crosses.
 */
export function inLayers(boxes, arrows, start, end) {
  const byId = new Map(boxes.map((box) => [box.id, { ...box, above: [], below: [] }]));
  const links = downwards(byId, arrows, start);
  rank(byId, links, end);
  const layers = [];
  for (const box of byId.values()) (layers[box.layer] ??= []).push(box);
  const chains = links.map((link) => ({ ...link, chain: chain(layers, link) }));
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
  for (const { upper, lower } of links) {
    waiting.set(lower, waiting.get(lower) + 1);
    out.get(upper).push(lower);
  }
  const ready = [...byId.values()].filter((box) => waiting.get(box) === 0);
  for (const box of ready) box.layer = 0;
  for (const box of ready) {
    for (const lower of out.get(box)) {
      lower.layer = Math.max(lower.layer ?? 0, box.layer + 1);
      waiting.set(lower, waiting.get(lower) - 1);
      if (waiting.get(lower) === 0) ready.push(lower);
    }
  }
  const last = byId.get(end);
  if (last) last.layer = Math.max(...[...byId.values()].map((box) => (box === last ? 0 : box.layer + 1)));
}

/** The way of an arrow through the layers, with a lane made in each between its ends. */
function chain(layers, { upper, lower }) {
  const way = [upper];
  for (let layer = upper.layer + 1; layer < lower.layer; layer += 1) {
    const lane = { isLane: true, layer, width: LANE, height: 0, above: [], below: [] };
    layers[layer].push(lane);
    way.push(lane);
  }
  way.push(lower);
  for (let i = 1; i < way.length; i += 1) {
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
      const middles = new Map(layer.map((box) => [box, middle(isDown ? box.above : box.below, box.order)]));
      layer.sort((a, b) => middles.get(a) - middles.get(b));
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
  return neighbours.reduce((sum, box) => sum + box.order, 0) / neighbours.length;
}

/** How many arrows cross between the layers: inversions, counted in a tree of sums. */
function crossings(layers) {
  let count = 0;
  for (const layer of layers.slice(0, -1)) {
    const ends = layer.flatMap((box) => box.below.map((lower) => lower.order).sort((a, b) => a - b));
    const most = Math.max(0, ...ends) + 2;
    const tree = new Array(most).fill(0);
    ends.forEach((end, before) => {
      let smallerOrEqual = 0;
      for (let i = end + 1; i > 0; i -= i & -i) smallerOrEqual += tree[i];
      count += before - smallerOrEqual;
      for (let i = end + 1; i < most; i += i & -i) tree[i] += 1;
    });
  }
  return count;
}

/** Moves each layer as near to its neighbours as its order and widths allow, up and down in turn. */
function position(layers) {
  for (const layer of layers) {
    let x = 0;
    for (const box of layer) {
      box.x = x + box.width / 2;
      x += box.width + GAP;
    }
  }
  for (let pass = 0; pass < 20; pass += 1) {
    const order = pass % 2 === 0 ? layers : [...layers].reverse();
    for (const layer of order) settle(layer, pass);
  }
}

function settle(layer, pass) {
  const wishes = layer.map((box) => {
    const neighbours = pass >= 12 ? [...box.above, ...box.below] : pass % 2 === 0 ? box.above : box.below;
    const used = neighbours.length ? neighbours : [...box.above, ...box.below];
    if (!used.length) return { x: box.x, weight: 0.1 };
    let sum = 0;
    let weight = 0;
    for (const neighbour of used) {
      const pull = box.isLane && neighbour.isLane ? 8 : box.isLane || neighbour.isLane ? 2 : 1;
      sum += pull * neighbour.x;
      weight += pull;
    }
    return { x: sum / weight, weight };
  });
  // Without the space that the boxes to its left need, each box may be anywhere right of the one before: the
  // nearest such positions are found by pooling those that want to pass each other.
  const offsets = [];
  layer.forEach((box, i) => {
    const before = layer[i - 1];
    offsets.push(
      before
        ? offsets[i - 1] + (before.width + box.width) / 2 + GAP * (before.isLane || box.isLane ? 0.6 : 1)
        : 0,
    );
  });
  const pools = [];
  wishes.forEach(({ x, weight }, i) => {
    let pool = { sum: (x - offsets[i]) * weight, weight, count: 1 };
    while (
      pools.length &&
      pools[pools.length - 1].sum / pools[pools.length - 1].weight > pool.sum / pool.weight
    ) {
      const other = pools.pop();
      pool = {
        sum: other.sum + pool.sum,
        weight: other.weight + pool.weight,
        count: other.count + pool.count,
      };
    }
    pools.push(pool);
  });
  let index = 0;
  for (const pool of pools) {
    for (let i = 0; i < pool.count; i += 1, index += 1)
      layer[index].x = pool.sum / pool.weight + offsets[index];
  }
}
