// How loud a track is, for a meter: 0 to 1, some ten times a second. Owns its audio context.

const INTERVAL_MS = 80;
const FLOOR_DB = -55; // quieter than this is silence on the meter

export class LevelMeter {
  #context = null;
  #timer = 0;

  /** @param {MediaStreamTrack} track  @param {(level: number) => void} onLevel */
  constructor(track, onLevel) {
    this.#context = new AudioContext();
    const analyser = new AnalyserNode(this.#context, { fftSize: 1024 });
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      const decibels = 10 * Math.log10(power + 1e-10);
      onLevel(Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB)));
    }, INTERVAL_MS);
  }

  close() {
    clearInterval(this.#timer);
    this.#context.close();
  }
}
