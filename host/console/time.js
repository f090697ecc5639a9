// Times as people at the site live them: in the host's zone, always with the offset, so that nobody has to guess.

let zone = 'UTC';
let formats = {};

/// The host's zone, such as `Europe/Berlin`; a name that this browser does not know leaves UTC.
export function setZone(name) {
  try {
    new Intl.DateTimeFormat('en-GB', {timeZone: name});
    zone = name;
    formats = {};
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

/// Only what matters on an axis with lines this far apart.
export function tick(ms, step) {
  const one = parts(ms);
  if (step < 1000) return `${one.second}.${Math.floor(ms % 1000 / 100)}`;
  if (step < 60000) return `${one.hour}:${one.minute}:${one.second}`;
  if (step < 86400000) return `${one.hour}:${one.minute}`;
  if (step < 28 * 86400000) return `${one.month}-${one.day}`;
  return step < 360 * 86400000 ? `${one.year}-${one.month}` : one.year;
}

/// What a person typed as `2026-11-22T14:02:07`, meant in the site's zone. An hour that does not exist in spring
/// becomes the one after it; one that comes twice in autumn is the first.
export function fromLocal(text) {
  const guess = Date.parse(`${text}Z`);
  if (Number.isNaN(guess)) return NaN;
  const before = guess - offset(guess - 86400000);
  return before + offset(before) === guess ? before : guess - offset(guess - offset(guess));
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
