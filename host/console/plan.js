// The plan of a graph as a drawing: what hands to what, from left to right, with what went through.

import {svg, replace} from './dom.js';

const BOX = {width: 184, height: 78, across: 64, down: 22};
/// How far above the boxes a line passes that goes by some of them.
const LANE = 11;
/// What is drawn at most; a topology may have more nodes than a screen shows.
const MOST = 100;

const KINDS = ['sources', 'processors', 'sinks'];

/// The nodes of a topology, each with the names of those that it reads.
export function nodesOf(topology) {
  const {properties} = topology;
  return KINDS.flatMap(kind => (properties[kind] ?? []).map(node => ({
    kind,
    name: String(node.name),
    type: String(node['@type'] ?? '').replace(/^#(Microsoft\.Media\.)?Media(Graph\.?)?/, '').replace(/(Processor|Source|Sink)$/, ''),
    role: kind.slice(0, -1),
    inputs: (node.inputs ?? []).map(input => String(input.nodeName)),
  }))).slice(0, MOST);
}

/// Columns by the longest way from a source. A topology has no circles; if one had, this would still end.
export function place(nodes) {
  const column = new Map(nodes.map(node => [node.name, 0]));
  for (let round = 0; round < nodes.length; round += 1) {
    for (const node of nodes) {
      const after = Math.max(-1, ...node.inputs.map(name => column.get(name) ?? -1)) + 1;
      if (after < nodes.length) column.set(node.name, Math.max(column.get(node.name), after));
    }
  }
  const rows = [];
  const places = new Map();
  for (const node of nodes) {
    const x = column.get(node.name);
    rows[x] ??= [];
    rows[x].push(node);
  }
  const most = Math.max(1, ...rows.map(row => row?.length ?? 0));
  rows.forEach((row, x) => row?.forEach((node, y) => {
    const free = (most - row.length) / 2;
    places.set(node.name, {x: x * (BOX.width + BOX.across), y: (y + free) * (BOX.height + BOX.down)});
  }));
  const size = {width: rows.length * (BOX.width + BOX.across) - BOX.across, height: most * (BOX.height + BOX.down) - BOX.down};
  return {places, size};
}

export class Plan {
  constructor(topology) {
    this.nodes = nodesOf(topology);
    const {places, size} = place(this.nodes);
    this.counts = new Map();
    const words = this.nodes.map(node => (node.inputs.length ? `${node.name} reads ${node.inputs.join(', ')}` : node.name));
    this.element = svg('svg', {
      class: 'plan', viewBox: `-4 ${-4 - LANE} ${size.width + 8} ${size.height + 8 + LANE}`, width: size.width + 8, height: size.height + 8 + LANE,
      role: 'img', 'aria-label': `Plan of the graph. ${words.join('. ')}.`,
    });
    for (const node of this.nodes) this.element.append(...node.inputs.filter(name => places.has(name)).map(name => line(places.get(name), places.get(node.name), places)));
    for (const node of this.nodes) this.element.append(this.box(node, places.get(node.name)));
  }

  box(node, {x, y}) {
    const count = svg('text', {class: 'count', x: 12, y: 64});
    const shape = svg('rect', {width: BOX.width, height: BOX.height, rx: 8});
    const group = svg('g', {class: `node ${node.role}`, transform: `translate(${x} ${y})`}, shape,
      svg('text', {class: 'name', x: 12, y: 24}, short(node.name, 21)), svg('text', {class: 'type', x: 12, y: 43}, short(node.type, 26)), count,
      svg('title', {}, `${node.name} (${node.type})`));
    this.counts.set(node.name, {group, count, role: node.role});
    return group;
  }

  /// Puts the figures of now into the boxes.
  update(nodes, rates) {
    for (const [name, {group, count, role}] of this.counts) {
      const node = nodes.find(one => one.node === name);
      group.classList.toggle('idle', !node);
      group.classList.toggle('wrong', Boolean(node && (node.lostSince || node.state === 'waiting' || node.state === 'failed')));
      replace(count, node ? figures(node, role, rates.get(name)) : 'off');
    }
  }
}

function figures(node, role, rate) {
  const all = role === 'source' ? node.sent : node.received;
  const now = rate === undefined ? '' : ` · ${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`;
  return `${compact(all)}${now}${node.dropped ? ` · ${compact(node.dropped)} left out` : ''}`;
}

export function compact(number) {
  if (number < 10000) return String(number);
  return new Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 1}).format(number);
}

function short(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function line(from, to, places) {
  const [x1, y1] = [from.x + BOX.width, from.y + BOX.height / 2];
  const [x2, y2] = [to.x, to.y + BOX.height / 2];
  const between = [...places.values()].filter(({x}) => x > from.x && x < to.x);
  if (between.length) {
    // Above what it goes by: behind a box it would seem to come from there.
    const lane = Math.min(...between.map(({y}) => y)) - LANE;
    const [left, right] = [x1 + BOX.across, x2 - BOX.across];
    const way = `M ${x1} ${y1} C ${x1 + 32} ${y1}, ${x1 + 32} ${lane}, ${left} ${lane} L ${right} ${lane} C ${x2 - 32} ${lane}, ${x2 - 32} ${y2}, ${x2} ${y2}`;
    return svg('path', {class: 'edge', d: way});
  }
  const bend = Math.max(24, (x2 - x1) / 2);
  return svg('path', {class: 'edge', d: `M ${x1} ${y1} C ${x1 + bend} ${y1}, ${x2 - bend} ${y2}, ${x2} ${y2}`});
}
