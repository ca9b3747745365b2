// @ts-check
// The state machines of the local stack: a list, and the way to a new one.

import { field, h, put, style } from "../dom.js";
import { timestamp, trouble } from "../format.js";
import { all, call } from "../execution/operations.js";
import { t } from "../i18n/index.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { showSignIn } from "./sign_in.js";

const ROLE = "arn:aws:iam::123456789012:role/page";
const FIRST = {
  Comment: "A new state machine",
  StartAt: "Hello",
  States: { Hello: { Type: "Pass", Result: { greeting: "Hello" }, End: true } },
};

export async function show(root, { signal }) {
  if (!token()) return showSignIn(root);
  await style("execution");
  document.title = t("machines.title");
  const machines = await all("ListStateMachines", {}, "stateMachines", { signal });
  const name = h("input", {
    name: "machine",
    required: true,
    maxlength: 80,
    pattern: "[A-Za-z0-9_\\-]+",
    autocomplete: "off",
    spellcheck: "false",
  });
  const type = h(
    "select",
    { name: "type" },
    ["STANDARD", "EXPRESS"].map((one) => h("option", { value: one }, t(`machines.${one}`))),
  );
  const problem = h("p", { class: "problem", role: "alert" });
  const create = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      const made = await call("CreateStateMachine", {
        name: name.value.trim(),
        type: type.value,
        roleArn: ROLE,
        definition: JSON.stringify(FIRST, null, 2),
      });
      location.hash = link("state-machines", made.stateMachineArn);
    } catch (error) {
      problem.textContent = trouble(error);
    }
  };
  const row = (one) =>
    h(
      "tr",
      null,
      h("td", null, h("a", { href: link("state-machines", one.stateMachineArn) }, one.name)),
      h("td", null, t(`machines.${one.type}`)),
      h("td", null, timestamp(new Date(one.creationDate * 1000).toISOString())),
      h(
        "td",
        null,
        one.type === "STANDARD"
          ? h(
              "a",
              { href: `#/executions?state_machine=${encodeURIComponent(one.name)}` },
              t("executions.title"),
            )
          : null,
      ),
    );
  put(
    root,
    h("p", { class: "crumbs" }, h("a", { href: "#/executions" }, t("execution.to_list"))),
    h("h1", null, t("machines.title")),
    h(
      "table",
      { class: "machines" },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          ["machines.name", "machines.type", "machines.created"].map((one) =>
            h("th", { scope: "col" }, t(one)),
          ),
          h("th"),
        ),
      ),
      h("tbody", null, machines.map(row)),
    ),
    h(
      "form",
      { class: "card new-machine", onsubmit: create },
      h("h2", null, t("machines.new")),
      field(t("machines.name"), name),
      field(t("machines.type"), type),
      problem,
      h("button", { type: "submit", class: "primary" }, t("machines.create")),
    ),
  );
  return undefined;
}
