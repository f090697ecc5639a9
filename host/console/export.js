// Saving a stretch as a file. Without a token the browser fetches it by itself. With one, what comes is written to a file
// that the user chose; where a browser cannot do that, it fetches the file by a link. A link is also there for players.

import {address, at, request, token} from './api.js';
import {h, replace, problem, say} from './dom.js';
import {link} from './links.js';
import {clock, fileStamp, fromLocal, iso, length, noteOf, toLocal} from './time.js';

/// As much as the host puts into a file, in milliseconds.
const LONGEST = 24 * 3600000;
/// A download must begin within this.
const TO_BEGIN = 'PT1M';
/// For so long somebody may play a link that was copied: as long as the host allows.
const TO_PLAY = 'PT1H';

export class Export {
  /// `changed([start, end])`: times were typed.
  constructor(asset, changed) {
    Object.assign(this, {asset, changed});
    const input = () => h('input', {type: 'datetime-local', step: 1, onchange: () => this.typed()});
    [this.from, this.to] = [input(), input()];
    this.button = h('button', {type: 'button', class: 'main', onclick: () => this.save()}, 'Save as MP4');
    this.copy = h('button', {type: 'button', onclick: () => this.share()}, 'Copy link for a player');
    this.told = h('span', {role: 'status', class: 'quiet'});
    this.failed = h('div');
    this.element = h('div', {}, h('div', {class: 'row'}, h('label', {}, 'From ', this.from), h('label', {}, 'to ', this.to), this.button, this.copy, this.told), this.failed);
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
    this.button.disabled = this.copy.disabled = !this.range || span > LONGEST;
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

  async share() {
    replace(this.failed);
    this.copy.disabled = true;
    try {
      const {hls, expires} = await link(this.asset, this.range, TO_PLAY);
      const until = `Whoever has it may play this stretch until ${clock(expires)}.`;
      if (await copied(hls)) say(this.told, `Copied. ${until}`);
      else this.show(hls, until);
    } catch (error) {
      replace(this.failed, problem(error));
    }
    this.copy.disabled = false;
  }

  /// Browsers let a page copy only when it came encrypted, or from this machine: otherwise people do it.
  show(text, until) {
    const field = h('input', {readonly: true, value: text, 'aria-label': 'Link for a player', onfocus: () => field.select()});
    replace(this.failed, h('p', {}, `Copy this link. ${until}`), field);
    field.focus();
  }
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
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
