// One recording: the picture with its boxes, the timeline below, jumps to what was seen, and a stretch to be saved, held or deleted.

import {at, get} from './api.js';
import {Boxes, found} from './boxes.js';
import {asking} from './dialog.js';
import {badge, h, problem, renew, replace, say} from './dom.js';
import {Export} from './export.js';
import {Keep} from './keep.js';
import {playerFor} from './native.js';
import {CAUSES, detections, events, gaps, nextDetection, stored} from './marks.js';
import {link} from './recordings.js';
import {Seen} from './seen.js';
import {Spans} from './spans.js';
import {Thumbnail} from './thumbnail.js';
import {Timeline} from './timeline.js';
import {fromLocal, full, length, noteOf, toLocal} from './time.js';

/// After the last move before the host is asked, in milliseconds.
const REST = 200;
/// What is shown before something that was jumped to, in milliseconds.
const LEAD = 1500;
/// Between two looks at what was recorded meanwhile, in milliseconds.
const EVERY = 10000;

export const title = 'Recording';

export async function show(main, [name], {signal, every, query}) {
  const asset = await get(at('assets', name ?? ''), {store: query.get('store')}, signal);
  if (!asset.start) throw new Error(nothing(name));
  const page = new Page(asset, signal);
  replace(main, page.element);
  page.begin(Number(query.get('t')) || undefined);
  await every(EVERY, () => page.load());
}

const nothing = name => `Nothing of ${name} is there any more.`;

class Page {
  constructor(asset, signal) {
    Object.assign(this, {asset, signal, seen: []});
    this.spans = new Spans(asset.name, asset.store);
    this.video = h('video', {playsinline: true, 'aria-label': asset.name, onclick: () => this.toggle()});
    this.boxes = new Boxes(this.video);
    this.pictures = new Seen((start, end) => stored(asset.name, asset.store, start, end, signal));
    this.note = h('p', {class: 'note', role: 'status'});
    this.player = playerFor(this.video, asset, text => say(this.note, text), ms => this.timeline.missing(ms));
    this.thumbnail = new Thumbnail(asset, signal);
    this.export = new Export(asset, selection => this.timeline.set({selection}), signal);
    this.keep = new Keep(asset, {signal, chosen: () => this.export.range, changed: holds => this.holds(holds), gone: () => this.deleted()});
    this.timeline = new Timeline({
      go: ms => this.go(ms), looked: () => this.later(), chosen: selection => this.export.set(selection),
      hovered: (ms, x) => this.thumbnail.show(ms, x, ms === null ? undefined : this.timeline.describe(ms)),
    });
    this.happened = asset.instance ? events(asset.instance, signal, () => this.timeline.paint()) : [];
    this.timeline.limit(...this.extent());
    this.timeline.set({events: this.happened});
    this.element = h('div', {class: 'recording'}, this.head(), this.screen(), this.bar(), this.strip(), this.tools());
    this.keys = event => this.key(event);
    document.addEventListener('keydown', this.keys);
    signal.addEventListener('abort', () => this.stop());
  }

  stop() {
    this.stopped = true;
    document.removeEventListener('keydown', this.keys);
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.player.stop();
    this.timeline.stop();
  }

  /// The first and the newest moment of the recording.
  extent() {
    const {start, end, live} = this.asset;
    return [Date.parse(start), live ? Date.now() : Date.parse(end)];
  }

  head() {
    const {asset} = this;
    this.held = badge('busy', 'Held');
    this.held.hidden = !asset.held;
    return h('div', {class: 'row'}, h('h1', {}, asset.name), asset.live ? badge('good', 'Recording') : null, this.held,
      asset.instance ? h('a', {href: `#/graph/${encodeURIComponent(asset.instance)}`}, asset.instance) : null);
  }

  screen() {
    return h('div', {class: 'picture big'}, this.video, this.boxes.layer, this.note);
  }

  bar() {
    this.play = h('button', {type: 'button', class: 'main', onclick: () => this.toggle()}, 'Play');
    for (const name of ['play', 'pause']) this.video.addEventListener(name, () => say(this.play, this.video.paused ? 'Play' : 'Pause'));
    this.clock = h('output', {class: 'clock', 'aria-label': 'Shown moment'});
    this.label = h('select', {onchange: () => this.labelled()}, h('option', {value: ''}, 'anything'));
    const speed = h('select', {onchange: () => { this.video.playbackRate = Number(speed.value); }},
      ['0.25', '0.5', '1', '2', '4', '8'].map(one => h('option', {value: one, selected: one === '1'}, `${one} ×`)));
    const sound = h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => {
      this.video.muted = !this.video.muted;
      sound.setAttribute('aria-pressed', String(!this.video.muted));
    }}, 'Sound');
    this.video.muted = true;
    const jump = (words, ahead) => h('button', {type: 'button', onclick: () => this.jump(ahead)}, words);
    return h('div', {class: 'row bar'}, this.play, this.clock, h('label', {}, 'Speed ', speed), sound,
      h('span', {class: 'grow'}), h('span', {class: 'jumps'}, jump('‹ Previous', false), h('label', {}, h('span', {class: 'hidden'}, 'Jump to and show '), this.label), jump('Next ›', true)));
  }

  strip() {
    const zoom = (words, label, factor) => h('button', {type: 'button', 'aria-label': label, onclick: () => this.timeline.zoom(factor)}, words);
    const range = (words, span) => h('button', {type: 'button', onclick: () => this.around(span)}, words);
    this.where = h('input', {type: 'datetime-local', step: 1, 'aria-label': 'Go to', onchange: () => this.typed()});
    return h('div', {class: 'strip'}, this.thumbnail.element, this.timeline.canvas,
      h('div', {class: 'row'}, zoom('−', 'Show more time', 2), zoom('+', 'Show less time', 0.5),
        range('Minute', 60000), range('Hour', 3600000), range('Day', 86400000), range('All', 0), h('span', {class: 'grow'}), h('label', {}, 'Go to ', this.where)),
      h('p', {id: 'timeline-keys', class: 'quiet keys'}, 'Drag to move, wheel or two fingers to zoom, Shift and drag to choose a stretch. Keys: space plays, ← → move, + − zoom, N and P jump, I and O choose a stretch.'));
  }

  tools() {
    this.found = h('ol', {class: 'found'});
    this.failed = h('div');
    return h('div', {class: 'columns'}, h('section', {}, h('h2', {}, 'Save a stretch'), this.export.element), this.keep.element,
      h('section', {}, h('h2', {}, 'Seen'), this.failed, this.found));
  }

  begin(time) {
    const [start, end] = [Date.parse(this.asset.start), Date.parse(this.asset.end)];
    const moment = time ?? Math.max(start, this.asset.live ? end - 60000 : start);
    const span = Math.min(3600000, Math.max(60000, (end - start) * 1.1));
    this.timeline.show(moment - span * 0.8, moment + span * 0.2);
    if (time !== undefined || !this.asset.live) this.timeline.show(moment - span / 2, moment + span / 2);
    this.go(moment);
    this.video.play().catch(() => {});
    const step = () => {
      this.tick();
      this.frame = requestAnimationFrame(step);
    };
    step();
  }

  tick() {
    const ms = this.player.moment();
    if (Number.isNaN(ms)) return this.boxes.show([]);
    this.pictures.follow(ms, this.video.playbackRate);
    const label = this.label.value;
    const shown = found(ms, this.pictures.at(ms), this.happened, this.seen).filter(one => !label || one.label === label);
    this.boxes.show(shown);
    this.boxes.layer.dataset.shown = shown.length ? ` Shown: ${shown.map(one => one.label).join(', ')}` : '';
    say(this.clock, full(ms, true));
    if (Math.abs(ms - this.timeline.now) > 20 && !this.video.seeking) this.timeline.at(ms, !this.video.paused);
  }

  go(ms) {
    if (Number.isNaN(ms)) return;
    const moment = Math.min(ms, Date.now());
    this.where.value = toLocal(moment);
    this.timeline.at(moment, true);
    this.timeline.scale.reveal(moment);
    this.player.go(moment);
  }

  typed() {
    const note = noteOf(this.where.value);
    this.go(fromLocal(this.where.value));
    // Without one, what the player says stays: it may have said already that nothing is there.
    if (note) say(this.note, note);
  }

  around(span) {
    const [start, end] = this.extent();
    const margin = (end - start) * 0.03;
    if (span) this.timeline.show(this.timeline.now - span / 2, this.timeline.now + span / 2);
    else this.timeline.show(start - margin, end + margin);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load().catch(error => replace(this.failed, problem(error))), REST);
  }

  /// What the timeline shows, and as much again on both sides.
  async load() {
    if (this.stopped) return;
    const {start, end, span} = this.timeline.scale;
    const [from, to] = [Math.max(0, start - span / 2), Math.min(end + span / 2, Date.now() + 1000)];
    if (to <= from) return this.timeline.set({spans: [], gaps: [], detections: []});
    const {name, store} = this.asset;
    const of = this.spans;
    const [spans, holes, seen] = await Promise.all([
      of.between(from, to), gaps(name, store, from, to), detections({asset: name}, from, to, {signal: this.signal}), this.keep.load()]);
    // What was deleted meanwhile was still told of.
    if (this.signal.aborted || this.stopped || of !== this.spans) return;
    const named = holes.map(gap => ({...gap, words: CAUSES[gap.cause] ?? gap.cause}));
    this.seen = seen.value.filter(one => one.store === store);
    // Whole days and months are told of; the recording's own first and last moment are known better.
    const [first, last] = this.extent();
    this.timeline.limit(first, last);
    const there = spans.map(([one, other]) => [Math.max(one, first), Math.min(other, last)]).filter(([one, other]) => one < other);
    this.timeline.set({spans: there, gaps: named, detections: this.seen});
    this.labels();
    replace(this.failed);
    this.more = seen.more;
    renew(this.found, this.lines());
  }

  holds(holds) {
    this.held.hidden = !holds.length;
    this.timeline.set({holds});
  }

  /// What is not there any more is not to be played from what the browser has.
  async deleted() {
    const {name, store} = this.asset;
    this.spans = new Spans(name, store);
    try {
      Object.assign(this.asset, {start: undefined, end: undefined}, await get(at('assets', name), {store}, this.signal));
      if (!this.asset.start) return this.over();
      const moment = this.timeline.now;
      await this.load();
      this.player.reload(moment);
    } catch (error) {
      if (error.status === 404) this.over();
      else if (!this.signal.aborted) replace(this.failed, problem(error));
    }
  }

  /// Everything was deleted: there is nothing to be shown.
  over() {
    this.stop();
    const back = h('a', {href: '#/recordings'}, 'To the other recordings');
    replace(this.element, this.head(), problem(new Error(nothing(this.asset.name))), h('p', {}, back));
    back.focus();
  }

  labels() {
    const known = [...this.label.options].map(one => one.value);
    for (const label of new Set(this.seen.map(one => one.label))) {
      if (!known.includes(label)) this.label.append(h('option', {value: label}, label));
    }
  }

  lines() {
    const shown = this.seen.filter(one => !this.label.value || one.label === this.label.value).slice(-50).reverse();
    const lines = shown.map(one => h('li', {}, h('button', {type: 'button', class: 'plain', onclick: () => this.go(one.first - LEAD)},
      h('strong', {}, one.label), ` ${full(one.first)}, ${length(one.last - one.first)}`)));
    if (!lines.length) lines.push(h('li', {class: 'quiet'}, 'Nothing was seen in what the timeline shows.'));
    if (this.more) lines.push(h('li', {class: 'quiet'}, 'There is more than can be listed: zoom in.'));
    return lines;
  }

  labelled() {
    this.timeline.set({label: this.label.value});
    renew(this.found, this.lines());
  }

  /// Clips of one camera are recordings of their own, so the next one may be in another.
  async jump(ahead) {
    const {instance, name, store} = this.asset;
    const moment = this.timeline.now + (ahead ? LEAD + 100 : -100);
    const fits = one => (instance ? one.instance === instance : one.asset === name && one.store === store);
    try {
      const one = await nextDetection(this.label.value || undefined, moment, ahead, fits);
      const what = this.label.value || 'thing';
      if (!one) return say(this.note, ahead ? `No ${what} was seen after this.` : `No ${what} was seen before this.`);
      if (one.asset === name && one.store === store) this.go(one.first - LEAD);
      else location.hash = link({name: one.asset, store: one.store}, one.first - LEAD);
    } catch (error) {
      replace(this.failed, problem(error));
    }
  }

  toggle() {
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  key(event) {
    if (asking()) return;
    const typing = /^(INPUT|SELECT|TEXTAREA|BUTTON|SUMMARY|A)$/.test(event.target.tagName);
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const mark = end => {
      const [start, stop] = this.export.range ?? [this.timeline.now, this.timeline.now + 10000];
      const range = end ? [Math.min(start, this.timeline.now - 1000), this.timeline.now] : [this.timeline.now, Math.max(stop, this.timeline.now + 1000)];
      this.timeline.set({selection: range});
      this.export.set(range);
    };
    const keys = {' ': () => this.toggle(), n: () => this.jump(true), p: () => this.jump(false), i: () => mark(false), o: () => mark(true)};
    const then = keys[event.key.toLowerCase()];
    if (!then) return;
    event.preventDefault();
    then();
  }
}
