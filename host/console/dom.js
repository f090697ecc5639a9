// Elements are made here and nowhere else. Whatever came from the host or the user goes in as text: a camera may be
// named `<script>`, and must then be read as that.

const SVG = 'http://www.w3.org/2000/svg';

/// An HTML element. `on…` attributes are listeners; `true` and `false` set an attribute or leave it out.
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/// The same for drawings.
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

/// Puts other children into an element.
export function replace(element, ...children) {
  element.replaceChildren(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

/// The same for a list that is renewed while somebody may stand in it: the focus stays at the same place.
export function renew(element, ...children) {
  const all = () => [...element.querySelectorAll('a, button, summary')];
  const place = all().indexOf(document.activeElement);
  replace(element, ...children);
  if (place >= 0) all()[place]?.focus({preventScroll: true});
}

/// Text for an element, set only when it is another: screen readers repeat what is set again.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/// What went wrong, for people.
export function problem(error) {
  const box = h('div', {class: 'problem', role: 'alert'}, h('p', {}, error.message ?? String(error)));
  if (error.hint) box.append(h('p', {class: 'quiet'}, error.hint));
  return box;
}

/// A word with a colour that says the same.
export function badge(kind, text) {
  return h('span', {class: `badge ${kind}`}, text);
}
