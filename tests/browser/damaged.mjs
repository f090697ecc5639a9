// The console, when a segment vanishes after it got the lists that name it.

import {rm} from 'node:fs/promises';
import {POLL, SOON, ask, complaints, input, tell, withBrowser} from './browser.mjs';

const {host, token, asset, segment} = input;
const address = `${host}/#/recording/${encodeURIComponent(asset)}?store=local`;
/// Those of pictures and of sound.
const LISTS = 2;

/// In the page: whether it is over, and what a viewer reads.
function look() {
  const video = document.querySelector('.recording video');
  if (!video) return null;
  return {ended: video.ended, at: video.currentTime, clock: document.querySelector('.clock').textContent, note: document.querySelector('.note').textContent};
}

/// Each thing that was read while it played.
async function watched(page) {
  const [clocks, notes] = [new Set(), new Set()];
  const deadline = Date.now() + SOON;
  let seen;
  while (!seen?.ended && Date.now() < deadline) {
    seen = await ask(page, look);
    if (seen?.at > 0) {
      clocks.add(seen.clock);
      notes.add(seen.note);
    }
    await new Promise(done => setTimeout(done, POLL));
  }
  return {ended: seen?.ended, clocks: [...clocks], notes: [...notes]};
}

tell(await withBrowser(async browser => {
  const context = await browser.newContext({viewport: {width: 1440, height: 900}});
  await context.addInitScript(one => sessionStorage.setItem('mediagraph-token', one), token);
  const page = await context.newPage();
  const complained = complaints(page, host);
  let lists = 0;
  await page.route(/\/(video|audio)\.m3u8/, async route => {
    const response = await route.fetch();
    lists += 1;
    if (lists === LISTS) await rm(segment);
    await route.fulfill({response});
  });
  await page.goto(address);
  const report = await watched(page);
  await context.close();
  return {...report, complained};
}));
