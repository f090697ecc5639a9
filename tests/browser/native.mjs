// A browser that plays HLS by itself and gives scripts no way to do so, as older phones: the page plays by a link, and renews it.

import {POLL, SOON, complaints, input, tell, until, withBrowser} from './browser.mjs';
import {shown} from './recording-page.mjs';

const {host, token, asset, looks, last} = input;
/// Later than a link is renewed, sooner than it ends.
const LATER = '41:00';
/// Later than what was recorded meanwhile is asked for.
const AFTERWARDS = '00:30';

const source = page => page.evaluate(() => document.querySelector('video').currentSrc);

/// A link says to the second when it ends: two that are made in one second are the same.
async function anotherSecond() {
  const second = () => Math.floor(Date.now() / 1000);
  for (const first = second(); second() === first;) await new Promise(done => setTimeout(done, POLL));
}

/// Plays to the end, and tells what is there a while later.
async function ended(page) {
  await page.getByRole('button', {name: 'Play', exact: true}).click();
  await until(page, 'the end', () => document.querySelector('video').ended);
  await page.clock.fastForward(AFTERWARDS);
  const {note} = await shown(page, last);
  return {note};
}

tell(await withBrowser(async browser => {
  const context = await browser.newContext({viewport: {width: 1440, height: 900}, timezoneId: 'America/New_York'});
  await context.addInitScript(text => {
    sessionStorage.setItem('mediagraph-token', text);
    for (const name of ['MediaSource', 'ManagedMediaSource', 'WebKitMediaSource']) window[name] = undefined;
  }, token);
  const page = await context.newPage();
  await page.clock.install();
  const complained = complaints(page, host);
  await page.goto(`${host}/#/recording/${encodeURIComponent(asset)}?store=local`);
  await until(page, 'playing', () => document.querySelector('.recording video')?.currentTime > 0.2);
  await page.keyboard.press('Space');
  const found = [];
  for (const {go, pictures} of looks) {
    await page.getByLabel('Go to').fill(go);
    found.push(await shown(page, pictures));
  }
  const before = await source(page);
  await anotherSecond();
  await page.clock.fastForward(LATER);
  await until(page, 'another link', last => document.querySelector('video').currentSrc !== last, before);
  const after = await shown(page, looks.at(-1).pictures);
  const renewed = await source(page);
  const end = await ended(page);
  const links = [before, renewed].map(url => new URL(url).pathname);
  // The link plays by itself, too, and only that.
  const answer = await fetch(`${host}${links[1]}`, {signal: AbortSignal.timeout(SOON)});
  return {found, after, end: {...end, stays: await source(page) === renewed}, links, status: answer.status, complained};
}));
