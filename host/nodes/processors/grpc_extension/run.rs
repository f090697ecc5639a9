//! The node at work: a session that is kept up, samples going out and answers coming in at the same time.
//!
//! Invariants: frames and what is said of them are handed on in their order; a part of shared memory is written again only
//! once the server has acknowledged it; a server that takes nothing costs frames and nothing else, and each is counted.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::connect::within;
use super::convert::{from_wire, to_wire};
use super::ledger::Ledger;
use super::memory::{FOLDER, Memory, Slot};
use super::messages::{
    Content, ContentBytes, ContentReference, Dimensions, Encoding as WireEncoding, GraphIdentifier,
    MediaDescriptor, MediaSample, MediaStreamDescriptor, PixelFormat as WirePixels, SharedMemory,
    VideoFrameSampleFormat,
};
use super::session::{STUCK_TIME, Said, Session};
use crate::media::TICKS_PER_SECOND;
use crate::media::image::{PixelFormat, Size};
use crate::nodes::context::{Dropped, NodeStats};
use crate::nodes::io::frames::{Delivery, Frame};
use crate::nodes::processors::server::error::ServerError;
use crate::nodes::processors::server::image::{Encoded, Encoding, ServerImage};
use crate::nodes::processors::server::outage::Outage;
use crate::nodes::processors::server::place::Server;
use crate::nodes::processors::viewing::Viewing;
use crate::nodes::reach::Reach;

/// How long answers are waited for once the graph is told to stop.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// The name under which the host speaks, in place of an account.
const HOST: &str = "mediagraph";
const NO_ROOM: &str = "the server has not acknowledged earlier frames, and the shared memory is full";
const NOT_TAKEN: &str = "the server takes frames more slowly than they come";

/// What a session is begun with.
#[derive(Clone, Debug)]
pub struct GrpcOptions {
    /// Handed to the server as it stands.
    pub configuration: String,
    /// Bytes of shared memory; none when images travel within the messages.
    pub shared_memory: Option<u64>,
}

/// A node that keeps up a session with a server.
#[derive(Debug)]
pub struct GrpcExtensionNode {
    /// Its surroundings, the frames to look at, and who wants to know what was found.
    pub viewing: Viewing,
    /// What the server is sent.
    pub image: ServerImage,
    /// Where it is.
    pub server: Server,
    /// How sessions begin.
    pub options: GrpcOptions,
    /// The name of the graph's instance.
    pub instance: String,
    /// Where it may be.
    pub reach: Arc<dyn Reach>,
    /// How the server is.
    pub outage: Outage,
    /// In replay each frame is answered before the next one.
    pub one_by_one: bool,
}

/// The node with what it keeps while it runs.
struct Running {
    node: GrpcExtensionNode,
    ledger: Ledger,
    live: Option<Live>,
    tracker: TaskTracker,
}

/// A session and what belongs to it.
struct Live {
    session: Session,
    size: Size,
    memory: Option<Memory>,
    /// Parts of the memory that the server may read, by the number of their message.
    slots: HashMap<u64, Slot>,
    /// Since when the server owes something, on the monotonic clock: an acknowledgement, or to take a message.
    owes: Option<Duration>,
}

enum Next {
    Delivery(Option<Delivery>),
    Said(Result<Said, ServerError>),
    Time,
}

impl GrpcExtensionNode {
    /// Runs until what feeds it has ended.
    pub async fn run(mut self) {
        self.viewing.begin();
        let mut running = Running {
            node: self,
            ledger: Ledger::default(),
            live: None,
            tracker: TaskTracker::new(),
        };
        while running.step().await {}
        running.end().await;
    }
}

impl Running {
    fn now(&self) -> Duration {
        self.node.viewing.context.clock.monotonic()
    }

    /// One thing that happens. False when what feeds the node has ended.
    async fn step(&mut self) -> bool {
        self.node.viewing.ask(None, true);
        let next = self.next().await;
        match next {
            Next::Delivery(None) => return false,
            Next::Delivery(Some(Delivery::Progress(reached))) => self.ledger.pass(reached, None),
            Next::Delivery(Some(Delivery::Frame(frame))) => self.take(frame).await,
            Next::Said(said) => self.heard(said),
            Next::Time => self.time_is_up(),
        }
        self.tell().await;
        true
    }

    async fn next(&mut self) -> Next {
        let wait = self.wait();
        let waits_for_answers = self.node.one_by_one && !self.ledger.is_empty();
        let said = async {
            match &mut self.live {
                Some(live) => live.session.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What is said makes room for what comes.
            biased;
            said = said => Next::Said(said),
            delivery = self.node.viewing.input.next(), if !waits_for_answers => Next::Delivery(delivery),
            () = tokio::time::sleep(wait) => Next::Time,
        }
    }

    /// Until something is due though nothing happens.
    fn wait(&self) -> Duration {
        let now = self.now();
        let stuck = self
            .live
            .as_ref()
            .and_then(|live| live.owes)
            .map(|since| since + STUCK_TIME);
        let due = [self.ledger.deadline(), stuck].into_iter().flatten().min();
        due.map_or(STUCK_TIME, |due| due.saturating_sub(now))
            .max(Duration::from_millis(1))
    }

    /// Hands on what is done.
    async fn tell(&mut self) {
        let now = self.now();
        while let Some(step) = self.ledger.pop(now) {
            match &step.frame {
                None => self.node.viewing.passed(step.time).await,
                Some(frame) => {
                    self.node.viewing.hand_on(frame, step.found).await;
                    self.node.viewing.promise(step.time).await;
                }
            }
        }
    }

    /// A frame has come: it is sent, or handed on as it is.
    async fn take(&mut self, frame: Frame) {
        let time = frame.picture.time();
        self.node.viewing.context.came(time);
        if !self.node.viewing.is_shown(&frame) {
            return self.ledger.pass(time, Some(frame));
        }
        let context = &self.node.viewing.context;
        if self.node.outage.wait(context.clock.monotonic()).is_some() {
            context.skipped(1);
            return self.ledger.pass(time, Some(frame));
        }
        let (image, picture) = (self.node.image, Arc::clone(&frame.picture));
        let encoded = match self
            .node
            .viewing
            .pool
            .compute(move || image.encode(&picture))
            .await
        {
            Ok(encoded) => encoded,
            Err(error) => {
                context.error(&error);
                return self.ledger.pass(time, Some(frame));
            }
        };
        NodeStats::add(&context.stats.scaled, u64::from(encoded.scaled));
        match self.sent(&frame, &encoded).await {
            Ok(Some(sequence)) => self.ledger.sent(frame, sequence, encoded.content, self.now()),
            Ok(None) => self.ledger.pass(time, Some(frame)),
            Err(error) => {
                self.ledger.pass(time, Some(frame));
                self.lost(error);
            }
        }
    }

    /// Sends an image, in a session that is begun if there is none for images of this size; gives the number of its message,
    /// or none when there was no room for it.
    async fn sent(&mut self, frame: &Frame, image: &Encoded) -> Result<Option<u64>, ServerError> {
        if self.live.as_ref().is_some_and(|live| live.size != image.size) {
            // The format of the images is part of how a session begins.
            self.drop_session();
        }
        if self.live.is_none() {
            let Some(live) = self.begun(image.size).await? else {
                return Ok(None);
            };
            self.live = Some(live);
            self.node.outage.back(&self.node.viewing.context);
        }
        let (now, context) = (self.now(), &self.node.viewing.context);
        let Some(live) = &mut self.live else {
            return Ok(None);
        };
        if !live.session.is_free() {
            live.owes.get_or_insert(now);
            context.lost_now(Dropped::Frames, 1, NOT_TAKEN);
            return Ok(None);
        }
        let sequence = live.session.next_sequence();
        let Some(content) = live.content(image, sequence)? else {
            context.lost_now(Dropped::Frames, 1, NO_ROOM);
            return Ok(None);
        };
        let sample = MediaSample {
            timestamp: frame.picture.time().ticks(),
            content: Some(content),
            inferences: to_wire(&frame.annotations, image.content),
        };
        if !live.session.send(sample) {
            live.free(sequence);
            return Ok(None);
        }
        if live.memory.is_some() {
            live.owes.get_or_insert(now);
        } else {
            // It need not answer; it has taken what was before.
            live.owes = None;
        }
        Ok(Some(sequence))
    }

    /// Begins a session; none when the graph ends before there is one.
    async fn begun(&mut self, size: Size) -> Result<Option<Live>, ServerError> {
        let memory = match self.node.options.shared_memory {
            None => None,
            Some(length) => Some(Memory::new(Path::new(FOLDER), length).map_err(|error| no_memory(&error))?),
        };
        let descriptor = self.descriptor(size, memory.as_ref());
        let node = &self.node;
        let opening = Session::open(&node.server, &*node.reach, &self.tracker, descriptor);
        let stop = node.viewing.context.stop.clone();
        let session = tokio::select! {
            session = within("the session", opening) => session?,
            () = async { stop.cancelled().await; tokio::time::sleep(STOP_GRACE).await } => return Ok(None),
        };
        Ok(Some(Live {
            session,
            size,
            memory,
            slots: HashMap::new(),
            owes: None,
        }))
    }

    fn descriptor(&self, size: Size, memory: Option<&Memory>) -> MediaStreamDescriptor {
        let node = &self.node;
        let format = format(node.image.encoding, size);
        MediaStreamDescriptor {
            graph_identifier: Some(GraphIdentifier {
                media_services_arm_id: HOST.to_owned(),
                graph_instance_name: node.instance.clone(),
                graph_node_name: node.viewing.context.name.to_string(),
            }),
            extension_configuration: node.options.configuration.clone(),
            media_descriptor: Some(MediaDescriptor {
                timescale: u32::try_from(TICKS_PER_SECOND).unwrap_or(u32::MAX),
                video_frame_sample_format: Some(format),
            }),
            shared_memory: memory.map(|memory| SharedMemory {
                handle_name: memory.handle().to_owned(),
                length_bytes: memory.length(),
            }),
        }
    }

    fn heard(&mut self, said: Result<Said, ServerError>) {
        let said = match said {
            Ok(said) => said,
            Err(error) => return self.lost(error),
        };
        let context = &self.node.viewing.context;
        if let Some(live) = &mut self.live {
            live.free(said.ack);
            live.owes = (!live.slots.is_empty()).then(|| context.clock.monotonic());
        }
        self.node.outage.answered(context);
        match from_wire(said.sample.inferences) {
            Ok(found) => {
                // An acknowledgement of something else than a frame, such as of our descriptor, says nothing.
                if self.ledger.answered(said.ack, said.sample.timestamp, found) {
                    NodeStats::add(&context.stats.processed, 1);
                }
            }
            Err(why) => {
                self.ledger.answered(said.ack, said.sample.timestamp, Vec::new());
                self.node.outage.failed(context, &ServerError::Answer(why));
            }
        }
    }

    /// A server that takes nothing, or acknowledges nothing, hangs.
    fn time_is_up(&mut self) {
        if self.node.one_by_one {
            // The node's clock shows media time, which stands still until there is an answer.
            self.ledger.give_up();
        }
        let (now, live) = (self.now(), self.live.as_ref());
        let since = live.and_then(|live| live.owes);
        if since.is_some_and(|since| now.saturating_sub(since) >= STUCK_TIME) {
            self.lost(ServerError::TimedOut(STUCK_TIME));
        }
    }

    /// The session is over; the next frame begins another, once the server has been left alone for a while.
    fn lost(&mut self, error: ServerError) {
        self.drop_session();
        let error = error.retold(|text| self.node.server.hide(text));
        self.node.outage.lost(&self.node.viewing.context, &error);
        NodeStats::add(&self.node.viewing.context.stats.reconnects, 1);
    }

    fn drop_session(&mut self) {
        self.live = None;
        let unanswered = self.ledger.give_up();
        if unanswered > 0 {
            self.node.viewing.context.skipped(unanswered);
        }
    }

    /// What feeds the node has ended: the last answers are waited for, not for long.
    async fn end(mut self) {
        let draining = async {
            while !self.ledger.is_empty() {
                let Some(live) = &mut self.live else { break };
                let said = live.session.next().await;
                self.heard(said);
                self.tell().await;
            }
        };
        if tokio::time::timeout(STOP_GRACE, draining).await.is_err() {
            tracing::debug!("The server did not answer the last frames");
        }
        self.drop_session();
        self.tell().await;
        self.tracker.close();
        self.tracker.wait().await;
        self.node.viewing.end();
    }
}

impl Live {
    /// The image as it travels; none while there is no room for it.
    fn content(&mut self, image: &Encoded, sequence: u64) -> Result<Option<Content>, ServerError> {
        let Some(memory) = &mut self.memory else {
            let bytes = image.bytes.clone();
            return Ok(Some(Content::Bytes(ContentBytes { bytes })));
        };
        let (length, room) = (image.bytes.len() as u64, memory.length());
        if length > room {
            return Err(ServerError::Memory(format!(
                "an image of {length} bytes has no room in {room} bytes of shared memory\nhint: give \
                 `dataTransfer.sharedMemorySizeMiB` room for some images, or make them smaller"
            )));
        }
        let slot = memory.put(&image.bytes).map_err(|error| no_memory(&error))?;
        Ok(slot.map(|slot| {
            self.slots.insert(sequence, slot);
            Content::Reference(ContentReference {
                address_offset: slot.offset,
                length_bytes: slot.length,
            })
        }))
    }

    fn free(&mut self, sequence: u64) {
        if let (Some(slot), Some(memory)) = (self.slots.remove(&sequence), &mut self.memory) {
            memory.free(slot);
        }
    }
}

fn no_memory(error: &std::io::Error) -> ServerError {
    ServerError::Memory(format!(
        "shared memory in `{FOLDER}` cannot be used: {error}\nhint: see whether it may be written and has room; a container \
         has 64 MiB unless it is given more"
    ))
}

fn format(encoding: Encoding, size: Size) -> VideoFrameSampleFormat {
    let (wire, pixels, stride) = match encoding {
        Encoding::Jpeg(_) => (WireEncoding::Jpg, WirePixels::None, 0),
        Encoding::Png => (WireEncoding::Png, WirePixels::None, 0),
        Encoding::Bmp => (WireEncoding::Bmp, WirePixels::None, 0),
        Encoding::Raw(format) => (WireEncoding::Raw, pixels(format), stride(format, size.width)),
    };
    VideoFrameSampleFormat {
        encoding: wire.into(),
        pixel_format: pixels.into(),
        dimensions: Some(Dimensions {
            width: size.width,
            height: size.height,
        }),
        stride_bytes: stride,
    }
}

/// Bytes of a row; of planes, of a row of the first.
fn stride(format: PixelFormat, width: u32) -> u32 {
    match format {
        PixelFormat::I420 | PixelFormat::Gray8 => width,
        packed => width * packed.bits_per_pixel() / 8,
    }
}

fn pixels(format: PixelFormat) -> WirePixels {
    match format {
        PixelFormat::I420 => WirePixels::Yuv420p,
        PixelFormat::Rgb565Be => WirePixels::Rgb565be,
        PixelFormat::Rgb565Le => WirePixels::Rgb565le,
        PixelFormat::Rgb555Be => WirePixels::Rgb555be,
        PixelFormat::Rgb555Le => WirePixels::Rgb555le,
        PixelFormat::Rgb24 => WirePixels::Rgb24,
        PixelFormat::Bgr24 => WirePixels::Bgr24,
        PixelFormat::Argb => WirePixels::Argb,
        PixelFormat::Rgba => WirePixels::Rgba,
        PixelFormat::Abgr => WirePixels::Abgr,
        PixelFormat::Bgra => WirePixels::Bgra,
        // No topology can ask for it.
        PixelFormat::Gray8 => WirePixels::None,
    }
}
