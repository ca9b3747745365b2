// @ts-check
// What can be done with an execution: stop, redrive, start again with its input, compare.

import { ask } from "../dialog.js";
import { h, put } from "../dom.js";
import { trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { link } from "../router.js";
import { call, nameOf, start } from "./operations.js";
import { pretty } from "./parts.js";

/** The buttons for an execution; `onDone` is called when one has changed it. */
export class Actions {
  constructor(onDone) {
    this.onDone = onDone;
    this.element = h("div", { class: "actions-bar" });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.shown = "";
  }

  /** Shows what can be done now. */
  show(answer) {
    const shown = [answer.status, answer.redrivable, answer.redrives].join();
    if (shown === this.shown) return;
    this.shown = shown;
    const arn = answer.execution_arn;
    put(
      this.element,
      answer.status === "RUNNING" ? this.button("actions.stop", () => this.stop(arn)) : null,
      answer.redrivable
        ? this.button("actions.redrive", () =>
            this.act(() => call("RedriveExecution", { executionArn: arn })),
          )
        : null,
      this.button("actions.again", () => this.again(answer)),
      h(
        "a",
        { class: "button compact", href: link("state-machines", answer.state_machine_arn) },
        t("actions.machine"),
      ),
      h("a", { class: "button compact", href: link("executions", arn, "compare") }, t("actions.compare")),
      this.problem,
    );
  }

  button(name, act) {
    return h(
      "button",
      { type: "button", class: "compact", onclick: act, "data-act": name.split(".")[1] },
      t(name),
    );
  }

  async act(act) {
    this.problem.textContent = "";
    try {
      await act();
      this.onDone();
    } catch (error) {
      this.problem.textContent = trouble(error);
    }
  }

  async stop(arn) {
    const yes = await ask({
      title: t("actions.stop"),
      text: t("actions.stop_text", { name: nameOf(arn) }),
      yes: t("actions.stop"),
    });
    if (yes) await this.act(() => call("StopExecution", { executionArn: arn }));
  }

  again(answer) {
    return this.act(async () => {
      const arn = await start(answer.state_machine_arn, pretty(answer.input));
      location.hash = link("executions", arn);
    });
  }
}
