// What of a recording is held, and by whom; holding more of it, releasing it, and deleting.

import {at, get, request} from './api.js';
import {Dialog, choice} from './dialog.js';
import {h, problem, renew, replace, say} from './dom.js';
import {beyond, deleted, hold, reach, stretch, touching, why} from './holds.js';
import {segments} from './playlist.js';
import {fromLocal, full, iso, noteOf} from './time.js';

/// Around both ends of what is to be deleted segments are looked for so far, in milliseconds: none is longer.
const MARGIN = 3600000;
/// Bytes of a reason that the host keeps.
const LONGEST_REASON = 500;
/// Who may do it, when the host says that this one may not.
const NEEDS = {hold: 'Holding needs a token of the role `operate`.', release: 'Releasing needs a token of the role `admin`.', delete: 'Deleting needs a token of the role `admin`.'};

export class Keep {
  /// `chosen()`: the stretch that somebody chose, if one was. `changed(holds)`: others are held now. `gone()`: something was deleted.
  constructor(asset, {chosen, changed, gone, signal}) {
    Object.assign(this, {asset, chosen, changed, gone, signal, holds: []});
    this.list = h('ul', {class: 'holds', 'aria-label': 'Holds'});
    this.told = h('p', {role: 'status', class: 'quiet'});
    this.failed = h('div');
    const button = (words, then) => h('button', {type: 'button', onclick: then}, words);
    this.begin = button('Hold …', () => this.askHold());
    this.dialogs = h('div');
    this.element = h('section', {}, h('h2', {}, 'Hold and delete'),
      h('p', {class: 'quiet'}, 'What is held is removed by nothing: not for its age, not for want of room, not by hand.'), this.list, this.failed,
      h('div', {class: 'row'}, this.begin, button('Delete …', () => this.askDelete()),
        h('a', {href: `#/audit?${new URLSearchParams({asset: asset.name})}`}, 'Who did what')), this.told, this.dialogs);
  }

  /// Asks the host what is held.
  async load() {
    const {value} = await get('api/holds', {asset: this.asset.name}, this.signal);
    const holds = value.filter(one => one.store === this.asset.store);
    const now = JSON.stringify(holds);
    replace(this.failed);
    if (now === this.known) return;
    this.known = now;
    this.holds = holds.map(hold);
    renew(this.list, this.holds.length ? this.holds.map(one => this.line(one)) : h('li', {class: 'quiet'}, 'Nothing of it is held.'));
    this.changed(this.holds);
  }

  /// The same after something was done here: what cannot be had is said, not thrown.
  async again() {
    try {
      await this.load();
    } catch (error) {
      if (!this.signal.aborted) replace(this.failed, problem(error));
    }
    // The button that was pressed may be gone.
    if (document.activeElement === document.body) this.begin.focus();
  }

  line(one) {
    const ends = one.until ? `, until ${full(one.until)}` : '';
    const words = `Release hold ${one.id}`;
    return h('li', {}, h('div', {}, h('strong', {}, why(one)), h('br'), `From ${stretch(one.start, one.end)}`,
      h('br'), h('span', {class: 'quiet'}, `Since ${full(one.since)}${ends}`)),
    h('button', {type: 'button', 'aria-label': words, onclick: () => this.askRelease(one)}, 'Release …'));
  }

  path(...more) {
    return at('assets', this.asset.name, ...more);
  }

  async send(what, path, options) {
    try {
      return await (await request(path, {...options, query: {store: this.asset.store, ...options.query}})).json();
    } catch (error) {
      if (error.status === 403) error.hint ??= NEEDS[what];
      throw error;
    }
  }

  /// What it is about: the chosen stretch, or everything.
  which(words, changed) {
    const range = this.chosen();
    const options = [
      ['stretch', range ? `The chosen stretch: ${stretch(...range)}` : 'A stretch: choose it on the timeline, or type its times', !range],
      ['all', words]];
    return choice('How much', 'how-much', options, range ? 'stretch' : '', changed);
  }

  askHold() {
    const range = this.chosen();
    let all = false;
    const reason = h('input', {maxlength: LONGEST_REASON, placeholder: 'such as theft, case 12'});
    const note = h('p', {class: 'quiet', role: 'status'});
    const until = h('input', {type: 'datetime-local', step: 1, onchange: () => say(note, noteOf(until.value))});
    const dialog = new Dialog({
      title: `Hold ${this.asset.name}`, act: 'Hold',
      body: [this.which('All of it, and what is to come', value => { all = value === 'all'; }),
        h('label', {class: 'field'}, 'Why', reason), h('label', {class: 'field'}, 'Ends by itself at (without: when somebody releases it)', until), note],
      then: async () => {
        const end = fromLocal(until.value);
        const part = all ? {} : {startTime: iso(range[0]), endTime: iso(range[1])};
        const body = {...part, reason: reason.value.trim(), until: Number.isNaN(end) ? undefined : iso(end)};
        const placed = hold(await this.send('hold', this.path('holds'), {method: 'POST', body}));
        this.done(`Held: hold ${placed.id}.`);
      },
    });
    dialog.open(this.dialogs, reason);
  }

  askRelease(one) {
    const dialog = new Dialog({
      title: `Release hold ${one.id} of ${this.asset.name}`, act: 'Release', danger: true,
      body: [h('p', {}, why(one)), h('p', {}, `From ${stretch(one.start, one.end)}`),
        h('p', {}, 'Nothing goes by this alone. What is too old or too much, or what somebody deletes, goes then, and cannot be had back.')],
      then: async () => {
        await this.send('release', this.path('holds', String(one.id)), {method: 'DELETE'});
        this.done(`Released: hold ${one.id}.`);
      },
    });
    dialog.open(this.dialogs);
  }

  askDelete() {
    const range = this.chosen();
    let all = false;
    const what = h('div', {role: 'status', class: 'goes'});
    const dialog = new Dialog({
      title: `Delete from ${this.asset.name}`, act: 'Delete for good', danger: true,
      body: [this.which('All of it', value => {
        all = value === 'all';
        this.weigh(all ? null : range, what, dialog.act);
      }), what],
      then: async () => {
        const query = all ? {} : {startTime: iso(range[0]), endTime: iso(range[1])};
        const told = deleted(await this.send('delete', this.path(), {method: 'DELETE', query}));
        this.done(told);
        this.gone();
      },
    });
    dialog.act.disabled = true;
    dialog.open(this.dialogs);
    if (range) this.weigh(range, what, dialog.act);
  }

  /// Says exactly what would go, and whether something keeps it.
  async weigh(range, what, act) {
    const turn = this.turn = Symbol('one question at a time');
    act.disabled = true;
    replace(what, h('p', {class: 'quiet'}, 'Looking at what is there …'));
    try {
      await this.load();
      const goes = range ? await this.taken(range) : await this.everything();
      if (turn !== this.turn) return;
      const keeps = goes ? touching(this.holds, ...goes) : [];
      replace(what, this.verdict(range, goes, keeps));
      act.disabled = !goes || keeps.length > 0;
    } catch (error) {
      if (turn === this.turn) replace(what, problem(error));
    }
  }

  verdict(range, goes, keeps) {
    if (!goes) return h('p', {}, 'Nothing of it is there.');
    if (keeps.length) {
      const words = keeps.length === 1 ? 'This is held, so nothing of it can be deleted until it is released:' : 'These are held, so nothing of it can be deleted until they are released:';
      return [h('p', {}, words), h('ul', {}, keeps.map(one => h('li', {}, h('strong', {}, why(one)), `, from ${stretch(one.start, one.end)}`)))];
    }
    const more = range ? beyond(goes, range) : '';
    const open = this.asset.live ? 'It is being recorded: what is not closed yet stays, and so does what is to come.' : '';
    return [h('p', {}, 'This goes, and cannot be had back:'), h('p', {}, h('strong', {}, stretch(...goes, true))),
      ...[more, open, 'Nothing of it is held; a hold would prevent it.'].filter(Boolean).map(words => h('p', {class: 'quiet'}, words))];
  }

  async everything() {
    const {start, end} = await get(this.path(), {store: this.asset.store}, this.signal);
    return start ? [Date.parse(start), Date.parse(end)] : null;
  }

  /// The segments at both ends say from where to where; of a long stretch, all that is in between goes, too.
  async taken([start, end]) {
    if (end - start <= 2 * MARGIN) return reach(await this.listed(start - MARGIN, end + MARGIN), start, end);
    const all = await this.everything();
    const [first, last] = all ? [Math.max(all[0], start), Math.min(all[1], end)] : [end, start];
    if (first >= last) return null;
    const ends = await Promise.all([start, end].map(edge => this.listed(edge - MARGIN, edge + MARGIN)));
    return reach([{start: first, end: last}, ...ends.flat()], start, end);
  }

  async listed(from, to) {
    const query = {startTime: iso(Math.max(0, from)), endTime: iso(to), store: this.asset.store};
    return segments(await (await request(this.path('video.m3u8'), {query, signal: this.signal})).text());
  }

  done(words) {
    say(this.told, words);
    // When the dialog is closed, so that the focus is back where it was.
    setTimeout(() => this.again());
  }
}
