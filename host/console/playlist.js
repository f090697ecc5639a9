// Playlists (HLS, RFC 8216) as the host writes them, as far as the page reads them itself.

const TIME = '#EXT-X-PROGRAM-DATE-TIME:';
const SECONDS = '#EXTINF:';

/// What a playlist names, line by line: its moment, and where it stands for a player and how long it is, both in seconds.
export function fragments(playlist) {
  const found = [];
  let [moment, seconds, start] = [NaN, 0, 0];
  for (const line of playlist.split(/\r?\n/)) {
    if (line.startsWith(TIME)) moment = Date.parse(line.slice(TIME.length));
    else if (line.startsWith(SECONDS)) seconds = Number.parseFloat(line.slice(SECONDS.length));
    else if (line && !line.startsWith('#')) {
      found.push({uri: line, programDateTime: moment, start, duration: seconds});
      moment += seconds * 1000;
      start += seconds;
    }
  }
  return found.filter(one => one.duration > 0 && !Number.isNaN(one.programDateTime));
}

/// The segments that a playlist names, each with its moments. One of them stands in many lines, which are parts of it.
export function segments(playlist) {
  const found = new Map();
  for (const {uri, programDateTime, duration} of fragments(playlist)) {
    const known = found.get(uri) ?? {start: programDateTime};
    known.end = programDateTime + duration * 1000;
    found.set(uri, known);
  }
  return [...found.values()];
}
