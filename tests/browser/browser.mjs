// Chromium, and what it complains of.

import {createRequire} from 'node:module';
import {join} from 'node:path';

const tools = process.env.BROWSER_TOOLS;
const require = createRequire(join(tools, 'package.json'));
/// Debian's; the one that Playwright would download is of another maker.
const CHROMIUM = '/usr/bin/chromium';
/// For everything that is waited for, in milliseconds: a machine with other work is slow.
export const SOON = 60000;

/// A package that was installed for these tests.
export const wanted = name => require(name);
/// A file of it.
export const file = path => join(tools, 'node_modules', path);
/// What the test asked for.
export const input = JSON.parse(process.argv[2]);

/// Tells the test what was seen.
export function tell(report) {
  process.stdout.write(JSON.stringify(report));
}

export async function withBrowser(then) {
  // Without a sandbox of its own: the tests run as root, and load nothing from elsewhere.
  const browser = await wanted('playwright-core').chromium.launch({executablePath: CHROMIUM, args: [
    '--no-sandbox', '--mute-audio', '--autoplay-policy=no-user-gesture-required', '--force-color-profile=srgb',
  ]});
  try {
    return await then(browser);
  } finally {
    await browser.close();
  }
}

/// Between two looks, in milliseconds.
export const POLL = 50;

/// Calls a function in the page.
export const ask = (page, call, ...values) => page.evaluate(`(${call})(...${JSON.stringify(values)})`);

/// Asks the page until the answer is a good one, and gives that. It is asked from outside: the page's policy forbids to make
/// functions in it.
export async function until(page, what, call, ...values) {
  const deadline = Date.now() + SOON;
  for (;;) {
    const answer = await ask(page, call, ...values);
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${SOON} ms: ${what}`);
    await new Promise(done => setTimeout(done, POLL));
  }
}

/// Everything that should not happen in a page goes into the list that this gives.
export function complaints(page, host) {
  const all = [];
  page.on('pageerror', error => all.push(`error: ${error.message}`));
  page.on('dialog', dialog => {
    all.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('console', message => {
    // A request that was refused is told below, with its address.
    const kind = message.type();
    if ((kind === 'error' || kind === 'warning') && !message.text().startsWith('Failed to load resource')) all.push(`console: ${message.text()}`);
  });
  page.on('response', answer => {
    if (answer.status() >= 400) all.push(`${answer.status()}: ${answer.url().replace(host, '')}`);
  });
  page.on('request', request => {
    const url = request.url();
    if (!url.startsWith(`${host}/`) && !/^(blob|data|about):/.test(url)) all.push(`elsewhere: ${url}`);
  });
  return all;
}
