// A sound to try a speaker with. Owns its audio context, for as long as it sounds.

const TONES = [[0, 523], [0.25, 784]]; // seconds from the beginning, Hz
const TONE_S = 0.5;
const LOUDNESS = 0.2; // of full scale
const FADE_S = 0.03;
const END_S = TONES.at(-1)[0] + TONE_S;

/** Two soft tones through this speaker, or the system's where it is gone. Settles when they have faded. @param {string} speakerId */
export async function chime(speakerId) {
  const context = new AudioContext();
  // An element, because not every browser lets a context choose its speaker.
  const out = new MediaStreamAudioDestinationNode(context);
  const element = new Audio();
  element.srcObject = out.stream;
  if (speakerId) await element.setSinkId?.(speakerId).catch(() => {});
  try {
    await element.play();
    await sounded(context, out);
  } finally {
    element.srcObject = null;
    await context.close();
  }
}

function sounded(context, out) {
  const now = context.currentTime;
  const gain = new GainNode(context, { gain: 0 });
  gain.connect(out);
  gain.gain.linearRampToValueAtTime(LOUDNESS, now + FADE_S);
  gain.gain.setValueAtTime(LOUDNESS, now + END_S / 2);
  gain.gain.linearRampToValueAtTime(0, now + END_S);
  const tones = TONES.map(([at, frequency]) => {
    const tone = new OscillatorNode(context, { frequency });
    tone.connect(gain);
    tone.start(now + at);
    tone.stop(now + at + TONE_S);
    return tone;
  });
  return new Promise((resolve) => (tones.at(-1).onended = resolve));
}
