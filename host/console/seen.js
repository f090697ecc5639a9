// What was seen, picture by picture, as it is stored with the recording. Asked for in stretches a little ahead of what is
// played, and kept for a while. Nothing here knows of a screen.

/// How much is asked for at a time, in milliseconds.
const STRETCH = 60000;
/// Stretches that are kept; the one that was not used for longest goes first.
const MOST = 24;
/// Stretches that are asked for at once.
const AT_ONCE = 2;
/// What may still grow is asked for again after this, in milliseconds.
const FRESH = 3000;
/// What could not be had is asked for again after this, in milliseconds.
const AGAIN = 5000;
/// How far from its moment a box still counts as where the thing is, in milliseconds.
export const NEAR = 400;
/// Between two boxes of one thing that are no further apart than this, it is drawn on the line between them.
export const BRIDGE = 1500;

export class Seen {
  /// `ask(start, end)`: what was seen between two moments, as `{value, missing, settled}` with times in milliseconds.
  constructor(ask, now = Date.now) {
    Object.assign(this, {ask, now});
    this.kept = new Map();
    this.asking = 0;
  }

  /// Fetches what is needed around a moment that is played at a speed.
  follow(ms, speed = 1) {
    const place = Math.floor(ms / STRETCH);
    const ahead = Math.floor((ms + STRETCH * Math.max(0.5, speed / 2)) / STRETCH);
    // What was seen at the edge of a stretch goes on in its neighbour.
    const wanted = [place, Math.floor((ms - BRIDGE) / STRETCH), Math.floor((ms + BRIDGE) / STRETCH)];
    for (let next = place + 1; next <= ahead; next += 1) wanted.push(next);
    for (const one of new Set(wanted)) this.fetch(one);
  }

  fetch(place) {
    const now = this.now();
    if (this.asking >= AT_ONCE || place * STRETCH > now) return;
    const known = this.kept.get(place);
    if (known) {
      // Used again: it goes last.
      this.kept.delete(place);
      this.kept.set(place, known);
      const wait = known.failed ? AGAIN : FRESH;
      if (known.pending || known.settled || now - known.asked < wait) return;
    }
    const piece = {...known, asked: now, pending: true, settled: false};
    this.kept.set(place, piece);
    if (this.kept.size > MOST) this.kept.delete(this.kept.keys().next().value);
    this.asking += 1;
    this.ask(place * STRETCH, (place + 1) * STRETCH)
      .then(({value, missing, settled}) => Object.assign(piece, {things: things(value), missing, settled, failed: false}))
      .catch(() => Object.assign(piece, {failed: true}))
      .finally(() => {
        piece.pending = false;
        this.asking -= 1;
      });
  }

  /// What is where at a moment; null when nobody knows: it has not come yet, or cannot be read.
  at(ms) {
    const place = Math.floor(ms / STRETCH);
    const piece = this.kept.get(place);
    if (!piece?.things || piece.missing.some(({start, end}) => ms >= start && ms < end)) return null;
    const beside = [Math.floor((ms - BRIDGE) / STRETCH), Math.floor((ms + BRIDGE) / STRETCH)];
    const pieces = [...new Set([beside[0], place, beside[1]])].map(one => this.kept.get(one)?.things).filter(Boolean);
    return shown(pieces, ms);
  }
}

/// By label and name, each as moments in the order of time. What has a name is followed; the rest is one crowd for each label.
export function things(value) {
  const all = new Map();
  for (const one of value) {
    const key = JSON.stringify([one.label, one.id ?? null]);
    if (!all.has(key)) all.set(key, []);
    const moments = all.get(key);
    const last = moments[moments.length - 1];
    if (last?.time === one.time) last.boxes.push(one);
    else moments.push({time: one.time, boxes: [one]});
  }
  return all;
}

/// What is where at a moment, of pieces in the order of time.
export function shown(pieces, ms) {
  const found = [];
  for (const key of new Set(pieces.flatMap(things => [...things.keys()]))) {
    const [before, after] = beside(pieces.map(things => things.get(key) ?? []), ms);
    if (joined(before, after)) found.push(between(before.boxes[0], after.boxes[0], ms));
    else found.push(...nearest(before, after, ms));
  }
  return found;
}

/// Whether two moments are of one thing that was there all the time.
function joined(before, after) {
  if (!before || !after || after.time - before.time > BRIDGE) return false;
  return before.boxes[0].id !== undefined && before.boxes.length === 1 && after.boxes.length === 1;
}

/// The last one at or before a moment, and the first one behind it.
function beside(lists, ms) {
  let before;
  let after;
  for (const list of lists) {
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle].time <= ms) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && (!before || list[low - 1].time >= before.time)) before = list[low - 1];
    if (low < list.length && (!after || list[low].time < after.time)) after = list[low];
  }
  return [before, after];
}

/// All that were seen in the nearest picture: of what has no name there may be several.
function nearest(before, after, ms) {
  const near = [before, after].filter(one => one && Math.abs(one.time - ms) <= NEAR);
  near.sort((one, other) => Math.abs(one.time - ms) - Math.abs(other.time - ms));
  return near[0]?.boxes ?? [];
}

/// On the line between two boxes of one thing, in proportion to the time.
export function between(before, after, ms) {
  const part = (ms - before.time) / (after.time - before.time);
  const near = part < 0.5 ? before : after;
  const box = Object.fromEntries(Object.keys(before.box).map(side => [side, before.box[side] + (after.box[side] - before.box[side]) * part]));
  return {...near, box, time: ms};
}
