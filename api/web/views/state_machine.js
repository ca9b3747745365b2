// @ts-check
// One state machine: its definition with the linter's findings and its picture as one types; starting it; testing a state.

import { get, path, send } from "../api.js";
import { sleep } from "../connection.js";
import { ask } from "../dialog.js";
import { field, h, put, style } from "../dom.js";
import { trouble } from "../format.js";
import { showFindings } from "../execution/code.js";
import { call, lastInputs, start } from "../execution/operations.js";
import { keepers, pretty } from "../execution/parts.js";
import { testDialog } from "../execution/test_state.js";
import { Versions } from "../execution/versions.js";
import { Canvas } from "../graph/canvas.js";
import { findState } from "../graph/model.js";
import { Picture } from "../graph/picture.js";
import { t } from "../i18n/index.js";
import { link, keepView } from "../router.js";
import { token } from "../session.js";
import { showSignIn } from "./sign_in.js";

/** How long after the last key the text is looked through. */
const PAUSE = 250;

export async function show(root, { parameters, signal }) {
  if (!token()) return showSignIn(root);
  await style("execution");
  const [arn] = parameters;
  const machine = await call("DescribeStateMachine", { stateMachineArn: arn }, { signal });
  document.title = machine.name;
  const view = new Editor(root, machine, signal);
  const earlier = new URLSearchParams(location.hash.split("?")[1] ?? "").get("input");
  if (earlier) {
    const execution = await get(path("local", "executions", earlier), { signal });
    view.input.value = pretty(execution.input);
    view.input.scrollIntoView({ block: "center" });
  }
  return undefined;
}

class Editor {
  constructor(root, machine, signal) {
    this.machine = machine;
    this.signal = signal;
    this.saved = formatted(machine.definition);
    this.free = /** @type {(() => void) | null} */ (null);
    this.mayLeave = false;
    this.turn = 0;
    const inputs = lastInputs(machine.stateMachineArn);
    this.input = h("textarea", { name: "input", rows: 6, spellcheck: "false", value: inputs[0] ?? "{}" });
    this.name = h("input", {
      name: "execution",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: t("machines.any_name"),
    });
    this.result = h("div");
    this.versions = new Versions(machine, { onShow: (definition) => this.bringBack(definition), signal });
    this.text = h("textarea", {
      class: "editor",
      name: "definition",
      spellcheck: "false",
      wrap: "off",
      value: this.saved,
      "aria-label": t("execution.definition"),
      oninput: () => this.typed(),
      onscroll: () => {
        this.numbers.scrollTop = this.text.scrollTop;
      },
      onkeydown: (event) => this.key(event),
    });
    this.numbers = h("div", { class: "numbers", "aria-hidden": "true" });
    this.findings = h("ul", { class: "findings", role: "status" });
    this.verdict = h("p", { class: "lint-verdict" });
    this.graph = h("div", { class: "graph" });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.save = h(
      "button",
      { type: "button", class: "primary", name: "save", disabled: true, onclick: () => this.store() },
      t("machines.save"),
    );
    put(
      root,
      h("p", { class: "crumbs" }, h("a", { href: "#/state-machines" }, t("machines.to_list"))),
      h(
        "div",
        { class: "view-head" },
        h("h1", null, machine.name, " ", h("span", { class: "sub" }, t(`machines.${machine.type}`))),
        h(
          "div",
          { class: "actions-bar" },
          h(
            "a",
            {
              class: "button compact",
              href: `#/executions?state_machine=${encodeURIComponent(machine.name)}`,
            },
            t("executions.title"),
          ),
          h(
            "button",
            { type: "button", class: "compact", name: "test", onclick: () => this.test() },
            t("test.title"),
          ),
          h(
            "button",
            { type: "button", class: "compact", name: "delete", onclick: () => this.remove() },
            t("machines.delete"),
          ),
        ),
      ),
      h(
        "div",
        { class: "editing" },
        h(
          "section",
          null,
          h("div", { class: "edit-box" }, this.numbers, this.text),
          this.verdict,
          this.findings,
          this.problem,
          h(
            "p",
            { class: "toolbar" },
            this.save,
            " ",
            keepers(() => this.text.value, `${machine.name}.asl.json`),
          ),
        ),
        h("section", null, this.graph),
      ),
      this.starter(inputs),
      this.versions.element,
    );
    this.versions.does(() => this.versions.load());
    this.look();
  }

  starter(inputs) {
    const said = h("p", { class: "problem", role: "alert" });
    const earlier = h(
      "select",
      {
        name: "earlier",
        "aria-label": t("machines.last_inputs"),
        onchange: (event) => (this.input.value = inputs[Number(event.target.value)] ?? ""),
      },
      inputs.map((one, index) => h("option", { value: index }, one.replace(/\s+/g, " ").slice(0, 80))),
    );
    const begin = async (event) => {
      event.preventDefault();
      said.textContent = "";
      try {
        if (this.machine.type === "EXPRESS") {
          const ended = await call("StartSyncExecution", {
            stateMachineArn: this.versions.choice.value,
            input: this.input.value,
          });
          put(this.result, h("pre", null, pretty(ended)));
          return;
        }
        const arn = await start(
          this.machine.stateMachineArn,
          this.input.value,
          this.name.value.trim(),
          this.versions.choice.value,
        );
        location.hash = link("executions", arn);
      } catch (error) {
        said.textContent = trouble(error);
      }
    };
    return h(
      "form",
      { class: "card start", onsubmit: begin },
      h("h2", null, t("machines.start")),
      inputs.length > 1 ? field(t("machines.last_inputs"), earlier) : null,
      this.versions.choosing,
      field(t("details.input"), this.input),
      this.machine.type === "STANDARD" ? field(t("executions.name"), this.name) : null,
      said,
      h("button", { type: "submit", class: "primary", name: "start" }, t("machines.start")),
      this.result,
    );
  }

  /** Puts the definition of a version into the editor, where saving makes it the machine's again. */
  bringBack(definition) {
    this.text.value = formatted(definition);
    this.text.scrollIntoView({ block: "center" });
    this.typed();
  }

  key(event) {
    this.mayLeave = event.key === "Escape" || (event.key === "Tab" && this.mayLeave);
    if (event.key !== "Tab" || event.shiftKey || event.ctrlKey || event.altKey) return;
    // Escape and then Tab leaves the text: the keyboard must be able to.
    if (this.mayLeave) return;
    event.preventDefault();
    this.text.setRangeText("  ", this.text.selectionStart, this.text.selectionEnd, "end");
    this.typed();
  }

  async typed() {
    const isChanged = this.text.value !== this.saved;
    if (isChanged)
      this.free ??= keepView({
        title: t("machines.leave"),
        text: t("machines.leave_text"),
        yes: t("machines.leave_yes"),
      });
    else this.keepNoMore();
    this.turn += 1;
    const turn = this.turn;
    await sleep(PAUSE, this.signal);
    if (turn === this.turn && !this.signal.aborted) await this.look();
  }

  keepNoMore() {
    this.free?.();
    this.free = null;
  }

  /** Looks the text through: its picture, and what the linter finds. */
  async look() {
    const text = this.text.value;
    const lines = text.split("\n").length;
    let definition = /** @type {any} */ (null);
    try {
      definition = JSON.parse(text);
    } catch {
      // The linter says where.
    }
    if (definition?.States) this.drawGraph(definition);
    try {
      const response = await send("POST", "/local/lint", {
        body: text,
        headers: { "content-type": "text/plain", accept: "application/json" },
        signal: this.signal,
      });
      const { findings } = await response.json();
      if (this.text.value !== text) return;
      for (const one of findings) one.line ??= lineIn(one.location);
      this.drawFindings(findings, lines);
    } catch (error) {
      if (!this.signal.aborted) this.problem.textContent = trouble(error);
    }
  }

  drawGraph(definition) {
    const shape = JSON.stringify(definition);
    if (shape === this.shape) return;
    this.shape = shape;
    this.definition = definition;
    try {
      const picture = new Picture(definition, (state) => {
        picture.choose(state);
        this.goTo(state);
      });
      const before = this.canvas;
      this.canvas = new Canvas(picture);
      put(this.graph, this.canvas.element);
      if (before?.hasMoved)
        Object.assign(this.canvas, { x: before.x, y: before.y, scale: before.scale, hasMoved: true });
    } catch {
      // Half a definition may have no picture; the last one stays.
    }
  }

  drawFindings(findings, lines) {
    const worst = new Map();
    for (const one of findings)
      if (one.line && worst.get(one.line) !== "ERROR") worst.set(one.line, one.severity);
    put(
      this.numbers,
      Array.from({ length: lines }, (_, index) =>
        h(
          "div",
          { class: worst.get(index + 1) === "ERROR" ? "bad" : worst.has(index + 1) ? "warn" : null },
          index + 1,
        ),
      ),
    );
    this.numbers.scrollTop = this.text.scrollTop;
    const errors = findings.filter((one) => one.severity === "ERROR").length;
    this.verdict.textContent = findings.length
      ? t("lint.found", { errors, warnings: findings.length - errors })
      : t("lint.clean");
    this.verdict.className = `lint-verdict ${errors ? "bad" : findings.length ? "warn" : "good"}`;
    showFindings(this.findings, findings, (one) => one.line && this.goToLine(one.line));
    this.save.disabled = errors > 0 || this.text.value === this.saved;
  }

  /** Puts the cursor into a state. */
  goTo(state) {
    const at = this.text.value.search(new RegExp(`${escape(JSON.stringify(state))}\\s*:\\s*\\{`));
    if (at >= 0) this.goToLine(this.text.value.slice(0, at).split("\n").length);
  }

  goToLine(line) {
    const before =
      this.text.value
        .split("\n")
        .slice(0, line - 1)
        .join("\n").length + (line > 1 ? 1 : 0);
    const end = this.text.value.indexOf("\n", before);
    this.text.focus();
    this.text.setSelectionRange(before, end < 0 ? this.text.value.length : end);
    const height = this.text.scrollHeight / this.text.value.split("\n").length;
    this.text.scrollTop = Math.max(0, (line - 6) * height);
  }

  async store() {
    this.problem.textContent = "";
    try {
      await call("UpdateStateMachine", {
        stateMachineArn: this.machine.stateMachineArn,
        definition: this.text.value,
      });
      this.saved = this.text.value;
      this.keepNoMore();
      this.save.disabled = true;
      this.verdict.textContent = t("machines.saved");
    } catch (error) {
      this.problem.textContent = trouble(error);
    }
  }

  async remove() {
    const yes = await ask({
      title: t("machines.delete"),
      text: t("machines.delete_text", { name: this.machine.name }),
      yes: t("machines.delete"),
    });
    if (!yes) return;
    try {
      await call("DeleteStateMachine", { stateMachineArn: this.machine.stateMachineArn });
      this.keepNoMore();
      location.hash = "#/state-machines";
    } catch (error) {
      this.problem.textContent = trouble(error);
    }
  }

  /** Tests the state that the cursor is in. */
  test() {
    const definition = this.definition ?? {};
    const before = this.text.value.slice(0, this.text.selectionStart);
    const names = [...before.matchAll(/"((?:[^"\\]|\\.)+)"\s*:\s*\{/g)].map((match) =>
      JSON.parse(`"${match[1]}"`),
    );
    const name = names.reverse().find((one) => findState(definition, one)) ?? definition.StartAt;
    testDialog(findState(definition, name), this.input.value, name);
  }
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The line that a fault of the text itself names. */
function lineIn(location) {
  const match = /line: (\d+)/.exec(location ?? "");
  return match ? Number(match[1]) : null;
}

function formatted(text) {
  try {
    return text.includes("\n") ? text : JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
