// All recordings, by camera: the newest first, with a picture of each.

import {at, list, picture} from './api.js';
import {badge, h, replace} from './dom.js';
import {day, clock, length, offsetText} from './time.js';

/// Pages that are fetched; a host may have a hundred thousand clips.
const PAGES = 10;
/// Recordings that are shown before somebody asks for more.
const FIRST = 60;

export const title = 'Recordings';

export async function show(main, _, {signal}) {
  const {value, more} = await list('assets', {$top: 1000}, {signal, pages: PAGES});
  const assets = value.filter(one => one.start).sort((a, b) => Date.parse(b.end) - Date.parse(a.end));
  const shelf = h('ul', {class: 'shelf'});
  const find = h('input', {type: 'search', oninput: () => fill(FIRST)});
  const rest = h('button', {type: 'button', onclick: () => fill(Infinity)}, 'Show all');
  const pictures = new IntersectionObserver(entries => entries.filter(one => one.isIntersecting).forEach(({target}) => {
    pictures.unobserve(target);
    thumbnail(target, signal);
  }), {rootMargin: '200px'});
  signal.addEventListener('abort', () => pictures.disconnect());
  const fill = most => {
    const wanted = find.value.toLowerCase();
    const fitting = assets.filter(one => `${one.name} ${one.instance}`.toLowerCase().includes(wanted));
    replace(shelf, fitting.slice(0, most).map(tile));
    rest.hidden = fitting.length <= most;
    shelf.querySelectorAll('.thumb').forEach(one => pictures.observe(one));
  };
  replace(main, h('h1', {}, title), h('div', {class: 'row'}, h('label', {}, 'Find ', find)), assets.length ? null : h('p', {class: 'empty'}, 'Nothing was recorded yet.'),
    shelf, rest, more ? h('p', {class: 'quiet'}, 'There are more recordings than are listed here.') : null);
  fill(FIRST);
}

export function link({name, store}, time) {
  const query = new URLSearchParams({store});
  if (time !== undefined) query.set('t', String(Math.round(time)));
  return `#/recording/${encodeURIComponent(name)}?${query}`;
}

function tile(asset) {
  const [start, end] = [Date.parse(asset.start), Date.parse(asset.end)];
  const thumb = h('span', {class: 'thumb', 'data-name': asset.name, 'data-store': asset.store, 'data-time': asset.start});
  return h('li', {}, h('a', {href: link(asset)}, thumb,
    h('strong', {}, asset.name),
    h('span', {class: 'quiet'}, `${day(start)} ${clock(start)} ${offsetText(start)}, ${length(end - start)}`),
    h('span', {class: 'row'}, h('span', {class: 'quiet'}, asset.instance), asset.live ? badge('good', 'Recording') : null, asset.held ? badge('busy', 'Held') : null)));
}

async function thumbnail(element, signal) {
  const {name, store, time} = element.dataset;
  try {
    const {url} = await picture(at('assets', name, 'frame.jpg'), {time, store, width: 320}, signal);
    const image = h('img', {src: url, alt: ''});
    image.addEventListener('load', () => URL.revokeObjectURL(url), {once: true});
    element.append(image);
  } catch {
    // A recording without a picture is still one: its name and times stand beside it.
  }
}
