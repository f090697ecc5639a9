// Links that are renewed before they end, by a clock of the test's own.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Renewed} from '../../host/console/renewal.js';

const MINUTE = 60000;
const LIFETIME = 60 * MINUTE;

/// A clock whose timers run when the test says so.
class Clock {
  constructor() {
    this.ms = 1000;
    this.timers = new Map();
    this.count = 0;
  }

  get options() {
    return {
      now: () => this.ms,
      later: (then, ms) => {
        this.count += 1;
        this.timers.set(this.count, {at: this.ms + ms, then});
        return this.count;
      },
      never: timer => this.timers.delete(timer),
    };
  }

  /// Lets time pass; what is due runs at its time, one behind the other.
  async pass(ms) {
    const end = this.ms + ms;
    for (;;) {
      const due = [...this.timers].filter(([, one]) => one.at <= end).sort(([, one], [, other]) => one.at - other.at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.ms = Math.max(this.ms, due[1].at);
      due[1].then();
      await settled();
    }
    this.ms = end;
  }

  /// As when a machine sleeps: time passes, and no timer runs.
  sleep(ms) {
    this.ms += ms;
  }
}

const settled = () => new Promise(done => setImmediate(done));

/// What the host answers: the next of `answers`, or another link when there is none.
function host(clock, answers = []) {
  const seen = {made: [], used: [], failed: []};
  const make = async () => {
    seen.made.push(clock.ms);
    const answer = answers.shift();
    if (answer) throw answer;
    return `link ${seen.made.length}`;
  };
  const renewed = new Renewed(make, LIFETIME, {...clock.options, changed: link => seen.used.push(link), failed: error => seen.failed.push(error)});
  return {renewed, seen};
}

const refused = status => Object.assign(new Error('no'), {status});

test('a link is renewed again and again, each time while the last one counts for long enough', async () => {
  const clock = new Clock();
  const {renewed, seen} = host(clock);
  await renewed.start();
  assert.deepEqual(seen.used, ['link 1']);
  await clock.pass(39 * MINUTE);
  assert.equal(seen.made.length, 1, 'not before it is needed');
  await clock.pass(5 * 60 * MINUTE);
  const apart = seen.made.slice(1).map((ms, place) => ms - seen.made[place]);
  assert.deepEqual(new Set(apart), new Set([40 * MINUTE]));
  assert.equal(seen.used.at(-1), `link ${seen.made.length}`);
  assert.deepEqual(seen.failed, []);
});

test('nothing is asked for any more when it is stopped, and an answer that comes later is not used', async () => {
  const clock = new Clock();
  const {renewed, seen} = host(clock);
  const starting = renewed.start();
  renewed.stop();
  await starting;
  await clock.pass(3 * LIFETIME);
  assert.deepEqual([seen.made.length, seen.used], [1, []]);
  const second = host(clock);
  await second.renewed.start();
  second.renewed.stop();
  second.renewed.look();
  await clock.pass(3 * LIFETIME);
  assert.equal(second.seen.made.length, 1);
});

test('the first one that cannot be made is told to whoever asked', async () => {
  const clock = new Clock();
  const {renewed, seen} = host(clock, [refused(403)]);
  await assert.rejects(renewed.start(), {status: 403});
  await clock.pass(3 * LIFETIME);
  assert.deepEqual([seen.made.length, seen.failed], [1, []]);
});

test('a host that is away is asked again, more and more seldom, and then goes on as before', async () => {
  const clock = new Clock();
  const {renewed, seen} = host(clock, [null, refused(0), refused(503), refused(0)]);
  await renewed.start();
  const begin = seen.made[0];
  await clock.pass(41 * MINUTE);
  assert.deepEqual(seen.made.map(ms => ms - begin), [0, ...[0, 2000, 6000, 14000].map(ms => 40 * MINUTE + ms)]);
  assert.deepEqual([seen.used.length, seen.failed], [2, []]);
  await clock.pass(40 * MINUTE);
  assert.equal(seen.used.length, 3);
});

test('a host that stays away is given up when the link is over, and this is said once', async () => {
  const clock = new Clock();
  const {renewed, seen} = host(clock, [null, ...Array.from({length: 200}, () => refused(0))]);
  await renewed.start();
  await clock.pass(2 * LIFETIME);
  assert.deepEqual([seen.used.length, seen.failed.length], [1, 1]);
  const last = seen.made.at(-1) - seen.made[0];
  assert.ok(last >= LIFETIME && last < LIFETIME + 2 * MINUTE, `${last}`);
  assert.ok(seen.made.length < 40, 'it is not asked all the time');
});

test('a refusal is final: it would be the same the next time', async () => {
  const clock = new Clock();
  const {renewed, seen} = host(clock, [null, refused(404)]);
  await renewed.start();
  await clock.pass(3 * LIFETIME);
  assert.deepEqual([seen.made.length, seen.failed.map(one => one.status)], [2, [404]]);
});

test('a machine that slept renews as soon as somebody looks, once', async () => {
  const clock = new Clock();
  const {renewed, seen} = host(clock);
  await renewed.start();
  renewed.look();
  assert.equal(seen.made.length, 1, 'it counts for long');
  clock.sleep(50 * MINUTE);
  renewed.look();
  renewed.look();
  await settled();
  assert.deepEqual(seen.used, ['link 1', 'link 2']);
  await clock.pass(39 * MINUTE);
  assert.equal(seen.made.length, 2, 'the timer that was missed is none any more');
  await clock.pass(2 * MINUTE);
  assert.equal(seen.made.length, 3);
});
