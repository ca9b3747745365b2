// @ts-check
// The frame around every view: header, language, connection notice.

import { h, put } from "./dom.js";
import { isLocal } from "./api.js";
import { trouble } from "./format.js";
import { choose, language, languages, load, t } from "./i18n/index.js";
import { onConnection } from "./connection.js";
import { isKept, mayLeave, show } from "./router.js";
import { signOut, token } from "./session.js";
import { askToken } from "./views/sign_in.js";

const header = h("header", { class: "frame" });
const notice = h("div", { class: "connection", role: "status" });
const main = h("main", { id: "main", tabindex: "-1" });
const skip = h("a", { class: "skip", href: "#main" });

await load();
document.querySelector("body > .loading")?.remove();
document.body.append(skip, header, notice, main);

skip.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

async function drawHeader() {
  skip.textContent = t("skip");
  const picker = h("select", { "aria-label": t("language"), onchange: change });
  for (const [code, name] of languages()) {
    picker.append(h("option", { value: code, lang: code }, name));
  }
  picker.value = language();
  const links = [navigation("#/", t("nav.lotteries")), navigation("#/console", t("nav.console"))];
  const local = token() && (await isLocal().catch(() => false));
  if (local) {
    links.push(
      navigation("#/executions", t("nav.executions")),
      navigation("#/state-machines", t("nav.machines")),
      navigation("#/inbox", t("nav.inbox")),
    );
  }
  const leave = token()
    ? h(
        "button",
        { type: "button", class: "plain", onclick: async () => (await mayLeave()) && signOut() },
        t("sign_out"),
      )
    : null;
  put(
    header,
    h(
      "a",
      { class: "brand", href: "#/" },
      h("img", { src: "page/icon.svg", alt: "", width: 28, height: 28 }),
      t("brand"),
    ),
    h("nav", { "aria-label": t("nav.label") }, links),
    h("div", { class: "tools" }, leave, picker),
  );
}

function navigation(href, text) {
  const hash = location.hash || "#/";
  const isHere = href === "#/" ? hash === "#/" || hash.startsWith("#/lotteries") : hash.startsWith(href);
  return h("a", { href, "aria-current": isHere ? "page" : null }, text);
}

async function change(event) {
  if (!(await mayLeave())) {
    event.target.value = language();
    return;
  }
  choose(event.target.value);
  await load();
  await refresh();
}

async function refresh() {
  drawHeader();
  await show(main, showFailure);
}

function showFailure(root, error) {
  if (error) console.warn(error);
  const isMissing = !error || error.status === 404;
  document.title = t(isMissing ? "missing.title" : "failure.title");
  put(
    root,
    h(
      "section",
      { class: "narrow" },
      h("h1", null, t(isMissing ? "missing.title" : "failure.title")),
      h("p", { class: "lead" }, isMissing ? t("missing.text") : trouble(error)),
      h(
        "p",
        null,
        h("button", { type: "button", onclick: refresh }, t("again")),
        " ",
        h("a", { href: "#/" }, t("missing.home")),
      ),
    ),
  );
}

onConnection((isLost) => {
  notice.textContent = isLost ? t("connection.lost") : t("connection.back");
  notice.dataset.state = isLost ? "lost" : "back";
});

let shown = location.hash;
addEventListener("hashchange", async () => {
  if (isKept()) {
    const wanted = location.hash;
    history.replaceState(null, "", shown || "#/");
    if (wanted !== shown && (await mayLeave())) location.hash = wanted;
    return;
  }
  shown = location.hash;
  scrollTo(0, 0);
  refresh();
});
addEventListener("session", refresh);
let isAsking = false;
addEventListener("expired", async () => {
  if (isAsking) return;
  isAsking = true;
  const isSignedIn = await askToken({ title: t("sign_in.expired"), text: t("sign_in.expired_text") });
  isAsking = false;
  if (isSignedIn) drawHeader();
  else signOut();
});
await refresh();
