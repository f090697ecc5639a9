// Entries of the audit log, as people read them.

import assert from 'node:assert/strict';
import {afterEach, test} from 'node:test';
import {entry} from '../../host/console/audited.js';
import {setZone} from '../../host/console/time.js';

afterEach(() => setZone('UTC'));
const told = {time: '2026-11-22T13:00:00.123Z', who: 'guard', from: '192.0.2.7', action: 'view', asset: 'yard', store: 'local', outcome: 'done'};

test('an entry says who did what, when and to which stretch, in the site’s time', () => {
  setZone('Europe/Berlin');
  const one = entry({...told, start: '2026-11-22T12:00:00Z', end: '2026-11-22T12:05:00Z'});
  assert.deepEqual(one, {
    when: '2026-11-22 14:00:00 UTC+1', who: 'guard', from: '192.0.2.7', what: 'Looked', where: 'yard',
    stretch: '2026-11-22 13:00:00 to 13:05:00 UTC+1 (5 min 0 s)', outcome: null, detail: '',
  });
});

test('what nobody said is left out, and one moment is no stretch', () => {
  assert.equal(entry(told).stretch, '');
  assert.equal(entry({...told, start: '2026-11-22T12:00:00Z'}).stretch, '2026-11-22 12:00:00 UTC and all that comes after it');
  assert.equal(entry({...told, end: '2026-11-22T12:00:00Z'}).stretch, 'everything up to 2026-11-22 12:00:00 UTC');
  assert.equal(entry({...told, action: 'snapshot', start: '2026-11-22T12:00:00Z', end: '2026-11-22T12:00:00Z'}).stretch, '2026-11-22 12:00:00 UTC');
  assert.equal(entry({...told, who: ''}).who, 'Anyone');
});

test('cameras, outcomes and words of people stand in it as they are', () => {
  const live = entry({...told, asset: undefined, camera: 'gate/<b>'});
  assert.equal(live.where, 'gate/<b>');
  const refused = entry({...told, action: 'delete', outcome: 'refused', detail: 'hold 1: <img src=x>'});
  assert.deepEqual([refused.what, refused.outcome, refused.detail], ['Deleted', ['bad', 'Refused'], 'hold 1: <img src=x>']);
  assert.deepEqual(entry({...told, action: 'release', outcome: 'begun'}).outcome, ['busy', 'Begun']);
  assert.equal(entry({...told, action: 'of a later host'}).what, 'of a later host');
});
