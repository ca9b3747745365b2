// @ts-check
// Runs one state by itself, with an input and a mock of its task, and shows the data at each step.

import { field, h, put } from "../dom.js";
import { trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { call } from "./operations.js";
import { data, pretty } from "./parts.js";

const ROLE = "arn:aws:iam::123456789012:role/page";

/** The steps in their order, as TestState names them. */
const STEPS = [
  "input",
  "afterInputPath",
  "afterParameters",
  "afterArguments",
  "afterItemsPath",
  "afterItemSelector",
  "result",
  "afterResultSelector",
  "afterResultPath",
  "variables",
];

/** Opens the dialog for a state. */
export function testDialog(definition, input, name = "") {
  const text = h("textarea", {
    name: "test-definition",
    rows: 9,
    spellcheck: "false",
    value: JSON.stringify(definition ?? {}, null, 2),
  });
  const given = h("textarea", {
    name: "test-input",
    rows: 5,
    spellcheck: "false",
    value: input === undefined ? "{}" : pretty(input),
  });
  const mock = h("textarea", {
    name: "test-mock",
    rows: 3,
    spellcheck: "false",
    placeholder: '{"Payload": {}}',
  });
  const error = h("input", { name: "test-error", placeholder: "Lambda.Unknown", autocomplete: "off" });
  const variables = h("textarea", {
    name: "test-variables",
    rows: 2,
    spellcheck: "false",
    placeholder: "{}",
  });
  const problem = h("p", { class: "problem", role: "alert" });
  const found = h("div", { class: "test-result", role: "status" });
  const run = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      const answer = await call("TestState", {
        definition: text.value,
        roleArn: ROLE,
        input: given.value.trim() || "{}",
        inspectionLevel: "DEBUG",
        variables: variables.value.trim() || undefined,
        mock: mockOf(mock.value.trim(), error.value.trim()),
      });
      put(found, result(answer));
    } catch (failure) {
      put(found);
      problem.textContent = trouble(failure);
    }
  };
  const close = () => {
    removeEventListener("hashchange", close);
    dialog.remove();
  };
  const dialog = h(
    "dialog",
    { class: "test-state", "aria-labelledby": "test-title", oncancel: close },
    h(
      "div",
      { class: "view-head" },
      h("h2", { id: "test-title" }, t("test.title"), name ? `: ${name}` : ""),
      h("button", { type: "button", class: "compact", onclick: close }, t("test.close")),
    ),
    h(
      "div",
      { class: "columns-2" },
      h(
        "form",
        { onsubmit: run },
        field(t("details.definition"), text),
        field(t("details.input"), given),
        field(t("test.mock"), mock, t("test.mock_hint")),
        field(t("test.error"), error),
        field(t("test.variables"), variables),
        problem,
        h("button", { type: "submit", class: "primary", name: "run" }, t("test.run")),
      ),
      found,
    ),
  );
  document.body.append(dialog);
  addEventListener("hashchange", close);
  dialog.showModal();
}

function mockOf(result, error) {
  if (error) return { errorOutput: { error, cause: "" } };
  return result ? { result } : undefined;
}

function result(answer) {
  const steps = answer.inspectionData ?? {};
  const shown = [
    ...STEPS.filter((step) => steps[step] !== undefined),
    ...Object.keys(steps).filter((step) => !STEPS.includes(step)),
  ];
  return [
    h(
      "p",
      null,
      h(
        "span",
        { class: `badge ${answer.status === "SUCCEEDED" ? "good" : "bad"}`, "data-status": answer.status },
        answer.status,
      ),
      answer.nextState ? ` → ${answer.nextState}` : "",
    ),
    answer.error ? h("p", { class: "reason" }, h("code", null, answer.error), " ", answer.cause ?? "") : null,
    h(
      "ol",
      { class: "steps" },
      shown.map((step) => h("li", { "data-step": step }, data(step, steps[step], `${step}.json`, true))),
      answer.output === undefined
        ? null
        : h("li", { "data-step": "output" }, data(t("details.output"), answer.output, "output.json", true)),
    ),
  ];
}
