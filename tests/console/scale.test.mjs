// The lines of the timeline, on days of 23, 24 and 25 hours and on those that are longer by half an hour.

import assert from 'node:assert/strict';
import {afterEach, test} from 'node:test';
import {Scale} from '../../host/console/scale.js';
import {offsetText, setZone, tick} from '../../host/console/time.js';

const utc = text => Date.parse(text);
const HOUR = 3600000;
afterEach(() => setZone('UTC'));

/// What stands at the lines of a stretch whose lines are about `apart` milliseconds from one another.
function lines(zone, start, end, apart) {
  setZone(zone);
  const scale = new Scale(utc(start), utc(end), 1000);
  const {step, at} = scale.ticks(apart / (utc(end) - utc(start)) * 1000);
  for (let place = 1; place < at.length; place += 1) assert.ok(at[place] > at[place - 1], 'in order, each once');
  return {step, at, words: at.map(ms => tick(ms, step))};
}

test('the day of 25 hours has the hour twice that comes twice, and its lines are an hour apart', () => {
  const {step, at, words} = lines('Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', HOUR);
  assert.equal(step, HOUR);
  assert.equal(at.length, 25);
  assert.deepEqual(words.slice(0, 6), ['00:00', '01:00', '02:00', '02:00', '03:00', '04:00']);
  assert.ok(at.every((ms, place) => place === 0 || ms - at[place - 1] === HOUR));
  assert.deepEqual(at.slice(2, 4).map(offsetText), ['UTC+2', 'UTC+1']);
});

test('the day of 23 hours has no line for the hour that is left out', () => {
  const {at, words} = lines('Europe/Berlin', '2027-03-27T23:00:00Z', '2027-03-28T22:00:00Z', HOUR);
  assert.equal(at.length, 23);
  assert.deepEqual(words.slice(0, 4), ['00:00', '01:00', '03:00', '04:00']);
  assert.ok(at.every((ms, place) => place === 0 || ms - at[place - 1] === HOUR));
});

test('clocks that are changed by half an hour keep their lines at whole hours', () => {
  const autumn = lines('Australia/Lord_Howe', '2026-04-04T13:00:00Z', '2026-04-05T13:30:00Z', HOUR);
  assert.deepEqual(autumn.words.slice(0, 4), ['00:00', '01:00', '02:00', '03:00']);
  assert.equal(autumn.at[2] - autumn.at[1], 1.5 * HOUR);
  assert.equal(autumn.words.length, 24);
  const half = lines('Australia/Lord_Howe', '2026-04-04T14:00:00Z', '2026-04-04T16:30:00Z', HOUR / 2);
  assert.deepEqual(half.words, ['01:00', '01:30', '01:30', '02:00', '02:30']);
  const spring = lines('Australia/Lord_Howe', '2026-10-03T13:30:00Z', '2026-10-04T13:00:00Z', HOUR);
  assert.deepEqual(spring.words.slice(0, 4), ['00:00', '01:00', '03:00', '04:00']);
  assert.equal(spring.at[2] - spring.at[1], 1.5 * HOUR);
});

test('lines that are hours apart stand at the site’s hours on both sides of a change', () => {
  const {step, words} = lines('Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', 5 * HOUR);
  assert.equal(step, 6 * HOUR);
  assert.deepEqual(words, ['00:00', '06:00', '12:00', '18:00']);
});

test('days begin at the site’s midnight, whatever their length', () => {
  const {step, at} = lines('Europe/Berlin', '2026-10-23T12:00:00Z', '2026-10-27T12:00:00Z', 24 * HOUR);
  assert.equal(step, 24 * HOUR);
  assert.deepEqual(at.map(ms => new Date(ms).toISOString()), [
    '2026-10-23T22:00:00.000Z', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z', '2026-10-26T23:00:00.000Z']);
  // In Lebanon clocks go forward at midnight: the day begins at one.
  const spring = lines('Asia/Beirut', '2026-03-27T12:00:00Z', '2026-03-30T12:00:00Z', 24 * HOUR);
  assert.deepEqual(spring.at.map(ms => new Date(ms).toISOString()), [
    '2026-03-27T22:00:00.000Z', '2026-03-28T22:00:00.000Z', '2026-03-29T21:00:00.000Z']);
});

test('months begin at the site’s midnight', () => {
  const {at} = lines('Europe/Berlin', '2026-01-15T00:00:00Z', '2026-06-15T00:00:00Z', 30 * 24 * HOUR);
  assert.deepEqual(at.map(ms => new Date(ms).toISOString().slice(0, 16)), [
    '2026-01-31T23:00', '2026-02-28T23:00', '2026-03-31T22:00', '2026-04-30T22:00', '2026-05-31T22:00']);
});

test('fractions of a second have lines, too, and what is zoomed stays where it was', () => {
  const {step, words} = lines('UTC', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', 200);
  assert.equal(step, 200);
  assert.deepEqual(words, ['00.0', '00.2', '00.4', '00.6', '00.8']);
  const scale = new Scale(0, 10 * HOUR, 500);
  const before = scale.ms(125);
  scale.zoom(0.5, 125);
  assert.equal(scale.ms(125), before);
  assert.equal(scale.span, 5 * HOUR);
});
