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

export function signOut() {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem("is-local");
  dispatchEvent(new Event("session"));
}
