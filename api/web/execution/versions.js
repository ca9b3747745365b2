// @ts-check
// The versions of a state machine: copies of its definition that never change, newest first.

import { ask } from "../dialog.js";
import { field, h, put } from "../dom.js";
import { timestamp, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { all, call, nameOf } from "./operations.js";

export class Versions {
  /**
   * @param {{ stateMachineArn: string }} machine
   * @param {{ onShow: (definition: string) => void, signal: AbortSignal }} view `onShow` gets the definition of the version that was asked for.
   */
  constructor(machine, { onShow, signal }) {
    this.arn = machine.stateMachineArn;
    this.onShow = onShow;
    this.signal = signal;
    this.rows = h("tbody");
    this.problem = h("p", { class: "problem", role: "alert" });
    /** What an execution is started of: the definition as it is saved, or a version. */
    this.choice = h("select", { name: "version" });
    this.choosing = h("div", { hidden: true }, field(t("versions.start_of"), this.choice));
    this.table = h(
      "table",
      { hidden: true },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", { scope: "col" }, t("versions.number")),
          h("th", { scope: "col" }, t("machines.created")),
          h("th", { scope: "col" }),
        ),
      ),
      this.rows,
    );
    this.element = h(
      "section",
      { class: "card versions" },
      h("h2", null, t("versions.title")),
      h("p", { class: "quiet" }, t("versions.about")),
      this.table,
      this.problem,
      h(
        "button",
        { type: "button", class: "compact", name: "publish", onclick: () => this.publish() },
        t("versions.publish"),
      ),
    );
  }

  async load() {
    const found = await all(
      "ListStateMachineVersions",
      { stateMachineArn: this.arn },
      "stateMachineVersions",
      { signal: this.signal },
    );
    const arns = found.map((one) => one.stateMachineVersionArn);
    const chosen = this.choice.value;
    this.table.hidden = this.choosing.hidden = found.length === 0;
    put(
      this.choice,
      h("option", { value: this.arn }, t("versions.as_saved")),
      arns.map((arn) => h("option", { value: arn }, t("versions.version", { n: nameOf(arn) }))),
    );
    this.choice.value = arns.includes(chosen) ? chosen : this.arn;
    put(
      this.rows,
      found.map(({ stateMachineVersionArn: arn, creationDate }) => this.row(arn, creationDate)),
    );
  }

  row(arn, creationDate) {
    const button = (words, act, name) =>
      h("button", { type: "button", class: "link", name, onclick: () => this.does(act) }, words);
    return h(
      "tr",
      { "data-version": nameOf(arn) },
      h("td", null, nameOf(arn)),
      h("td", null, timestamp(new Date(creationDate * 1000).toISOString())),
      h(
        "td",
        null,
        button(t("versions.show"), () => this.show(arn), "show"),
        " ",
        button(t("machines.delete"), () => this.remove(arn), "delete-version"),
      ),
    );
  }

  /** Does something, and says what was in the way. */
  async does(act) {
    this.problem.textContent = "";
    try {
      await act();
    } catch (error) {
      if (!this.signal.aborted) this.problem.textContent = trouble(error);
    }
  }

  async publish() {
    await this.does(async () => {
      await call("PublishStateMachineVersion", { stateMachineArn: this.arn });
      await this.load();
    });
  }

  async show(arn) {
    const { definition } = await call("DescribeStateMachine", { stateMachineArn: arn });
    this.onShow(definition);
  }

  async remove(arn) {
    const yes = await ask({
      title: t("machines.delete"),
      text: t("versions.delete_text", { n: nameOf(arn) }),
      yes: t("machines.delete"),
    });
    if (!yes) return;
    await call("DeleteStateMachineVersion", { stateMachineVersionArn: arn });
    await this.load();
  }
}
