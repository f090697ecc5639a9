// How the timeline looks. Colours are those of the style sheet, so light and dark are decided in one place.

import {day, offset, offsetText, tick} from './time.js';

/// Pixels from the top.
export const ROWS = {height: 116, axis: 34, held: 36, heldHeight: 4, media: 42, mediaHeight: 26, seen: 74, seenHeight: 14, events: 94, eventsHeight: 12};
/// What is shorter is still drawn this wide, or nobody would see it.
const LEAST = 2;
/// The bent ends of what is held reach so far into the row below.
const BENT = 5;

function colours(canvas) {
  const style = getComputedStyle(canvas);
  const colour = name => style.getPropertyValue(`--${name}`).trim();
  return {
    text: colour('text'), quiet: colour('quiet'), line: colour('line'), media: colour('media'), gap: colour('gap'),
    seen: colour('seen'), other: colour('seen-other'), event: colour('event'), held: colour('held'), now: colour('accent'), chosen: colour('chosen'),
    ground: colour('well'),
  };
}

export function draw(canvas, scale, data, now) {
  const pen = canvas.getContext('2d');
  const colour = colours(canvas);
  pen.clearRect(0, 0, scale.width, ROWS.height);
  pen.font = '12px system-ui, sans-serif';
  axis(pen, scale, colour);
  media(pen, scale, data, colour);
  held(pen, scale, data.holds, colour);
  seen(pen, scale, data, colour);
  happened(pen, scale, data.events, colour);
  if (data.selection) selection(pen, scale, data.selection, colour);
  cursor(pen, scale, now, colour);
}

function bar(pen, scale, start, end, y, height) {
  const [left, right] = [Math.max(-1, scale.x(start)), Math.min(scale.width + 1, scale.x(end))];
  if (right < 0 || left > scale.width) return;
  pen.fillRect(left, y, Math.max(LEAST, right - left), height);
}

function axis(pen, scale, colour) {
  const {step, at} = scale.ticks();
  pen.strokeStyle = colour.line;
  pen.fillStyle = colour.quiet;
  pen.lineWidth = 1;
  let before;
  for (const ms of at) {
    const x = Math.round(scale.x(ms)) + 0.5;
    pen.beginPath();
    pen.moveTo(x, ROWS.axis - 6);
    pen.lineTo(x, ROWS.height);
    pen.stroke();
    // Where the clock was changed, the offset is worth a word.
    const changed = before !== undefined && offset(ms) !== offset(before) && step < 86400000;
    const words = changed ? `${tick(ms, step)} ${offsetText(ms)}` : tick(ms, step);
    // Half a time at the edge reads as another one.
    if (x + 4 + pen.measureText(words).width <= scale.width) pen.fillText(words, x + 4, ROWS.axis - 4);
    before = ms;
  }
  pen.fillStyle = colour.text;
  const left = Math.max(scale.start, 0);
  pen.fillText(step < 86400000 ? `${day(left)}  ${offsetText(left)}` : offsetText(left), 4, 13);
}

function media(pen, scale, {spans, gaps}, colour) {
  pen.fillStyle = colour.ground;
  pen.fillRect(0, ROWS.media, scale.width, ROWS.mediaHeight);
  pen.fillStyle = colour.media;
  for (const [start, end] of spans) bar(pen, scale, start, end, ROWS.media, ROWS.mediaHeight);
  // Where no fault is known, an empty place says enough.
  for (const gap of gaps.filter(one => one.cause !== 'notRecorded')) hole(pen, scale, gap, colour);
}

/// Hatched, so that it is told from a recording without colours, too.
function hole(pen, scale, {start, end}, colour) {
  const [left, right] = [Math.max(0, scale.x(start)), Math.min(scale.width, scale.x(end))];
  if (right <= 0 || left >= scale.width) return;
  const width = Math.max(LEAST, right - left);
  pen.save();
  pen.beginPath();
  pen.rect(left, ROWS.media, width, ROWS.mediaHeight);
  pen.clip();
  pen.fillStyle = colour.ground;
  pen.fillRect(left, ROWS.media, width, ROWS.mediaHeight);
  pen.strokeStyle = colour.gap;
  pen.lineWidth = 1.5;
  pen.beginPath();
  const first = left - ((left - scale.x(start)) % 7 + 7) % 7 - ROWS.mediaHeight;
  for (let x = first; x < left + width; x += 7) {
    pen.moveTo(x, ROWS.media + ROWS.mediaHeight);
    pen.lineTo(x + ROWS.mediaHeight, ROWS.media);
  }
  pen.stroke();
  pen.restore();
}

/// A bracket over what is held: a line with both ends bent down, as far as they are seen.
function held(pen, scale, holds, colour) {
  pen.fillStyle = colour.held;
  for (const {start, end} of holds) {
    bar(pen, scale, start, end, ROWS.held, ROWS.heldHeight);
    for (const edge of [start, end].filter(Number.isFinite)) {
      const x = Math.max(scale.x(start), Math.min(scale.x(end), edge === start ? scale.x(edge) + 1 : scale.x(edge) - 1));
      pen.fillRect(x - 1, ROWS.held, 2, ROWS.media - ROWS.held + BENT);
    }
  }
}

function seen(pen, scale, {detections, label}, colour) {
  for (const wanted of [false, true]) {
    pen.fillStyle = wanted ? colour.seen : colour.other;
    for (const one of detections) {
      if ((!label || one.label === label) === wanted) bar(pen, scale, one.first, one.last, ROWS.seen, ROWS.seenHeight);
    }
  }
}

/// Small diamonds; many in one place are one.
function happened(pen, scale, events, colour) {
  pen.fillStyle = colour.event;
  const middle = ROWS.events + ROWS.eventsHeight / 2;
  let last = -10;
  for (const {time, boxes} of events) {
    // What was seen has a row of its own.
    if (boxes.length) continue;
    const x = scale.x(time);
    if (x < -6 || x > scale.width + 6 || Math.abs(x - last) < 3) continue;
    last = x;
    pen.beginPath();
    pen.moveTo(x, middle - 5);
    pen.lineTo(x + 4, middle);
    pen.lineTo(x, middle + 5);
    pen.lineTo(x - 4, middle);
    pen.fill();
  }
}

function selection(pen, scale, [start, end], colour) {
  const [left, right] = [scale.x(start), scale.x(end)];
  pen.fillStyle = colour.chosen;
  pen.globalAlpha = 0.2;
  pen.fillRect(left, ROWS.axis, right - left, ROWS.height);
  pen.globalAlpha = 1;
  pen.fillRect(left - 1, ROWS.axis, 2, ROWS.height);
  pen.fillRect(right - 1, ROWS.axis, 2, ROWS.height);
}

function cursor(pen, scale, now, colour) {
  const x = scale.x(now);
  if (x < -8 || x > scale.width + 8) return;
  pen.fillStyle = colour.now;
  pen.fillRect(x - 1, ROWS.axis - 4, 2, ROWS.height);
  pen.beginPath();
  pen.moveTo(x - 6, ROWS.axis - 8);
  pen.lineTo(x + 6, ROWS.axis - 8);
  pen.lineTo(x, ROWS.axis);
  pen.fill();
}
