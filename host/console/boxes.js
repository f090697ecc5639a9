// Boxes over the picture. What is stored of something is from when to when it was seen, and where it was when it was
// seen best; events that are still kept say where it was at other moments. A box that is not of this moment is dashed.

import {svg, replace} from './dom.js';

/// How far from its moment a box still counts as where the thing is, in milliseconds.
const NEAR = 400;
/// Boxes that are drawn at once.
const MOST = 60;

export class Boxes {
  constructor(video) {
    this.video = video;
    this.layer = svg('svg', {class: 'boxes', 'aria-hidden': 'true'});
  }

  /// Draws what is there at a moment; gives it, for those who cannot see it.
  show(ms, detections, events, label) {
    const shown = Number.isNaN(ms) ? [] : found(ms, detections, events).filter(one => !label || one.label === label);
    const {videoWidth: width, videoHeight: height} = this.video;
    if (!width) return replace(this.layer), [];
    // In pixels of the recording; the layer is fitted as the video is.
    this.layer.setAttribute('viewBox', `0 0 ${width} ${height}`);
    replace(this.layer, shown.slice(0, MOST).map(one => drawn(one, width, height)));
    return shown;
  }
}

/// What is there at a moment, each thing once.
export function found(ms, detections, events) {
  const exact = nearest(ms, events);
  if (exact.length) return exact;
  const there = detections.filter(one => ms >= one.first - 40 && ms <= one.last + 40);
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
  const size = Math.max(11, height / 28);
  const text = confidence < 1 ? `${label} ${Math.round(confidence * 100)} %` : label;
  const above = y > size * 1.6;
  const right = x > width * 0.8;
  return svg('g', {class: sure ? 'box' : 'box unsure'},
    svg('rect', {x, y, width: box.w * width, height: box.h * height, 'stroke-width': Math.max(1.5, height / 240)}),
    // At the right edge a label ends with its box, or it would be cut off.
    svg('text', {x: right ? x + box.w * width : x, 'text-anchor': right ? 'end' : 'start', y: above ? y - size * 0.35 : y + box.h * height + size * 1.05, 'font-size': size}, text));
}
