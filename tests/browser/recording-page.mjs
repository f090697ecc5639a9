// What the page of a recording shows: read from the pixels and elements that a viewer sees.

import {POLL, SOON, ask, until} from './browser.mjs';

/// So often the tabulator is pressed to come to something.
const MOST = 80;

/// In the page: the number that stands in the picture, the clock, and the boxes with where they are on the screen.
function look() {
  const FIELDS = 16;
  const video = document.querySelector('video');
  if (!video || video.seeking || video.readyState < 2 || !video.paused) return null;
  const {videoWidth: width, videoHeight: height} = video;
  const pen = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
  pen.drawImage(video, 0, 0);
  const colour = (x, y) => [...pen.getImageData(Math.round(x), Math.round(y), 1, 1).data].slice(0, 3);
  const field = digit => colour((digit + 0.5) * width / FIELDS, height * 17 / 18)[0] > 128;
  const number = Array.from({length: FIELDS}, (_, digit) => (field(digit) ? 2 ** digit : 0)).reduce((sum, one) => sum + one);
  const boxes = [...document.querySelectorAll('.boxes .box')].map(box => {
    const rect = box.querySelector('rect');
    const [x, y, wide, high] = ['x', 'y', 'width', 'height'].map(name => Number(rect.getAttribute(name)));
    const {left, top, right, bottom} = rect.getBoundingClientRect();
    const inside = [colour(x + 3, y + 3), colour(x + wide - 3, y + high - 3)];
    const outside = [colour(x - 4, y + high / 2), colour(x + wide + 4, y + high / 2)];
    return {text: box.textContent, unsure: box.classList.contains('unsure'), at: [x, y, wide, high], screen: [left, top, right, bottom], inside, outside};
  });
  const {left, top, right, bottom} = video.getBoundingClientRect();
  const clock = document.querySelector('.clock').textContent;
  const [, day, time] = /^(\S+) (\S+) UTC\+1$/.exec(clock) ?? [];
  return {number, clock, said: Date.parse(`${day}T${time}+01:00`), boxes, size: [width, height], video: [left, top, right, bottom], note: document.querySelector('.note').textContent};
}

/// Waits until a picture stands still that fits, and tells what is seen with it.
export async function shown(page, [first, end]) {
  const fitting = seen => seen && seen.number >= first && seen.number < end && Number.isFinite(seen.said);
  const deadline = Date.now() + SOON;
  let before;
  for (;;) {
    const seen = await ask(page, look);
    // Boxes and clock follow the picture with the next frame of the screen, so the same must be seen twice.
    if (fitting(seen) && JSON.stringify(seen) === JSON.stringify(before)) return seen;
    if (Date.now() > deadline) throw new Error(`no picture from ${first} to ${end}, but ${JSON.stringify(seen)}`);
    before = seen;
    await new Promise(done => setTimeout(done, POLL));
  }
}

/// Goes to a picture and waits until it stands still. Before the timeline is measured: the line of the shown moment hides what is
/// below it, so that an edge is seen elsewhere while the line crosses it.
export async function stillAt(page, {go, pictures}) {
  await page.getByLabel('Go to').fill(go);
  return shown(page, pictures);
}

/// In the page: from where to where a row of the timeline has a colour, in pixels; that of media, if nothing else is said.
export function row(colour = 'media', y = 55) {
  // The line of the shown moment hides less than this of what is below it.
  const LINE = 6;
  const canvas = document.querySelector('canvas.timeline');
  const wanted = getComputedStyle(canvas).getPropertyValue(`--${colour}`).match(/[0-9a-f]{2}/g).map(part => parseInt(part, 16));
  const copy = new OffscreenCanvas(canvas.width, 1).getContext('2d', {willReadFrequently: true});
  const density = canvas.width / canvas.clientWidth;
  copy.drawImage(canvas, 0, -Math.round(y * density));
  const {data} = copy.getImageData(0, 0, canvas.width, 1);
  const runs = [];
  for (let x = 0; x < canvas.width; x += 1) {
    const off = wanted.reduce((sum, value, channel) => sum + Math.abs(value - data[x * 4 + channel]), 0);
    if (off > 12) continue;
    const last = runs.at(-1);
    if (last && x / density - last[1] < LINE) last[1] = (x + 1) / density;
    else runs.push([x / density, (x + 1) / density]);
  }
  return {width: canvas.clientWidth, runs};
}

/// Waits until the timeline shows so many stretches.
export async function stretches(page, count) {
  await until(page, `${count} stretches`, `wanted => (${row})().runs.length === wanted`, count);
  return ask(page, row);
}

/// Presses the tabulator until the focus is where it should be.
export async function tabTo(page, what, fits, key = 'Tab') {
  for (let press = 1; press <= MOST; press += 1) {
    await page.keyboard.press(key);
    if (await ask(page, `what => (${fits})(document.activeElement, what)`, what)) return press;
  }
  throw new Error(`the tabulator never comes to ${what}`);
}

export const named = (element, name) => element.matches('a, button') && element.textContent.trim().startsWith(name);
export const matching = (element, selector) => element.matches(selector);
