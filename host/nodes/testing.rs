//! Media for the tests of nodes.

use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

use crate::events::{Emitter, Event, EventSink};
use crate::media::Clock;
use crate::media::h264::Colour;
use crate::media::image::Size;
use crate::media::picture::Picture;
use crate::media::{AccessUnit, MediaTime, StreamFormat, TICKS_PER_SECOND, Ticks, TrackKind};

use crate::nodes::context::NodeContext;

/// Remembers what it was told.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<(Vec<Event>, Vec<Event>)>);

impl EventSink for Told {
    fn publish(&self, event: Event) {
        self.0.lock().unwrap().0.push(event);
    }

    fn note(&self, event: Event) {
        self.0.lock().unwrap().1.push(event);
    }
}

impl Told {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().0.clone()
    }

    pub(crate) fn notes(&self) -> Vec<Event> {
        self.0.lock().unwrap().1.clone()
    }
}

/// The surroundings of a node, and what it tells.
pub(crate) fn context(clock: Arc<dyn Clock>) -> (NodeContext, Arc<Told>) {
    let told = Arc::new(Told::default());
    let context = NodeContext {
        name: "node".into(),
        span: tracing::Span::none(),
        emitter: Emitter::new(
            Arc::clone(&told) as _,
            "mediagraph",
            "/graphInstances/test/nodes/node",
        ),
        clock,
        stats: Arc::default(),
        losses: Arc::default(),
        stop: CancellationToken::new(),
    };
    (context, told)
}

/// Where the tests' time begins.
pub(crate) const EPOCH: MediaTime = MediaTime::from_ticks(150_000_000_030_000);

/// A moment of the tests, in seconds.
pub(crate) fn at(seconds: f64) -> MediaTime {
    EPOCH.offset(Ticks((seconds * TICKS_PER_SECOND as f64).round() as i64))
}

/// A video unit.
pub(crate) fn unit(seconds: f64, key: bool) -> AccessUnit {
    AccessUnit {
        time: at(seconds),
        format: Arc::new(StreamFormat {
            kind: TrackKind::Video,
            codec: "avc1.42001E".into(),
            sample_entry: bytes::Bytes::new(),
            decoder_config: bytes::Bytes::new(),
            width: 64,
            height: 36,
            sample_rate: 0,
        }),
        data: bytes::Bytes::from_static(&[0, 0, 0, 1, 9]),
        random_access: key,
        disposable: false,
        discontinuity: false,
    }
}

/// A grey picture.
pub(crate) fn picture(seconds: f64) -> Picture {
    let planes = [vec![128; 64 * 36], vec![128; 32 * 18], vec![128; 32 * 18]];
    Picture::from_planes(
        1,
        at(seconds),
        Size {
            width: 64,
            height: 36,
        },
        planes,
        Colour::assumed(36),
    )
    .expect("planes that fit")
}
