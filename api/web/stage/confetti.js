// @ts-check
// Confetti over everything: two cannons from the lower corners, and rain. It ends by itself.

const GRAVITY = 0.00115;
const LIFE = 5200;

export class Confetti {
  constructor(/** @type {HTMLCanvasElement} */ canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    /** @type {{x: number, y: number, dx: number, dy: number, turn: number, spin: number, size: number, color: string, age: number}[]} */
    this.pieces = [];
    this.frame = 0;
    this.last = 0;
  }

  /**
   * @param {string[]} colors
   * @param {number} strength 1 for a name; more for the end
   */
  fire(colors, strength = 1) {
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    this.canvas.width = width;
    this.canvas.height = height;
    const count = Math.round(Math.min(520, 170 * strength));
    const force = Math.sqrt(height) * 0.062;
    for (let i = 0; i < count; i += 1) {
      const isRain = i % 3 === 0;
      const isLeft = i % 2 === 0;
      const angle = (isLeft ? -0.32 : -0.68) * Math.PI + (Math.random() - 0.5) * 0.5;
      const speed = force * (0.45 + Math.random() * 0.75);
      this.pieces.push({
        x: isRain ? Math.random() * width : isLeft ? -10 : width + 10,
        y: isRain ? -30 - Math.random() * height * 0.5 : height * 0.92,
        dx: isRain ? (Math.random() - 0.5) * 0.12 : Math.cos(angle) * speed,
        dy: isRain ? Math.random() * 0.15 : Math.sin(angle) * speed,
        turn: Math.random() * 6.3,
        spin: (Math.random() - 0.5) * 0.016,
        size: (0.5 + Math.random()) * Math.max(7, height * 0.011),
        color: colors[i % colors.length],
        age: Math.random() * 500,
      });
    }
    if (this.pieces.length > 900) this.pieces.splice(0, this.pieces.length - 900);
    this.last = 0;
    if (!this.frame) this.frame = requestAnimationFrame((now) => this.step(now));
  }

  step(/** @type {number} */ now) {
    this.frame = 0;
    if (!this.canvas.isConnected) return;
    const passed = this.last ? Math.min(now - this.last, 50) : 16;
    this.last = now;
    const { context, canvas } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    const drag = 0.9985 ** passed;
    this.pieces = this.pieces.filter((piece) => piece.age < LIFE && piece.y < canvas.height + 40);
    for (const piece of this.pieces) {
      piece.age += passed;
      piece.dx *= drag;
      piece.dy = piece.dy * drag + GRAVITY * passed * 0.55;
      piece.x += (piece.dx + Math.sin(piece.turn) * 0.03) * passed;
      piece.y += piece.dy * passed;
      piece.turn += piece.spin * passed;
      context.globalAlpha = Math.min(1, (LIFE - piece.age) / 900);
      context.fillStyle = piece.color;
      context.setTransform(
        Math.cos(piece.turn),
        Math.sin(piece.turn) * 0.6,
        -Math.sin(piece.turn),
        Math.cos(piece.turn * 1.7),
        piece.x,
        piece.y,
      );
      context.fillRect(-piece.size / 2, -piece.size / 4, piece.size, piece.size / 2);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    if (this.pieces.length) this.frame = requestAnimationFrame((next) => this.step(next));
  }

  end() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.pieces = [];
  }
}
