// Cameras as they are now. Only what is on the screen is fetched: each picture costs the host and the network.

import {at, get, list, request} from './api.js';
import {h, replace, say} from './dom.js';

/// Before a view that ended is asked for again, in milliseconds.
const AGAIN = 4000;
/// Behind the newest picture by more than this, in seconds, the view jumps ahead.
const LATE = 1.5;
/// Kept behind the picture, in seconds.
const KEPT = 10;

export const title = 'Live';

export async function show(main, [only], {signal}) {
  const {value: instances} = await list('api/GraphInstance', {}, {signal});
  const wanted = instances.filter(one => one.properties.state === 'Active' && (!only || one.name === only));
  const names = [...new Set(wanted.map(one => one.properties.topologyName))];
  const topologies = new Map(await Promise.all(names.map(async name => [name, await get(at('api', 'GraphTopology', name), {}, signal)])));
  const cameras = wanted.flatMap(one => sources(topologies.get(one.properties.topologyName)).map(source => [one.name, source]));
  const views = cameras.map(([instance, source]) => new LiveView(instance, source, signal));
  replace(main, h('h1', {}, only ? `${only}, live` : title),
    views.length ? h('div', {class: only ? 'live one' : 'live'}, views.map(view => view.element)) : h('p', {class: 'empty'}, 'No graph with a camera is active.'));
  watch(views, signal);
}

function sources(topology) {
  return (topology.properties.sources ?? []).filter(one => /RtspSource$/.test(one['@type'])).map(one => one.name);
}

function watch(views, signal) {
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) {
      const view = views.find(one => one.element === entry.target);
      if (entry.isIntersecting) view.start();
      else view.stop();
    }
  });
  views.forEach(view => seen.observe(view.element));
  signal.addEventListener('abort', () => {
    seen.disconnect();
    views.forEach(view => view.stop());
  });
}

class LiveView {
  constructor(instance, source, signal) {
    Object.assign(this, {instance, source, signal});
    this.video = h('video', {muted: true, playsinline: true, 'aria-label': `${instance}, ${source}, live`});
    this.video.muted = true;
    this.note = h('p', {class: 'note', role: 'status'});
    const link = h('a', {href: `#/live/${encodeURIComponent(instance)}`}, instance);
    const big = h('button', {type: 'button', onclick: () => this.video.requestFullscreen?.()}, 'Full screen');
    this.element = h('figure', {}, h('div', {class: 'picture'}, this.video, this.note), h('figcaption', {class: 'row'}, link, h('span', {class: 'quiet'}, source), big));
  }

  start() {
    if (this.ends) return;
    this.ends = new AbortController();
    this.run(this.ends.signal);
  }

  stop() {
    this.ends?.abort();
    this.ends = undefined;
    this.video.removeAttribute('src');
    this.video.load();
  }

  async run(signal) {
    while (!signal.aborted) {
      say(this.note, 'Connecting …');
      try {
        await this.view(signal);
        say(this.note, 'The camera went away. Trying again …');
      } catch (error) {
        if (signal.aborted) return;
        say(this.note, error.message);
        if (error.status === 401 || error.status === 403) return;
      }
      await new Promise(done => setTimeout(done, AGAIN));
    }
  }

  async view(signal) {
    const answer = await request(at('live', this.instance, this.source), {signal});
    const type = `video/mp4; codecs="${answer.headers.get('mediagraph-codecs')}"`;
    if (!globalThis.MediaSource?.isTypeSupported(type)) throw new Error('This browser cannot show what the camera sends.');
    const media = new MediaSource();
    const url = URL.createObjectURL(media);
    this.video.src = url;
    try {
      await new Promise(open => media.addEventListener('sourceopen', open, {once: true}));
      const buffer = media.addSourceBuffer(type);
      const reader = answer.body.getReader();
      for (let part; !(part = await reader.read()).done;) {
        await this.append(buffer, part.value);
        this.keepUp(buffer);
      }
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  async append(buffer, bytes) {
    buffer.appendBuffer(bytes);
    await updated(buffer);
    const {buffered, currentTime} = this.video;
    if (buffered.length && currentTime - buffered.start(0) > 3 * KEPT) {
      buffer.remove(0, currentTime - KEPT);
      await updated(buffer);
    }
  }

  keepUp() {
    const {video} = this;
    if (!video.buffered.length) return;
    const [start, end] = [video.buffered.start(video.buffered.length - 1), video.buffered.end(video.buffered.length - 1)];
    if (video.currentTime < start || end - video.currentTime > LATE) video.currentTime = Math.max(start, end - 0.3);
    if (video.paused) video.play().catch(() => {});
    if (video.readyState > 1) say(this.note, '');
  }
}

function updated(buffer) {
  return new Promise(done => buffer.addEventListener('updateend', done, {once: true}));
}
