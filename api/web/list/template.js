// @ts-check
// A file to begin with: the columns as people name them, in the reader's language.

import { csv, saveText } from "../download.js";
import { t } from "../i18n/index.js";

const COLUMNS = ["participant_id", "name", "group", "phone", "email"];

/** Saves the template. */
export function saveTemplate() {
  saveText(csv([COLUMNS.map((column) => t(`template.${column}`))]), t("template.file"));
}
