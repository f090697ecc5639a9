// Every view at three widths, light and dark: does anything stick out, what does a checker of accessibility say, and a screenshot for
// whoever wants to look.

import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {complaints, file, input, tell, until, withBrowser} from './browser.mjs';

const {host, token, asset, store, instance, shots, time, stretch} = input;

const playing = '(() => { const video = document.querySelector("video"); return video && video.readyState > 1 && video.currentTime > 0; })()';
const there = selector => `Boolean(document.querySelector(${JSON.stringify(selector)}))`;
/// Each with its address and when it is there.
const VIEWS = {
  graphs: ['', there('.card .badge.good')],
  graph: [`graph/${encodeURIComponent(instance)}`, there('.plan .node')],
  live: ['live', playing],
  recordings: ['recordings', there('.thumb img')],
  recording: [`recording/${encodeURIComponent(asset)}?store=${store}&t=${time}`, `${playing} && ${there('.found button')}`],
  events: ['events', there('.events li')],
  audit: ['audit', there('.events li')],
};
/// What the page of a recording asks for, by the words on the button, and when it is there.
const DIALOGS = {
  hold: ['Hold …', there('dialog[open] input[maxlength]')],
  delete: ['Delete …', there('dialog[open] .goes strong')],
};
/// At this one the checker looks, too.
const CHECKED = 820;

async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

async function checked(page, axe) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const {violations} = await globalThis.axe.run(document, {resultTypes: ['violations']});
    return violations.map(({id, nodes: [{html, failureSummary}, ...more]}) => `${id}: ${html} ${failureSummary}, and ${more.length} more`);
  });
}

/// The dialogs of a recording, with a stretch chosen.
async function asked(page, look) {
  for (const [place, text] of stretch.entries()) await page.locator('.columns input[type=datetime-local]').nth(place).fill(text);
  for (const [name, [words, ready]] of Object.entries(DIALOGS)) {
    await page.getByRole('button', {name: words}).click();
    await look(page, name, ready);
    await page.keyboard.press('Escape');
  }
}

async function seen(browser, width, scheme, axe) {
  const options = {viewport: {width, height: width < 500 ? 800 : 900}, colorScheme: scheme, reducedMotion: 'reduce'};
  const found = [];
  const look = async (page, name, ready) => {
    try {
      await until(page, name, `() => ${ready}`);
    } catch (error) {
      throw new Error(`${name} at ${width}, ${scheme}: ${error.message}\n${(await page.innerText('body')).slice(0, 1500)}`);
    }
    await page.screenshot({path: join(shots, `${name}-${width}-${scheme}.png`), fullPage: true});
    found.push({name, width, scheme, overflow: await overflow(page), wrong: width === CHECKED ? await checked(page, axe) : []});
  };
  const guest = await browser.newContext(options);
  const out = await guest.newPage();
  await out.goto(`${host}/`);
  await look(out, 'sign-in', there('form.sign-in'));
  await guest.close();
  const context = await browser.newContext(options);
  await context.addInitScript(text => sessionStorage.setItem('mediagraph-token', text), token);
  const page = await context.newPage();
  const complained = complaints(page, host);
  for (const [name, [hash, ready]] of Object.entries(VIEWS)) {
    await page.goto(`${host}/#/${hash}`);
    await look(page, name, ready);
    if (name === 'recording') await asked(page, look);
  }
  await context.close();
  return {found, complained};
}

tell(await withBrowser(async browser => {
  const axe = await readFile(file('axe-core/axe.min.js'), 'utf8');
  const all = {found: [], complained: []};
  for (const scheme of ['light', 'dark']) {
    for (const width of [390, CHECKED, 1440]) {
      const {found, complained} = await seen(browser, width, scheme, axe);
      all.found.push(...found);
      all.complained.push(...complained);
    }
  }
  return all;
}));
