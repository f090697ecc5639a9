// One who uses the console with the keyboard alone: signs in, turns a graph on, looks at a recording, jumps, saves a stretch. Then
// with the pointer, at the timeline.

import {join} from 'node:path';
import {SOON, complaints, input, tell, until, withBrowser} from './browser.mjs';
import {matching, named, row, shown, stillAt, stretches, tabTo} from './recording-page.mjs';

/// Letters of a page that are told when something went wrong.
const MOST_TOLD = 1500;

const {host, token, asset, instance, folder, labels, looks} = input;

async function signIn(page) {
  await page.goto(`${host}/`);
  await page.waitForSelector('form.sign-in', {timeout: SOON});
  await page.keyboard.type('not a token');
  await page.keyboard.press('Enter');
  await until(page, 'a refusal', () => document.querySelector('.sign-in .wrong')?.textContent);
  const refused = await page.textContent('.sign-in .wrong');
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.card', {timeout: SOON});
  return {refused, address: page.url()};
}

async function turnOn(page) {
  await tabTo(page, instance, named);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.plan .node', {timeout: SOON});
  const text = await page.textContent('main');
  await tabTo(page, 'Activate', named);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.badge.good', {timeout: SOON});
  return {text, nodes: await page.locator('.plan .node').count(), badge: await page.textContent('.badge')};
}

async function toRecording(page) {
  // Backwards: below are events, and there are always more of them.
  await tabTo(page, 'Recordings', named, 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.shelf a', {timeout: SOON});
  await tabTo(page, asset, (element, name) => element.matches('.shelf a') && element.textContent.includes(name));
  await page.keyboard.press('Enter');
  await until(page, 'playing', () => document.querySelector('.recording video')?.currentTime > 0.2);
  // It plays by itself; space holds it.
  await page.keyboard.press('Space');
  return shown(page, [0, 3000]);
}

const timeline = page => tabTo(page, 'canvas.timeline', matching);

async function jumps(page) {
  await stillAt(page, input.jump);
  await tabTo(page, 'All', named, 'Shift+Tab');
  await page.keyboard.press('Enter');
  const all = await stretches(page, 3);
  await tabTo(page, '.jumps select', matching, 'Shift+Tab');
  await page.keyboard.type(labels.wanted);
  await page.keyboard.press('Tab');
  await timeline(page);
  await page.keyboard.press('n');
  const next = await shown(page, [1000, 2000]);
  const before = await page.getAttribute('canvas.timeline', 'aria-valuenow');
  await page.keyboard.press('ArrowRight');
  const after = await page.getAttribute('canvas.timeline', 'aria-valuenow');
  await page.keyboard.press('p');
  await until(page, 'a jump back', last => Number(document.querySelector('canvas.timeline').getAttribute('aria-valuenow')) < last, Number(after) - 1);
  return {all, next, step: Number(after) - Number(before), back: await shown(page, [0, 1000])};
}

async function boxes(page) {
  const found = [];
  for (const {label, go, pictures} of looks) {
    await page.selectOption('.jumps select', label);
    found.push({label, ...await stillAt(page, {go, pictures})});
  }
  return {looks: found};
}

async function save(page) {
  await page.selectOption('.jumps select', '');
  await stillAt(page, input.save);
  await timeline(page);
  await page.keyboard.press('i');
  for (let press = 0; press < 3; press += 1) await page.keyboard.press('ArrowRight');
  await page.keyboard.press('o');
  const [from, to] = await page.locator('input[type=datetime-local]').evaluateAll(all => all.filter(one => one.closest('.columns')).map(one => one.value));
  await tabTo(page, 'Save as MP4', named);
  const [download] = await Promise.all([page.waitForEvent('download', {timeout: SOON}), page.keyboard.press('Enter')]);
  const file = join(folder, 'saved.mp4');
  await download.saveAs(file);
  return {from, to, file, name: download.suggestedFilename()};
}

/// Zooms over the first gap, drags the timeline, chooses a stretch with Shift, and asks what is under the pointer.
async function pointer(page) {
  // Without what was chosen before, which colours the timeline.
  await page.reload();
  await page.waitForSelector('.found button', {timeout: SOON});
  // It plays by itself again.
  await page.getByRole('button', {name: 'Pause'}).click();
  await stillAt(page, input.save);
  await page.getByRole('button', {name: 'All'}).click();
  const before = await stretches(page, 3);
  const {x, y} = await page.locator('canvas.timeline').boundingBox();
  const middle = (before.runs[0][1] + before.runs[1][0]) / 2;
  const told = async at => {
    await page.mouse.move(x + at, y + 55);
    return until(page, 'words at the pointer', () => !document.querySelector('.hover').hidden && document.querySelector('.hover span').textContent);
  };
  const gap = await told(middle);
  await told(before.runs[0][0] + 20);
  await until(page, 'a small picture', () => document.querySelector('.hover img').naturalWidth > 0 && !document.querySelector('.hover img').hidden);
  await page.keyboard.down('Shift');
  await page.mouse.move(x + before.runs[0][0] + 60, y + 55);
  await page.mouse.down();
  await page.mouse.move(x + before.runs[0][1] - 20, y + 55, {steps: 5});
  await page.mouse.up();
  await page.keyboard.up('Shift');
  const chosen = await page.locator('.columns input[type=datetime-local]').evaluateAll(all => all.map(one => one.value));
  await page.mouse.move(x + middle, y + 55);
  await page.mouse.wheel(0, -200);
  // The first stretch ends further to the left then.
  const wider = `before => { const now = (${row})(); return now.runs.length > 0 && now.runs[0][1] < before && now; }`;
  const zoomed = await until(page, 'a wider gap', wider, before.runs[0][1] - 5);
  return {before, middle, gap, chosen, zoomed};
}

/// What a hostile name must not have become.
const harm = page => page.evaluate(() => document.querySelectorAll('img[src="x"], script:not([src]), [onerror], [onload]').length);

tell(await withBrowser(async browser => {
  // Whoever looks may be elsewhere; times are those of the site.
  const context = await browser.newContext({viewport: {width: 1440, height: 900}, acceptDownloads: true, timezoneId: 'America/New_York'});
  // Its window cannot be used from here; without it, the page saves as in other browsers.
  await context.addInitScript(() => { window.showSaveFilePicker = undefined; });
  const page = await context.newPage();
  const complained = complaints(page, host);
  const report = {};
  const steps = {signIn, turnOn, toRecording, jumps, boxes, save, pointer};
  for (const [name, step] of Object.entries(steps)) {
    try {
      report[name] = await step(page);
    } catch (error) {
      await page.screenshot({path: join(folder, `${name}.png`)});
      throw new Error(`${name}: ${error.message}\n${complained.join('\n')}\n${(await page.innerText('body')).slice(0, MOST_TOLD)}`);
    }
    report[name].complained = complained.splice(0);
    report[name].harm = await harm(page);
  }
  report.found = await page.locator('.found li').allTextContents();
  return report;
}));
