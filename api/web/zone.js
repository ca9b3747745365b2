// @ts-check
// Times as they are typed in the time zone of a lottery, which need not be the browser's.

/** What a clock in the zone shows at an instant, as milliseconds of a clock that is never put forward or back. */
function shownAt(/** @type {string} */ zone, /** @type {number} */ instant) {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(instant);
  const of = (/** @type {string} */ type) => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
}

const DAY = 24 * 3600 * 1000;

/**
 * The instants at which a clock in the zone shows what was typed (`2027-03-14T02:30`), in milliseconds: none if the clocks skip
 * it, two if they show it twice.
 *
 * @param {string} zone
 * @param {string} typed
 */
export function instantsOf(zone, typed) {
  const wanted = Date.parse(`${typed}Z`);
  if (Number.isNaN(wanted)) return [];
  // The differences between the zone and UTC that hold on the day before and on the day after.
  const offsets = new Set(
    [wanted - DAY, wanted, wanted + DAY].map((instant) => shownAt(zone, instant) - instant),
  );
  return [...offsets]
    .map((offset) => wanted - offset)
    .filter((instant) => shownAt(zone, instant) === wanted)
    .sort((one, other) => one - other);
}

/**
 * The first instant at which a clock in the zone shows more than what was typed, where it skips that.
 *
 * @param {string} zone
 * @param {string} typed
 */
export function instantAfter(zone, typed) {
  const wanted = Date.parse(`${typed}Z`);
  let [early, late] = [wanted - DAY, wanted + DAY];
  while (late - early > 1000) {
    const middle = Math.floor((early + late) / 2000) * 1000;
    if (shownAt(zone, middle) >= wanted) late = middle;
    else early = middle;
  }
  return late;
}

/**
 * An instant as a field of a form shows it in the zone: `2027-03-14T02:30`.
 *
 * @param {string} zone
 * @param {string | null} text
 */
export function typedIn(zone, text) {
  return text ? new Date(shownAt(zone, Date.parse(text))).toISOString().slice(0, 16) : "";
}

/** How the zone calls itself at an instant: `GMT+8`, `CET`. */
export function zoneName(
  /** @type {string} */ zone,
  /** @type {number} */ instant,
  /** @type {string} */ language,
) {
  const parts = new Intl.DateTimeFormat(language, { timeZone: zone, timeZoneName: "short" }).formatToParts(
    instant,
  );
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}
