// The timeline: a canvas that shows what was recorded, why the rest is missing, what was seen and what happened. Drag to
// move, wheel or two fingers to zoom, click to go there. With the keyboard it is a slider.

import {Scale} from './scale.js';
import {draw, ROWS} from './timeline-draw.js';
import {h} from './dom.js';
import {heldAt} from './holds.js';
import {full, length} from './time.js';

/// How far an arrow key moves, as a part of what is shown.
const STEP = 1 / 60;
/// End goes so far before the newest moment, in milliseconds, so that there is something to see.
const NEWEST = 5000;
/// A finger that moved less than this, in pixels, meant to tap.
const SLOP = 4;

export class Timeline {
  /// `go(ms)`: somebody chose a moment. `looked()`: other moments are shown. `hovered(ms, x)`: the pointer is there;
  /// null: it left. `chosen([start, end])`: a selection was drawn.
  constructor({go, looked, hovered, chosen}) {
    Object.assign(this, {go, looked, hovered, chosen});
    this.data = {spans: [], gaps: [], holds: [], detections: [], events: [], label: '', selection: null};
    this.now = Date.now();
    this.pointers = new Map();
    this.canvas = h('canvas', {
      class: 'timeline', tabindex: 0, role: 'slider', 'aria-label': 'Moment of the recording',
      'aria-describedby': 'timeline-keys',
    });
    this.canvas.height = ROWS.height;
    this.scale = new Scale(this.now - 3600000, this.now);
    this.listen();
    this.sized = new ResizeObserver(() => this.fit());
    this.sized.observe(this.canvas);
    this.dark = matchMedia('(prefers-color-scheme: dark)');
    this.repaint = () => this.paint();
    this.dark.addEventListener('change', this.repaint);
  }

  stop() {
    this.sized.disconnect();
    this.dark.removeEventListener('change', this.repaint);
  }

  fit() {
    const density = devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    if (!width) return;
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(ROWS.height * density);
    this.canvas.getContext('2d').setTransform(density, 0, 0, density, 0, 0);
    this.scale.width = width;
    this.paint();
  }

  show(start, end) {
    this.scale.show(start, end);
    this.paint();
    this.looked();
  }

  /// The moment that is played.
  at(ms, follow) {
    this.now = ms;
    const canvas = this.canvas;
    const words = [full(ms), this.missing(ms), heldAt(this.data.holds, ms)];
    canvas.setAttribute('aria-valuetext', words.filter(Boolean).join('. '));
    const [first, last] = this.limits ?? [ms, ms];
    canvas.setAttribute('aria-valuenow', Math.round(Math.min(Math.max(ms, first), last) / 1000));
    if (follow && !this.pointers.size && (ms > this.scale.end || ms < this.scale.start)) {
      this.scale.reveal(ms);
      this.looked();
    }
    this.paint();
  }

  /// The first and the newest moment, for those who hear a slider and do not see it.
  limit(start, end) {
    const seconds = ms => String(Math.round(ms / 1000));
    this.limits = [start, end];
    this.canvas.setAttribute('aria-valuemin', seconds(start));
    this.canvas.setAttribute('aria-valuemax', seconds(end));
  }

  set(data) {
    Object.assign(this.data, data);
    this.paint();
  }

  /// Once for each frame of the screen, however often it is asked for.
  paint() {
    this.due ??= requestAnimationFrame(() => {
      this.due = undefined;
      draw(this.canvas, this.scale, this.data, this.now);
    });
  }

  listen() {
    const on = (name, then, options) => this.canvas.addEventListener(name, then, options);
    on('pointerdown', event => this.down(event));
    on('pointermove', event => this.moved(event));
    on('pointerup', event => this.up(event));
    on('pointercancel', event => this.pointers.delete(event.pointerId));
    on('pointerleave', () => this.hovered(null));
    on('keydown', event => this.key(event));
    on('wheel', event => {
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.scale.move(event.deltaX / this.scale.width * this.scale.span);
      else this.scale.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), event.offsetX);
      this.moveDone();
    }, {passive: false});
  }

  moveDone() {
    this.paint();
    this.looked();
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, {x: event.offsetX, from: event.offsetX, at: this.scale.ms(event.offsetX)});
    this.selecting = event.shiftKey;
  }

  moved(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) {
      if (event.pointerType === 'mouse') this.hovered(this.scale.ms(event.offsetX), event.offsetX);
      return;
    }
    const before = pointer.x;
    pointer.x = event.offsetX;
    if (this.selecting) return this.select(pointer.at, this.scale.ms(pointer.x));
    if (this.pointers.size === 2) return this.pinch(pointer, before);
    if (Math.abs(pointer.x - pointer.from) > SLOP) pointer.dragged = true;
    if (pointer.dragged) {
      this.scale.move((before - pointer.x) / this.scale.width * this.scale.span);
      this.moveDone();
    }
  }

  pinch(pointer, before) {
    const other = [...this.pointers.values()].find(one => one !== pointer);
    const [was, is] = [Math.abs(before - other.x), Math.abs(pointer.x - other.x)];
    pointer.dragged = other.dragged = true;
    if (is > 8) this.scale.zoom(was / is, other.x);
    this.moveDone();
  }

  up(event) {
    const pointer = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    if (pointer && !pointer.dragged && !this.selecting) this.go(this.scale.ms(event.offsetX));
    this.selecting = false;
  }

  select(one, other) {
    const selection = [Math.min(one, other), Math.max(one, other)];
    this.set({selection});
    this.chosen(selection);
  }

  key(event) {
    const step = this.scale.span * STEP;
    const keys = {
      ArrowLeft: () => this.go(this.now - (event.shiftKey ? 10 * step : step)),
      ArrowRight: () => this.go(this.now + (event.shiftKey ? 10 * step : step)),
      PageUp: () => this.go(this.now - this.scale.span / 2),
      PageDown: () => this.go(this.now + this.scale.span / 2),
      Home: () => this.limits && this.go(this.limits[0]),
      End: () => this.limits && this.go(this.limits[1] - NEWEST),
      '+': () => this.zoom(0.5),
      '=': () => this.zoom(0.5),
      '-': () => this.zoom(2),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  }

  /// Around the moment that is played, if it is seen.
  zoom(factor) {
    const x = this.scale.x(this.now);
    this.scale.zoom(factor, x >= 0 && x <= this.scale.width ? x : this.scale.width / 2);
    this.moveDone();
  }

  /// What stands at a place, in words: why nothing is there, and what holds it.
  describe(ms) {
    const {spans, holds} = this.data;
    const gap = this.gap(ms);
    const there = spans.some(([start, end]) => ms >= start && ms <= end);
    const missing = gap ? `${gap.words}, for ${length(gap.end - gap.start)}` : there ? '' : 'Nothing recorded';
    return {missing, held: heldAt(holds, ms)};
  }

  /// Why nothing is there at a moment, as far as it is known.
  missing(ms) {
    return this.gap(ms)?.words;
  }

  gap(ms) {
    return this.data.gaps.find(one => ms >= one.start && ms < one.end);
  }
}
