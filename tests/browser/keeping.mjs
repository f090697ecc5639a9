// One who holds, releases and deletes with the keyboard alone, looks into the audit log, and hands out links. Then a guard, who may only
// look.

import {join} from 'node:path';
import {SOON, ask, complaints, input, tell, until, withBrowser} from './browser.mjs';
import {matching, named, row, stillAt, stretches, tabTo} from './recording-page.mjs';

/// Letters of a page that are told when something went wrong.
const MOST_TOLD = 1500;
/// From above, in pixels: where the timeline marks what is held.
const HELD = 38;

const {host, token, guard, asset, folder, reason, stretch, inside, still, other} = input;
const address = `${host}/#/recording/${encodeURIComponent(asset)}?store=local`;

const text = (page, selector) => page.locator(selector).allTextContents();
const told = (page, words) => until(page, words, wanted => [...document.querySelectorAll('.columns [role=status]')].map(one => one.textContent).find(one => one.startsWith(wanted)), words);
const focused = page => page.evaluate(() => document.activeElement.textContent);

/// The whole recording on the timeline, and a picture that stands still.
async function opened(page) {
  await page.goto(address);
  // Another address behind the `#` alone loads nothing anew.
  await page.reload();
  await until(page, 'playing', () => document.querySelector('.recording video')?.currentTime > 0.1);
  // Not before the page knows what is held.
  await until(page, 'holds', () => document.querySelector('.holds li'));
  await page.keyboard.press('Space');
  await stillAt(page, still);
  await page.getByRole('button', {name: 'All', exact: true}).click();
}

async function choose(page, times) {
  for (const [place, time] of times.entries()) await page.locator('.columns input[type=datetime-local]').nth(place).fill(time);
}

/// Opens a dialog with the keyboard.
async function asks(page, words) {
  await tabTo(page, words, named);
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]', {timeout: SOON});
}

/// Goes to a moment, and gives what is heard there.
async function at(page, time) {
  await page.getByLabel('Go to').fill(time);
  const canvas = page.locator('canvas.timeline');
  const seconds = Date.parse(`${time}+01:00`) / 1000;
  await until(page, 'the moment', wanted => Number(document.querySelector('canvas.timeline').getAttribute('aria-valuenow')) >= wanted, seconds);
  return canvas.getAttribute('aria-valuetext');
}

async function hold(page) {
  await opened(page);
  const none = await text(page, '.holds li');
  await choose(page, stretch);
  await asks(page, 'Hold …');
  const label = await page.evaluate(() => document.getElementById(document.querySelector('dialog').getAttribute('aria-labelledby')).textContent);
  const which = await text(page, 'dialog .choice');
  await page.keyboard.type(reason);
  await page.keyboard.press('Enter');
  const said = await told(page, 'Held');
  await until(page, 'the hold', () => document.querySelector('.holds button'));
  const back = await focused(page);
  // Without what was chosen, which colours the timeline.
  await opened(page);
  const [lines, badges] = [await text(page, '.holds li'), await text(page, '.badge:not([hidden])')];
  const mark = await until(page, 'the mark', `(...all) => { const found = (${row})(...all); return found.runs.length > 0 && found; }`, 'held', HELD);
  return {none, label, which, said, back, lines, badges, mark, heard: await at(page, inside)};
}

async function refused(page) {
  await choose(page, stretch);
  await asks(page, 'Delete …');
  const first = await focused(page);
  const why = await until(page, 'what holds it', () => document.querySelector('.goes li') && document.querySelector('.goes').textContent);
  const disabled = await page.locator('dialog .danger').isDisabled();
  await page.keyboard.press('Escape');
  await until(page, 'no dialog', () => !document.querySelector('dialog'));
  return {first, why, disabled, back: await focused(page)};
}

async function release(page) {
  await asks(page, 'Release …');
  await tabTo(page, 'Release', (element, words) => element.matches('dialog button') && element.textContent === words);
  await page.keyboard.press('Enter');
  const said = await told(page, 'Released');
  await until(page, 'no hold', () => document.querySelector('.holds') && !document.querySelector('.holds button'));
  return {said, lines: await text(page, '.holds li'), back: await focused(page)};
}

/// Asks the host beside the page.
async function beside(method, path, body) {
  const headers = {authorization: `Bearer ${token}`, 'content-type': 'application/json'};
  const answer = await fetch(`${host}/assets/${encodeURIComponent(asset)}/${path}?store=local`, {method, headers, body: body && JSON.stringify(body)});
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/// Somebody else holds it between the question and the answer.
async function raced(page) {
  await asks(page, 'Delete …');
  await until(page, 'what goes', () => document.querySelector('.goes strong'));
  const {id} = await beside('POST', 'holds', {reason});
  await tabTo(page, 'Delete for good', named);
  await page.keyboard.press('Enter');
  const said = await until(page, 'a refusal', () => document.querySelector('dialog .problem')?.textContent);
  await page.keyboard.press('Escape');
  await beside('DELETE', `holds/${id}`);
  return {said, id};
}

async function deletion(page) {
  await opened(page);
  const before = await stretches(page, 3);
  await choose(page, stretch);
  await asks(page, 'Delete …');
  const goes = await until(page, 'what goes', () => document.querySelector('.goes strong') && document.querySelector('.goes').textContent);
  await tabTo(page, 'Delete for good', named);
  await page.keyboard.press('Enter');
  const said = await told(page, 'Deleted');
  // What was chosen colours the timeline.
  await opened(page);
  const shorter = `end => { const now = (${row})(); return now.runs.length === 3 && now.runs[0][1] < end && now; }`;
  const after = await until(page, 'a shorter stretch', shorter, before.runs[0][1] - 5);
  await at(page, inside);
  return {before, goes, said, after, note: await until(page, 'words in the picture', () => document.querySelector('.note').textContent)};
}

async function links(page) {
  const found = {};
  await choose(page, other);
  for (const [kind, place] of [['hls', 0], ['dash', 1], ['file', 2]]) {
    await page.getByLabel('What the link is for').selectOption({index: place});
    await tabTo(page, 'Copy link for a player', named);
    await page.keyboard.press('Enter');
    const url = await until(page, 'a link', () => !document.querySelector('.wide').closest('[hidden]') && document.querySelector('.wide').value);
    const answer = await fetch(url);
    const head = Buffer.from(await answer.arrayBuffer()).subarray(0, 40).toString('latin1');
    found[kind] = {status: answer.status, type: answer.headers.get('content-type'), head};
  }
  return {...found, until: await page.locator('.wide + .quiet').textContent()};
}

async function audit(page) {
  await tabTo(page, 'Who did what', named);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.events li', {timeout: SOON});
  return {asset: await page.getByLabel('Only about the recording').inputValue(), lines: await text(page, '.events li')};
}

async function everything(page) {
  await opened(page);
  await asks(page, 'Delete …');
  const disabled = await page.locator('dialog .danger').isDisabled();
  await tabTo(page, 'all', (element, value) => element.matches('dialog input') && element.value === value);
  await page.keyboard.press('Space');
  const goes = await until(page, 'what goes', () => document.querySelector('.goes strong') && document.querySelector('.goes').textContent);
  await tabTo(page, 'Delete for good', named);
  await page.keyboard.press('Enter');
  const said = await until(page, 'its end', () => document.querySelector('.problem')?.textContent);
  return {disabled, goes, said, back: await focused(page)};
}

async function lookingOnly(page) {
  await opened(page);
  await choose(page, stretch);
  await asks(page, 'Hold …');
  await page.keyboard.press('Enter');
  const held = await until(page, 'a refusal', () => document.querySelector('dialog .problem')?.textContent);
  await page.keyboard.press('Escape');
  await asks(page, 'Delete …');
  await until(page, 'what goes', () => document.querySelector('.goes strong'));
  await tabTo(page, 'Delete for good', named);
  await page.keyboard.press('Enter');
  const deleted = await until(page, 'a refusal', () => document.querySelector('dialog .problem')?.textContent);
  await page.keyboard.press('Escape');
  await opened(page);
  const runs = await stretches(page, 3);
  await tabTo(page, 'Who did what', named);
  await page.keyboard.press('Enter');
  const log = await until(page, 'a refusal', () => document.querySelector('.problem')?.textContent);
  return {held, deleted, runs: runs.runs.length, log};
}

/// What a hostile name must not have become.
const harm = page => page.evaluate(() => document.querySelectorAll('img[src="x"], script:not([src]), [onerror], [onload]').length);

async function all(browser, secret, steps, report) {
  const context = await browser.newContext({viewport: {width: 1440, height: 900}, timezoneId: 'America/New_York'});
  await context.addInitScript(one => sessionStorage.setItem('mediagraph-token', one), secret);
  const page = await context.newPage();
  const complained = complaints(page, host);
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
  await context.close();
}

tell(await withBrowser(async browser => {
  const report = {};
  await all(browser, guard, {lookingOnly}, report);
  await all(browser, token, {hold, refused, release, raced, deletion, links, audit, everything}, report);
  return report;
}));
