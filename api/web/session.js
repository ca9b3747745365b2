// @ts-check
// The organiser's token: kept for this tab's session, sent in a header and nowhere else.

const KEY = "organiser-token";

export function token() {
  return sessionStorage.getItem(KEY);
}

export function signIn(text) {
  sessionStorage.setItem(KEY, text);
  dispatchEvent(new Event("session"));
}

/** Another token in place of one that counts no more: the view stays as it is, with all that was typed. */
export function renew(/** @type {string} */ text) {
  sessionStorage.setItem(KEY, text);
}

/** The service does not take the token any more. Whoever shows the page asks for another one. */
export function expire() {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem("is-local");
  dispatchEvent(new Event("expired"));
}

export function signOut() {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem("is-local");
  dispatchEvent(new Event("session"));
}
