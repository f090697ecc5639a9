//! A camera that comes and goes without end must cost nothing that stays: no task, no descriptor, no memory. In a process
//! of its own, because all of these are counted for the whole process, and with short waits between attempts.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test crate: what goes wrong here is to fail loudly, and real time is what cameras live in"
)]

#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../graph/drawn.rs"]
mod drawn;
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../graph/scripted.rs"]
mod scripted;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use drawn::{Clip, Codec};
use mediagraph::events::{Emitter, Event, EventSink};
use mediagraph::media::SystemClock;
use mediagraph::nodes::context::NodeContext;
use mediagraph::nodes::io::pace::Pace;
use mediagraph::nodes::io::units::{MediaItem, Tracks};
use mediagraph::nodes::reach::Anywhere;
use mediagraph::nodes::sources::rtsp::backoff::Backoff;
use mediagraph::nodes::sources::rtsp::run::RtspSource;
use mediagraph::nodes::sources::rtsp::target::Target;
use retina::client::Credentials;
use scripted::{End, Script, Scripted};
use tokio_util::sync::CancellationToken;

/// Flaps that fill every pool and cache, before anything is measured.
const WARM: usize = 30;
/// Flaps in a row after that.
const FLAPS: usize = 120;
/// How long each part may take, on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
/// Memory that the allocator may hold on to, in KiB.
const TOLERATED_KIB: u64 = 4 << 10;

/// Counts outcomes.
#[derive(Debug, Default)]
struct Told {
    errors: AtomicUsize,
    codes: Mutex<Vec<String>>,
}

impl EventSink for Told {
    fn publish(&self, event: Event) {
        if event.event_type.ends_with("NetworkError") || event.event_type.ends_with("ProtocolError") {
            let mut codes = self.codes.lock().unwrap();
            codes.push(event.data["code"].as_str().unwrap().to_owned());
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What the process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    tasks: usize,
    descriptors: usize,
    resident_kib: u64,
}

impl Held {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let resident = resident.split_whitespace().next().unwrap();
        Self {
            tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
            descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
            resident_kib: resident.parse().unwrap(),
        }
    }
}

/// Every way in which a session can end at once, in turn.
fn script(clip: &Arc<Clip>, login: bool, connection: usize) -> Script {
    let plain = Script {
        challenge: login.then_some("Digest realm=\"a\", nonce=\"b\""),
        ..Script::plain(clip)
    };
    match connection % 6 {
        0 => Script {
            end: End::Closed(2),
            ..plain
        },
        1 => Script {
            end: End::Reset(2),
            ..plain
        },
        2 => Script {
            refuse: Some(("DESCRIBE", "404 Not Found")),
            ..plain
        },
        3 => Script {
            refuse: Some(("SETUP", "503 Full")),
            ..plain
        },
        4 => Script {
            refuse: Some(("PLAY", "454 Session Not Found")),
            ..plain
        },
        _ => Script {
            refuse: Some(("DESCRIBE", "no RTSP")),
            ..plain
        },
    }
}

fn source(url: &str, login: bool, told: &Arc<Told>, stop: &CancellationToken) -> RtspSource {
    let context = NodeContext {
        name: "camera".into(),
        span: tracing::Span::none(),
        emitter: Emitter::new(Arc::clone(told) as _, "test", "/camera"),
        clock: Arc::new(SystemClock::new()),
        stats: Arc::default(),
        losses: Arc::default(),
        stop: stop.clone(),
    };
    let credentials = login.then(|| Credentials {
        username: "viewer".to_owned(),
        password: "canary-password".to_owned(),
    });
    let target = Target {
        url: url.parse().unwrap(),
        credentials,
        tls: None,
        secret: false,
    };
    RtspSource {
        context,
        target,
        reach: Arc::new(Anywhere),
        outputs: Vec::new(),
    }
}

async fn wait(told: &Told, count: usize) {
    let began = Instant::now();
    while told.errors.load(Ordering::Relaxed) < count {
        assert!(began.elapsed() < LIMIT, "{:?}", told.codes.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Flaps in a row: what is held after them is what was held before, apart from what an attempt in progress needs.
async fn nothing_grows(login: bool) {
    let clip = Arc::new(Clip::draw(Codec::H264, "160x90", 1, &["-g", "25"]));
    let camera = Scripted::start(move |connection| script(&clip, login, connection));
    let (told, stop) = (Arc::<Told>::default(), CancellationToken::new());
    let mut source = source(&camera.url, login, &told, &stop);
    let both = Tracks {
        video: true,
        audio: true,
    };
    let (sender, mut receiver) = Pace::Live.units(both);
    source.outputs.push(sender);
    let short = Backoff::between(
        Duration::from_millis(1),
        Duration::from_millis(5),
        fastrand::Rng::with_seed(1),
    );
    let reading = tokio::task::spawn(async move {
        let mut lost = 0;
        while let Some(item) = receiver.next().await {
            lost += usize::from(matches!(item, MediaItem::Lost));
        }
        lost
    });
    let running = tokio::task::spawn(source.run_waiting(short));
    wait(&told, WARM).await;
    let before = Held::now();
    wait(&told, WARM + FLAPS).await;
    let began = Instant::now();
    loop {
        let now = Held::now();
        // An attempt is under way: its connection, both ends of it here, and a door and its task with a login.
        let few = now.tasks <= before.tasks + 3 && now.descriptors <= before.descriptors + 8;
        if few && now.resident_kib <= before.resident_kib + TOLERATED_KIB {
            break;
        }
        assert!(began.elapsed() < LIMIT, "{before:?} became {now:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    running.await.unwrap();
    assert!(
        reading.await.unwrap() >= WARM + FLAPS,
        "each end was told downstream"
    );
    let codes = told.codes.lock().unwrap().clone();
    for code in ["connectionLost", "404", "503", "454"] {
        assert!(
            codes.iter().filter(|one| *one == code).count() > FLAPS / 10,
            "{code}: {codes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_flaps_in_a_row_leave_nothing_behind() {
    nothing_grows(false).await;
    nothing_grows(true).await;
}
