// @ts-check
// The list of a lottery in full: counts, search, filter, sort; people are added, edited and withdrawn, the list is saved and emptied.

import { get, send } from "../api.js";
import { ask } from "../dialog.js";
import { field, find, foreign, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { CSV, XLSX, download } from "../download.js";
import { number, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { pageOf, paged } from "../paging.js";
import { addForm, personRow } from "./person.js";

const PAGE = 50;
/** @type {[string, string | null][]} */
const COLUMNS = [
  ["id", "id"],
  ["name", "name"],
  ["phone", null],
  ["email", null],
  ["group", "group"],
  ["tickets", "tickets"],
];
const FILTERS = ["with_phone", "with_email", "unreachable", "excluded"];
/** So many groups are shown beside the total; all are in the filter. */
const GROUPS = 8;

/**
 * The section of a lottery's people: `element`; `reload()` reads it anew; `total()` is how many there are, or null while that is
 * not known.
 */
export function people(lottery, signal) {
  const id = lottery.lottery_id;
  const where = lotteryPath(id, "participants");
  const filter = { search: "", only: "", group: "", sort: "id" };
  /** @type {any} The counts of the list; null until they are known. */
  let counts = null;
  const summary = h("div", { class: "counts" });
  const heading = h("h2", null, t("participants.title"));
  const search = h("input", { type: "search", name: "search", autocomplete: "off", spellcheck: "false" });
  const only = h("select", { name: "only" });
  const list = h("div", { class: "people-list" });
  const adding = h("div");
  const tools = h("p", { class: "actions people-tools" });
  const problem = h("p", { class: "problem", role: "alert" });
  const element = h(
    "section",
    { class: "people" },
    heading,
    summary,
    tools,
    problem,
    adding,
    h(
      "div",
      { class: "people-filter" },
      field(t("participants.search"), search),
      field(t("people.show"), only),
    ),
    list,
  );

  let loading = new AbortController();
  signal.addEventListener("abort", () => loading.abort());
  // What was asked for before must not come after what is asked for now.
  const restart = () => {
    loading.abort();
    loading = new AbortController();
    return loading.signal;
  };
  const showPeople = () => showList(restart());
  const reload = () => {
    showCounts();
    showPeople();
  };

  async function showCounts() {
    const found = await get(lotteryPath(id, "counts"), { signal }).catch(() => null);
    if (signal.aborted) return;
    counts = found;
    put(
      heading,
      t("participants.title"),
      found ? h("span", { class: "total" }, t("people.total", { n: number(found.total) })) : null,
    );
    put(
      summary,
      found?.total
        ? countLine(found, (group) => {
            Object.assign(filter, { only: "", group });
            fillFilter();
            showPeople();
          })
        : null,
    );
    fillFilter();
    showTools();
  }

  function fillFilter() {
    const groups = counts?.groups ?? [];
    put(
      only,
      h("option", { value: "" }, t("people.all")),
      FILTERS.map((name) =>
        h("option", { value: name }, t(`people.${name}`), counts ? ` (${number(counts[name])})` : ""),
      ),
      groups.length
        ? h(
            "optgroup",
            { label: t("participants.group") },
            groups.map((one) =>
              h("option", { value: `group:${one.group}` }, `${one.group} (${number(one.people)})`),
            ),
            counts.without_group
              ? h(
                  "option",
                  { value: "without_group" },
                  `${t("people.without_group")} (${number(counts.without_group)})`,
                )
              : null,
          )
        : null,
    );
    only.value = filter.group ? `group:${filter.group}` : filter.only;
  }

  function showTools() {
    const file = (ending) => `${t("people.file", { lottery: id })}.${ending}`;
    const saving = (type, ending, words) => {
      const button = h("button", { type: "button", class: "small", name: `save-${ending}` }, words);
      button.addEventListener("click", () =>
        working(button, () => download(where, type, file(ending), signal)),
      );
      return button;
    };
    const hasPeople = counts === null || counts.total > 0;
    put(
      tools,
      h("button", { type: "button", class: "small", name: "add", onclick: showAdding }, t("people.add")),
      hasPeople
        ? [saving(CSV, "csv", t("people.save_csv")), saving(XLSX, "xlsx", t("people.save_xlsx"))]
        : null,
      counts?.total
        ? h(
            "button",
            { type: "button", class: "small", name: "empty", onclick: emptyList },
            t("people.empty"),
          )
        : null,
    );
  }

  async function working(button, work) {
    problem.textContent = "";
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) problem.textContent = trouble(error);
    }
    button.disabled = false;
  }

  function showAdding() {
    const form = addForm(id, counts?.groups ?? [], {
      onAdded: reload,
      onClose: () => {
        put(adding);
        find(tools, "[name=add]")?.focus();
      },
    });
    put(adding, form);
    find(form, "input")?.focus();
  }

  async function emptyList(event) {
    const { total } = counts;
    const isSure = await ask({
      title: t("empty.title", { n: number(total) }),
      text: t("empty.text"),
      yes: t("empty.yes"),
      type: total,
    });
    if (!isSure) return;
    await working(event.target, async () => {
      for (let left = total; left > 0;) {
        const response = await send("DELETE", `${where}?expected=${left}`, {
          headers: { accept: "application/json" },
          signal,
        });
        const step = response.status === 204 ? {} : await response.json();
        left = step.remaining ?? 0;
      }
    });
    element.dispatchEvent(new Event("emptied", { bubbles: true }));
    reload();
  }

  async function showList(mine) {
    const body = h("tbody");
    let isMasked = false;
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (filter.search) query.set("search", filter.search);
    if (filter.only === "without_group") query.set("without_group", "true");
    else if (filter.only) query.set("only", filter.only);
    if (filter.group) query.set("group", filter.group);
    if (filter.sort !== "id") query.set("sort", filter.sort);
    const { more, load } = paged(body, async (cursor) => {
      const page = await get(pageOf(`${where}?${query}`, cursor), { signal: mine });
      isMasked = Boolean(page.masked);
      const context = { lottery: id, isMasked, groups: () => counts?.groups ?? [], onChanged: showCounts };
      return {
        elements: page.participants.map((person) => personRow(person, context)),
        next_cursor: page.next_cursor,
      };
    });
    try {
      // A page of a search may be empty and still have a next one.
      while ((await load()) && !body.children.length && !mine.aborted);
    } catch (error) {
      if (!mine.aborted) put(list, h("p", { class: "problem" }, trouble(error)));
      return;
    }
    if (mine.aborted) return;
    if (!body.children.length) {
      put(
        list,
        h(
          "p",
          { class: "quiet" },
          t(filter.search || filter.only || filter.group ? "participants.not_found" : "participants.none"),
        ),
      );
      return;
    }
    oneStop(body);
    const hadFocus = list.contains(document.activeElement)
      ? /** @type {HTMLElement} */ (document.activeElement).dataset.sort
      : null;
    put(
      list,
      isMasked ? h("p", { class: "notice" }, t("people.masked")) : null,
      h(
        "div",
        { class: "scroller", role: "region", "aria-label": t("participants.title") },
        h(
          "table",
          { class: "people-table" },
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              COLUMNS.map(columnHead),
              h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("participants.actions"))),
            ),
          ),
          body,
        ),
      ),
      more,
    );
    if (hadFocus) find(list, `[data-sort="${hadFocus}"]`)?.focus();
  }

  function columnHead([name, sort]) {
    const words = t(`participants.${name}`);
    const align = name === "tickets" ? "n" : null;
    if (!sort) return h("th", { scope: "col", class: align }, words);
    const isSorted = filter.sort === sort;
    const choose = () => {
      filter.sort = sort;
      showPeople();
    };
    return h(
      "th",
      { scope: "col", class: align, "aria-sort": isSorted ? "ascending" : null },
      h(
        "button",
        {
          type: "button",
          class: "sort",
          "data-sort": sort,
          title: t("people.sort", { column: words }),
          onclick: choose,
        },
        words,
        h("span", { "aria-hidden": "true" }, isSorted ? " ▲" : ""),
      ),
    );
  }

  /** @type {number | undefined} */
  let timer;
  const searched = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (search.value.trim() === filter.search) return;
      filter.search = search.value.trim();
      showPeople();
    }, 250);
  };
  search.addEventListener("input", searched);
  search.addEventListener("change", searched);
  only.addEventListener("change", () => {
    const isGroup = only.value.startsWith("group:");
    filter.group = isGroup ? only.value.slice(6) : "";
    filter.only = isGroup ? "" : only.value;
    showPeople();
  });
  showTools();
  fillFilter();
  reload();
  return { element, reload, total: () => counts?.total ?? null };
}

/** How many can be notified, and the groups with their sizes; a group that is pressed is shown alone. */
function countLine(counts, onGroup) {
  const facts = ["with_phone", "with_email", "unreachable", "excluded"].filter((name) => counts[name]);
  const groups = [...(counts.groups ?? [])].sort(
    (one, other) => other.people - one.people || one.group.localeCompare(other.group),
  );
  const others =
    groups.slice(GROUPS).reduce((sum, one) => sum + one.people, 0) + (counts.in_other_groups ?? 0);
  return [
    h(
      "p",
      { class: "quiet" },
      facts.map((name, index) => [index ? " · " : null, t(`people.n_${name}`, { n: number(counts[name]) })]),
    ),
    groups.length
      ? h(
          "ul",
          { class: "group-sizes" },
          groups
            .slice(0, GROUPS)
            .map((one) =>
              h(
                "li",
                null,
                h(
                  "button",
                  { type: "button", class: "chip", tabindex: "-1", onclick: () => onGroup(one.group) },
                  foreign(one.group),
                  " ",
                  h("strong", null, number(one.people)),
                ),
              ),
            ),
          others ? h("li", { class: "quiet" }, t("people.other_groups", { n: number(others) })) : null,
          counts.without_group
            ? h("li", { class: "quiet" }, t("people.n_without_group", { n: number(counts.without_group) }))
            : null,
        )
      : null,
  ];
}

/** However many rows there are, they are one stop of the tabulator: arrow keys lead from row to row. */
function oneStop(body) {
  const buttons = () => [...body.querySelectorAll("button.edit")];
  const enter = () => {
    const all = buttons();
    if (all.length && !all.some((button) => button.tabIndex === 0)) all[0].tabIndex = 0;
  };
  body.addEventListener("focusin", (event) => {
    if (!event.target.matches("button.edit")) return;
    for (const button of buttons()) button.tabIndex = button === event.target ? 0 : -1;
  });
  body.addEventListener("keydown", (event) => {
    if (!event.target.matches("button.edit")) return;
    const all = buttons();
    const at = all.indexOf(event.target);
    const next = { ArrowDown: all[at + 1], ArrowUp: all[at - 1], Home: all[0], End: all.at(-1) }[event.key];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  new MutationObserver(enter).observe(body, { childList: true });
  enter();
}
