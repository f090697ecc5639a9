// Plays a recording by the wall clock: callers know moments, the video element knows seconds. A stretch of a few hours
// is loaded at a time; who goes beyond it gets another.

import Hls from './hls.js';
import {address, at, authorization} from './api.js';
import {iso} from './time.js';

const HOUR = 3600000;
/// What is loaded before and behind the moment that was asked for.
const BEFORE = HOUR / 2;
const BEHIND = 3 * HOUR;
/// The longest stretch of both.
export const LONGEST = BEFORE + BEHIND;
/// Between two failures at the same place, in milliseconds.
const SAME = 1000;
/// So often what cannot be played is passed over, from one wish of the viewer's to the next.
const MOST_PASSED = 20;
/// How long a recording may take to begin before it is asked for again, in milliseconds.
const FIRST_WAIT = 1200;

export class Player {
  /// `told(text)`: what a viewer should know, or nothing. `why(ms)`: why nothing is there at a moment, if that is known.
  constructor(video, asset, told, why = () => '') {
    Object.assign(this, {video, asset, told, why});
    video.addEventListener('ended', () => this.ended());
    video.addEventListener('loadedmetadata', () => {
      if (this.first > 0 && Math.abs(video.currentTime - this.first) > 0.5) video.currentTime = this.first;
      this.first = undefined;
    });
  }

  /// Goes to a moment, or to what was recorded next.
  go(ms) {
    this.passed = 0;
    if (this.holds(ms)) return this.seek(ms);
    this.reload(ms);
  }

  /// The same from new lists: what the old ones name may be gone.
  reload(ms) {
    this.wanted = ms;
    this.load(ms);
  }

  holds(ms) {
    return this.fragments && ms >= this.from && ms < this.to && this.fragments.length > 0;
  }

  load(ms) {
    this.stop();
    const first = Date.parse(this.asset.start ?? '') || 0;
    // Before the first moment there is nothing to ask for: the player begins there, and says so.
    ms = Math.max(ms, first);
    this.from = Math.max(first, ms - BEFORE);
    const last = this.asset.live ? Infinity : Date.parse(this.asset.end ?? '') || Infinity;
    const open = ms + BEHIND > Date.now() || ms + BEHIND > last;
    this.to = open ? Infinity : ms + BEHIND;
    this.attach();
  }

  attach() {
    const query = {startTime: iso(this.from), endTime: this.to === Infinity ? undefined : iso(this.to), store: this.asset.store};
    this.hls = new Hls({
      // The host sends fragmented MP4, so there is little to do, and a worker would need a looser content policy.
      enableWorker: false,
      backBufferLength: 60,
      maxBufferLength: 20,
      maxMaxBufferLength: 60,
      maxBufferSize: 10e6,
      startPosition: 0,
      xhrSetup: (request, url) => {
        request.open('GET', url, true);
        for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
      },
    });
    this.hls.on(Hls.Events.LEVEL_UPDATED, (_, {details}) => this.listed(details));
    this.hls.once(Hls.Events.AUDIO_TRACK_LOADED, () => this.begin());
    this.hls.on(Hls.Events.ERROR, (_, error) => this.failed(error));
    this.hls.loadSource(address(at('assets', this.asset.name, 'index.m3u8'), query));
    this.hls.attachMedia(this.video);
  }

  listed(details) {
    this.fragments = details.fragments.filter(one => one.programDateTime);
    if (this.wanted === undefined) return;
    const wanted = this.wanted;
    this.wanted = undefined;
    if (this.fragments.length) this.seek(wanted);
    else this.told(`${this.absent(wanted)}.`);
  }

  seek(ms) {
    const {fragments} = this;
    const nearest = `${this.absent(ms)}; this is what comes nearest.`;
    if (ms < fragments[0].programDateTime - 100) this.told(nearest);
    let fragment = fragments.findLast(one => one.programDateTime <= ms) ?? fragments[0];
    let inside = (ms - fragment.programDateTime) / 1000;
    if (inside >= fragment.duration) {
      const next = fragments.find(one => one.programDateTime > ms);
      const hole = next ? next.programDateTime - ms > 100 : true;
      this.told(hole ? nearest : '');
      inside = next ? 0 : Math.max(0, fragment.duration - 0.1);
      fragment = next ?? fragment;
    } else if (ms >= fragment.programDateTime - 100) {
      this.told('');
    }
    this.place(fragment.start + Math.max(0, inside) + 0.001);
  }

  absent(ms) {
    return this.why(ms) || 'Nothing was recorded here';
  }

  /// Before anything is loaded, a seek would not be noticed: video and sound would wait for each other at the beginning.
  place(seconds) {
    if (this.video.readyState > 0) {
      this.video.currentTime = seconds;
    } else {
      this.first = seconds;
      this.begin();
    }
  }

  /// Loads from the wanted place on. Again when the list of the sound is there, too: hls.js with a growing recording
  /// would otherwise wait for sound that it does not ask for.
  begin(patience = FIRST_WAIT) {
    const {hls, first} = this;
    const waits = () => hls === this.hls && first === this.first && first !== undefined && this.video.readyState === 0;
    clearTimeout(this.nudge);
    setTimeout(() => {
      if (waits()) hls.startLoad(first);
    });
    // It is asked again, each time later, so that a slow network is not cut off by its own repair.
    this.nudge = setTimeout(() => {
      if (waits()) this.begin(2 * patience);
    }, patience);
  }

  /// The moment that is on the screen.
  moment() {
    if (this.video.readyState === 0) return NaN;
    const time = this.video.currentTime;
    const fragment = this.fragments?.findLast(one => one.start <= time + 0.001) ?? this.fragments?.[0];
    return fragment ? fragment.programDateTime + (time - fragment.start) * 1000 : NaN;
  }

  ended() {
    if (this.to === Infinity) return;
    this.go(this.to + 1);
    this.video.play().catch(() => {});
  }

  failed(error) {
    if (!error.fatal) return;
    const status = error.response?.code;
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR && !this.recovered) {
      this.recovered = true;
      return this.hls.recoverMediaError();
    }
    if (this.passOver(error.frag)) return;
    this.told(status === 404 ? 'This part of the recording is not there any more.' : `The recording cannot be played (${error.details}).`);
  }

  /// The host leaves out of its next list what it found to be gone or damaged. What cannot be played even so is passed over here.
  passOver(fragment) {
    const here = this.moment();
    const failing = fragment?.programDateTime ?? here;
    if (!Number.isFinite(failing) || this.passed >= MOST_PASSED) return false;
    this.passed += 1;
    const again = Math.abs(failing - this.failing) < SAME;
    this.failing = failing;
    const broken = fragment ?? this.fragments?.findLast(one => one.programDateTime <= failing);
    const behind = failing + (broken?.duration ?? 1) * 1000;
    const playing = !this.video.paused;
    this.reload(again || Number.isNaN(here) ? behind : here);
    if (playing) this.video.play().catch(() => {});
    return true;
  }

  stop() {
    clearTimeout(this.nudge);
    this.hls?.destroy();
    this.hls = undefined;
    this.fragments = undefined;
    this.first = undefined;
    this.recovered = false;
  }
}
