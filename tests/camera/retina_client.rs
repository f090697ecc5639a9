use std::time::Duration;

use futures::StreamExt;
use retina::client::{
    Credentials, PlayOptions, Session, SessionOptions, SetupOptions, TcpTransportOptions, Transport,
    UdpTransportOptions,
};
use retina::codec::{CodecItem, FrameFormat};
use sha2::{Digest, Sha256};

use mediagraph::media::demux::MediaFile;

use super::clips::{PICTURES, clip};
use super::server::Server;

/// Longer than any watching here takes.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) udp: bool,
    pub(crate) creds: Option<(&'static str, &'static str)>,
    pub(crate) frames: usize,
}

pub(crate) struct Frame {
    pub(crate) time: i64,
    pub(crate) data: Vec<u8>,
}

impl Frame {
    /// What the ledger says of it: picture and SEI, each behind its length.
    pub(crate) fn digest(&self) -> String {
        let (mut hash, mut rest) = (Sha256::new(), self.data.as_slice());
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let (unit, tail) = tail.split_at(u32::from_be_bytes(*length) as usize);
            if (1..=6).contains(&(unit[0] & 0x1f)) {
                hash.update(length);
                hash.update(unit);
            }
            rest = tail;
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) video: Vec<Frame>,
    pub(crate) audio: Vec<i64>,
    /// (stream, seconds of NTP since 1900, time on the stream's line in seconds)
    pub(crate) reports: Vec<(usize, f64, f64)>,
}

/// Watches until that many pictures have come; any loss is an error.
pub(crate) async fn watch(url: &str, options: &Options) -> Result<Seen, String> {
    tokio::time::timeout(LIMIT, try_watch(url, options))
        .await
        .map_err(|_| "too slow".to_owned())?
}

async fn try_watch(url: &str, options: &Options) -> Result<Seen, String> {
    let creds = options.creds.map(|(name, password)| Credentials {
        username: name.into(),
        password: password.into(),
    });
    let session = SessionOptions::default().creds(creds);
    let mut session = Session::describe(url.parse().unwrap(), session)
        .await
        .map_err(|error| error.to_string())?;
    for stream in 0..session.streams().len() {
        let transport = if options.udp {
            Transport::Udp(UdpTransportOptions::default())
        } else {
            Transport::Tcp(TcpTransportOptions::default())
        };
        let setup = SetupOptions::default()
            .transport(transport)
            .frame_format(FrameFormat::MP4);
        session
            .setup(stream, setup)
            .await
            .map_err(|error| error.to_string())?;
    }
    let playing = session
        .play(PlayOptions::default())
        .await
        .map_err(|error| error.to_string())?;
    let mut items = playing.demuxed().map_err(|error| error.to_string())?;
    let mut seen = Seen::default();
    while seen.video.len() < options.frames {
        match items
            .next()
            .await
            .ok_or("the stream ended")?
            .map_err(|error| error.to_string())?
        {
            CodecItem::VideoFrame(frame) => {
                assert_eq!(frame.loss(), 0);
                seen.video.push(Frame {
                    time: frame.timestamp().elapsed(),
                    data: frame.data().to_vec(),
                });
            }
            CodecItem::AudioFrame(frame) => seen.audio.push(frame.timestamp().elapsed()),
            CodecItem::Rtcp(packet) => {
                let stream = packet.stream_id();
                let Some(at) = packet.rtp_timestamp() else {
                    continue;
                };
                for report in packet.pkts().filter_map(|part| part.as_sender_report().unwrap()) {
                    let ntp = report.ntp_timestamp().0 as f64 / 2_f64.powi(32);
                    seen.reports.push((stream, ntp, at.elapsed_secs()));
                }
            }
            _ => {}
        }
    }
    Ok(seen)
}

fn check_steps(mut times: Vec<i64>, step: i64, skip: usize) {
    times.sort_unstable();
    // The pictures before the first and after the last shown ones may not have come yet.
    for pair in times[..times.len() - skip].windows(2) {
        assert_eq!(pair[1] - pair[0], step, "{pair:?}");
    }
}

async fn check(name: &str, udp: bool, skip: usize) {
    let server = Server::start(&[]);
    let options = Options {
        udp,
        frames: PICTURES * 5 / 2,
        ..Options::default()
    };
    let seen = watch(&server.url(name), &options).await.unwrap();
    // Matroska files of older ffmpegs show the encoder's priming as sound, and the pictures after it.
    assert_eq!(seen.video[0].time.min(seen.audio[0]), 0);
    assert!(seen.video[0].time < 3600, "{}", seen.video[0].time);
    check_steps(seen.video.iter().map(|frame| frame.time).collect(), 3600, skip);
    assert!(seen.audio.len() > 200, "{}", seen.audio.len());
    check_steps(seen.audio.clone(), 1024, 0);
    // Sound and pictures are on one clock: a report's NTP time less its place on the line is the same for both.
    let zero = |stream| {
        seen.reports
            .iter()
            .find(|report| report.0 == stream)
            .map(|report| report.1 - report.2)
            .unwrap()
    };
    assert!((zero(0) - zero(1)).abs() < 0.001, "{:?}", seen.reports);
    let now = jiff::Timestamp::now().as_second() as f64 + 2_208_988_800.0;
    assert!((now - zero(0)).abs() < 120.0, "{now} {:?}", seen.reports);
}

#[tokio::test(flavor = "multi_thread")]
async fn retina_sees_no_gap_at_the_wrap_over_tcp() {
    check("plain.mp4", false, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retina_sees_no_gap_at_the_wrap_over_udp() {
    check("plain.mp4", true, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retina_sees_no_gap_at_the_wrap_of_reordered_matroska() {
    check("reordered.mkv", false, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_log_in_by_digest_and_by_basic_and_nobody_else_does() {
    for scheme in ["digest", "basic"] {
        let server = Server::start(&["--user", "admin:pass:word", "--auth", scheme]);
        let url = server.url("silent.mp4");
        let with = |creds| Options {
            creds,
            frames: 5,
            ..Options::default()
        };
        assert_eq!(
            watch(&url, &with(Some(("admin", "pass:word"))))
                .await
                .unwrap()
                .video
                .len(),
            5,
            "{scheme}"
        );
        for wrong in [None, Some(("admin", "wrong")), Some(("other", "pass:word"))] {
            let error = watch(&url, &with(wrong)).await.err().unwrap();
            assert!(
                error.contains("401") || error.contains("Unauthorized"),
                "{scheme} {wrong:?}: {error}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_larger_than_a_socket_buffer_arrives_whole_over_udp() {
    let clip = MediaFile::open(&clip("silent.mp4")).unwrap();
    let largest = clip.tracks()[0]
        .samples
        .iter()
        .map(|sample| sample.size())
        .max()
        .unwrap();
    // What a socket holds by default on Linux.
    assert!(largest > 212_992, "{largest}");
    let server = Server::start(&[]);
    let options = Options {
        udp: true,
        frames: PICTURES,
        ..Options::default()
    };
    let seen = watch(&server.url("silent.mp4"), &options).await.unwrap();
    check_steps(seen.video.iter().map(|frame| frame.time).collect(), 3600, 0);
}
