// Links for players that cannot send a token. Where one is shown it is renewed before it ends, so that it can be copied again.

import {Renewed} from './renewal.js';
import {h, problem, replace, say} from './dom.js';
import {link} from './links.js';
import {full} from './time.js';

/// For so long somebody may play a link that was copied: as long as the host allows, as it is asked for and in milliseconds.
const TO_PLAY = 'PT1H';
const TO_PLAY_MS = 3600000;
/// What a link can be for, as the host's answer names it.
const KINDS = {hls: 'HLS, such as VLC or Safari', dash: 'DASH', file: 'a file, as MP4'};

export class Share {
  constructor(asset, signal) {
    Object.assign(this, {asset, signal});
    const options = Object.entries(KINDS).map(([value, words]) => h('option', {value}, words));
    this.kind = h('select', {'aria-label': 'What the link is for', onchange: () => this.show()}, options);
    this.button = h('button', {type: 'button', onclick: () => this.share()}, 'Copy link for a player');
    this.told = h('p', {role: 'status', class: 'quiet'});
    this.until = h('p', {class: 'quiet'});
    this.field = h('input', {readonly: true, class: 'wide', 'aria-label': 'Link for a player', onfocus: () => this.field.select()});
    this.shown = h('div', {hidden: true}, this.field, this.until);
    this.failed = h('div');
    this.element = h('div', {}, h('div', {class: 'row'}, this.kind, this.button), this.told, this.shown, this.failed);
    this.woken = () => this.renewed?.look();
    document.addEventListener('visibilitychange', this.woken);
    signal.addEventListener('abort', () => {
      document.removeEventListener('visibilitychange', this.woken);
      this.end();
    });
  }

  /// For this stretch from now on; none: there is nothing to share.
  set(range) {
    if (String(range) === String(this.range)) return;
    this.range = range;
    this.button.disabled = !range;
    this.end();
  }

  end() {
    this.renewed?.stop();
    this.renewed = this.link = undefined;
    this.shown.hidden = true;
    say(this.told, '');
    replace(this.failed);
  }

  async share() {
    replace(this.failed);
    this.button.disabled = true;
    try {
      if (!this.link) await this.begin();
      // The stretch is another by now.
      if (!this.link) return;
      const done = await copied(this.field.value);
      say(this.told, done ? 'Copied.' : 'Copy the link below.');
      if (!done) this.field.focus();
    } catch (error) {
      if (!this.signal.aborted) replace(this.failed, problem(error));
    } finally {
      this.button.disabled = !this.range;
    }
  }

  async begin() {
    const range = this.range;
    const renewed = this.renewed = new Renewed(() => link(this.asset, range, TO_PLAY), TO_PLAY_MS, {
      changed: one => {
        this.link = one;
        this.show();
      },
      failed: error => {
        this.end();
        replace(this.failed, problem(error));
      },
    });
    try {
      await renewed.start();
    } catch (error) {
      // Of a stretch that was left meanwhile nobody wants to know.
      if (this.renewed !== renewed) return;
      this.end();
      throw error;
    }
  }

  show() {
    if (!this.link) return;
    this.shown.hidden = false;
    this.field.value = this.link[this.kind.value];
    say(this.until, `Whoever has it may play this stretch until ${full(this.link.expires)}. While this is open, it is renewed here; a copy is not.`);
  }
}

/// Browsers let a page copy only when it came encrypted, or from this machine: otherwise people do it.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
