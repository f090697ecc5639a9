// In the page: plays, and looks at each picture that is shown. Its number stands in the picture, as footage.rs draws it.

(() => {
  const FIELDS = 16;
  const video = document.querySelector('video');
  const pen = new OffscreenCanvas(FIELDS * 4, 4).getContext('2d', {willReadFrequently: true});
  const seen = {samples: [], errors: [], fatal: [], events: [], ended: false};
  let asked;
  let moment = () => NaN;

  function number(picture) {
    const {displayWidth: width, displayHeight: height} = picture;
    pen.drawImage(picture, 0, height * 8 / 9, width, height / 9, 0, 0, FIELDS * 4, 4);
    const {data} = pen.getImageData(0, 0, FIELDS * 4, 4);
    let value = 0;
    for (let digit = 0; digit < FIELDS; digit += 1) {
      const place = ((1 * FIELDS * 4) + digit * 4 + 2) * 4;
      if (data[place] > 128) value += 2 ** digit;
    }
    return value;
  }

  function look() {
    // The picture with its own time: on a slow machine the video is ahead of what the callback is told.
    const picture = new VideoFrame(video);
    const media = picture.timestamp / 1e6;
    seen.samples.push({number: number(picture), said: moment(media), media, width: picture.displayWidth, now: Date.now()});
    picture.close();
    video.requestVideoFrameCallback(look);
  }

  async function hls({path, token}, library) {
    const {default: Hls} = await import(library);
    const player = new Hls({enableWorker: false, xhrSetup: (request, url) => {
      request.open('GET', url, true);
      if (token) request.setRequestHeader('authorization', `Bearer ${token}`);
    }});
    let fragments = [];
    player.on(Hls.Events.LEVEL_UPDATED, (_, {details}) => { fragments = details.fragments; });
    player.on(Hls.Events.ERROR, (_, error) => (error.fatal ? seen.fatal : seen.errors).push(error.details));
    moment = time => {
      const fragment = fragments.findLast(one => one.start <= time + 0.001);
      return fragment?.programDateTime ? fragment.programDateTime + (time - fragment.start) * 1000 : NaN;
    };
    player.loadSource(path);
    player.attachMedia(video);
    video.play().catch(error => seen.errors.push(error.message));
  }

  function dash({path, token}) {
    const player = dashjs.MediaPlayer().create();
    let periods = [];
    player.on('manifestLoaded', ({data}) => {
      periods = data.Period.map(({id, start}) => ({start, began: new Date(id).getTime()}));
    });
    player.on('error', ({error}) => seen.fatal.push(`${error.code}: ${error.message}`));
    // The id of a period is when it was; dash.js makes a date of it.
    moment = time => {
      const period = periods.findLast(one => one.start <= time + 0.001);
      return period ? period.began + (time - period.start) * 1000 : NaN;
    };
    if (token) {
      player.addRequestInterceptor(request => {
        request.headers = {...request.headers, authorization: `Bearer ${token}`};
        return Promise.resolve(request);
      });
    }
    // Where a picture is late near the end, it jumps to the end, and from there back by this: on a busy machine it then rests
    // half a second before the end.
    player.updateSettings({streaming: {seekDurationBackoff: 0}});
    // It begins by itself: it must see the beginning, or it never asks for the manifest again.
    player.initialize(video, path, true);
  }

  /// What the video says of itself besides: where a player stood still is seen from it.
  function listen() {
    const began = Date.now();
    for (const name of ['playing', 'waiting', 'pause', 'ended', 'seeking', 'seeked', 'error']) {
      video.addEventListener(name, () => seen.events.push(`${Date.now() - began} ms: ${name} at ${video.currentTime}`));
    }
    // dash.js may seek to the end when it has come there, after which the video no longer says so of itself.
    video.addEventListener('ended', () => { seen.ended = true; });
  }

  globalThis.begin = async (play, library) => {
    asked = play;
    listen();
    video.muted = true;
    video.defaultPlaybackRate = play.rate ?? 1;
    video.playbackRate = video.defaultPlaybackRate;
    video.requestVideoFrameCallback(look);
    await {hls, dash}[play.player](play, library);
  };

  globalThis.done = () => {
    const {samples, fatal} = seen;
    const shown = samples.length ? samples.at(-1).media - samples[0].media : 0;
    return fatal.length > 0 || seen.ended || (asked.seconds && shown >= asked.seconds);
  };

  globalThis.report = () => ({...seen, at: video.currentTime, length: video.duration, state: video.readyState, paused: video.paused,
    buffered: Array.from(video.buffered, (_, n) => [video.buffered.start(n), video.buffered.end(n)])});
})();
