// Asks somebody before something is done. The browser's own dialog keeps the focus inside, closes with Escape, and gives the focus
// back to where it was.

import {h, problem, replace} from './dom.js';

let count = 0;

export class Dialog {
  /// `title` and `body` say what it is about, `act` is the word on its button, `then()` does it: when it fails, its words are shown and
  /// nothing is closed. `danger`: it cannot be undone.
  constructor({title, body, act, then, danger = false}) {
    count += 1;
    const id = `dialog-${count}`;
    this.act = h('button', {class: danger ? 'danger' : 'main'}, act);
    this.cancel = h('button', {type: 'button', onclick: () => this.element.close()}, 'Cancel');
    this.failed = h('div');
    const form = h('form', {onsubmit: event => {
      event.preventDefault();
      this.run(then);
    }}, h('h2', {id}, title), body, this.failed, h('div', {class: 'row end'}, this.cancel, this.act));
    this.element = h('dialog', {class: 'ask', 'aria-labelledby': id, onclose: () => this.element.remove()}, form);
  }

  /// Opens it in a part of the page, with which it goes. What cannot be undone is not one press of a key away.
  open(parent, first = this.cancel) {
    parent.append(this.element);
    this.element.showModal();
    first.focus();
  }

  async run(then) {
    if (this.act.disabled) return;
    this.act.disabled = true;
    replace(this.failed);
    try {
      await then();
      this.element.close();
    } catch (error) {
      replace(this.failed, problem(error));
    }
    this.act.disabled = false;
    // A button that cannot be pressed loses the focus.
    if (this.element.open && !this.element.contains(document.activeElement)) this.act.focus();
  }
}

/// Whether a dialog is open: the keys of the page are not meant then.
export const asking = () => document.querySelector('dialog[open]') !== null;

/// One of several, which are told apart by what stands beside them: `[value, words, disabled]`.
export function choice(legend, name, options, chosen, changed) {
  const one = ([value, words, disabled]) => h('label', {class: 'choice'},
    h('input', {type: 'radio', name, value, checked: value === chosen, disabled, required: true, onchange: () => changed(value)}), h('span', {}, words));
  return h('fieldset', {}, h('legend', {}, legend), options.map(one));
}
