// What is held and what a deletion takes, in words and in moments.

import assert from 'node:assert/strict';
import {afterEach, test} from 'node:test';
import {beyond, deleted, heldAt, hold, reach, stretch, touching, why} from '../../host/console/holds.js';
import {setZone} from '../../host/console/time.js';

const utc = text => Date.parse(`2026-11-22T${text}Z`);
afterEach(() => setZone('UTC'));

const whole = hold({id: 1, start: undefined, end: undefined, who: '', reason: '', since: '2026-11-22T08:00:00Z'});
const part = hold({id: 2, start: '2026-11-22T13:00:00.000Z', end: '2026-11-22T13:05:00.000Z', who: 'desk', reason: 'case <12>', since: '2026-11-22T14:00:00Z', until: '2026-12-01T00:00:00Z'});

test('a hold without ends is held for ever, before and after', () => {
  assert.deepEqual([whole.start, whole.end, whole.until], [-Infinity, Infinity, null]);
  assert.deepEqual([part.start, part.end], [utc('13:00:00'), utc('13:05:00')]);
  assert.equal(part.until, Date.parse('2026-12-01T00:00:00Z'));
});

test('what touches at its ends alone does not reach into a stretch', () => {
  const ids = (start, end) => touching([whole, part], utc(start), utc(end)).map(one => one.id);
  assert.deepEqual(ids('12:00:00', '13:00:00'), [1]);
  assert.deepEqual(ids('12:00:00', '13:00:01'), [1, 2]);
  assert.deepEqual(ids('13:04:59', '14:00:00'), [1, 2]);
  assert.deepEqual(ids('13:05:00', '14:00:00'), [1]);
});

test('who holds it and why is said where it is held, as it was written', () => {
  assert.equal(why(whole), 'Hold 1');
  assert.equal(why(part), 'Hold 2 of desk: case <12>');
  assert.equal(heldAt([whole, part], utc('13:04:59')), 'Hold 1; Hold 2 of desk: case <12>');
  assert.equal(heldAt([part], utc('13:05:00')), '');
});

test('a stretch is said in the site’s time, its day and offset once when they are the same', () => {
  setZone('Europe/Berlin');
  assert.equal(stretch(utc('13:00:00'), utc('13:05:00')), '2026-11-22 14:00:00 to 14:05:00 UTC+1 (5 min 0 s)');
  assert.equal(stretch(utc('13:00:00') + 250, utc('13:00:05'), true), '2026-11-22 14:00:00.2 to 14:00:05.0 UTC+1 (4.8 s)');
  assert.equal(stretch(utc('22:59:00'), utc('23:01:00')), '2026-11-22 23:59:00 UTC+1 to 2026-11-23 00:01:00 UTC+1 (2 min 0 s)');
  const [before, after] = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'].map(Date.parse);
  assert.equal(stretch(before, after), '2026-10-25 02:30:00 UTC+2 to 2026-10-25 02:30:00 UTC+1 (1 h 0 min)');
});

test('open ends are said, too', () => {
  assert.equal(stretch(-Infinity, Infinity), 'everything, and what is to come');
  assert.equal(stretch(utc('13:00:00'), Infinity), '2026-11-22 13:00:00 UTC and all that comes after it');
  assert.equal(stretch(-Infinity, utc('13:00:00')), 'everything up to 2026-11-22 13:00:00 UTC');
});

test('a deletion takes whole segments, all that reach into the stretch, and nothing where nothing is', () => {
  const known = [['13:00:00', '13:00:04'], ['13:00:04', '13:00:05.5'], ['13:01:00', '13:01:04']].map(([from, to]) => ({start: utc(from), end: utc(to)}));
  const taken = (from, to) => reach(known, utc(from), utc(to));
  assert.deepEqual(taken('13:00:03', '13:00:05'), [utc('13:00:00'), utc('13:00:05.5')]);
  assert.deepEqual(taken('13:00:04', '13:00:05'), [utc('13:00:04'), utc('13:00:05.5')], 'the one that ends there stays');
  assert.deepEqual(taken('13:00:30', '13:01:01'), [utc('13:01:00'), utc('13:01:04')]);
  assert.equal(taken('13:00:10', '13:00:50'), null);
});

test('how much more goes is said, and nothing when it is the same', () => {
  const asked = [utc('13:00:03'), utc('13:00:05')];
  assert.equal(beyond([utc('13:00:00'), utc('13:00:05.5')], asked), 'Recordings go in whole segments, so this goes, too: 3.0 s before it and 0.5 s behind it.');
  assert.equal(beyond([utc('13:00:03'), utc('13:00:17')], asked), 'Recordings go in whole segments, so this goes, too: 12 s behind it.');
  assert.equal(beyond(asked, asked), '');
  assert.equal(beyond([utc('13:00:04'), utc('13:00:04.5')], asked), '', 'less is there than was asked for');
});

test('what was deleted is said as the host says it', () => {
  const told = {segments: 1, bytes: 1_250_000, start: '2026-11-22T13:00:00.000Z', end: '2026-11-22T13:00:04.000Z', stillRecording: false};
  assert.equal(deleted(told), 'Deleted: 2026-11-22 13:00:00.0 to 13:00:04.0 UTC (4.0 s), 1 segment, 1.3 MB.');
  assert.match(deleted({...told, segments: 3, stillRecording: true}), /3 segments, 1\.3 MB\. What is being recorded just now stays/);
  assert.equal(deleted({segments: 0, bytes: 0, stillRecording: false}), 'Nothing was there to be deleted.');
});
