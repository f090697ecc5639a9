//! A camera that does what a script says, also what cameras must not do: pictures of any codec over RTP within the RTSP
//! connection, with the faults that real ones have.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::common::run;

/// The largest RTP payload.
const PAYLOAD: usize = 1_400;
/// Pictures a second of every clip here.
pub(crate) const RATE: usize = 25;
/// Between two sender reports.
const REPORT_EVERY: usize = RATE;

/// How pictures are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    H264,
    H265,
}

/// Access units in decoding order, none shown before an earlier one.
#[derive(Clone, Debug)]
pub(crate) struct Clip {
    codec: Codec,
    /// NAL units of each, without delimiters and messages.
    units: Vec<Vec<Vec<u8>>>,
}

impl Clip {
    /// A drawn clip, encoded with these arguments.
    pub(crate) fn draw(codec: Codec, size: &str, seconds: u32, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream");
        let mut command = Command::new("ffmpeg");
        let drawn = format!("testsrc2=size={size}:rate={RATE}");
        command.args(["-v", "error", "-f", "lavfi", "-i", &drawn]);
        command.args(["-t", &seconds.to_string(), "-pix_fmt", "yuv420p"]);
        match codec {
            Codec::H264 => command.args(["-c:v", "libx264", "-preset", "veryfast", "-bf", "0"]),
            Codec::H265 => command.args(["-c:v", "libx265", "-preset", "ultrafast"]),
        };
        command.args(arguments);
        match codec {
            Codec::H264 => command.args(["-bsf:v", "h264_metadata=aud=insert", "-f", "h264"]),
            Codec::H265 => command.args(["-bsf:v", "hevc_metadata=aud=insert", "-f", "hevc"]),
        };
        run(command.arg(&path));
        Self::read(codec, &path)
    }

    fn read(codec: Codec, path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let mut units: Vec<Vec<Vec<u8>>> = Vec::new();
        for nal in nals(&bytes) {
            match (codec, kind(codec, nal)) {
                (Codec::H264, 9) | (Codec::H265, 35) => units.push(Vec::new()),
                (Codec::H264, 6) | (Codec::H265, 39 | 40) => {}
                _ => units.last_mut().unwrap().push(nal.to_vec()),
            }
        }
        Self { codec, units }
    }

    /// This clip and then another.
    pub(crate) fn then(mut self, other: Self) -> Self {
        self.units.extend(other.units);
        self
    }

    fn is_parameter(&self, nal: &[u8]) -> bool {
        match self.codec {
            Codec::H264 => matches!(kind(self.codec, nal), 7 | 8),
            Codec::H265 => matches!(kind(self.codec, nal), 32..=34),
        }
    }

    fn parameters(&self, wanted: u8) -> String {
        let found = self.units[0].iter().find(|nal| kind(self.codec, nal) == wanted);
        STANDARD.encode(found.unwrap())
    }

    /// As [`crate::common::judge`] tells samples: all but parameter sets, each behind its length.
    fn digest(&self, unit: &[Vec<u8>]) -> String {
        let mut hash = Sha256::new();
        for nal in unit.iter().filter(|nal| !self.is_parameter(nal)) {
            hash.update(u32::try_from(nal.len()).unwrap().to_be_bytes());
            hash.update(nal);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn packets(&self, nal: &[u8]) -> Vec<Vec<u8>> {
        if nal.len() <= PAYLOAD {
            return vec![nal.to_vec()];
        }
        // FU-A (RFC 6184, section 5.8) and FU (RFC 7798, section 4.4.3).
        let (head, kind) = match self.codec {
            Codec::H264 => (vec![nal[0] & 0xe0 | 28], nal[0] & 0x1f),
            Codec::H265 => (vec![nal[0] & 0x81 | 49 << 1, nal[1]], nal[0] >> 1 & 0x3f),
        };
        let parts: Vec<&[u8]> = nal[head.len()..].chunks(PAYLOAD).collect();
        let packet = |(at, part): (usize, &&[u8])| {
            let start = u8::from(at == 0) << 7;
            let end = u8::from(at + 1 == parts.len()) << 6;
            [&head[..], &[start | end | kind], part].concat()
        };
        parts.iter().enumerate().map(packet).collect()
    }

    fn describe(&self, in_band: bool) -> String {
        let (name, sets) = match self.codec {
            Codec::H264 => (
                "H264",
                format!(
                    ";sprop-parameter-sets={},{}",
                    self.parameters(7),
                    self.parameters(8)
                ),
            ),
            Codec::H265 => (
                "H265",
                format!(
                    ";sprop-vps={};sprop-sps={};sprop-pps={}",
                    self.parameters(32),
                    self.parameters(33),
                    self.parameters(34)
                ),
            ),
        };
        let mode = if self.codec == Codec::H264 {
            "packetization-mode=1"
        } else {
            "tx-mode=SRST"
        };
        let sets = if in_band { String::new() } else { sets };
        format!(
            "m=video 0 RTP/AVP 96\r\na=rtpmap:96 {name}/90000\r\na=fmtp:96 {mode}{sets}\r\na=control:track0\r\n"
        )
    }
}

fn kind(codec: Codec, nal: &[u8]) -> u8 {
    match codec {
        Codec::H264 => nal[0] & 0x1f,
        Codec::H265 => nal[0] >> 1 & 0x3f,
    }
}

/// What stands between the start codes of a byte stream (ITU-T H.264, annex B).
fn nals(bytes: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = bytes
        .windows(3)
        .enumerate()
        .filter(|(_, window)| *window == [0, 0, 1])
        .map(|(at, _)| at)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let trimmed = |(start, end): (&usize, usize)| {
        let nal = &bytes[start + 3..end];
        let length = nal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        &nal[..length]
    };
    starts.iter().zip(ends).map(trimmed).collect()
}

/// What a connection comes to after so many pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Never,
    Closed(usize),
    /// Nothing is sent any more, and nothing answered.
    Silent(usize),
    /// RST instead of FIN.
    Reset(usize),
}

/// How a connection goes.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) clip: Arc<Clip>,
    /// Parameter sets come with the pictures alone.
    pub(crate) in_band: bool,
    /// A track of G.711, of which nothing need be sent.
    pub(crate) g711: bool,
    /// What a login must be: the value of `WWW-Authenticate`.
    pub(crate) challenge: Option<&'static str>,
    /// The answer to a method.
    pub(crate) refuse: Option<(&'static str, &'static str)>,
    /// The session ends without a request for so many seconds.
    pub(crate) timeout: Option<u64>,
    /// Forgets the session while it plays: says so to the next request, and sends no more pictures.
    pub(crate) forgetful: bool,
    /// How far its clock is ahead, in seconds.
    pub(crate) clock: i64,
    /// The first RTP timestamp.
    pub(crate) first: u32,
    /// Timestamps for each picture.
    pub(crate) step: u32,
    /// From this picture on, timestamps are so much later.
    pub(crate) jump: Option<(usize, u32)>,
    pub(crate) end: End,
    /// What becomes of the session description before it is sent.
    pub(crate) sdp: fn(String) -> String,
    /// Some packets are lost, some sent twice, and some change places.
    pub(crate) lossy: bool,
    /// Takes connections and answers nothing.
    pub(crate) mute: bool,
}

impl Script {
    /// Without a fault.
    pub(crate) fn plain(clip: &Arc<Clip>) -> Self {
        Self {
            clip: Arc::clone(clip),
            in_band: false,
            g711: false,
            challenge: None,
            refuse: None,
            timeout: None,
            forgetful: false,
            clock: 0,
            first: 7_000,
            step: 90_000 / RATE as u32,
            jump: None,
            end: End::Never,
            sdp: |sdp| sdp,
            lossy: false,
            mute: false,
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    /// Requests, with all their lines.
    requests: Vec<String>,
    /// Hashes of the pictures of each connection that played.
    sent: Vec<Vec<String>>,
}

/// A running camera. Its threads end with the test.
#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Scripted {
    /// Follows the script for each connection, counted from 0.
    pub(crate) fn start(script: impl Fn(usize) -> Script + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("rtsp://{}/live", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Seen>>::default();
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let conversation = Conversation {
                    script: script(number),
                    stream: Arc::new(Mutex::new(stream.unwrap())),
                    seen: Arc::clone(&kept),
                    over: Arc::default(),
                };
                std::thread::spawn(move || conversation.hold());
            }
        });
        Self { url, seen }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }

    /// What was sent of pictures, for each connection that played.
    pub(crate) fn sent(&self) -> Vec<Vec<String>> {
        self.seen.lock().unwrap().sent.clone()
    }
}

struct Conversation {
    script: Script,
    stream: Arc<Mutex<TcpStream>>,
    seen: Arc<Mutex<Seen>>,
    /// No more pictures.
    over: Arc<AtomicBool>,
}

impl Conversation {
    fn hold(self) -> Option<()> {
        let reading = self.stream.lock().unwrap().try_clone().ok()?;
        reading
            .set_read_timeout(self.script.timeout.map(Duration::from_secs))
            .ok()?;
        let (mut request, mut played) = (String::new(), false);
        for line in BufReader::new(reading).lines() {
            let Ok(line) = line else { break };
            if !line.is_empty() {
                request.push_str(&line);
                request.push('\n');
                continue;
            }
            let said = std::mem::take(&mut request);
            let method = said.split(' ').next()?.to_owned();
            self.seen.lock().unwrap().requests.push(said.clone());
            let answer = self.answer(&method, &said, played);
            if answer.contains(" 454 ") {
                self.over.store(true, Ordering::Relaxed);
            }
            if self.script.mute {
                continue;
            }
            self.stream.lock().unwrap().write_all(answer.as_bytes()).ok()?;
            if method == "PLAY" && answer.contains(" 200 ") {
                played = true;
                let (script, over) = (self.script.clone(), Arc::clone(&self.over));
                let (stream, seen) = (Arc::clone(&self.stream), Arc::clone(&self.seen));
                std::thread::spawn(move || play(&script, &stream, &seen, &over));
            }
        }
        if matches!(self.script.end, End::Reset(_)) {
            return None;
        }
        // The session has timed out, or the other side has gone.
        let _ = self.stream.lock().unwrap().shutdown(std::net::Shutdown::Both);
        Some(())
    }

    fn answer(&self, method: &str, said: &str, played: bool) -> String {
        let number = said
            .split("CSeq: ")
            .nth(1)
            .and_then(|rest| rest.lines().next())
            .unwrap();
        let reply =
            |status: &str, rest: &str| format!("RTSP/1.0 {status}\r\nCSeq: {number}\r\n{rest}\r\n\r\n");
        let session = |rest: &str| {
            let timeout = self
                .script
                .timeout
                .map_or(String::new(), |seconds| format!(";timeout={seconds}"));
            format!("Session: 4711{timeout}\r\n{rest}")
        };
        if let Some(challenge) = self.script.challenge
            && !said.contains("\nAuthorization: ")
        {
            return reply("401 Who", &format!("WWW-Authenticate: {challenge}"));
        }
        if let Some((refused, status)) = self.script.refuse
            && refused == method
        {
            return reply(status, "Server: scripted");
        }
        match method {
            "DESCRIBE" => {
                let sound = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:track1\r\n";
                let sdp = format!(
                    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n{}{}",
                    self.script.clip.describe(self.script.in_band),
                    if self.script.g711 { sound } else { "" }
                );
                let sdp = (self.script.sdp)(sdp);
                let head = format!("Content-Type: application/sdp\r\nContent-Length: {}", sdp.len());
                reply("200 OK", &head) + &sdp
            }
            "SETUP" => reply(
                "200 OK",
                &session("Transport: RTP/AVP/TCP;unicast;interleaved=0-1"),
            ),
            "PLAY" => reply("200 OK", &session("Range: npt=0-")),
            _ if played && self.script.forgetful => reply("454 Session Not Found", "Server: scripted"),
            _ => reply(
                "200 OK",
                &session("Public: DESCRIBE, SETUP, PLAY, TEARDOWN, OPTIONS"),
            ),
        }
    }
}

fn play(script: &Script, stream: &Mutex<TcpStream>, seen: &Mutex<Seen>, over: &AtomicBool) -> Option<()> {
    let connection = {
        let mut seen = seen.lock().unwrap();
        seen.sent.push(Vec::new());
        seen.sent.len() - 1
    };
    let (began, mut sequence, mut jumped) = (Instant::now(), 0_u16, 0_u32);
    for number in 0.. {
        if over.load(Ordering::Relaxed) {
            return None;
        }
        match script.end {
            End::Closed(at) if at == number => {
                return stream.lock().unwrap().shutdown(std::net::Shutdown::Both).ok();
            }
            End::Reset(at) if at == number => return reset(stream),
            End::Silent(at) if at == number => {
                // Held, so that nothing is answered either.
                let _held = stream.lock().unwrap();
                std::thread::sleep(Duration::from_secs(3_600));
            }
            _ => {}
        }
        if let Some((at, by)) = script.jump
            && at == number
        {
            jumped = by;
        }
        let elapsed = script.step.wrapping_mul(u32::try_from(number).unwrap());
        let stamp = script.first.wrapping_add(elapsed).wrapping_add(jumped);
        let mut bytes = Vec::new();
        if number % REPORT_EVERY == 0 {
            bytes.extend(frame(1, &report(script.clock, stamp)));
        }
        let unit = &script.clip.units[number % script.clip.units.len()];
        let payloads: Vec<Vec<u8>> = unit.iter().flat_map(|nal| script.clip.packets(nal)).collect();
        let mut packets = Vec::new();
        for (at, payload) in payloads.iter().enumerate() {
            packets.push((sequence, rtp(sequence, stamp, at + 1 == payloads.len(), payload)));
            sequence = sequence.wrapping_add(1);
        }
        if script.lossy {
            spoil(&mut packets);
        }
        bytes.extend(packets.iter().flat_map(|(_, packet)| frame(0, packet)));
        let due = Duration::from_secs_f64(number as f64 / RATE as f64);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        stream.lock().unwrap().write_all(&bytes).ok()?;
        seen.lock().unwrap().sent[connection].push(script.clip.digest(unit));
    }
    None
}

/// One packet in 997 is lost, one in 1009 comes twice, and one in 1013 after the one that follows.
fn spoil(packets: &mut Vec<(u16, Vec<u8>)>) {
    packets.retain(|(sequence, _)| sequence % 997 != 0);
    if let Some(at) = packets.iter().position(|(sequence, _)| sequence % 1009 == 0) {
        packets.insert(at, packets[at].clone());
    }
    if let Some(at) = packets.iter().position(|(sequence, _)| sequence % 1013 == 0)
        && at + 1 < packets.len()
    {
        packets.swap(at, at + 1);
    }
}

/// Closes with RST.
fn reset(stream: &Mutex<TcpStream>) -> Option<()> {
    let stream = stream.lock().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let copy = stream.try_clone().ok()?;
    copy.set_nonblocking(true).ok()?;
    let copy = tokio::net::TcpStream::from_std(copy).ok()?;
    copy.set_zero_linger().ok()?;
    // The other thread wakes up and lets go of the last descriptor: then comes the RST.
    stream.shutdown(std::net::Shutdown::Read).ok()
}

fn frame(channel: u8, packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
    [&[b'$', channel, length[0], length[1]][..], packet].concat()
}

fn rtp(sequence: u16, stamp: u32, marker: bool, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, u8::from(marker) << 7 | 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend(stamp.to_be_bytes());
    packet.extend(4_711_u32.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A sender report (RFC 3550, section 6.4.1) of a clock that is so many seconds ahead.
fn report(ahead: i64, stamp: u32) -> Vec<u8> {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let ntp = (i64::try_from(unix.as_secs()).unwrap() + 2_208_988_800 + ahead) as u32;
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(4_711_u32.to_be_bytes());
    packet.extend(ntp.to_be_bytes());
    packet.extend(0_u32.to_be_bytes());
    packet.extend(stamp.to_be_bytes());
    packet.extend([0; 8]);
    packet
}
