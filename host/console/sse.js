// Server-sent events with a token, which `EventSource` cannot send. Resumes behind the last event after a break.

import {request} from './api.js';

/// Before the next try, in milliseconds.
const RETRY = [1000, 2000, 5000, 10000];

/// Reads events until `signal` is aborted. `tell` gets each one as `{id, type, data}`, `state` gets `true` when
/// connected and `false` when not.
export async function follow(query, {signal, tell, state = () => {}}) {
  let last = query.lastEventId;
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      const answer = await request('api/events', {query: {...query, lastEventId: last}, signal});
      state(true);
      tries = 0;
      await read(answer.body, event => {
        if (event.id) last = event.id;
        tell(event);
      });
    } catch (error) {
      if (signal.aborted || error.status === 401 || error.status === 403) return;
    }
    state(false);
    await pause(RETRY[Math.min(tries, RETRY.length - 1)], signal);
  }
}

async function read(body, tell) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parse(block);
      if (event) tell(event);
    }
  }
}

function parse(block) {
  const event = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, '');
  }
  if (event.data === undefined) return null;
  try {
    return {id: event.id, type: event.event ?? '', data: JSON.parse(event.data)};
  } catch {
    return null;
  }
}

function pause(milliseconds, signal) {
  return new Promise(done => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', () => { clearTimeout(timer); done(); }, {once: true});
  });
}
