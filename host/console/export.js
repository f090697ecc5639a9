// Saving a stretch as a file. Without a token the browser fetches it by itself. With one, what comes is written to a file
// that the user chose; where a browser cannot do that, it fetches the file by a link. Nothing is gathered in memory.

import {address, at, request, token} from './api.js';
import {Share} from './share.js';
import {h, replace, problem, say} from './dom.js';
import {link} from './links.js';
import {fileStamp, fromLocal, iso, length, noteOf, toLocal} from './time.js';

/// As much as the host puts into a file, in milliseconds.
const LONGEST = 24 * 3600000;
/// A download must begin within this.
const TO_BEGIN = 'PT1M';

export class Export {
  /// `changed([start, end])`: times were typed.
  constructor(asset, changed, signal) {
    Object.assign(this, {asset, changed});
    this.share = new Share(asset, signal);
    const input = () => h('input', {type: 'datetime-local', step: 1, onchange: () => this.typed()});
    [this.from, this.to] = [input(), input()];
    this.button = h('button', {type: 'button', class: 'main', onclick: () => this.save()}, 'Save as MP4');
    this.told = h('span', {role: 'status', class: 'quiet'});
    this.failed = h('div');
    this.element = h('div', {}, h('div', {class: 'row'}, h('label', {}, 'From ', this.from), h('label', {}, 'to ', this.to), this.button, this.told), this.failed, this.share.element);
    this.say();
  }

  set([start, end]) {
    this.range = [start, end];
    this.note = '';
    this.from.value = toLocal(start);
    this.to.value = toLocal(end);
    this.say();
  }

  typed() {
    const [start, end] = [fromLocal(this.from.value), fromLocal(this.to.value)];
    this.range = start < end ? [start, end] : undefined;
    this.note = [this.from, this.to].map(input => noteOf(input.value)).filter(Boolean).join(' ');
    if (this.range) this.changed(this.range);
    this.say();
  }

  say() {
    const span = this.range ? this.range[1] - this.range[0] : 0;
    const fits = span > 0 && span <= LONGEST;
    this.button.disabled = !fits;
    this.share.set(fits ? this.range : undefined);
    const note = this.note ?? '';
    const words = span > LONGEST ? 'A file holds 24 hours at most.' : span ? length(span) : 'Choose a stretch: drag with Shift held, or type its times.';
    say(this.told, note ? `${words} ${note}` : words);
  }

  /// `yard 2026-11-22T14-02-00+0100.mp4`: the site's time with its offset, in letters that every disk takes.
  name() {
    const name = this.asset.name.replace(/[^\p{L}\p{N}._-]+/gu, '_');
    return `${name} ${fileStamp(this.range[0])}.mp4`;
  }

  async save() {
    const path = at('assets', this.asset.name, 'export.mp4');
    const query = {startTime: iso(this.range[0]), endTime: iso(this.range[1]), store: this.asset.store};
    replace(this.failed);
    this.button.disabled = true;
    try {
      if (!token()) offer(address(path, query), this.name());
      else if (window.showSaveFilePicker) await this.fetch(path, query);
      else offer((await link(this.asset, this.range, TO_BEGIN)).file, this.name());
    } catch (error) {
      if (error.name !== 'AbortError') replace(this.failed, problem(error));
    }
    this.button.disabled = false;
  }

  async fetch(path, query) {
    const file = await window.showSaveFilePicker({suggestedName: this.name()});
    const answer = await request(path, {query});
    const all = Number(answer.headers.get('content-length'));
    const counted = counter(done => say(this.told, all ? `${Math.floor(done / all * 100)} %` : `${Math.floor(done / 1e6)} MB`));
    await answer.body.pipeThrough(counted).pipeTo(await file.createWritable());
    say(this.told, 'Saved.');
  }
}

function offer(href, download) {
  h('a', {href, download}).click();
}

function counter(tell) {
  let done = 0;
  return new TransformStream({transform(bytes, out) {
    done += bytes.length;
    tell(done);
    out.enqueue(bytes);
  }});
}
