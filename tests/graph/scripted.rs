//! A camera that does what a script says, also what cameras must not do: pictures of any codec over RTP within the RTSP
//! connection, with the faults that real ones have.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use crate::drawn::{Clip, RATE};

/// Between two sender reports.
const REPORT_EVERY: usize = RATE;

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
    /// What it has is told to anybody.
    pub(crate) open: bool,
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
            open: false,
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
            && !(self.script.open && method == "DESCRIBE")
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
