// @ts-check
// Every execution of the local stack, whatever its state machine.

import { get } from "../api.js";
import { h, put } from "../dom.js";
import { badge, duration, timestamp } from "../format.js";
import { sleep } from "../connection.js";
import { t } from "../i18n/index.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { showSignIn } from "./sign_in.js";

export async function show(root, { signal }) {
  if (!token()) return showSignIn(root);
  document.title = t("executions.title");
  const list = h("div");
  let machine = "";
  const machines = h("select", {
    class: "narrow-field",
    onchange: (event) => {
      machine = event.target.value;
      load();
    },
    "aria-label": t("executions.machine"),
  });
  put(
    root,
    h("h1", null, t("executions.title")),
    h("p", { class: "lead" }, t("executions.lead")),
    h("p", null, machines),
    list,
  );
  let drawn = "";
  const load = async () => {
    const { executions } = await get("/local/executions", { signal });
    const text = JSON.stringify([machine, executions]);
    if (text === drawn) return;
    drawn = text;
    const names = [...new Set(executions.map((one) => nameOf(one.state_machine_arn)))].sort();
    put(
      machines,
      h("option", { value: "" }, t("executions.all")),
      names.map((name) => h("option", { value: name }, name)),
    );
    machines.value = names.includes(machine) ? machine : "";
    put(list, table(executions.filter((one) => !machine || nameOf(one.state_machine_arn) === machine)));
  };
  await load();
  while (!signal.aborted) {
    await sleep(1500, signal);
    await load().catch(() => {});
  }
}

function nameOf(arn) {
  return arn.split(":").pop();
}

function table(executions) {
  if (!executions.length) return h("p", { class: "quiet" }, t("executions.none"));
  const head = [
    "executions.name",
    "executions.machine",
    "executions.status",
    "executions.started",
    "executions.took",
  ];
  const rows = executions.map((one) =>
    h(
      "tr",
      null,
      h("td", null, h("a", { href: link("executions", one.execution_arn) }, one.name)),
      h("td", null, nameOf(one.state_machine_arn)),
      h("td", null, badge(one.status)),
      h("td", null, timestamp(one.started_at)),
      h(
        "td",
        { class: "n" },
        one.stopped_at ? duration(Date.parse(one.stopped_at) - Date.parse(one.started_at)) : "",
      ),
    ),
  );
  return h(
    "div",
    { class: "scroller", tabindex: "0", role: "region", "aria-label": t("executions.title") },
    h(
      "table",
      null,
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          head.map((name) =>
            h("th", { scope: "col", class: name === "executions.took" ? "n" : null }, t(name)),
          ),
        ),
      ),
      h("tbody", null, rows),
    ),
  );
}
