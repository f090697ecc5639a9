// All graphs of the host: how each one is, and what is wrong.

import {at, get, request} from './api.js';
import {badge, h, problem, renew, replace} from './dom.js';
import {length} from './time.js';

/// Between two looks, in milliseconds.
const EVERY = 2000;

export const title = 'Graphs';

export async function show(main, _, {signal, every}) {
  const alarms = h('section', {'aria-label': 'Alarms', 'aria-live': 'polite'});
  const body = h('div', {class: 'cards'});
  replace(main, h('h1', {}, title), alarms, body);
  let before = '';
  await every(EVERY, async () => {
    const [{value: graphs}, {value: raised}] = await Promise.all([
      get('api/status', {details: 'true'}, signal), get('api/alarms', {}, signal),
    ]);
    const now = JSON.stringify(raised);
    if (now !== before) replace(alarms, raised.map(alarm));
    before = now;
    if (!graphs.length) return replace(body, empty());
    renew(body, graphs.map(card));
  });
}

function empty() {
  return h('p', {class: 'empty'}, 'This host has no graph yet. Set one with ', h('code', {}, 'mediagraph instance set'), '.');
}

function alarm({instance, message, hint, since}) {
  return h('div', {class: 'problem', role: 'status'},
    h('p', {}, h('strong', {}, instance ? `${instance}: ${message}` : message), ' ', h('span', {class: 'quiet'}, `for ${length(Date.now() - Date.parse(since))}`)),
    h('p', {class: 'quiet'}, hint));
}

/// How a graph is, as a kind of badge and a word.
export function condition({state, wanted, nodes, lastError}) {
  if (state === 'Active') {
    const away = (nodes ?? []).some(node => node.state === 'waiting' || node.lostSince);
    return away ? ['warn', 'Camera away'] : ['good', 'Runs'];
  }
  if (state === 'Activating') return ['busy', 'Starting'];
  if (state === 'Deactivating') return ['busy', 'Stopping'];
  return wanted === 'Active' || lastError ? ['bad', 'Stopped'] : ['off', 'Off'];
}

/// The newest mistake of a graph, and at which node.
export function mistake({lastError, nodes}) {
  if (lastError) return lastError;
  const node = (nodes ?? []).find(one => one.lastError);
  return node ? `${node.node}: ${node.lastError}` : '';
}

function card(graph) {
  const [kind, word] = condition(graph);
  const wrong = mistake(graph);
  return h('article', {class: 'card'},
    h('h2', {}, h('a', {href: `#/graph/${encodeURIComponent(graph.name)}`}, graph.name)),
    h('p', {}, badge(kind, word), ' ', h('span', {class: 'quiet'}, `for ${length(Date.now() - Date.parse(graph.since))}`)),
    h('p', {class: 'quiet'}, graph.topologyName),
    wrong ? h('p', {class: 'wrong'}, wrong.split('\n')[0]) : null);
}

/// The button that turns a graph on or off.
export function turn(graph, told) {
  const on = graph.state === 'Active' || graph.state === 'Activating';
  const busy = graph.state === 'Activating' || graph.state === 'Deactivating';
  const button = h('button', {type: 'button', disabled: busy, onclick: async () => {
    button.disabled = true;
    try {
      await request(`${at('api', 'GraphInstance', graph.name)}/${on ? 'deactivate' : 'activate'}`, {method: 'POST'});
      replace(told);
    } catch (error) {
      replace(told, problem(error));
    }
    button.disabled = false;
  }}, on ? 'Deactivate' : 'Activate');
  return button;
}
