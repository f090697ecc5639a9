// What of an asset is there. Asked for in pieces that fit the zoom, since the host answers 25 hours exactly, 31 days by
// the day, 12 months by the month; kept, since a timeline is dragged to and fro.

import {at, get} from './api.js';

const DAY = 86400000;
/// How long an answer about a piece that is still being recorded counts, in milliseconds.
const FRESH = 10000;
/// Pieces that are kept.
const MOST = 200;

/// The first moment of a piece, and of the one after it. Pieces are UTC's days, months and years.
const PIECES = {
  full: ms => [Math.floor(ms / DAY) * DAY, (Math.floor(ms / DAY) + 1) * DAY],
  day: ms => month(ms, 1),
  month: ms => month(ms, 12),
};

function month(ms, count) {
  const date = new Date(ms);
  const first = count === 12 ? 0 : date.getUTCMonth();
  return [Date.UTC(date.getUTCFullYear(), first), Date.UTC(date.getUTCFullYear(), first + count)];
}

export function precisionOf(span) {
  if (span <= 3 * DAY) return 'full';
  return span <= 100 * DAY ? 'day' : 'month';
}

export class Spans {
  constructor(asset, store) {
    this.asset = asset;
    this.store = store;
    this.kept = new Map();
  }

  /// What is there between two moments, as `[start, end]` in order.
  async between(start, end) {
    const precision = precisionOf(end - start);
    const pieces = [];
    for (let from = start; from < end;) {
      const [first, next] = PIECES[precision](from);
      pieces.push(this.piece(precision, first, next));
      from = next;
    }
    const found = (await Promise.all(pieces)).flat();
    return joined(found.filter(([from, to]) => to > start && from < end));
  }

  async piece(precision, first, next) {
    if (first > Date.now()) return [];
    const key = `${precision} ${first}`;
    const known = this.kept.get(key);
    const settled = next < Date.now() - DAY;
    if (known && (settled || Date.now() - known.asked < FRESH)) return known.spans;
    const query = {precision, startTime: written(first, precision), endTime: written(next - 1, precision), store: this.store};
    const spans = get(at('assets', this.asset, 'availableMedia'), query)
      .then(({timeRanges}) => timeRanges.map(range => span(range, precision)));
    this.kept.set(key, {asked: Date.now(), spans});
    spans.catch(() => this.kept.delete(key));
    if (this.kept.size > MOST) this.kept.delete(this.kept.keys().next().value);
    return spans;
  }
}

function written(ms, precision) {
  const text = new Date(ms).toISOString();
  return {full: text, day: text.slice(0, 10), month: text.slice(0, 7)}[precision];
}

/// Days and months are there from their first moment to their last.
function span({start, end}, precision) {
  if (precision === 'full') return [Date.parse(start), Date.parse(end)];
  const [year, one, day] = end.split('-').map(Number);
  const after = precision === 'day' ? Date.UTC(year, one - 1, day + 1) : Date.UTC(year, one, 1);
  return [Date.parse(start), after];
}

/// Pieces end at midnight; recordings do not.
function joined(spans) {
  const all = [];
  for (const [start, end] of spans.sort((a, b) => a[0] - b[0])) {
    const last = all[all.length - 1];
    if (last && start - last[1] <= 40) last[1] = Math.max(last[1], end);
    else all.push([start, end]);
  }
  return all;
}
