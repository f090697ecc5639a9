// The site's time in the console, on the days on which clocks are changed. `node --test tests/console`

import assert from 'node:assert/strict';
import {afterEach, test} from 'node:test';
import * as time from '../../host/console/time.js';

const utc = text => Date.parse(text);
const of = (zone, then) => {
  time.setZone(zone);
  return then();
};
afterEach(() => time.setZone('UTC'));

test('times are those of the site, with their offset', () => {
  of('Europe/Berlin', () => {
    assert.equal(time.full(utc('2026-11-22T13:02:07.450Z'), true), '2026-11-22 14:02:07.4 UTC+1');
    assert.equal(time.full(utc('2026-07-01T10:00:00Z')), '2026-07-01 12:00:00 UTC+2');
    assert.equal(time.fileStamp(utc('2026-11-22T13:02:07Z')), '2026-11-22T14-02-07+0100');
    assert.equal(time.fromLocal('2026-11-22T14:02:07'), utc('2026-11-22T13:02:07Z'));
    assert.equal(time.toLocal(utc('2026-11-22T13:02:07Z')), '2026-11-22T14:02:07');
  });
  of('Australia/Lord_Howe', () => {
    assert.equal(time.offsetText(utc('2026-07-01T00:00:00Z')), 'UTC+10:30');
    assert.equal(time.fileStamp(utc('2026-07-01T00:00:00Z')), '2026-07-01T10-30-00+1030');
  });
  of('America/St_Johns', () => {
    assert.equal(time.offsetText(utc('2026-01-01T12:00:00Z')), 'UTC−3:30');
    assert.equal(time.fileStamp(utc('2026-01-01T12:00:00Z')), '2026-01-01T08-30-00-0330');
  });
  of('UTC', () => assert.equal(time.offsetText(0), 'UTC'));
});

test('a zone that the browser does not know leaves UTC', () => {
  of('Europe/Berlin', () => assert.equal(time.offset(0), 3600000));
  of('Mars/Olympus', () => {
    assert.equal(time.zoneName(), 'UTC');
    assert.equal(time.offset(0), 0);
  });
});

test('what the clock shows twice is meant the first time, and a note says so', () => {
  of('Europe/Berlin', () => {
    assert.equal(time.fromLocal('2026-10-25T01:59:59'), utc('2026-10-24T23:59:59Z'));
    assert.equal(time.fromLocal('2026-10-25T02:00:00'), utc('2026-10-25T00:00:00Z'));
    assert.equal(time.fromLocal('2026-10-25T02:30:00'), utc('2026-10-25T00:30:00Z'));
    assert.equal(time.fromLocal('2026-10-25T03:00:00'), utc('2026-10-25T02:00:00Z'));
    assert.equal(time.noteOf('2026-10-25T02:30:00'), 'The clock shows this twice; the first time is meant, 2026-10-25 02:30:00 UTC+2.');
    assert.equal(time.noteOf('2026-10-25T01:59:59'), '');
    assert.equal(time.noteOf('2026-10-25T03:00:00'), '');
  });
  of('Australia/Lord_Howe', () => {
    // From 01:30 to 02:00.
    assert.equal(time.fromLocal('2026-04-05T01:29:00'), utc('2026-04-04T14:29:00Z'));
    assert.equal(time.fromLocal('2026-04-05T01:45:00'), utc('2026-04-04T14:45:00Z'));
    assert.equal(time.fromLocal('2026-04-05T02:00:00'), utc('2026-04-04T15:30:00Z'));
    assert.match(time.noteOf('2026-04-05T01:45:00'), /twice/);
    assert.equal(time.noteOf('2026-04-05T01:29:00'), '');
  });
});

test('what the clock never shows is meant as much later, and a note says so', () => {
  of('Europe/Berlin', () => {
    assert.equal(time.fromLocal('2027-03-28T01:59:00'), utc('2027-03-28T00:59:00Z'));
    assert.equal(time.fromLocal('2027-03-28T02:30:00'), utc('2027-03-28T01:30:00Z'));
    assert.equal(time.fromLocal('2027-03-28T03:30:00'), utc('2027-03-28T01:30:00Z'));
    assert.equal(time.noteOf('2027-03-28T02:30:00'), 'The clock never shows this; 2027-03-28 03:30:00 UTC+2 is meant.');
    assert.equal(time.noteOf('2027-03-28T03:00:00'), '');
  });
  of('Australia/Lord_Howe', () => {
    assert.equal(time.fromLocal('2026-10-04T02:15:00'), utc('2026-10-03T15:45:00Z'));
    assert.match(time.noteOf('2026-10-04T02:15:00'), /02:45:00 UTC\+11 is meant/);
    assert.equal(time.noteOf('2026-10-04T02:30:00'), '');
  });
  assert.ok(Number.isNaN(time.fromLocal('')));
  assert.equal(time.noteOf('soon'), '');
});

test('every moment of the year is read back from its local time, but for what comes twice', () => {
  for (const zone of ['Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns', 'UTC']) {
    of(zone, () => {
      for (let ms = utc('2026-01-01T00:10:00Z'); ms < utc('2027-01-01T00:00:00Z'); ms += 2 * 3600000 + 7000) {
        const text = time.toLocal(ms);
        const back = time.fromLocal(text);
        if (back !== ms) assert.match(time.noteOf(text), /twice/, `${zone} ${text}`);
      }
    });
  }
});

test('changes of the clock part what is steady', () => {
  of('Europe/Berlin', () => {
    const [start, end] = [utc('2026-10-24T12:00:00Z'), utc('2026-10-26T12:00:00Z')];
    const change = utc('2026-10-25T01:00:00Z');
    assert.deepEqual(time.steady(start, end), [[start, change], [change, end]]);
    assert.deepEqual(time.steady(change, end), [[change, end]]);
    assert.deepEqual(time.steady(start, change), [[start, change]]);
    assert.equal(time.steady(utc('2026-01-01T00:00:00Z'), utc('2027-01-01T00:00:00Z')).length, 3);
  });
  of('Australia/Lord_Howe', () => {
    const change = utc('2026-10-03T15:30:00Z');
    assert.deepEqual(time.steady(change - 250, change + 250), [[change - 250, change], [change, change + 250]]);
  });
});
