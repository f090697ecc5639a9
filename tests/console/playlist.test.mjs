// What the page reads of playlists.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {fragments, segments} from '../../host/console/playlist.js';

const utc = text => Date.parse(`2026-11-22T${text}Z`);

const PLAYLIST = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MAP:URI="media/a.video.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-22T13:00:00.000Z
#EXTINF:2.000000,
#EXT-X-BYTERANGE:10@0
media/one.m4s
#EXTINF:2.000000,
#EXT-X-BYTERANGE:10@10
media/one.m4s
#EXTINF:1.500000,
media/two.m4s
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-11-22T13:01:00.000Z
#EXTINF:4.000000,
media/three.m4s
#EXT-X-ENDLIST
`;

test('segments of a playlist have their moments, also behind a gap and when they stand in many lines', () => {
  const at = (from, to) => ({start: utc(from), end: utc(to)});
  assert.deepEqual(segments(PLAYLIST), [at('13:00:00', '13:00:04'), at('13:00:04', '13:00:05.5'), at('13:01:00', '13:01:04')]);
  assert.deepEqual(segments(PLAYLIST.replaceAll('\n', '\r\n')), segments(PLAYLIST));
  assert.deepEqual(segments('#EXTM3U\n#EXT-X-ENDLIST\n'), []);
  assert.deepEqual(segments('nonsense\n#EXTINF:x,\nmedia/x\n'), [], 'what has no moment is none');
});

test('what stands in a playlist has its moment and its second, which go on over a gap', () => {
  const found = fragments(PLAYLIST).map(({programDateTime, start, duration}) => [programDateTime, start, duration]);
  assert.deepEqual(found, [
    [utc('13:00:00'), 0, 2], [utc('13:00:02'), 2, 2], [utc('13:00:04'), 4, 1.5], [utc('13:01:00'), 5.5, 4]]);
  assert.equal(fragments(PLAYLIST).at(-1).uri, 'media/three.m4s');
});
