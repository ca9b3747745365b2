// @ts-check
// Work of a view that one can stop, and that is not left without a question.

import { t } from "../i18n/index.js";
import { keepView } from "../router.js";

/**
 * Begins such work. It is stopped by `stop`, or when the view is left; whoever leaves is asked first, until `end`.
 * @param {AbortSignal} view Ends with the view.
 * @param {{title: string, text: string}} question What is asked.
 */
export function stoppable(view, { title, text }) {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  view.addEventListener("abort", stop);
  const release = keepView({ title, text, yes: t("leave.yes"), no: t("leave.no") });
  const end = () => {
    view.removeEventListener("abort", stop);
    release();
  };
  return { signal: stopping.signal, stop, end };
}
