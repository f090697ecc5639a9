// Asks for the token. It stays in the session of this tab and goes with the tab.

import {get, keepToken, token} from './api.js';
import {h, replace, say} from './dom.js';

export function signIn(main, then) {
  const failed = h('p', {class: 'wrong', role: 'alert'});
  // The host refused the one that was kept.
  if (token()) say(failed, 'The host does not take this token.');
  keepToken('');
  const input = h('input', {type: 'password', name: 'token', autocomplete: 'current-password', required: true, spellcheck: 'false'});
  const form = h('form', {class: 'sign-in', onsubmit: async event => {
    event.preventDefault();
    keepToken(input.value.trim());
    try {
      await get('api/status');
      then();
    } catch (error) {
      // A refused token has asked for the next one by itself; anything else is said here.
      if (error.status !== 401) say(failed, error.message);
    }
  }}, h('h1', {}, 'Sign in'), h('label', {}, 'Token', input), h('button', {class: 'main'}, 'Sign in'), failed,
    h('p', {class: 'quiet'}, 'The token stays in this tab and is forgotten when it is closed.'));
  replace(main, form);
  input.focus();
}

export function signOut() {
  keepToken('');
}
