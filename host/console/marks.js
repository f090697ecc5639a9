// What a timeline marks besides what is there: why the rest is missing, what was seen, what happened.

import {at, get, list} from './api.js';
import {iso} from './time.js';
import {follow} from './sse.js';

/// Events that are kept for the timeline; older ones go first.
const MOST_EVENTS = 4000;
/// Pages of one answer of what was seen; what is beyond is not known.
const MOST_PAGES = 4;
/// How far back and ahead to look for the next thing, in milliseconds.
const REACH = [3600000, 86400000, 31 * 86400000, 366 * 86400000];

/// Why a stretch is missing, in words.
export const CAUSES = {
  camera: 'The camera sent nothing',
  disk: 'The disk refused to store',
  cacheFull: 'The cache was full',
  heldFull: 'What is held left no room',
  keepFree: 'The disk was nearly full',
  retention: 'Removed after its time',
  deleted: 'Deleted',
  crash: 'The host was stopped hard',
  damaged: 'Damaged on the disk',
  notRecorded: 'Nothing was recorded',
};

export async function gaps(asset, store, start, end) {
  const {value} = await get(at('assets', asset, 'gaps'), {startTime: iso(start), endTime: iso(end), store});
  return value.map(gap => ({start: Date.parse(gap.start), end: Date.parse(gap.end), cause: gap.cause}));
}

function seen(found) {
  const moments = {first: Date.parse(found.first), last: Date.parse(found.last), best: Date.parse(found.best)};
  return {...found, ...moments};
}

/// What was seen between two moments, by first sight.
export async function detections(query, start, end, {signal, pages = 3} = {}) {
  const asked = {...query, since: iso(start), until: iso(end), $top: 1000};
  const {value, more} = await list('api/detections', asked, {signal, pages});
  return {value: value.map(seen), more};
}

/// What was seen between two moments, picture by picture, as it is stored; and where that cannot be read.
export async function stored(asset, store, start, end, signal) {
  const found = {value: [], missing: [], settled: true};
  let continuationToken;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await get(at('assets', asset, 'detections'), {startTime: iso(start), endTime: iso(end), store, continuationToken}, signal);
    found.value.push(...answer.value.map(one => ({...one, time: Date.parse(one.time)})));
    found.missing.push(...answer.missing.map(one => ({start: Date.parse(one.start), end: Date.parse(one.end)})));
    found.settled &&= answer.settled;
    continuationToken = answer['@continuationToken'];
    if (!continuationToken) return found;
  }
  const last = found.value[found.value.length - 1];
  found.missing.push({start: last ? last.time : start, end});
  return found;
}

/// The next one of a label after a moment (or the one before it, `ahead` being false), in any recording that `fits`.
export async function nextDetection(label, moment, ahead, fits) {
  for (const reach of REACH) {
    const [start, end] = ahead ? [moment, moment + reach] : [moment - reach, moment];
    if (ahead && start > Date.now()) return null;
    const {value} = await detections({label}, start, Math.min(end, Date.now() + 1000), {pages: ahead ? 1 : 10});
    const others = value.filter(one => fits(one) && (ahead ? one.first > moment : one.first < moment));
    if (others.length) return ahead ? others[0] : others[others.length - 1];
    if (ahead && end > Date.now()) return null;
  }
  return null;
}

/// Follows the events of an instance from the oldest that is kept. `changed` is called when there are more.
export function events(instance, signal, changed) {
  const kept = [];
  const tell = ({type, data}) => {
    const time = Date.parse(data.eventTime);
    if (Number.isNaN(time)) return;
    kept.push({time, type, subject: data.subject, boxes: boxes(data)});
    if (kept.length > MOST_EVENTS) kept.splice(0, MOST_EVENTS / 10);
    changed();
  };
  follow({instance, lastEventId: 0}, {signal, tell});
  return kept;
}

/// The boxes that an analytics event tells of: fractions of the picture.
function boxes(event) {
  const inferences = event.data?.inferences ?? event.inferences;
  if (!Array.isArray(inferences)) return [];
  return inferences.flatMap(({entity, motion}) => {
    const box = entity?.box ?? motion?.box;
    return box ? [{box, label: String(entity?.tag?.value ?? 'motion'), confidence: entity?.tag?.confidence ?? 1, id: entity?.id}] : [];
  });
}
