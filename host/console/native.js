// For browsers that play HLS by themselves and give scripts no way to do so, as on older phones: they cannot send a token, so they play
// by a link, which is renewed before it ends.

import Hls from './hls.js';
import {LONGEST, Player} from './player.js';
import {Renewed} from './renewal.js';
import {at, request} from './api.js';
import {fragments} from './playlist.js';
import {link} from './links.js';
import {iso} from './time.js';

/// A link counts for so long, as it is asked for and in milliseconds: the picture stops for a moment when it is renewed.
const LIFETIME = 'PT1H';
const LIFETIME_MS = 3600000;
/// Before what was recorded meanwhile is asked for, in milliseconds: shorter, there would be one list after the other.
const MEANWHILE = 10000;

/// The player that fits this browser.
export function playerFor(...given) {
  return Hls.isSupported() ? new Player(...given) : new NativePlayer(...given);
}

class NativePlayer extends Player {
  constructor(...given) {
    super(...given);
    this.video.addEventListener('error', () => this.broken());
    this.video.addEventListener('playing', () => { this.recovered = false; });
  }

  /// A list that grows would be played from its end, and its seconds would be told from there: up to now it does not. Nor may it be of
  /// more than the host gives at once, however long ago the recording was.
  async attach() {
    this.to = Math.max(this.from + 1000, Math.min(this.to, this.from + LONGEST, Date.now()));
    const {asset, from, to} = this;
    const renewed = this.renewed = new Renewed(() => link(asset, [from, to], LIFETIME), LIFETIME_MS, {
      changed: one => this.show(one.hls),
      failed: error => this.told(error.message),
    });
    try {
      const query = {startTime: iso(from), endTime: iso(to), store: asset.store};
      const list = fragments(await (await request(at('assets', asset.name, 'video.m3u8'), {query})).text());
      if (renewed === this.renewed && list.length) await renewed.start();
      if (renewed === this.renewed) this.listed({fragments: list});
    } catch (error) {
      if (renewed === this.renewed) this.told(error.message);
    }
  }

  /// Goes on at the same moment.
  show(url) {
    const {video} = this;
    const playing = this.playing ?? !video.paused;
    this.playing = undefined;
    if (video.readyState > 0) this.first = video.currentTime;
    video.src = url;
    if (playing) video.play().catch(() => {});
  }

  /// The browser begins by itself.
  begin() {}

  /// Behind the last moment of a recording there is nothing to go on with; behind one that goes on there is, after a while.
  ended() {
    const {renewed, to, asset} = this;
    if (!asset.live && to > Date.parse(asset.end ?? '')) return;
    clearTimeout(this.nudge);
    this.nudge = setTimeout(() => {
      if (renewed !== this.renewed || !this.video.ended) return;
      // What came to its end counts as paused.
      this.playing = true;
      super.ended();
    }, Math.max(0, to + MEANWHILE - Date.now()));
  }

  /// A host that was started again takes no link from before: once, another one is made.
  broken() {
    if (!this.renewed || !this.video.hasAttribute('src')) return;
    if (this.recovered) return this.told('The recording cannot be played.');
    this.recovered = true;
    this.renewed.again();
  }

  stop() {
    const {video} = this;
    this.playing = this.renewed ? this.playing ?? !video.paused : undefined;
    super.stop();
    this.renewed?.stop();
    this.renewed = undefined;
    if (video.hasAttribute('src')) {
      video.removeAttribute('src');
      video.load();
    }
  }
}
