// One graph: its plan with live figures, its nodes as a table, its last mistakes, its events.

import {at, get} from './api.js';
import {badge, h, renew, replace, say} from './dom.js';
import {EventList} from './events.js';
import {condition, mistake, turn} from './overview.js';
import {Plan, compact} from './plan.js';
import {ago} from './time.js';

const EVERY = 1000;

export const title = 'Graph';

export async function show(main, [name], {signal, every}) {
  const instance = await get(at('api', 'GraphInstance', name), {}, signal);
  const topology = await get(at('api', 'GraphTopology', instance.properties.topologyName), {}, signal);
  const plan = new Plan(topology);
  const [state, told, wrong, table] = [h('p', {class: 'row'}), h('div'), h('p', {class: 'wrong'}), h('tbody')];
  const events = new EventList({instance: name, lastEventId: 0}, signal);
  replace(main,
    h('h1', {}, name), h('p', {class: 'quiet'}, [instance.properties.description, topology.name].filter(Boolean).join(' · ')), state, told, wrong,
    h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Plan'}, plan.element),
    h('h2', {}, 'Nodes'), nodesTable(table),
    h('h2', {}, 'Events'), events.element);
  let before = null;
  let shown = '';
  await every(EVERY, async () => {
    const graph = await get(`${at('api', 'GraphInstance', name)}/status`, {}, signal);
    const nodes = graph.nodes ?? [];
    plan.update(nodes, rates(before, nodes));
    before = {nodes, at: performance.now()};
    const [kind, word] = condition(graph);
    const now = `${graph.state} ${word}`;
    // Whoever pressed the button still stands on it.
    if (now !== shown) renew(state, badge(kind, word), turn(graph, told), recordings(nodes, name));
    shown = now;
    say(wrong, mistake(graph));
    replace(table, nodes.map(row));
  });
}

function rates(before, nodes) {
  const all = new Map();
  if (!before) return all;
  const seconds = (performance.now() - before.at) / 1000;
  for (const node of nodes) {
    const old = before.nodes.find(one => one.node === node.node);
    const count = one => Math.max(one.sent, one.received);
    if (old && seconds > 0) all.set(node.node, Math.max(0, count(node) - count(old)) / seconds);
  }
  return all;
}

function recordings(nodes, name) {
  const sources = nodes.filter(one => /RtspSource/.test(one.nodeType ?? ''));
  return sources.length ? h('a', {href: `#/live/${encodeURIComponent(name)}`}, 'Watch live') : null;
}

function nodesTable(body) {
  const heads = ['Node', 'State', 'In', 'Out', 'Left out', 'Mistakes', 'Last'].map(text => h('th', {scope: 'col'}, text));
  return h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Nodes'},
    h('table', {}, h('thead', {}, h('tr', {}, heads)), body));
}

function row(node) {
  const last = node.lastUnit ? ago(Date.parse(node.lastUnit)) : '';
  const cells = [node.state ?? '', ...[node.received, node.sent, node.dropped, node.errors].map(compact), last];
  return h('tr', {}, h('th', {scope: 'row'}, node.node), cells.map(text => h('td', {}, text)));
}
