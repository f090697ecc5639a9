// Which view is shown, and who may see it. A view is left by aborting its signal: its requests, streams and timers end.

import * as audit from './audit.js';
import * as events from './events.js';
import * as graph from './graph.js';
import * as live from './live.js';
import * as overview from './overview.js';
import * as recording from './recording.js';
import * as recordings from './recordings.js';
import {get, onSignedOut, token} from './api.js';
import {h, problem, replace, say} from './dom.js';
import {signIn, signOut} from './sign-in.js';
import {offsetText, setZone, zoneName} from './time.js';

/// The clocks of the site are looked at this often, in milliseconds.
const EVERY = 60000;

const VIEWS = {'': overview, graph, live, recordings, recording, events, audit};

const main = document.getElementById('main');
let current = new AbortController();

/// `#/recording/NAME?t=…` as the view, its names and its query.
function address() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [view, ...names] = path.split('/').map(part => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return {view: Object.hasOwn(VIEWS, view) ? view : '', names, query: new URLSearchParams(query)};
}

async function open() {
  // The link past the navigation is no view.
  if (location.hash === '#main') return;
  current.abort();
  current = new AbortController();
  const {signal} = current;
  const {view, names, query} = address();
  const shown = VIEWS[view];
  document.title = `${names[0] ?? shown.title} · mediagraph`;
  marked(view);
  replace(main, h('p', {class: 'quiet'}, 'Loading …'));
  try {
    await zone();
    await shown.show(main, names, {signal, query, every: (pause, then) => repeat(pause, then, signal)});
  } catch (error) {
    if (!signal.aborted && error.status !== 401) replace(main, problem(error));
  }
}

function marked(view) {
  const here = {graph: '', recording: 'recordings'}[view] ?? view;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash.replace(/^#\/?/, '') === here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

/// The first time now, so that its failure is the view's; then again and again, until the view is left. What fails
/// later is said in a corner and tried again: a host that restarts comes back.
async function repeat(pause, then, signal) {
  await then();
  const note = h('p', {class: 'corner', role: 'status', hidden: true});
  document.body.append(note);
  const again = async () => {
    // A page that nobody looks at costs the host nothing.
    if (!document.hidden) {
      try {
        await then();
        note.hidden = true;
      } catch (error) {
        if (signal.aborted) return;
        say(note, error.message);
        note.hidden = false;
      }
    }
    if (!signal.aborted) timer = setTimeout(again, pause);
  };
  let timer = setTimeout(again, pause);
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    note.remove();
  });
}

let known = false;

/// The site's zone, and how far its clocks are ahead now: that changes while the page stays open.
async function zone() {
  if (!known) {
    const {timeZone} = await get('api/time');
    setZone(timeZone);
    known = true;
    setInterval(told, EVERY);
  }
  told();
}

function told() {
  say(document.getElementById('zone'), `${zoneName()}, ${offsetText(Date.now())}`);
}

const out = document.getElementById('sign-out');
out.addEventListener('click', () => {
  signOut();
  location.reload();
});
out.hidden = !token();
onSignedOut(() => {
  current.abort();
  signIn(main, () => {
    out.hidden = false;
    open();
  });
});
addEventListener('hashchange', () => {
  open();
  main.focus({preventScroll: true});
});
open();
