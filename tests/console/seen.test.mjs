// Where boxes are drawn, and what is asked for so that they can be.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {found, line} from '../../host/console/boxes.js';
import {BRIDGE, NEAR, Seen, between, shown, things} from '../../host/console/seen.js';

const MINUTE = 60000;
const BASE = 1000 * MINUTE;
const box = l => ({l, t: 0.1, w: 0.2, h: 0.3});
const truck = (time, l, id = '7') => ({time: BASE + time, label: 'truck', id, confidence: 0.5 + l / 10, box: box(l)});
const where = (value, ms) => shown([things(value)], BASE + ms).map(one => Number(one.box.l.toFixed(4)));

test('a thing that is followed is drawn on the line between two of its boxes', () => {
  const value = [truck(0, 0.1), truck(1000, 0.5)];
  assert.deepEqual(where(value, 0), [0.1]);
  assert.deepEqual(where(value, 250), [0.2]);
  assert.deepEqual(where(value, 1000), [0.5]);
  assert.equal(between(...value, BASE + 900).confidence, value[1].confidence);
  assert.deepEqual(value[0].box, box(0.1), 'what was seen stays as it was');
});

test('what was away for longer is shown only near the moments at which it was seen', () => {
  const value = [truck(0, 0.1), truck(BRIDGE + 1, 0.5)];
  assert.deepEqual(where(value, NEAR), [0.1]);
  assert.deepEqual(where(value, NEAR + 1), []);
  assert.deepEqual(where(value, BRIDGE + 1 - NEAR), [0.5]);
  assert.deepEqual(where(value, -NEAR), [0.1]);
  assert.deepEqual(where(value, -NEAR - 1), []);
  assert.deepEqual(where([], 0), []);
});

test('things with other names are other things, and what has no name is never moved', () => {
  const two = [truck(0, 0.1), truck(0, 0.6, '8'), truck(1000, 0.3)];
  assert.deepEqual(where(two, 100), [0.12, 0.6]);
  const nameless = [truck(0, 0.1, undefined), truck(0, 0.4, undefined), truck(300, 0.2, undefined)];
  assert.deepEqual(where(nameless, 100), [0.1, 0.4], 'all of the nearest picture');
  assert.deepEqual(where(nameless, 200), [0.2]);
});

test('what goes on over the edge of a stretch is one thing', () => {
  const pieces = [things([truck(0, 0.1)]), things([truck(1000, 0.5)])];
  const [one] = shown(pieces, BASE + 500);
  assert.equal(Number(one.box.l.toFixed(4)), 0.3);
});

test('stored boxes come first, then events, and a sighting only where nothing is known', () => {
  const stored = [truck(0, 0.1)];
  const events = [{time: BASE, subject: 'a', boxes: [{label: 'dog', confidence: 1, box: box(0.2)}]}];
  const sightings = [{label: 'cat', first: BASE - 5000, last: BASE + 5000, best: BASE + 3000, confidence: 0.5, box: box(0.3)}];
  const labels = (...asked) => found(BASE, ...asked).map(one => [one.label, one.sure]);
  assert.deepEqual(labels(stored, events, sightings), [['truck', true]]);
  assert.deepEqual(labels([], events, sightings), [['dog', true]]);
  assert.deepEqual(labels([], [], sightings), [], 'known to be empty');
  assert.deepEqual(labels(null, events, sightings), [['dog', true]]);
  assert.deepEqual(labels(null, [], sightings), [['cat', false]]);
  assert.deepEqual(labels(null, [], [{...sightings[0], best: BASE + NEAR}]), [['cat', true]]);
});

test('a label stands above its box, or below it, or in it, but on the picture', () => {
  assert.ok(line(100, 200, 10, 240) < 100);
  assert.ok(line(2, 200, 10, 240) > 200);
  const whole = line(0, 240, 10, 240);
  assert.ok(whole > 0 && whole < 240);
});

/// A host that remembers what it was asked, and answers when it is told to.
function host(answer) {
  const asked = [];
  const told = [];
  const ask = (start, end) => {
    asked.push([start - BASE, end - BASE]);
    return new Promise((done, failed) => told.push(() => (answer instanceof Error ? failed(answer) : done(answer))));
  };
  const settle = async () => {
    told.splice(0).forEach(tell => tell());
    await new Promise(done => setImmediate(done));
  };
  return {ask, asked, settle};
}

test('stretches are asked for ahead of what is played, once, and nobody knows before they come', async () => {
  const {ask, asked, settle} = host({value: [truck(1000, 0.1)], missing: [], settled: true});
  const seen = new Seen(ask, () => BASE + 100 * MINUTE);
  seen.follow(BASE + 1000);
  seen.follow(BASE + 1100);
  assert.deepEqual(asked, [[0, MINUTE], [-MINUTE, 0]], 'at most two at once');
  assert.equal(seen.at(BASE + 1000), null);
  await settle();
  assert.deepEqual(seen.at(BASE + 1000).map(one => one.label), ['truck']);
  assert.deepEqual(seen.at(BASE + 30000), []);
  seen.follow(BASE + 31000);
  assert.deepEqual(asked.slice(2), [[MINUTE, 2 * MINUTE]]);
  await settle();
  seen.follow(BASE + 31000, 8);
  assert.equal(asked.length, 5, 'who plays faster needs more');
  await settle();
  seen.follow(BASE + 31000, 1);
  assert.equal(asked.length, 5, 'what is settled is not asked for again');
});

test('where something cannot be read nobody knows what was seen', async () => {
  const missing = [{start: BASE + 10000, end: BASE + 20000}];
  const {ask, settle} = host({value: [], missing, settled: false});
  const seen = new Seen(ask, () => BASE + 100 * MINUTE);
  seen.follow(BASE + 5000);
  await settle();
  assert.deepEqual(seen.at(BASE + 9999), []);
  assert.equal(seen.at(BASE + 10000), null);
  assert.deepEqual(seen.at(BASE + 20000), []);
});

test('what still grows is asked for again, and is shown meanwhile; what failed is tried again later', async () => {
  let now = BASE + 5000;
  const growing = host({value: [truck(1000, 0.1)], missing: [], settled: false});
  const seen = new Seen(growing.ask, () => now);
  seen.follow(BASE + 4000);
  await growing.settle();
  assert.equal(growing.asked.length, 1, 'nothing is asked of the future');
  seen.follow(BASE + 4000);
  assert.equal(growing.asked.length, 1);
  now += 3000;
  seen.follow(BASE + 4000);
  assert.equal(growing.asked.length, 2);
  assert.equal(seen.at(BASE + 1000).length, 1);
  const away = host(new Error('away'));
  const unlucky = new Seen(away.ask, () => now);
  unlucky.follow(BASE + 4000);
  await away.settle();
  assert.equal(unlucky.at(BASE + 4000), null);
  now += 4999;
  unlucky.follow(BASE + 4000);
  assert.equal(away.asked.length, 1);
  now += 1;
  unlucky.follow(BASE + 4000);
  assert.equal(away.asked.length, 2);
});

test('only so many stretches are kept, and those that were used last stay', async () => {
  const {ask, asked, settle} = host({value: [], missing: [], settled: true});
  const seen = new Seen(ask, () => BASE + 1000 * MINUTE);
  for (let minute = 0; minute < 100; minute += 1) {
    seen.follow(BASE + minute * MINUTE + 10000);
    await settle();
  }
  assert.ok(seen.kept.size <= 24, String(seen.kept.size));
  assert.notEqual(seen.at(BASE + 99 * MINUTE), null);
  assert.equal(seen.at(BASE), null);
  const before = asked.length;
  seen.follow(BASE + 10000);
  assert.equal(asked.length, before + 1);
});
