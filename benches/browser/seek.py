"""How long it takes from a seek until its first picture is shown, in Chromium with hls.js: of servers that have the same recording,
in turns, at the same random places.

    seek.py --seconds LENGTH --seeks N --seed S PLAYLIST PLAYLIST

Each server has hls.js at `/console/hls.js`, and something at `/livez` that can be opened as a page. Prints one line of JSON: for each
playlist the time until its first picture, and those of the seeks, in milliseconds.
"""

import argparse
import json
import random
import sys
from urllib.parse import urljoin

from chromium import pages

# Milliseconds that anything may take.
LIMIT = 60_000
# Not so near to the ends, in seconds.
MARGIN = 30
# A tenth of the seeks is a line of progress.
LINES = 10

OPEN = """
async ([playlist, limit]) => {
  const {default: Hls} = await import('/console/hls.js');
  const video = document.createElement('video');
  video.muted = true;
  document.body.replaceChildren(video);
  // As the console has it, but with less ahead: so both servers are at rest soon after each seek.
  const hls = new Hls({enableWorker: false, backBufferLength: 0, maxBufferLength: 6, maxMaxBufferLength: 6, startPosition: 0});
  let fail;
  const failed = new Promise((_, reject) => { fail = reject; });
  failed.catch(() => {});
  hls.on(Hls.Events.ERROR, (_, error) => { if (error.fatal) fail(new Error(`${error.type}: ${error.details}`)); });
  const late = () => new Promise((_, reject) => setTimeout(() => reject(new Error(`no picture within ${limit} ms`)), limit));
  const shown = near => new Promise(done => {
    const look = (_, {mediaTime}) => near(mediaTime) ? done(performance.now()) : video.requestVideoFrameCallback(look);
    video.requestVideoFrameCallback(look);
  });
  const bounded = work => Promise.race([work, failed, late()]);
  window.seek = async at => {
    const begun = performance.now();
    const there = shown(time => Math.abs(time - at) < 0.5);
    video.currentTime = at;
    return await bounded(there) - begun;
  };
  // Until as much is loaded as shall be.
  window.rest = () => bounded((async () => {
    for (let before = -1, same = 0; same < 3;) {
      await new Promise(done => setTimeout(done, 100));
      const {buffered, currentTime} = video;
      const ahead = buffered.length ? buffered.end(buffered.length - 1) - currentTime : 0;
      same = ahead > 2 && ahead === before ? same + 1 : 0;
      before = ahead;
    }
  })());
  const begun = performance.now();
  const first = shown(() => true);
  hls.loadSource(playlist);
  hls.attachMedia(video);
  return await bounded(first) - begun;
}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seeks", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("playlists", nargs="+")
    wanted = parser.parse_args()
    chance = random.Random(wanted.seed)
    with pages(len(wanted.playlists)) as opened:
        sides = []
        for page, playlist in zip(opened, wanted.playlists):
            page.goto(urljoin(playlist, "/livez"))
            first = page.evaluate(OPEN, [playlist, LIMIT])
            page.evaluate("rest()")
            sides.append({"page": page, "first": first, "seeks": []})
        for number in range(wanted.seeks):
            at = chance.uniform(MARGIN, wanted.seconds - MARGIN)
            # Each as often the first as the other.
            for side in sides if number % 2 == 0 else reversed(sides):
                side["seeks"].append(side["page"].evaluate("at => seek(at)", at))
                side["page"].evaluate("rest()")
            if (number + 1) % max(1, wanted.seeks // LINES) == 0:
                print(f"{number + 1} of {wanted.seeks} seeks", file=sys.stderr, flush=True)
    print(json.dumps({"sides": [{"first": side["first"], "seeks": side["seeks"]} for side in sides]}))


main()
