// Players as people use them, in pages of the host's own origin: what they show, and which moment they say that it is.

import {readFile} from 'node:fs/promises';
import {complaints, file, input, tell, until, withBrowser} from './browser.mjs';

/// A page of ours under the host's address: it answers no other site.
const PAGE = '<!doctype html><title>player</title><video muted playsinline></video>';
const SCRIPTS = {
  hls: () => readFile(new URL('../../host/console/vendor/hls.min.mjs', import.meta.url), 'utf8'),
  dash: () => readFile(file('dashjs/dist/modern/umd/dash.all.min.js'), 'utf8'),
  page: () => readFile(new URL('player-page.js', import.meta.url), 'utf8'),
};

async function played(browser, host, play) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complained = complaints(page, host);
  const served = {'/test/': ['text/html', PAGE]};
  for (const [name, read] of Object.entries(SCRIPTS)) served[`/test/${name}.js`] = ['text/javascript', await read()];
  await page.route(`${host}/test/**`, route => {
    const [contentType, body] = served[new URL(route.request().url()).pathname];
    return route.fulfill({contentType, body});
  });
  await page.goto(`${host}/test/`);
  await page.addScriptTag({url: '/test/page.js'});
  const library = `/test/${play.player}.js`;
  if (play.player === 'dash') await page.addScriptTag({url: library});
  await page.evaluate(([one, url]) => globalThis.begin(one, url), [{...play, path: host + play.path}, library]);
  try {
    await until(page, 'the end', () => globalThis.done());
  } catch {
    // What it came to says more than that it took too long.
  }
  const report = await page.evaluate(() => globalThis.report());
  await context.close();
  return {...report, complained};
}

tell(await withBrowser(browser => Promise.all(input.plays.map(play => played(browser, input.host, play)))));
