// Playlists and manifests as readers of other people understand them. hls-parser refuses what RFC 8216 does not allow.

import {input, tell, wanted} from './browser.mjs';

async function text(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.text();
}

async function playlist(address) {
  const {default: HLS} = {default: wanted('hls-parser')};
  HLS.setOptions({strictMode: true});
  const list = HLS.parse(await text(address));
  if (list.isMasterPlaylist) {
    const [{codecs, resolution, audio}] = list.variants;
    const follow = [list.variants[0].uri, ...audio.map(one => one.uri)].map(uri => new URL(uri, address).href);
    return {codecs, resolution, lists: await Promise.all(follow.map(playlist))};
  }
  const {segments} = list;
  return {
    ends: list.endlist,
    seconds: segments.reduce((sum, one) => sum + one.duration, 0),
    longest: Math.max(...segments.map(one => one.duration)),
    target: list.targetDuration,
    breaks: segments.filter(one => one.discontinuity).map(one => one.programDateTime?.toISOString()),
    begins: segments[0]?.programDateTime?.toISOString(),
    inits: new Set(segments.map(one => one.map?.uri).filter(Boolean)).size,
  };
}

async function manifest(address) {
  const warnings = [];
  const eventHandler = ({type, message}) => warnings.push(`${type}: ${message}`);
  const parsed = wanted('mpd-parser').parse(await text(address), {manifestUri: address, eventHandler});
  const of = list => ({
    ends: list.endList,
    seconds: list.segments.reduce((sum, one) => sum + one.duration, 0),
    breaks: list.discontinuityStarts.length,
    codecs: list.attributes.CODECS,
    first: list.segments[0].resolvedUri,
  });
  const sound = Object.values(parsed.mediaGroups.AUDIO.audio ?? {}).flatMap(one => one.playlists);
  return {warnings, seconds: parsed.duration, video: parsed.playlists.map(of), audio: sound.map(of)};
}

const readers = {hls: playlist, dash: manifest};
tell(await Promise.all(input.addresses.map(([reader, address]) => readers[reader](address))));
