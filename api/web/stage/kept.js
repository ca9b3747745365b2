// @ts-check
// How the stage of a lottery looks on this machine: theme, logo, background, pictures of prizes. It is kept in this browser
// and sent nowhere. Pictures are drawn on canvases: the page's policy lets no other image in.

const NAME = "stage";
const STORE = "look";
/** A picture is kept no wider or higher than this, in pixels. */
const MAX_SIDE = 1920;
/** The themes, as `data-theme` of the stage. */
export const THEMES = /** @type {const} */ (["crimson", "midnight", "aurora", "daylight"]);

/** @typedef {{theme: string, logo: Blob | null, background: Blob | null, prizes: Map<string, Blob>}} Look */

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function once(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const request = work(database.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } finally {
    database.close();
  }
}

/** The key of a part of a lottery's look: `theme`, `logo`, `background`, or `prize/` and its name. */
const key = (/** @type {string} */ lottery, /** @type {string} */ part) => `${lottery}/${part}`;

/**
 * Everything that is kept of a lottery's stage. Without a database, as in a private window, it is the plain look.
 * @param {string} lottery
 * @returns {Promise<Look>}
 */
export async function look(lottery) {
  /** @type {Look} */
  const found = { theme: THEMES[0], logo: null, background: null, prizes: new Map() };
  try {
    const range = IDBKeyRange.bound(key(lottery, ""), key(lottery, "\uffff"));
    const [keys, values] = await Promise.all([
      once("readonly", (store) => store.getAllKeys(range)),
      once("readonly", (store) => store.getAll(range)),
    ]);
    keys.forEach((name, index) => {
      const part = String(name).slice(lottery.length + 1);
      const value = values[index];
      if (part === "theme" && THEMES.includes(value)) found.theme = value;
      else if (part === "logo") found.logo = value;
      else if (part === "background") found.background = value;
      else if (part.startsWith("prize/")) found.prizes.set(part.slice("prize/".length), value);
    });
  } catch (error) {
    console.warn("the look of the stage cannot be read", error);
  }
  return found;
}

/**
 * Keeps a part of a lottery's look; `null` takes it away.
 * @param {string} lottery
 * @param {string} part
 * @param {string | Blob | null} value
 */
export async function keep(lottery, part, value) {
  const name = key(lottery, part);
  await (value === null
    ? once("readwrite", (store) => store.delete(name))
    : once("readwrite", (store) => store.put(value, name)));
}

/**
 * A picture from a file, no larger than a stage needs. Fails for a file that is no picture.
 * @param {Blob} file
 * @returns {Promise<Blob>}
 */
export async function pictureFrom(file) {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, MAX_SIDE / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  const kept = await new Promise((resolve) => canvas.toBlob(resolve, "image/webp", 0.9));
  return kept ?? file;
}

/**
 * A canvas that shows a picture, drawn when it is ready.
 * @param {Blob} blob
 * @param {string} kind the class
 * @param {string} label what it shows; empty for decoration
 */
export function picture(blob, kind, label) {
  const canvas = document.createElement("canvas");
  canvas.className = kind;
  canvas.width = canvas.height = 1;
  if (label) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label);
  } else canvas.setAttribute("aria-hidden", "true");
  createImageBitmap(blob).then(
    (image) => {
      canvas.width = image.width;
      canvas.height = image.height;
      canvas.getContext("2d")?.drawImage(image, 0, 0);
      image.close();
    },
    (error) => console.warn("a picture cannot be shown", error),
  );
  return canvas;
}
