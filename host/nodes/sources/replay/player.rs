//! Plays recordings into a graph: as fast as the graph can, and always the same.
//!
//! Media of all recordings is brought into one order and handed on in portions. When the whole graph has finished a
//! portion, what it said is put into order and written, and the next portion follows. Invariants: the portions depend on
//! the media alone; what comes before a break of a timeline has been dealt with before the break is told; what waits in
//! the graph's queues is bounded by one portion.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::feed::{Feed, FeedError, Played};
use super::messages::ReplayMessage;
use crate::events::OrderedEvents;
use crate::events::hub::HubMessage;
use crate::media::{Clock, MediaTime, Ticks, TrackKind};
use crate::nodes::context::{NodeContext, NodeStats};
use crate::nodes::io::pace::InFlight;
use crate::nodes::io::signals::{Signal, SignalSender};
use crate::nodes::io::units::{CONTINUOUS, MediaItem, UnitSender};
use crate::nodes::sources::hub::run::observation_of;

/// Units of one portion: enough that all parts of a graph have work, on a machine with many cores.
pub const MAX_PORTION_UNITS: usize = 256;
/// Encoded media of one portion, in bytes.
pub const MAX_PORTION_BYTES: usize = 8 << 20;
/// Decoded pictures of one portion, in bytes; each is shared by all who look at it.
pub const MAX_PORTION_PICTURE_BYTES: u64 = 64 << 20;
/// Steps of media time longer than this are no media.
const STEP: Ticks = Ticks::from_secs(1);

/// The part of a source's clock that decoding goes by.
pub const DECODING: &str = "decoding";

const HOLE: &str = "MediaGraph.Diagnostics.RecordingHole";

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// A recording cannot be read.
    #[error("the recording of `{node}`: {error}")]
    Feed {
        /// The source.
        node: String,
        /// What is wrong.
        error: Box<FeedError>,
    },
    /// Events cannot be written.
    #[error("the events cannot be written: {0}")]
    Events(std::io::Error),
}

/// A source whose camera is a recording.
#[derive(Debug)]
pub struct PlayedCamera {
    /// Its surroundings.
    pub context: NodeContext,
    /// The recording.
    pub feed: Box<dyn Feed>,
    /// Everyone who wants its media.
    pub outputs: Vec<UnitSender>,
}

/// A source of messages.
#[derive(Debug)]
pub struct PlayedMessages {
    /// Its surroundings.
    pub context: NodeContext,
    /// What is still to come, in order.
    pub messages: VecDeque<ReplayMessage>,
    /// Who wants to know.
    pub signals: Vec<SignalSender>,
}

/// What was played.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Of the longest recording, holes left out.
    pub media: Ticks,
    /// Access units of all recordings.
    pub units: u64,
    /// It was stopped before its end.
    pub stopped: bool,
}

/// Plays.
pub struct Player {
    cameras: Vec<Camera>,
    messages: Vec<PlayedMessages>,
    in_flight: Arc<InFlight>,
    events: Arc<OrderedEvents>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    /// Told how far it is: seconds of media since the first moment.
    progress: Box<dyn FnMut(u64) + Send>,
    reached: MediaTime,
    units: u64,
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player")
            .field("cameras", &self.cameras)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Camera {
    of: PlayedCamera,
    /// Read, and not handed on yet.
    next: Option<Played>,
    last: Option<MediaTime>,
    played: Ticks,
    /// It shows nothing now: there is a hole, or its recording has ended.
    away: bool,
}

/// Something to hand on, and the index of its camera.
type Item = (usize, Played);

/// What a player needs besides what it plays.
#[derive(Debug)]
pub struct Stage {
    /// Whether the graph has something to do.
    pub in_flight: Arc<InFlight>,
    /// What the graph says.
    pub events: Arc<OrderedEvents>,
    /// Shows how far the media of all recordings has come.
    pub clock: Arc<dyn Clock>,
    /// Cancelled when it is to end early.
    pub stop: CancellationToken,
}

impl Player {
    /// Plays these into a graph; tells `progress` how far it is, in seconds of media.
    #[must_use]
    pub fn new(
        cameras: Vec<PlayedCamera>,
        messages: Vec<PlayedMessages>,
        stage: Stage,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Self {
        let camera = |of| Camera {
            of,
            next: None,
            last: None,
            played: Ticks::ZERO,
            away: false,
        };
        Self {
            cameras: cameras.into_iter().map(camera).collect(),
            messages,
            in_flight: stage.in_flight,
            events: stage.events,
            clock: stage.clock,
            stop: stage.stop,
            progress: Box::new(progress),
            reached: MediaTime::MIN,
            units: 0,
        }
    }

    /// Plays to the end, or until it is stopped, and lets the graph's inputs go, so that the graph can drain.
    ///
    /// # Errors
    /// When a recording cannot be read or events cannot be written; what came before has been dealt with.
    pub async fn run(mut self) -> Result<Totals, PlayError> {
        self.in_flight.idle().await;
        self.write()?;
        let mut portion = self.begin()?;
        while !portion.is_empty() && !self.stop.is_cancelled() {
            self.hand_on(portion).await?;
            // While the graph is at work.
            let next = self.read_portion();
            self.in_flight.idle().await;
            self.write()?;
            self.show_progress();
            portion = next?;
        }
        if !portion.is_empty() {
            self.messages
                .iter_mut()
                .for_each(|source| source.messages.clear());
        }
        self.send_messages(MediaTime::MAX).await;
        self.in_flight.idle().await;
        self.write()?;
        Ok(Totals {
            media: self
                .cameras
                .iter()
                .map(|camera| camera.played)
                .max()
                .unwrap_or_default(),
            units: self.units,
            stopped: !portion.is_empty(),
        })
    }

    fn write(&self) -> Result<(), PlayError> {
        let written = tokio::task::block_in_place(|| self.events.write());
        written.map(drop).map_err(PlayError::Events)
    }

    /// The first portion.
    fn begin(&mut self) -> Result<Vec<Item>, PlayError> {
        for camera in &mut self.cameras {
            camera.of.context.state("playing");
            camera.read()?;
        }
        self.read_portion()
    }

    /// Takes what comes next, of whichever camera: at most as much as one portion may be.
    fn read_portion(&mut self) -> Result<Vec<Item>, PlayError> {
        tokio::task::block_in_place(|| self.portion())
    }

    fn portion(&mut self) -> Result<Vec<Item>, PlayError> {
        let (mut portion, mut size) = (Vec::new(), Size::default());
        while let Some(index) = self.next_camera() {
            let message = self.next_message();
            let Some(camera) = self.cameras.get_mut(index) else {
                break;
            };
            let breaks = camera.next.as_ref().is_some_and(Played::is_break);
            let order = camera.next.as_ref().map_or(MediaTime::MAX, Played::order);
            let spoken = message.is_some_and(|message| message < order);
            if size.is_full() || ((breaks || spoken) && !portion.is_empty()) {
                break;
            }
            let Some(played) = camera.next.take() else { break };
            size.add(&played);
            let alone = matches!(played, Played::Hole { .. });
            portion.push((index, played));
            camera.read()?;
            if alone {
                break;
            }
        }
        Ok(portion)
    }

    /// The camera whose turn it is: by time, then in the order of the topology.
    fn next_camera(&self) -> Option<usize> {
        let heads = self.cameras.iter().enumerate();
        let heads = heads.filter_map(|(index, camera)| Some((camera.next.as_ref()?.order(), index)));
        heads.min().map(|(_, index)| index)
    }

    /// When the next message comes.
    fn next_message(&self) -> Option<MediaTime> {
        let heads = self.messages.iter().filter_map(|source| source.messages.front());
        heads.map(|message| message.time).min()
    }

    async fn hand_on(&mut self, portion: Vec<Item>) -> Result<(), PlayError> {
        let first = portion.first().map(|(_, played)| played.order());
        if let Some(first) = first.filter(|first| self.next_message().is_some_and(|message| message < *first))
        {
            // A message counts from when it came: after all media before it, and before all behind it.
            self.send_messages(first).await;
            self.in_flight.idle().await;
            self.write()?;
        }
        // What looks at a camera that is away need not be waited for, up to where the others are.
        let reached = self.reached;
        let away = self.cameras.iter();
        let away = away.filter(|camera| camera.away && camera.last.is_some_and(|last| last < reached));
        away.for_each(|camera| camera.still_away(reached));
        for (index, played) in portion {
            self.reached = self.reached.max(played.order());
            if let Some(camera) = self.cameras.get_mut(index) {
                self.units += u64::from(matches!(played, Played::Unit { .. }));
                camera.hand_on(played);
            }
        }
        self.clock.reached(self.reached);
        self.send_messages(self.reached).await;
        Ok(())
    }

    /// Sends what came up to a moment, and that this was all.
    async fn send_messages(&mut self, until: MediaTime) {
        for source in &mut self.messages {
            source.send(until).await;
        }
    }

    fn show_progress(&mut self) {
        let starts = self.cameras.iter().map(|camera| camera.of.feed.start());
        let Some(start) = starts.min() else { return };
        (self.progress)(self.reached.since(start).to_duration().as_secs());
    }
}

/// How much a portion holds.
#[derive(Debug, Default)]
struct Size {
    units: usize,
    bytes: usize,
    picture_bytes: u64,
}

impl Size {
    fn add(&mut self, played: &Played) {
        let Played::Unit { unit, .. } = played else { return };
        self.units += 1;
        self.bytes = self.bytes.saturating_add(unit.weight());
        if unit.kind() == TrackKind::Video {
            // Three bytes for two pixels.
            let pixels = u64::from(unit.format.width) * u64::from(unit.format.height);
            self.picture_bytes = self.picture_bytes.saturating_add(pixels * 3 / 2);
        }
    }

    fn is_full(&self) -> bool {
        self.units >= MAX_PORTION_UNITS
            || self.bytes >= MAX_PORTION_BYTES
            || self.picture_bytes >= MAX_PORTION_PICTURE_BYTES
    }
}

impl Camera {
    fn read(&mut self) -> Result<(), PlayError> {
        self.next = self.of.feed.read_next().map_err(|error| PlayError::Feed {
            node: self.of.context.name.to_string(),
            error: Box::new(error),
        })?;
        Ok(())
    }

    /// As a source says each time that it does not reach its camera.
    fn still_away(&self, until: MediaTime) {
        if let Some(decoding) = self.of.context.clock.of_node(DECODING) {
            decoding.reached(until);
        }
        for output in &self.of.outputs {
            output.push(MediaItem::Lost);
        }
    }

    fn hand_on(&mut self, played: Played) {
        self.away = matches!(played, Played::Hole { .. }) || self.next.is_none();
        let item = match played {
            Played::Unit { order, unit } => {
                self.count(order, unit.discontinuity);
                self.of.context.came(unit.time);
                NodeStats::add(&self.of.context.stats.sent, 1);
                MediaItem::Unit {
                    recording: CONTINUOUS,
                    unit: Arc::new(unit),
                }
            }
            Played::Hole { start, end } => {
                let context = &self.of.context;
                context.came(start);
                let seconds = (end.since(start).seconds() * 1_000.0).round() / 1_000.0;
                context.emit(
                    HOLE,
                    json!({"start": start.iso(), "end": end.iso(), "seconds": seconds}),
                );
                MediaItem::Lost
            }
        };
        for output in &self.of.outputs {
            // Nothing is left out in replay.
            output.push(item.clone());
        }
    }

    fn count(&mut self, order: MediaTime, breaks: bool) {
        let step = self
            .last
            .replace(order)
            .map_or(Ticks::ZERO, |last| order.since(last));
        if !breaks && step > Ticks::ZERO && step <= STEP {
            self.played.0 = self.played.0.saturating_add(step.0);
        }
    }
}

impl PlayedMessages {
    async fn send(&mut self, until: MediaTime) {
        while let Some(message) = self.messages.pop_front_if(|message| message.time <= until) {
            self.context.came(message.time);
            let properties = HubMessage {
                properties: message.properties,
                ..HubMessage::default()
            };
            let Some(observation) = observation_of(&self.context, &properties, message.time) else {
                continue;
            };
            NodeStats::add(&self.context.stats.sent, 1);
            let observation = Arc::new(observation);
            for output in &self.signals {
                output.send(Signal::Observed(Arc::clone(&observation))).await;
            }
        }
        for output in &self.signals {
            output.send(Signal::Watermark(until)).await;
        }
    }
}
