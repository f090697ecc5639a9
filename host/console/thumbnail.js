// The small picture over the timeline where the pointer is. One is fetched at a time: who moves fast sees the last one.

import {at, picture} from './api.js';
import {h, say} from './dom.js';
import {full} from './time.js';

/// The pointer rests this long before a picture is asked for, in milliseconds.
const REST = 120;

export class Thumbnail {
  constructor(asset, signal) {
    Object.assign(this, {asset, signal});
    this.image = h('img', {alt: '', hidden: true});
    this.text = h('span');
    this.element = h('div', {class: 'hover', hidden: true, 'aria-hidden': 'true'}, this.image, this.text);
  }

  /// `missing`: why there is no picture; `held`: what holds it.
  show(ms, x, {missing = '', held = ''} = {}) {
    clearTimeout(this.timer);
    this.element.hidden = ms === null;
    if (ms === null) return;
    const most = this.element.parentElement.clientWidth;
    this.element.style.left = `${Math.max(0, Math.min(most - 180, x - 90))}px`;
    say(this.text, [full(ms), missing, held].filter(Boolean).join(' · '));
    this.image.hidden = this.image.hidden || Boolean(missing);
    if (!missing) this.timer = setTimeout(() => this.fetch(ms), REST);
  }

  async fetch(ms) {
    this.before?.abort();
    this.before = new AbortController();
    const signal = AbortSignal.any([this.before.signal, this.signal]);
    const query = {time: new Date(ms).toISOString(), width: 180, store: this.asset.store};
    try {
      const {url} = await picture(at('assets', this.asset.name, 'frame.jpg'), query, signal);
      this.image.onload = () => URL.revokeObjectURL(url);
      this.image.src = url;
      this.image.hidden = false;
    } catch {
      if (!signal.aborted) this.image.hidden = true;
    }
  }
}
