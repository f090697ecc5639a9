// Links: addresses that play one stretch for a while without a token. They are for players, and for downloads by the
// browser itself, which cannot send one.

import {address, at, request} from './api.js';
import {iso} from './time.js';

/// A link to a stretch of a recording, which counts for a `lifetime` such as `PT10M`, an hour at most.
export async function link(asset, [start, end], lifetime) {
  const body = {startTime: iso(start), endTime: iso(end), lifetime};
  const query = {store: asset.store};
  const answer = await request(at('assets', asset.name, 'links'), {method: 'POST', query, body});
  const {expires, hls, dash, file} = await answer.json();
  return {expires: Date.parse(expires), hls: address(hls), dash: address(dash), file: address(file)};
}
