// Finds what has moved since the last frame that it was shown.

const WIDTH = 160;
const HEIGHT = 90;

// What a topology may say in `config`. The host checks it before the detector is made.
const SCHEMA = {
  type: 'object',
  properties: {
    // A pixel has changed when its brightness differs by more than this.
    threshold: { type: 'integer', minimum: 1, maximum: 255 },
    // Fewer changed pixels than this are noise.
    pixels: { type: 'integer', minimum: 1 },
  },
  additionalProperties: false,
};

export const about = {
  describe() {
    return {
      name: 'my-extension',
      version: '0.1.0',
      summary: 'Finds what moves',
      configSchema: JSON.stringify(SCHEMA),
    };
  },
};

class Detector {
  constructor(config) {
    const { threshold = 25, pixels = 12 } = JSON.parse(config);
    this.threshold = threshold;
    this.pixels = pixels;
    this.last = null;
  }

  // The host decodes, scales and converts: here, 160x90 grey pixels, five times a second.
  input() {
    return {
      format: 'gray8',
      size: { width: WIDTH, height: HEIGHT },
      fit: 'stretch',
      fill: [0, 0, 0],
      maxRate: 5,
    };
  }

  // To refuse a frame, throw a string.
  detect(frame) {
    const now = frame.pixels();
    const last = this.last;
    this.last = now;
    const box = last === null ? null : changed(last, now, this.threshold, this.pixels);
    if (box === null) {
      return [];
    }
    return [{ finding: { tag: 'motion', val: { box } }, relatedInferences: [], extensions: [] }];
  }
}

// The box around all pixels that have changed.
function changed(last, now, threshold, pixels) {
  let count = 0;
  let left = WIDTH;
  let top = HEIGHT;
  let right = 0;
  let bottom = 0;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const at = y * WIDTH + x;
      const difference = now[at] - last[at];
      if (difference > threshold || difference < -threshold) {
        count++;
        if (x < left) left = x;
        if (y < top) top = y;
        if (x >= right) right = x + 1;
        if (y >= bottom) bottom = y + 1;
      }
    }
  }
  if (count < pixels) {
    return null;
  }
  return { l: left / WIDTH, t: top / HEIGHT, w: (right - left) / WIDTH, h: (bottom - top) / HEIGHT };
}

export const detection = { Detector };
