// @ts-check
// All names in motion: a globe that turns, on a canvas. Every name of the list passes over it in turn.
//
// A name is drawn as text once, into a sheet; each frame copies small pictures from the sheets and draws no text but that of a
// few names which take the place of others at the back. So a frame costs the same for 300 names and for 50,000.

/** The most names on the globe at once; fewer where frames take too long. */
const MOST = 1500;
const FEWEST = 140;
const SHEET = 1024;
const CELL = { width: 168, height: 30 };
const PER_SHEET = Math.floor(SHEET / CELL.width) * Math.floor(SHEET / CELL.height);
/** A frame is too long if it takes so many times the time between two frames in which nothing is drawn: a projector may show
 * 60 frames a second, or 30. */
const SLOW = 1.25;
/** So many frames without drawing tell the time between two. */
const MEASURED = 9;
/** Names that make room for others, per frame. */
const CHANGES = 12;
const SPEED = { idle: 0.00011, fast: 0.0021 };

/** @typedef {"idle" | "fast" | "burst" | "hidden"} Motion */

export class Globe {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{color: string, isStill: boolean}} look
   */
  constructor(canvas, { color, isStill }) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.color = color;
    this.isStill = isStill;
    /** @type {string[]} */
    this.names = [];
    this.upcoming = 0;
    /** @type {HTMLCanvasElement[]} */
    this.sheets = [];
    this.shown = 0;
    this.allowed = MOST;
    this.points = new Float32Array(0);
    /** @type {Motion} */
    this.motion = "idle";
    this.speed = SPEED.idle;
    this.angle = 0;
    this.burst = 0;
    this.changed = 0;
    this.turn = 0;
    this.frame = 0;
    this.last = 0;
    this.slow = 0;
    /** How long frames took in which nothing was drawn, in milliseconds.
     * @type {number[]} */
    this.empty = [];
    /** The time between two frames, in milliseconds; 0 before it is known. */
    this.interval = 0;
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(canvas);
  }

  /**
   * Shows these names: all of them in turn, if they are too many to be seen at once.
   * @param {string[]} names
   */
  setNames(names) {
    this.names = names;
    this.upcoming = 0;
    this.build();
    this.start();
  }

  /** @param {Motion} motion */
  setMotion(motion) {
    if (motion === "burst") this.burst = 0.0001;
    else if (motion !== "hidden") this.burst = 0;
    this.motion = motion;
    this.start();
  }

  setColor(/** @type {string} */ color) {
    if (color === this.color) return;
    this.color = color;
    this.build();
  }

  resize() {
    const ratio = Math.min(window.devicePixelRatio || 1, 1.5);
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    if (this.isStill) this.draw();
  }

  /** Lays the names out over the globe and draws each into a sheet. */
  build() {
    const { names } = this;
    const count = names.length ? Math.min(this.allowed, Math.max(names.length, FEWEST)) : 0;
    this.shown = count;
    // Two runs around the list leave each name about as often as another.
    this.sheets = Array.from({ length: Math.ceil(count / PER_SHEET) }, () => {
      const sheet = document.createElement("canvas");
      sheet.width = SHEET;
      sheet.height = SHEET;
      return sheet;
    });
    this.points = new Float32Array(count * 3);
    const golden = Math.PI * (3 - Math.sqrt(5));
    for (let i = 0; i < count; i += 1) {
      const y = 1 - (2 * (i + 0.5)) / count;
      const radius = Math.sqrt(1 - y * y);
      this.points[i * 3] = Math.cos(golden * i) * radius;
      this.points[i * 3 + 1] = y;
      this.points[i * 3 + 2] = Math.sin(golden * i) * radius;
      this.write(i, names[i % names.length]);
    }
    this.upcoming = count % Math.max(1, names.length);
  }

  /**
   * Draws a name into its place on its sheet.
   * @param {number} slot
   * @param {string} name
   */
  write(slot, name) {
    const sheet = this.sheets[Math.floor(slot / PER_SHEET)];
    const context = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
    const columns = Math.floor(SHEET / CELL.width);
    const place = slot % PER_SHEET;
    const x = (place % columns) * CELL.width;
    const y = Math.floor(place / columns) * CELL.height;
    context.clearRect(x, y, CELL.width, CELL.height);
    context.fillStyle = this.color;
    context.font = `600 22px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(
      [...name].slice(0, 24).join(""),
      x + CELL.width / 2,
      y + CELL.height / 2,
      CELL.width - 4,
    );
  }

  start() {
    if (this.isStill) {
      this.draw();
      return;
    }
    if (this.frame || this.motion === "hidden") return;
    this.last = 0;
    const step = (/** @type {number} */ now) => {
      this.frame = 0;
      if (!this.canvas.isConnected) return;
      const passed = this.last ? Math.min(now - this.last, 100) : 16;
      const took = this.last ? now - this.last : 0;
      this.last = now;
      if (this.empty.length < MEASURED) {
        if (took) this.empty.push(took);
      } else {
        this.judge(took);
        this.move(passed);
        this.draw();
      }
      if (this.motion !== "hidden" && !(this.motion === "burst" && this.burst >= 1))
        this.frame = requestAnimationFrame(step);
      else this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    };
    this.frame = requestAnimationFrame(step);
  }

  /** Shows fewer names where the machine does not keep up. */
  judge(/** @type {number} */ took) {
    this.interval ||= Math.max(4, this.empty.toSorted((a, b) => a - b)[MEASURED >> 1]);
    this.slow = took > SLOW * this.interval ? this.slow + 1 : Math.max(0, this.slow - 0.5);
    if (this.slow < 20 || this.shown <= FEWEST) return;
    this.slow = 0;
    this.allowed = Math.max(FEWEST, Math.floor(this.shown * 0.7));
    this.build();
  }

  move(/** @type {number} */ passed) {
    const wanted =
      this.motion === "fast" ? SPEED.fast : this.motion === "burst" ? SPEED.fast * 0.6 : SPEED.idle;
    this.speed += (wanted - this.speed) * Math.min(1, passed / (this.motion === "fast" ? 900 : 350));
    this.angle += this.speed * passed;
    if (this.burst) this.burst = Math.min(1, this.burst + passed / 900);
    this.change();
  }

  /** Lets names of the list that were not shown take the places of some at the back, one sheet in turn. */
  change() {
    const { names, shown } = this;
    if (!shown || names.length <= shown || this.burst) return;
    const most = this.motion === "fast" ? CHANGES : 2;
    const sheet = (this.turn + 1) % this.sheets.length;
    this.turn = sheet;
    const first = sheet * PER_SHEET;
    const length = Math.min(PER_SHEET, shown - first);
    const cos = Math.cos(this.angle);
    const sin = Math.sin(this.angle);
    for (let tried = 0, changed = 0; tried < 80 && changed < most; tried += 1) {
      this.changed = (this.changed + 1) % length;
      const slot = first + this.changed;
      const z = this.points[slot * 3 + 2] * cos - this.points[slot * 3] * sin;
      if (z > -0.35) continue;
      this.write(slot, names[this.upcoming]);
      this.upcoming = (this.upcoming + 1) % names.length;
      changed += 1;
    }
  }

  /** Draws a frame: the back first, then the front. */
  draw() {
    const { context, canvas, points, shown } = this;
    const { width, height } = canvas;
    context.clearRect(0, 0, width, height);
    if (!shown || !width) return;
    const cos = Math.cos(this.angle);
    const sin = Math.sin(this.angle);
    const tilt = 0.32;
    const tiltCos = Math.cos(tilt);
    const tiltSin = Math.sin(tilt);
    const burst = this.burst * this.burst;
    const columns = Math.floor(SHEET / CELL.width);
    const radius = { x: width * 0.47 * (1 + burst * 3), y: height * 0.49 * (1 + burst * 3) };
    // The more names, the smaller each.
    const size = Math.sqrt((width * height) / (CELL.width * CELL.height * Math.max(shown, 60))) * 1.02;
    for (const isFront of [false, true]) {
      for (let i = 0; i < shown; i += 1) {
        const x = points[i * 3] * cos + points[i * 3 + 2] * sin;
        const depth = points[i * 3 + 2] * cos - points[i * 3] * sin;
        const y = points[i * 3 + 1] * tiltCos - depth * tiltSin;
        const z = depth * tiltCos + points[i * 3 + 1] * tiltSin;
        if (z > 0 !== isFront) continue;
        const near = 1 / (2.15 - z);
        const scale = size * (0.35 + near * 1.25) * (1 + burst * 2);
        const wide = CELL.width * scale;
        const high = CELL.height * scale;
        const left = width / 2 + x * radius.x * (0.55 + near * 0.5) - wide / 2;
        const top = height / 2 + y * radius.y * (0.6 + near * 0.45) - high / 2;
        if (left > width || top > height || left + wide < 0 || top + high < 0) continue;
        context.globalAlpha = (0.06 + 0.94 * ((z + 1) / 2) ** 2.3) * (1 - burst);
        const place = i % PER_SHEET;
        context.drawImage(
          this.sheets[(i / PER_SHEET) | 0],
          (place % columns) * CELL.width,
          ((place / columns) | 0) * CELL.height,
          CELL.width,
          CELL.height,
          left,
          top,
          wide,
          high,
        );
      }
    }
    context.globalAlpha = 1;
  }

  end() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.motion = "hidden";
    this.resized.disconnect();
    this.shown = 0;
    this.sheets = [];
  }
}

const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif';
