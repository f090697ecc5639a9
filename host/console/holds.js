// What is held, and what a deletion takes: arithmetic and words without a screen.

import {clock, day, full, length, offsetText} from './time.js';

/// Less than this is no difference that anybody sees, in milliseconds.
const NEARLY = 50;

/// A hold as the host tells it, with its moments in milliseconds; what is open reaches to `-Infinity` or `Infinity`.
export function hold(told) {
  const {start, end, since, until} = told;
  return {
    ...told,
    start: start ? Date.parse(start) : -Infinity,
    end: end ? Date.parse(end) : Infinity,
    since: Date.parse(since),
    until: until ? Date.parse(until) : null,
  };
}

/// Those that reach into a stretch.
export function touching(holds, start, end) {
  return holds.filter(one => one.start < end && one.end > start);
}

/// A stretch in words, to the second or to tenths of it. The day is said once where it is the same, and so is the offset.
export function stretch(start, end, tenths = false) {
  const [first, last] = [start, end].map(ms => (Number.isFinite(ms) ? full(ms, tenths) : ''));
  if (first && last) {
    const same = day(start) === day(end) && offsetText(start) === offsetText(end);
    const begins = same ? first.slice(0, -offsetText(start).length - 1) : first;
    return `${begins} to ${same ? `${clock(end, tenths)} ${offsetText(end)}` : last} (${length(end - start)})`;
  }
  if (first) return `${first} and all that comes after it`;
  return last ? `everything up to ${last}` : 'everything, and what is to come';
}

/// Why something is held, for a place on the timeline. Names and reasons are the words of people.
export function why({id, who, reason}) {
  const by = who ? `Hold ${id} of ${who}` : `Hold ${id}`;
  return reason ? `${by}: ${reason}` : by;
}

/// What is held at a moment, in words; nothing when it is not.
export function heldAt(holds, ms) {
  return touching(holds, ms, ms + 1).map(why).join('; ');
}

/// From where to where a deletion of a stretch takes: whole segments, all that reach into it. Null: nothing of it is there.
export function reach(known, start, end) {
  const taken = touching(known, start, end);
  if (!taken.length) return null;
  return [Math.min(...taken.map(one => one.start)), Math.max(...taken.map(one => one.end))];
}

/// How much more goes than was asked for, in words; nothing when it is as good as the same.
export function beyond([first, last], [start, end]) {
  const sides = [[start - first, 'before'], [last - end, 'behind']].filter(([ms]) => ms > NEARLY);
  if (!sides.length) return '';
  const words = sides.map(([ms, side]) => `${length(ms)} ${side} it`).join(' and ');
  return `Recordings go in whole segments, so this goes, too: ${words}.`;
}

/// What the host says of a deletion, in words.
export function deleted({segments: count, bytes, start, end, stillRecording}) {
  const open = stillRecording ? ' What is being recorded just now stays: delete again in a minute or two, when that segment is closed.' : '';
  if (!count) return `Nothing was there to be deleted.${open}`;
  const size = `${count} ${count === 1 ? 'segment' : 'segments'}, ${(bytes / 1e6).toFixed(1)} MB`;
  return `Deleted: ${stretch(Date.parse(start), Date.parse(end), true)}, ${size}.${open}`;
}
