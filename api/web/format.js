// @ts-check
// Numbers, timestamps and durations as the reader writes them; statuses in words.

import { foreign, h } from "./dom.js";
import { isHeld } from "./draws.js";
import { known, language, t } from "./i18n/index.js";

export function number(value) {
  return new Intl.NumberFormat(language()).format(value);
}

export function percent(share) {
  const maximumFractionDigits = share < 0.01 ? 3 : 1;
  return new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits }).format(share);
}

/**
 * The time zone in which the view gives times; the browser's if null.
 * @type {string | null}
 */
let zoneOfView = null;

/** Gives the times of the view in this time zone, with its name. */
export function inZone(/** @type {string | null} */ zone) {
  zoneOfView = zone;
}

/** A timestamp in words, and exactly on hovering. */
export function timestamp(text, zone = zoneOfView) {
  if (!text) return null;
  /** @type {Intl.DateTimeFormatOptions} */
  const form = zone
    ? {
        year: "numeric",
        month: "short",
        day: "numeric",
        hour: "numeric",
        minute: "2-digit",
        timeZone: zone,
        timeZoneName: "short",
      }
    : { dateStyle: "medium", timeStyle: "short" };
  const words = new Date(text).toLocaleString(language(), form);
  return h("time", { datetime: text, title: zone ? `${text} · ${zone}` : text }, words);
}

export function clock(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString(language(), { hour12: false });
}

/** A span of milliseconds: `12 ms`, `3.4 s`, `5 min 2 s`, `2 h 5 min`. */
export function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

const MOODS = {
  SUCCEEDED: "good",
  RECORDED: "busy",
  INCOMPLETE: "warn",
  REJECTED: "bad",
  FAILED: "bad",
  TIMED_OUT: "bad",
  CANCELLED: "quiet",
  ABANDONED: "bad",
  ABORTED: "quiet",
  WAITING: "busy",
  SEALED: "busy",
  DRAWN: "busy",
  RUNNING: "busy",
};

/** The status of a draw or an execution, as a badge. */
export function badge(status, words = known(`status.${status}`) ?? status) {
  return h("span", { class: `badge ${MOODS[status] ?? "quiet"}`, "data-status": status }, words);
}

/** The status of a draw; of one that holds winners back, that they are not announced, or that claims are waited for. */
export function drawBadge(draw) {
  if (draw.status !== "RECORDED") return badge(draw.status);
  if (isHeld(draw)) return badge(draw.status, t("release.title"));
  return badge(draw.status, draw.claims?.until ? t("claims.waiting") : undefined);
}

/** Why a draw came to its status, in the reader's language: by the name of the reason, or by what the status means. */
export function reasonOf({ status, reason }) {
  const words = known(`reason.${reason.name}`);
  if (words) return t(`reason.${reason.name}`, { groups: (reason.groups ?? []).join(", ") });
  return known(`reason.of.${status}`) ?? reason.sentence;
}

/** Why a request failed: in the reader's language where the page has the words, else in the service's own. */
export function trouble(error) {
  if (!error.status) return t("failure.text");
  const words = known(`problem.${error.name}`);
  // A code says more than that something is too large or cannot be read.
  const isVague = error.name === "too-large" || error.name === "bad-request";
  if (words && !(isVague && known(`refusal.${error.code}`))) return words;
  const [fault] = error.errors.filter((one) => one.code);
  if (fault) return t("trouble.field", { field: fieldName(fault.field), reason: explanation(fault) });
  if (error.code && !error.line) return t("trouble.whole", { reason: explanation(error) });
  if (error.code)
    return t("trouble.line", {
      line: number(error.line),
      column: error.column ? ` (${error.column})` : "",
      reason: explanation(error),
    });
  return error.message;
}

/** Why a line or a field is refused, by its code; for a code that is newer than this page, the service's own sentence is shown. */
export function explanation({ code, parameters, reason, detail }) {
  return known(`refusal.${code}`) ? t(`refusal.${code}`, inWords(parameters)) : (reason ?? detail);
}

/** The parameters of an explanation: a country by its name, not its code. */
function inWords(parameters) {
  if (!/^[A-Z]{2}$/.test(parameters?.country ?? "")) return parameters;
  const names = new Intl.DisplayNames(language(), { type: "region" });
  return { ...parameters, country: names.of(parameters.country) ?? parameters.country };
}

/** A field of a request as the page's forms name it: `prizes[1].name` is the name of the second prize. */
function fieldName(whole) {
  // What each draw of a repeating draw asks for.
  const field = whole.replace(/^draw\./, "");
  const prize = /^prizes\[(\d+)\](?:\.(\w+))?/.exec(field);
  if (prize)
    return [t("field.prize", { n: number(Number(prize[1]) + 1) }), known(`field.${prize[2]}`)]
      .filter(Boolean)
      .join(", ");
  return known(`field.${field}`) ?? field;
}

/** Prizes in one line: `2 × Bicycle, 1 × Book`. */
export function prizes(list) {
  const shown = list
    .slice(0, 4)
    .map((prize, index) => [index ? ", " : "", `${number(prize.winners)} × `, foreign(prize.name)]);
  return [shown, list.length > 4 ? t("prizes.more", { n: number(list.length - 4) }) : null];
}

/** A hash, shortened in the middle and whole on hovering. */
export function shortHash(hash) {
  return h("code", { class: "hash", title: hash }, `${hash.slice(0, 12)}…${hash.slice(-8)}`);
}

/** A hash in groups, to be read aloud and compared. */
export function groupedHash(hash) {
  return h(
    "code",
    { class: "hash grouped" },
    (hash.match(/.{1,8}/g) ?? []).map((group) => h("span", null, group)),
  );
}
