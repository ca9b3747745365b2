// @ts-check
// At the door: whoever comes is marked as present, by their code, their name, or the camera.

import { get, post } from "../api.js";
import { field, find, foreign, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { inZone, number, timestamp, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { poll } from "../poll.js";
import { parseReceipt } from "../receipt.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { showSignIn } from "./sign_in.js";

/** The camera is looked at in this interval, in milliseconds. */
const LOOK = 250;
/** How many people a search shows. */
const SHOWN = 20;

/**
 * @param {HTMLElement} root
 * @param {{parameters: string[], signal: AbortSignal}} view
 */
export async function show(root, { parameters: [id], signal }) {
  if (!token()) return showSignIn(root);
  const lottery = await get(lotteryPath(id), { signal });
  inZone(lottery.time_zone);
  document.title = `${t("door.title")} · ${lottery.name}`;
  const count = h("p", { class: "head-count", role: "status" });
  const last = h("div", { class: "door-last", role: "status" });
  const list = h("ul", { class: "door-list" });
  const search = h("input", { name: "who", type: "search", autocomplete: "off", spellcheck: "false" });
  const problem = h("p", { class: "problem", role: "alert" });
  put(
    root,
    h(
      "section",
      { class: "narrow door" },
      h("p", { class: "crumbs" }, h("a", { href: link("console", id) }, foreign(lottery.name))),
      h("h1", null, t("door.title")),
      count,
      last,
      h(
        "form",
        {
          class: "card",
          onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            enter(search.value.trim());
          },
        },
        field(t("door.who"), search, t("door.who_hint")),
        problem,
        h(
          "p",
          { class: "actions" },
          h("button", { type: "submit", class: "primary" }, t("door.find")),
          camera(),
        ),
      ),
      list,
    ),
  );
  search.focus();
  const showCount = async () => {
    const { total, present } = await get(lotteryPath(id, "counts"), { signal });
    count.textContent = t("door.count", { n: number(present), all: number(total) });
  };
  /** Marks somebody, named in any way, and says who that is. */
  const mark = async (/** @type {any} */ whom) => {
    problem.textContent = "";
    try {
      const person = await post(lotteryPath(id, "presence"), whom, { signal });
      put(last, nameTag(person));
      await showCount();
      return person;
    } catch (error) {
      if (!signal.aborted) problem.textContent = trouble(error);
      return null;
    }
  };
  async function enter(/** @type {string} */ words) {
    if (!words) return;
    const receipt = parseReceipt(words);
    const isCode = /^[0-9a-f]{4}[\s\-–.]?[0-9a-f]{4}$/i.test(words);
    if (receipt || isCode) {
      if (await mark(receipt ? { receipt } : { code: words })) search.value = "";
      return;
    }
    const query = new URLSearchParams({ search: words, limit: String(SHOWN) });
    const found = await get(`${lotteryPath(id, "participants")}?${query}`, { signal }).catch((error) => {
      problem.textContent = trouble(error);
      return { participants: [] };
    });
    put(
      list,
      found.participants.length
        ? found.participants.map(personLine)
        : h("li", { class: "quiet" }, t("participants.not_found")),
    );
    find(list, "button")?.focus();
  }
  function personLine(/** @type {any} */ person) {
    const line = h("li");
    const showLine = (/** @type {any} */ now) => {
      const turn = async () => {
        const marked = await mark({ participant_id: now.participant_id, present: !now.present_at });
        if (marked) showLine(marked);
      };
      put(
        line,
        nameTag(now),
        h(
          "button",
          { type: "button", class: now.present_at ? "small" : "small primary", onclick: turn },
          t(now.present_at ? "door.undo" : "door.mark"),
        ),
      );
    };
    showLine(person);
    return line;
  }
  /** The camera, where the browser reads codes itself. */
  function camera() {
    if (!("BarcodeDetector" in globalThis) || !navigator.mediaDevices) return null;
    return h(
      "button",
      { type: "button", name: "camera", onclick: () => scan(last, mark, problem, signal) },
      t("door.camera"),
    );
  }
  await showCount().catch(() => {});
  await poll(() => 5000, signal, showCount);
}

function nameTag(/** @type {any} */ person) {
  return h(
    "span",
    { class: "name-tag", "data-present": person.present_at ? "yes" : "no" },
    h("strong", null, foreign(person.name)),
    person.group ? [" · ", foreign(person.group)] : null,
    " ",
    h("code", null, person.code),
    person.present_at
      ? [" ✓ ", person.is_new === false ? `${t("door.already")} ` : null, timestamp(person.present_at)]
      : null,
  );
}

/** Reads codes by the camera until the view is left; each receipt once. */
async function scan(last, mark, problem, signal) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    problem.textContent = t("door.no_camera");
    return;
  }
  const video = h("video", { class: "door-camera", autoplay: true, playsinline: true, muted: true });
  video.srcObject = stream;
  last.before(video);
  const end = () => {
    stream.getTracks().forEach((track) => track.stop());
    video.remove();
  };
  signal.addEventListener("abort", end);
  const detector = new /** @type {any} */ (globalThis).BarcodeDetector({ formats: ["qr_code"] });
  const seen = new Set();
  while (!signal.aborted) {
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK);
    });
    const codes = await detector.detect(video).catch(() => []);
    for (const { rawValue } of codes) {
      const receipt = parseReceipt(rawValue);
      if (!receipt || seen.has(rawValue)) continue;
      seen.add(rawValue);
      await mark({ receipt });
    }
  }
}
