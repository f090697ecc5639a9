// The audit log: who looked at recordings and cameras, saved, held, released and deleted, and when.

import {badge, h, problem, replace, say} from './dom.js';
import {entry} from './audited.js';
import {get} from './api.js';
import {link} from './recordings.js';
import {fromLocal, iso, noteOf} from './time.js';

/// Entries of an answer: as many as the host gives.
const MOST = 1000;
/// How far back is looked, as the host takes it.
const PERIODS = {'24h': 'the last 24 hours', '7d': 'the last 7 days', '30d': 'the last 30 days', '': 'everything that is kept'};

export const title = 'Audit log';

export async function show(main, _, {signal, query}) {
  const log = new Log(query.get('asset') ?? '', signal);
  replace(main, h('h1', {}, title), h('p', {class: 'quiet'}, 'Who looked at recordings and cameras, saved, held, released and deleted. The newest comes first.'), log.element);
  await log.load();
}

class Log {
  constructor(asset, signal) {
    this.signal = signal;
    const changed = () => this.load();
    this.asset = h('input', {type: 'search', value: asset, onchange: changed});
    this.since = h('select', {onchange: changed}, Object.entries(PERIODS).map(([value, words]) => h('option', {value, selected: value === '7d'}, words)));
    this.until = h('input', {type: 'datetime-local', step: 1, onchange: changed});
    this.lines = h('ol');
    this.told = h('p', {role: 'status', class: 'quiet'});
    this.failed = h('div');
    const list = h('div', {class: 'events', tabindex: 0, role: 'region', 'aria-label': 'Entries'}, this.lines);
    this.element = h('div', {}, h('div', {class: 'row'}, h('label', {}, 'Only about the recording ', this.asset), h('label', {}, 'Of ', this.since),
      h('label', {}, 'Before ', this.until)), this.told, this.failed, list);
  }

  async load() {
    const turn = this.turn = Symbol('the newest question counts');
    const before = fromLocal(this.until.value);
    const query = {asset: this.asset.value.trim(), since: this.since.value, until: Number.isNaN(before) ? undefined : iso(before), $top: MOST};
    try {
      const {value} = await get('api/audit', query, this.signal);
      if (turn === this.turn) this.fill(value);
    } catch (error) {
      if (this.signal.aborted || turn !== this.turn) return;
      if (error.status === 403) error.hint ??= 'The audit log names people: it is for tokens of the role `admin` that are for all instances.';
      replace(this.lines);
      say(this.told, '');
      replace(this.failed, problem(error));
    }
  }

  fill(value) {
    const more = value.length < MOST ? '' : ' There may be older ones: choose a recording, or a time before which to look.';
    const count = value.length === 1 ? '1 entry.' : `${value.length} entries.`;
    replace(this.failed);
    replace(this.lines, value.map(line));
    say(this.told, [value.length ? count + more : 'Nobody did anything of this in that time.', noteOf(this.until.value)].filter(Boolean).join(' '));
  }
}

function line(told) {
  const one = entry(told);
  const recording = () => h('a', {href: link({name: told.asset, store: told.store ?? ''}, told.start ? Date.parse(told.start) : undefined)}, one.where);
  const outcome = one.outcome ? [' ', badge(...one.outcome)] : null;
  return h('li', {class: told.outcome === 'refused' ? 'wrong' : ''}, h('time', {datetime: told.time}, one.when),
    h('span', {class: 'where'}, [one.who, one.from].filter(Boolean).join(', ')), h('span', {class: 'kind'}, one.what, outcome),
    h('div', {class: 'where'}, told.asset ? recording() : one.where, one.stretch ? h('p', {}, one.stretch) : null, one.detail ? h('p', {}, one.detail) : null));
}
