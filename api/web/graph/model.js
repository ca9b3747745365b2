// @ts-check
// Reads an Amazon States Language definition as boxes and arrows.

/** Where every path of a machine ends. No state can have this name: names are not empty. */
export const END = "";

/** The machines within a state: the branches of a Parallel, the processor of a Map. */
export function machinesWithin(state) {
  if (state.Type === "Parallel") return state.Branches ?? [];
  if (state.Type === "Map") return [state.ItemProcessor ?? state.Iterator].filter(Boolean);
  return [];
}

/** The transitions out of a state: `{to, kind, label}`, with kind `next`, `choice`, `default` or `catch`. */
export function transitions(state) {
  const found = [];
  if (state.Next) found.push({ to: state.Next, kind: "next" });
  for (const rule of state.Choices ?? [])
    found.push({ to: rule.Next, kind: "choice", label: condition(rule) });
  if (state.Default) found.push({ to: state.Default, kind: "default", label: "Default" });
  if (state.End || state.Type === "Succeed" || state.Type === "Fail") found.push({ to: END, kind: "end" });
  for (const catcher of state.Catch ?? []) {
    found.push({ to: catcher.Next, kind: "catch", label: (catcher.ErrorEquals ?? []).join(", ") });
  }
  return found;
}

const SIGNS = {
  Equals: "=",
  EqualsPath: "=",
  LessThan: "<",
  LessThanPath: "<",
  GreaterThan: ">",
  GreaterThanPath: ">",
  LessThanEquals: "≤",
  LessThanEqualsPath: "≤",
  GreaterThanEquals: "≥",
  GreaterThanEqualsPath: "≥",
  Matches: "~",
};

/** What a rule of a Choice state asks for, in a few characters: `$.count > 3`. */
export function condition(rule) {
  if (typeof rule.Condition === "string") return rule.Condition.replace(/^\{%\s*|\s*%\}$/g, "");
  if (rule.Not) return `not ${condition(rule.Not)}`;
  if (rule.And) return rule.And.map(condition).join(" and ");
  if (rule.Or) return rule.Or.map(condition).join(" or ");
  const variable = rule.Variable ?? "";
  for (const [name, value] of Object.entries(rule)) {
    const comparison = /^(?:String|Numeric|Boolean|Timestamp)(.+)$/.exec(name);
    if (comparison)
      return `${variable} ${SIGNS[comparison[1]] ?? comparison[1]} ${typeof value === "string" ? value : JSON.stringify(value)}`;
    if (/^Is[A-Z]/.test(name)) return `${variable} ${value ? "is" : "is not"} ${name.slice(2).toLowerCase()}`;
  }
  return variable;
}

/** The arrows of one machine, those between the same two states joined. `outer`: the arrows to the end are shown. */
export function arrows(machine, isOuter) {
  const joined = new Map();
  for (const [from, state] of Object.entries(machine.States ?? {})) {
    for (const { to, kind, label } of transitions(state)) {
      if (to === END ? !isOuter : !Object.hasOwn(machine.States, to)) continue;
      const key = JSON.stringify([from, to]);
      const arrow = joined.get(key) ?? { from, to, kinds: [], labels: [] };
      if (!arrow.kinds.includes(kind)) arrow.kinds.push(kind);
      if (label) arrow.labels.push(label);
      joined.set(key, arrow);
    }
  }
  return [...joined.values()];
}

/** By the name of each Parallel or Map state the names of all states within it, however deep. */
export function namesWithin(machine, found = new Map()) {
  for (const [name, state] of Object.entries(machine.States ?? {})) {
    const machines = machinesWithin(state);
    if (!machines.length) continue;
    const names = [];
    for (const inner of machines) {
      namesWithin(inner, found);
      for (const innerName of Object.keys(inner.States ?? {}))
        names.push(innerName, ...(found.get(innerName) ?? []));
    }
    found.set(name, names);
  }
  return found;
}

/** A state of the definition by its name, however deep. */
export function findState(machine, name) {
  if (Object.hasOwn(machine.States ?? {}, name)) return machine.States[name];
  for (const state of Object.values(machine.States ?? {})) {
    for (const inner of machinesWithin(state)) {
      const found = findState(inner, name);
      if (found) return found;
    }
  }
  return null;
}
