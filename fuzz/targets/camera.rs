//! A camera on the loopback that answers as a fuzzer wants, and our side of the conversation with it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mediagraph::media::SystemClock;
use mediagraph::nodes::reach::Anywhere;
use mediagraph::nodes::sources::rtsp::connect::Caller;
use mediagraph::nodes::sources::rtsp::session::CameraSession;
use mediagraph::nodes::sources::rtsp::target::Target;

/// As `MAX_UNIT_BYTES` of the source.
const MAX_UNIT_BYTES: usize = 16 << 20;
/// More units are not waited for.
const MAX_UNITS: usize = 10_000;
/// The camera closes when it has said everything: what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(4);

/// What an ordinary camera describes.
pub const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
a=fmtp:96 packetization-mode=1;profile-level-id=64000A;sprop-parameter-sets=Z2QACqzZRCbARAAAAwAEAAADAMg8SJZY,aOvjyyLA\r\n\
a=control:track0\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/44100/2\r\n\
a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1210\r\na=control:track1\r\n";

/// What the camera says.
pub enum Script {
    /// These bytes to the first request, and nothing more.
    Raw(Vec<u8>),
    /// What it should, with this description, and these bytes once it plays.
    Sound {
        /// The description.
        sdp: Vec<u8>,
        /// After PLAY.
        media: Vec<u8>,
    },
}

struct Camera {
    url: String,
    scripts: SyncSender<Arc<Script>>,
}

/// One for the process.
fn camera() -> &'static Camera {
    static CAMERA: OnceLock<Camera> = OnceLock::new();
    CAMERA.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback");
        let url = format!("rtsp://{}/live", listener.local_addr().expect("an address"));
        let (scripts, next) = sync_channel(0);
        std::thread::spawn(move || serve(&listener, &next));
        Camera { url, scripts }
    })
}

fn serve(listener: &TcpListener, scripts: &Receiver<Arc<Script>>) {
    let mut script = Arc::new(Script::Raw(Vec::new()));
    for stream in listener.incoming().map_while(Result::ok) {
        // Further connections of the same conversation follow the same script.
        script = scripts.try_recv().unwrap_or(script);
        let script = Arc::clone(&script);
        std::thread::spawn(move || drop(hold(stream, &script)));
    }
}

fn hold(mut stream: TcpStream, script: &Script) -> std::io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    let mut number = String::new();
    let mut method = String::new();
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if method.is_empty() {
            method = line.split(' ').next().unwrap_or_default().to_owned();
        }
        if let Some(told) = line.strip_prefix("CSeq: ") {
            number = told.to_owned();
        }
        if !line.is_empty() {
            continue;
        }
        let Script::Sound { sdp, media } = script else {
            if let Script::Raw(bytes) = script {
                stream.write_all(bytes)?;
            }
            break;
        };
        let asked = std::mem::take(&mut method);
        let more = match asked.as_str() {
            "DESCRIBE" => format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n", sdp.len()),
            "SETUP" => "Session: 4711\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n".to_owned(),
            _ => "Session: 4711\r\n".to_owned(),
        };
        stream.write_all(format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{more}\r\n").as_bytes())?;
        match asked.as_str() {
            "DESCRIBE" => stream.write_all(sdp)?,
            "PLAY" => {
                stream.write_all(media)?;
                break;
            }
            _ => {}
        }
    }
    stream.shutdown(std::net::Shutdown::Both)
}

/// Talks to a camera that follows the script, to the end.
pub fn talk(script: Script) {
    let camera = camera();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let script = Arc::new(script);
    runtime.block_on(async {
        let target = Target {
            url: camera.url.parse().expect("a URL"),
            credentials: None,
            tls: None,
            secret: false,
        };
        let caller = Caller::new(Arc::new(SystemClock::new()), Arc::new(Anywhere));
        let scripts = camera.scripts.clone();
        // Taken with the first connection.
        let given = std::thread::spawn(move || drop(scripts.send(script)));
        let talked = tokio::time::timeout(LIMIT, converse(&target, &caller)).await;
        assert!(talked.is_ok(), "the conversation hangs");
        drop(given);
    });
}

async fn converse(target: &Target, caller: &Caller) {
    let mut session = match CameraSession::open(target, caller).await {
        Ok(session) => session,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    for _ in 0..MAX_UNITS {
        match session.next().await {
            Ok(unit) => assert!(unit.data.len() <= MAX_UNIT_BYTES),
            Err(error) => return assert!(!error.to_string().is_empty()),
        }
    }
}
