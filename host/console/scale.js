// Which moments a timeline shows, and where: arithmetic without a screen.

import {fromSite, offset, steady} from './time.js';

/// A bit less than a second, and two years: as far as one can zoom.
const NEAREST = 800;
const FARTHEST = 2 * 366 * 86400000;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/// Distances of lines that people can read. The last three follow the calendar.
const STEPS = [
  100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE,
  30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY, 91 * DAY, 365 * DAY,
];

export class Scale {
  /// From `start` to `end`, in milliseconds since 1970, on `width` pixels.
  constructor(start, end, width = 1) {
    this.width = width;
    this.show(start, end);
  }

  get span() {
    return this.end - this.start;
  }

  show(start, end) {
    const span = Math.min(Math.max(end - start, NEAREST), FARTHEST);
    const middle = (start + end) / 2;
    this.start = middle - span / 2;
    this.end = middle + span / 2;
  }

  x(ms) {
    return (ms - this.start) / this.span * this.width;
  }

  ms(x) {
    return this.start + x / this.width * this.span;
  }

  /// Shows `factor` times as much; what is at `x` stays there.
  zoom(factor, x) {
    const span = Math.min(Math.max(this.span * factor, NEAREST), FARTHEST);
    const fixed = this.ms(x);
    this.start = fixed - x / this.width * span;
    this.end = this.start + span;
  }

  move(ms) {
    this.start += ms;
    this.end += ms;
  }

  /// Moves as little as needed for a moment to be seen.
  reveal(ms) {
    if (ms < this.start || ms > this.end) this.move(ms - (this.start + this.end) / 2);
  }

  /// The lines: their distance, and where they are. Hours and days begin where the site's clock says so, also on the
  /// days of 23 and 25 hours.
  ticks(apart = 90) {
    const wanted = this.span / Math.max(1, this.width / apart);
    const step = STEPS.find(one => one >= wanted) ?? STEPS[STEPS.length - 1];
    if (step >= 30 * DAY) return {step, at: this.months(Math.round(step / (30 * DAY)))};
    return {step, at: step >= DAY ? this.days(step) : this.even(step)};
  }

  /// Where the clock is changed, lines go on by the new one: an hour that comes twice has its lines twice, one that is left
  /// out has none.
  even(step) {
    const at = [];
    for (const [start, end] of steady(this.start, this.end)) {
      const ahead = offset(start);
      for (let ms = Math.ceil((start + ahead) / step) * step - ahead; ms < end; ms += step) at.push(ms);
    }
    return at;
  }

  /// Days of the site, of 23 and 25 hours as well.
  days(step) {
    const at = [];
    const first = Math.floor((this.start + offset(this.start)) / step) * step;
    for (let local = first; local <= this.end + offset(this.end); local += step) at.push(fromSite(local).ms);
    return at.filter(ms => ms >= this.start && ms <= this.end);
  }

  months(count) {
    const at = [];
    const first = new Date(this.start);
    const months = count >= 12 ? 12 : count;
    let month = Math.floor((first.getUTCFullYear() * 12 + first.getUTCMonth()) / months) * months;
    for (let ms = 0; ms <= this.end; month += months) {
      ms = fromSite(Date.UTC(Math.floor(month / 12), month % 12, 1)).ms;
      if (ms >= this.start && ms <= this.end) at.push(ms);
    }
    return at;
  }
}
