// @ts-check
// Countries by their ISO codes, with their names in the reader's language.

import { h } from "../dom.js";
import { language, t } from "../i18n/index.js";

const CODES = (
  "AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BW BY BZ CA CC CD CF CG CH CI CK CL CM " +
  "CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT " +
  "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP " +
  "MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI " +
  "SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
).split(" ");

/** The country in which a time zone lies, as far as the browser knows. */
function countryOf(zone) {
  return CODES.find((code) => {
    // Browsers have one of the two; the library of types knows neither.
    const locale = /** @type {any} */ (new Intl.Locale("und", { region: code }));
    return (locale.getTimeZones?.() ?? locale.timeZones ?? []).includes(zone);
  });
}

/** The country to begin with: that of the time zone, else the one that the browser's language names, else none. */
export function likelyCountry(zone) {
  const named = (navigator.languages ?? [])
    .map((one) => new Intl.Locale(one))
    .find((one) => one.region)?.region;
  const found = countryOf(zone) ?? named ?? (language() === "zh-CN" ? "CN" : "");
  return CODES.includes(found) ? found : "";
}

/** The name of a country. */
export function countryName(code) {
  return new Intl.DisplayNames(language(), { type: "region" }).of(code) ?? code;
}

/** A choice among all countries; `none` are the words for leaving it open. */
export function countrySelect(name, value, none = t("country.none")) {
  const names = new Intl.DisplayNames(language(), { type: "region" });
  const all = CODES.map((code) => [code, names.of(code) ?? code]).sort((one, other) =>
    one[1].localeCompare(other[1], language()),
  );
  const select = h(
    "select",
    { name },
    h("option", { value: "" }, none),
    all.map(([code, words]) => h("option", { value: code }, words)),
  );
  select.value = value ?? "";
  return select;
}
