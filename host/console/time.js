// Times as people at the site live them: in the host's zone, always with the offset, so that nobody has to guess.
//
// Around the days on which clocks are changed a local time may be two moments, or none. As everywhere in mediagraph: what
// the clock shows twice is meant the first time; what it never shows is meant as much later as was left out.

const DAY = 86400000;
/// As finely as changes of the clock are looked for: none is undone sooner.
const LOOK = DAY / 4;

let zone = 'UTC';
let formats = {};

/// The host's zone, such as `Europe/Berlin`; a name that this browser does not know leaves UTC.
export function setZone(name) {
  formats = {};
  try {
    new Intl.DateTimeFormat('en-GB', {timeZone: name});
    zone = name;
  } catch {
    zone = 'UTC';
  }
}

export function zoneName() {
  return zone;
}

function parts(ms) {
  formats.parts ??= new Intl.DateTimeFormat('en-GB', {
    timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    hourCycle: 'h23', weekday: 'short',
  });
  return Object.fromEntries(formats.parts.formatToParts(ms).map(({type, value}) => [type, value]));
}

/// How far the site's clock is ahead of UTC at a moment, in milliseconds. It differs with summer time.
export function offset(ms) {
  const one = parts(ms);
  const local = Date.UTC(one.year, one.month - 1, one.day, one.hour, one.minute, one.second);
  return local - Math.floor(ms / 1000) * 1000;
}

export function offsetText(ms) {
  const minutes = Math.round(offset(ms) / 60000);
  if (minutes === 0) return 'UTC';
  const [sign, size] = [minutes < 0 ? '−' : '+', Math.abs(minutes)];
  return `UTC${sign}${Math.floor(size / 60)}${size % 60 ? `:${two(size % 60)}` : ''}`;
}

const two = number => String(number).padStart(2, '0');

export function day(ms) {
  const one = parts(ms);
  return `${one.weekday} ${one.year}-${one.month}-${one.day}`;
}

/// `14:02:07`, with tenths when asked for.
export function clock(ms, tenths = false) {
  const one = parts(ms);
  const rest = tenths ? `.${Math.floor(((ms % 1000) + 1000) % 1000 / 100)}` : '';
  return `${one.hour}:${one.minute}:${one.second}${rest}`;
}

/// `2026-11-22 14:02:07 UTC+1`
export function full(ms, tenths = false) {
  const one = parts(ms);
  return `${one.year}-${one.month}-${one.day} ${clock(ms, tenths)} ${offsetText(ms)}`;
}

/// `2026-11-22T14-02-07+0100`: in letters that every disk takes, as the host names files, too.
export function fileStamp(ms) {
  const one = parts(ms);
  const minutes = Math.round(offset(ms) / 60000);
  const ahead = `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}${two(Math.abs(minutes) % 60)}`;
  return `${one.year}-${one.month}-${one.day}T${one.hour}-${one.minute}-${one.second}${ahead}`;
}

/// Only what matters on an axis with lines this far apart.
export function tick(ms, step) {
  const one = parts(ms);
  if (step < 1000) return `${one.second}.${Math.floor(ms % 1000 / 100)}`;
  if (step < 60000) return `${one.hour}:${one.minute}:${one.second}`;
  if (step < DAY) return `${one.hour}:${one.minute}`;
  if (step < 28 * DAY) return `${one.month}-${one.day}`;
  return step < 360 * DAY ? `${one.year}-${one.month}` : one.year;
}

/// The moment at which the site's clock shows `local`, in milliseconds as if it were UTC; and whether it shows that once,
/// twice or never.
export function fromSite(local) {
  const [before, after] = [offset(local - DAY), offset(local + DAY)];
  const found = [local - before, local - after].filter((ms, place) => offset(ms) === [before, after][place]);
  // Never: with the offset from before it is as much later as was left out.
  if (!found.length) return {ms: local - before, times: 0};
  const first = Math.min(...found);
  return {ms: first, times: found.some(ms => ms !== first) ? 2 : 1};
}

/// What a person typed as `2026-11-22T14:02:07`, meant in the site's zone.
export function fromLocal(text) {
  const local = Date.parse(`${text}Z`);
  return Number.isNaN(local) ? NaN : fromSite(local).ms;
}

/// What somebody should know of what they typed; nothing, on nearly all days.
export function noteOf(text) {
  const local = Date.parse(`${text}Z`);
  if (Number.isNaN(local)) return '';
  const {ms, times} = fromSite(local);
  if (times === 2) return `The clock shows this twice; the first time is meant, ${full(ms)}.`;
  return times === 0 ? `The clock never shows this; ${full(ms)} is meant.` : '';
}

/// Stretches from `start` to `end` within which the clock is not changed, in order: `[start, end]`, the end belonging to
/// the next.
export function steady(start, end) {
  const stretches = [];
  let from = start;
  for (let ms = start; ms < end;) {
    const next = Math.min(ms + LOOK, end);
    if (offset(next) !== offset(ms)) {
      const change = changed(ms, next);
      stretches.push([from, change]);
      from = change;
    }
    ms = next;
  }
  if (from < end || !stretches.length) stretches.push([from, end]);
  return stretches;
}

/// The first moment of the new offset, to the second: clocks are changed at a whole one.
function changed(before, after) {
  let [low, high] = [Math.floor(before / 1000), Math.ceil(after / 1000)];
  const old = offset(before);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offset(middle * 1000) === old) low = middle;
    else high = middle;
  }
  return high * 1000;
}

/// For `<input type=datetime-local step=1>`.
export function toLocal(ms) {
  return new Date(Math.floor((ms + offset(ms)) / 1000) * 1000).toISOString().slice(0, 19);
}

export const iso = ms => new Date(ms).toISOString();

/// `3 min 20 s`
export function length(ms) {
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  return `${Math.floor(seconds / 86400)} days`;
}

export function ago(ms) {
  const since = Date.now() - ms;
  return since < 1500 ? 'now' : `${length(since)} ago`;
}
