// Boxes over the picture, from what is stored with the recording: `seen.js` knows where everything was. Of media of which
// that cannot be read, only when something was there is known, and where it was at its best: such a box is dashed.

import {svg, replace} from './dom.js';
import {NEAR} from './seen.js';

/// Boxes that are drawn at once.
const MOST = 60;

export class Boxes {
  constructor(video) {
    this.video = video;
    this.layer = svg('svg', {class: 'boxes', 'aria-hidden': 'true'});
  }

  /// Draws what is there.
  show(found) {
    const {videoWidth: width, videoHeight: height} = this.video;
    const shown = width ? found.slice(0, MOST) : [];
    // Most frames of the screen show the same as the one before.
    const drawing = JSON.stringify([width, height, shown]);
    if (drawing === this.drawing) return;
    this.drawing = drawing;
    if (!width) return replace(this.layer);
    // In pixels of the recording; the layer is fitted as the video is.
    this.layer.setAttribute('viewBox', `0 0 ${width} ${height}`);
    replace(this.layer, shown.map(one => drawn(one, width, height)));
  }
}

/// What is there at a moment, each thing once. `stored`: from the recording, null when that is not known; `events` are those
/// that the host still keeps, and `sightings` say from when to when something was there.
export function found(ms, stored, events, sightings) {
  if (stored?.length) return stored.map(one => ({...one, sure: true}));
  // What has just been seen is told before it is stored.
  const told = nearest(ms, events);
  if (told.length || stored) return told;
  const there = sightings.filter(one => ms >= one.first - 40 && ms <= one.last + 40);
  return there.map(one => ({...one, sure: Math.abs(one.best - ms) <= NEAR}));
}

function nearest(ms, events) {
  // Several nodes may tell of the same picture, each of other things.
  const best = new Map();
  for (const event of events) {
    if (!event.boxes.length || Math.abs(event.time - ms) > NEAR) continue;
    const other = best.get(event.subject);
    if (!other || Math.abs(event.time - ms) < Math.abs(other.time - ms)) best.set(event.subject, event);
  }
  return [...best.values()].flatMap(({boxes}) => boxes.map(one => ({...one, sure: true})));
}

function drawn({box, label, confidence, sure}, width, height) {
  const [x, y] = [box.l * width, box.t * height];
  const [right, bottom] = [x + box.w * width, y + box.h * height];
  const size = Math.max(11, height / 28);
  const text = confidence < 1 ? `${label} ${Math.round(confidence * 100)} %` : label;
  const end = x > width * 0.8;
  return svg('g', {class: sure ? 'box' : 'box unsure'},
    svg('rect', {x, y, width: box.w * width, height: box.h * height, 'stroke-width': Math.max(1.5, height / 240)}),
    // At the right edge a label ends with its box, or it would be cut off.
    svg('text', {x: end ? right : x, 'text-anchor': end ? 'end' : 'start', y: line(y, bottom, size, height), 'font-size': size}, text));
}

/// Where the label stands: above its box, else below it, else in it.
export function line(top, bottom, size, height) {
  if (top > size * 1.6) return top - size * 0.35;
  return bottom + size * 1.4 < height ? bottom + size * 1.05 : top + size * 1.2;
}
