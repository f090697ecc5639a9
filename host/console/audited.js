// Entries of the audit log in words.

import {stretch} from './holds.js';
import {full} from './time.js';

/// What somebody did.
export const ACTIONS = {
  view: 'Looked',
  export: 'Saved as a file',
  snapshot: 'Looked at pictures',
  delete: 'Deleted',
  hold: 'Held',
  release: 'Released a hold',
};

/// What came of it: a kind of badge and a word. What is done is the rule, and needs none.
export const OUTCOMES = {begun: ['busy', 'Begun'], refused: ['bad', 'Refused']};

/// An entry as the texts of a line.
export function entry(told) {
  const moment = text => (text ? Date.parse(text) : NaN);
  return {
    when: full(moment(told.time)),
    who: told.who || 'Anyone',
    from: told.from,
    what: ACTIONS[told.action] ?? told.action,
    where: told.asset ?? told.camera ?? '',
    stretch: span(moment(told.start), moment(told.end)),
    outcome: OUTCOMES[told.outcome] ?? null,
    detail: told.detail ?? '',
  };
}

/// Nobody says how much of it a live view or a whole recording is.
function span(start, end) {
  if (Number.isNaN(start) && Number.isNaN(end)) return '';
  if (start === end) return full(start);
  return stretch(Number.isNaN(start) ? -Infinity : start, Number.isNaN(end) ? Infinity : end);
}
