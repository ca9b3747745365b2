// @ts-check
// The sounds of the stage, made by the browser itself: a roll of drums, a fanfare, the last seconds of a countdown.

const KEY = "stage-muted";

export class Sound {
  constructor() {
    this.isMuted = localStorage.getItem(KEY) === "yes";
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {GainNode | null} */
    this.out = null;
    /** @type {AudioBuffer | null} */
    this.noise = null;
    /** @type {{stop: () => void} | null} */
    this.rolling = null;
  }

  /** A browser plays nothing before somebody has pressed a key or a button on its page. */
  wake() {
    if (this.isMuted) return null;
    if (!this.context) {
      const context = new AudioContext();
      this.context = context;
      this.out = new GainNode(context, { gain: 0.5 });
      this.out.connect(new DynamicsCompressorNode(context)).connect(context.destination);
      this.noise = context.createBuffer(1, context.sampleRate, context.sampleRate);
      const samples = this.noise.getChannelData(0);
      for (let i = 0; i < samples.length; i += 1) samples[i] = Math.random() * 2 - 1;
    }
    if (this.context.state === "suspended") this.context.resume().catch(() => {});
    return this.context;
  }

  toggle() {
    this.isMuted = !this.isMuted;
    localStorage.setItem(KEY, this.isMuted ? "yes" : "no");
    if (this.isMuted) {
      this.stopRoll();
      this.context?.suspend().catch(() => {});
    } else this.wake();
  }

  /**
   * A tone that fades.
   * @param {number} frequency
   * @param {{after?: number, length?: number, gain?: number, type?: OscillatorType}} options seconds
   */
  tone(frequency, { after = 0, length = 0.3, gain = 0.2, type = "triangle" } = {}) {
    const context = this.wake();
    if (!context || !this.out) return;
    const from = context.currentTime + after;
    const oscillator = new OscillatorNode(context, { type, frequency });
    const level = new GainNode(context, { gain: 0 });
    level.gain.setValueAtTime(0, from);
    level.gain.linearRampToValueAtTime(gain, from + 0.015);
    level.gain.exponentialRampToValueAtTime(0.0008, from + length);
    oscillator.connect(level).connect(this.out);
    oscillator.start(from);
    oscillator.stop(from + length + 0.05);
  }

  /** One stroke on a drum, or a cymbal where it is high and long. */
  stroke(
    /** @type {{after?: number, length?: number, gain?: number, frequency?: number}} */ {
      after = 0,
      length = 0.07,
      gain = 0.25,
      frequency = 240,
    } = {},
  ) {
    const context = this.wake();
    if (!context || !this.out || !this.noise) return;
    const from = context.currentTime + after;
    const source = new AudioBufferSourceNode(context, { buffer: this.noise, loop: true });
    const filter = new BiquadFilterNode(context, {
      type: frequency > 2000 ? "highpass" : "bandpass",
      frequency,
      Q: 0.7,
    });
    const level = new GainNode(context, { gain: 0 });
    level.gain.setValueAtTime(gain, from);
    level.gain.exponentialRampToValueAtTime(0.0008, from + length);
    source.connect(filter).connect(level).connect(this.out);
    source.start(from, Math.random() * 0.9);
    source.stop(from + length + 0.02);
  }

  /** A roll of drums until it is stopped; it grows for some seconds. */
  startRoll() {
    this.stopRoll();
    if (this.isMuted) return;
    let beats = 0;
    const timer = setInterval(() => {
      const growth = Math.min(1, beats / 70);
      for (const after of [0, 0.045])
        this.stroke({ after, gain: 0.05 + 0.2 * growth, frequency: 170 + 60 * growth });
      if (beats % 4 === 0)
        this.tone(82 * 2 ** (Math.min(beats, 96) / 96), {
          length: 0.28,
          gain: 0.06 + 0.05 * growth,
          type: "sawtooth",
        });
      beats += 1;
    }, 90);
    this.rolling = { stop: () => clearInterval(timer) };
  }

  stopRoll() {
    this.rolling?.stop();
    this.rolling = null;
  }

  /** A name is there: a cymbal and a chord that rises. */
  fanfare() {
    this.stopRoll();
    this.stroke({ length: 1.6, gain: 0.2, frequency: 5200 });
    this.stroke({ length: 0.35, gain: 0.5, frequency: 95 });
    const chord = [523.25, 659.25, 783.99, 1046.5];
    chord.forEach((frequency, index) =>
      this.tone(frequency, { after: index * 0.09, length: 1.3, gain: 0.15 }),
    );
    chord.forEach((frequency) =>
      this.tone(frequency / 2, { after: 0.42, length: 1.8, gain: 0.07, type: "sawtooth" }),
    );
  }

  /** A prize is announced. */
  announce() {
    [392, 523.25].forEach((frequency, index) =>
      this.tone(frequency, { after: index * 0.14, length: 0.7, gain: 0.14 }),
    );
  }

  /** One of the last seconds. */
  tick(/** @type {boolean} */ isLast) {
    this.tone(isLast ? 1046.5 : 698.46, { length: isLast ? 0.9 : 0.16, gain: 0.16 });
  }

  end() {
    this.stopRoll();
    this.context?.close().catch(() => {});
    this.context = null;
  }
}
