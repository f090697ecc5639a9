"""Which pictures of a camera the console's live view shows, and when, in Chromium.

    live.py --openings N --seconds S --bits B --height H URL

URL is the view of one graph. Each picture carries its number in squares at its top, as high as `--height` says: one white, one black, then
bits, the highest first, white for one, then the number of ones modulo four in two more. The view is opened again and again, and each
time read from the canvas for some seconds. Prints one line of JSON: for each opening, when it was asked for, and for each picture its
number (null when it cannot be read) and when it had been read, in milliseconds since the Unix epoch.
"""

import argparse
import json
import random
import sys

from chromium import pages

# Milliseconds that the first picture may take.
LIMIT = 60_000

READ = """
([seconds, bits, height, limit]) => new Promise((resolve, reject) => {
  // Of the copy: a square has so many points each way.
  const EDGE = 8;
  const squares = 2 + bits + 2;
  const canvas = new OffscreenCanvas(squares * EDGE, EDGE);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const video = document.querySelector('video');
  const shown = [];
  let end;
  const tooLate = setTimeout(() => reject(new Error(`no picture within ${limit} ms`)), limit);
  const number = () => {
    context.drawImage(video, 0, 0, video.videoWidth, height, 0, 0, canvas.width, canvas.height);
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
    const light = place => {
      let sum = 0;
      for (let y = 3; y < 5; y++) for (let x = 3; x < 5; x++) sum += data[4 * (y * canvas.width + place * EDGE + x) + 1];
      return sum / 4;
    };
    const [white, black] = [light(0), light(1)];
    if (white - black < 100) return null;
    const bit = place => light(place) > (white + black) / 2 ? 1 : 0;
    let value = 0, ones = 0;
    for (let place = 2; place < 2 + bits; place++) {
      value = 2 * value + bit(place);
      ones += bit(place);
    }
    return ones % 4 === 2 * bit(2 + bits) + bit(3 + bits) ? value : null;
  };
  const look = () => {
    const read = number();
    const now = Date.now();
    shown.push([read, now]);
    end ??= now + 1000 * seconds;
    clearTimeout(tooLate);
    if (now < end) video.requestVideoFrameCallback(look);
    else resolve(shown);
  };
  video.requestVideoFrameCallback(look);
  setTimeout(() => end ? resolve(shown) : undefined, limit + 1000 * seconds);
})
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--openings", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--bits", type=int, required=True)
    parser.add_argument("--height", type=int, required=True)
    parser.add_argument("url")
    wanted = parser.parse_args()
    openings = []
    with pages(1) as (page,):
        for number in range(wanted.openings):
            # Anywhere between two pictures that need no other.
            page.wait_for_timeout(random.uniform(0, 1000))
            page.goto(wanted.url)
            page.wait_for_selector("video", state="attached")
            asked = page.evaluate("performance.timeOrigin")
            shown = page.evaluate(READ, [wanted.seconds, wanted.bits, wanted.height, LIMIT])
            openings.append({"asked": asked, "shown": shown})
            print(f"opened {number + 1} of {wanted.openings} times: {len(shown)} pictures", file=sys.stderr, flush=True)
            page.goto("about:blank")
    print(json.dumps({"openings": openings}))


main()
