// Events as they come: the newest first, with what is worth reading of each one in a line.

import {h, replace} from './dom.js';
import {follow} from './sse.js';
import {full} from './time.js';

/// Lines that are kept on the page.
const MOST = 300;
/// Letters of what an event holds.
const SHORT = 160;

export const title = 'Events';

export async function show(main, _, {signal}) {
  const events = new EventList({}, signal, true);
  replace(main, h('h1', {}, title), events.element);
}

export class EventList {
  constructor(query, signal, filters = false) {
    this.list = h('ol');
    const log = h('div', {class: 'events', role: 'log', 'aria-label': 'Events', tabindex: 0}, this.list);
    this.state = h('p', {class: 'quiet', role: 'status'}, 'Connecting …');
    this.paused = false;
    this.waiting = [];
    this.find = '';
    this.element = h('div', {}, filters ? this.tools() : null, this.state, log);
    follow(query, {
      signal,
      tell: event => this.add(event),
      state: open => replace(this.state, open ? 'Connected. New events come by themselves.' : 'The connection broke off. Trying again …'),
    });
  }

  tools() {
    const pause = h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => this.pause(pause)}, 'Hold still');
    const find = h('input', {type: 'search', placeholder: 'such as yard or Motion', oninput: () => {
      this.find = find.value.toLowerCase();
      for (const line of this.list.children) this.sift(line);
    }});
    const seen = h('input', {type: 'checkbox', checked: true, onchange: () => this.element.classList.toggle('unseen', !seen.checked)});
    return h('div', {class: 'row'}, h('label', {}, 'Show only ', find), h('label', {class: 'check'}, seen, ' Also what was seen'), pause);
  }

  pause(button) {
    this.paused = !this.paused;
    button.setAttribute('aria-pressed', String(this.paused));
    if (!this.paused) this.waiting.splice(0).forEach(event => this.add(event));
  }

  add(event) {
    if (this.paused) {
      this.waiting.push(event);
      if (this.waiting.length > MOST) this.waiting.shift();
      return;
    }
    const line = entry(event);
    this.sift(line);
    this.list.prepend(line);
    if (this.list.children.length > MOST) this.list.lastElementChild.remove();
  }

  sift(line) {
    line.hidden = this.find !== '' && !line.textContent.toLowerCase().includes(this.find);
  }
}

/// `Microsoft.Media.Graph.Diagnostics.NetworkError` is a network error.
export function kind(type) {
  const last = type.split('.').pop() ?? type;
  const words = last.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function entry({type, data}) {
  const where = String(data.subject ?? '').replace('/graphInstances/', '').replace(/\/(sources|processors|sinks)\//, ' › ');
  const wrong = /Error|Lost|Failed|Missed|Refused/.test(type);
  return h('li', {class: wrong ? 'wrong' : /\.Analytics\./.test(type) ? 'seen' : ''},
    h('time', {datetime: data.eventTime}, full(Date.parse(data.eventTime), true)),
    h('span', {class: 'kind'}, kind(type)), h('span', {class: 'where'}, where),
    h('details', {}, h('summary', {}, gist(data.data)), h('pre', {}, JSON.stringify(data, null, 2))));
}

function gist(data) {
  if (!data || typeof data !== 'object') return 'More';
  const inferences = data.inferences;
  const text = data.message ?? (Array.isArray(inferences) ? labels(inferences) : plain(data));
  const short = String(text || 'More').split('\n')[0];
  return short.length > SHORT ? `${short.slice(0, SHORT)}…` : short;
}

function labels(inferences) {
  const counts = new Map();
  for (const one of inferences) {
    const label = String(one.entity?.tag?.value ?? one.event?.name ?? one.type ?? 'something');
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].map(([label, count]) => (count > 1 ? `${count} × ${label}` : label)).join(', ');
}

function plain(data) {
  return Object.entries(data).filter(([, value]) => typeof value !== 'object').map(([name, value]) => `${name}: ${value}`).join(', ');
}
