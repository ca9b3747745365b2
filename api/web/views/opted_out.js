// @ts-check
// Who on the list has opted out of SMS, told before a draw is started.

import { Refused, get } from "../api.js";
import { h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { number } from "../format.js";
import { t } from "../i18n/index.js";

/** How many are named; the others are counted. */
const NAMED = 10;
/** How often a long list of the account is read on. */
const READS = 4;

/** The notice above the button that starts a draw of this lottery; hidden while there is nothing to tell. */
export function optedOutNotice(/** @type {string} */ id) {
  const element = h("p", { class: "warning opted-out", role: "status", hidden: true });
  let latest = 0;
  /** Reads who has opted out, and tells what a draw on these channels sends them; gives the words, if there are any. */
  async function update(/** @type {{ sms: boolean, email: boolean }} */ channels) {
    const turn = ++latest;
    const words = channels.sms ? await read(id).then((found) => told(found, channels.email), unread) : "";
    if (turn === latest) {
      put(element, words);
      element.hidden = !words;
    }
    return words;
  }
  return { element, update };
}

/** The answer of the service, once it has read the whole list, or after some reads. */
async function read(id) {
  /** @type {any} */
  let found = null;
  for (let reads = 0; reads < READS && !found?.complete; reads++) {
    found = await get(lotteryPath(id, "opted-out"));
  }
  return found;
}

/** Words for what could not be read; none for who may not know. */
function unread(error) {
  return error instanceof Refused && [401, 403, 404].includes(error.status) ? "" : t("opted_out.unread");
}

/** The words for what was found, and for what a draw with or without e-mails sends them. */
function told(found, isEmailUsed) {
  const { people, with_email: withEmail, participants, complete } = found;
  const incomplete = complete ? [] : [t("opted_out.incomplete")];
  if (!people) return incomplete.join("");
  const names = participants.slice(0, NAMED).map((person) => person.name);
  if (people > names.length) names.push(t("opted_out.more", { n: number(people - names.length) }));
  const byEmail = isEmailUsed ? withEmail : 0;
  const unreached = people - byEmail;
  return [
    t("opted_out.people", { n: number(people), names: names.join(t("opted_out.comma")) }),
    byEmail ? t("opted_out.by_email", { n: number(byEmail) }) : "",
    unreached ? t("opted_out.unreached", { n: number(unreached) }) : "",
    ...incomplete,
  ]
    .filter(Boolean)
    .join(t("opted_out.gap"));
}
