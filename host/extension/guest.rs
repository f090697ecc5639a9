//! What a component finds around it: the frame it is shown, a log, and a WASI in which nothing happens.
//!
//! WASI is always linked, because interpreters import it whether they use it or not, and always inert: there
//! are no files, no arguments, no environment and no network; clocks show the media time of the call; random
//! numbers follow from the node's seed. So a replay decides as the first run did.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime::{CallHook, StoreContextMut, Trap};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::bindings::imported::{frames, inference, logging, types};
use super::convert;
use super::engine::Engine;
use super::limits::{
    Limits, MAX_BYTES_FROM_HOST_PER_CALL, MAX_BYTES_TO_HOST, MAX_CROP_BYTES_PER_CALL, MAX_CROPS_PER_CALL,
    MAX_HANDLES, MAX_HOST_CALLS_PER_CALL, MAX_MODEL_RUNS_PER_CALL, MAX_RANDOM_BYTES,
    MAX_TENSOR_BYTES_PER_CALL, MemoryCap,
};
use super::log::{LogLevel, LogSink, NodeLog, PrintedLines};
use super::models::Models;
use super::ticker::Beat;
use crate::inference::Bound;
use crate::media::image::{CropSource, FrameView, Size};
use crate::media::inference::{Inference, Rect};
use crate::media::{Clock, MediaTime};

/// For whom a component runs.
#[derive(Clone, Debug)]
pub struct NodeContext {
    /// The name of the node.
    pub node: Arc<str>,
    /// Receives what the component logs and prints.
    pub log: Arc<dyn LogSink>,
    /// Limits the rate of the log, and times restarts. The component never sees it.
    pub clock: Arc<dyn Clock>,
    /// The component's random numbers follow from it.
    pub seed: u64,
    /// The models that it may use.
    pub models: Bound,
}

/// The frame of the call in progress.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct ShownFrame {
    view: FrameView,
    crops: u32,
    crop_bytes: u64,
}

impl ShownFrame {
    pub(super) fn new(view: FrameView) -> Self {
        Self {
            view,
            crops: 0,
            crop_bytes: 0,
        }
    }

    /// The full-size picture, and the part of it under an area of what the component sees.
    pub(super) fn part(&self, area: Option<types::Rect>) -> Result<(Arc<dyn CropSource>, Rect), String> {
        let area = match area {
            Some(area) => convert::rect(area, "the area of the frame")?,
            None => self.view.prepared.content,
        };
        let area = area.to_source(self.view.prepared.content);
        Ok((Arc::clone(&self.view.source), area))
    }

    /// Cuts, as long as the frame's budget of crops lasts.
    fn crop(
        &mut self,
        area: types::Rect,
        size: types::Size,
        format: types::PixelFormat,
    ) -> Result<Arc<[u8]>, String> {
        let area = convert::rect(area, "the area of the crop")?;
        let size = convert::size(size)?;
        let format = convert::pixel_format(format);
        let bytes = convert::packed_bytes(size, format)?;
        if self.crops >= MAX_CROPS_PER_CALL || self.crop_bytes.saturating_add(bytes) > MAX_CROP_BYTES_PER_CALL
        {
            return Err(format!(
                "at most {MAX_CROPS_PER_CALL} crops and {MAX_CROP_BYTES_PER_CALL} bytes of them in one call"
            ));
        }
        self.crops += 1;
        self.crop_bytes += bytes;
        // The component speaks of what it sees, which may have a border.
        let area = area.to_source(self.view.prepared.content);
        self.view.source.crop(area, size, format)
    }
}

/// What a guest may still ask of the host in the call that runs, and until when.
///
/// Guest code stops by itself when its deadline passes, but only where it loops or calls a function of its own. So
/// each way into the host looks at the same deadline: a million calls in a straight line, each of which makes the
/// host work, end in time as well.
#[derive(Debug)]
pub(super) struct Budget {
    beat: Arc<Beat>,
    last_epoch: u64,
    calls: u32,
    bytes: u64,
    runs: u32,
    tensor_bytes: u64,
    /// What was too much, if anything was: explains the end of the call.
    pub(super) exceeded: Option<String>,
}

impl Budget {
    /// Begins anew, for a call that ends after so many epochs.
    pub(super) fn begin(&mut self, ticks: u64) {
        self.last_epoch = self.beat.epochs().saturating_add(ticks);
        (self.calls, self.bytes, self.exceeded) = (0, 0, None);
        (self.runs, self.tensor_bytes) = (0, 0);
    }

    /// Looks at the deadline, on the way into the host.
    fn on_time(&self) -> wasmtime::Result<()> {
        if self.beat.epochs() > self.last_epoch {
            return Err(Trap::Interrupt.into());
        }
        Ok(())
    }

    /// Charges a call of one of our interfaces, which hands so many bytes of pixels to the guest.
    pub(super) fn charge(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.calls = self.calls.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let exceeded = if self.calls > MAX_HOST_CALLS_PER_CALL {
            format!("more than {MAX_HOST_CALLS_PER_CALL} calls of the host")
        } else if self.bytes > MAX_BYTES_FROM_HOST_PER_CALL {
            format!("more than {MAX_BYTES_FROM_HOST_PER_CALL} bytes of pixels")
        } else {
            return Ok(());
        };
        Err(self.over(exceeded))
    }

    /// Charges a run of a model.
    pub(super) fn charge_run(&mut self) -> wasmtime::Result<()> {
        self.charge(0)?;
        self.runs = self.runs.saturating_add(1);
        if self.runs > MAX_MODEL_RUNS_PER_CALL {
            return Err(self.over(format!("more than {MAX_MODEL_RUNS_PER_CALL} runs of models")));
        }
        Ok(())
    }

    /// Charges numbers that go into a model or come out of it.
    pub(super) fn charge_tensors(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.tensor_bytes = self.tensor_bytes.saturating_add(bytes as u64);
        if self.tensor_bytes > MAX_TENSOR_BYTES_PER_CALL {
            return Err(self.over(format!(
                "more than {MAX_TENSOR_BYTES_PER_CALL} bytes of numbers into and out of models"
            )));
        }
        Ok(())
    }

    fn over(&mut self, exceeded: String) -> wasmtime::Error {
        self.exceeded = Some(exceeded.clone());
        wasmtime::Error::msg(exceeded)
    }
}

/// The data of one store.
pub(super) struct Guest {
    wasi: WasiCtx,
    pub(super) table: ResourceTable,
    pub(super) memory: MemoryCap,
    pub(super) budget: Budget,
    pub(super) models: Models,
    log: NodeLog,
    now: MediaClock,
}

impl Guest {
    pub(super) fn new(engine: &Engine, context: &NodeContext, limits: &Limits) -> Self {
        let log = NodeLog::new(context.log.clone(), context.clock.clone());
        let now = MediaClock::default();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        Self {
            wasi: inert_wasi(&log, &now, context.seed),
            table,
            memory: MemoryCap::new(limits, engine.memory()),
            budget: Budget {
                beat: Arc::clone(engine.beat()),
                last_epoch: u64::MAX,
                calls: 0,
                bytes: 0,
                runs: 0,
                tensor_bytes: 0,
                exceeded: None,
            },
            models: Models::new(context.models.clone()),
            log,
            now,
        }
    }

    /// The pixels of the frame that is shown.
    fn pixels_of(&mut self, frame: &Resource<ShownFrame>) -> wasmtime::Result<Arc<[u8]>> {
        let pixels = Arc::clone(&self.table.get(frame)?.view.prepared.pixels);
        self.budget.charge(pixels.len())?;
        Ok(pixels)
    }

    fn crop_of(
        &mut self,
        frame: &Resource<ShownFrame>,
        area: types::Rect,
        size: types::Size,
        format: types::PixelFormat,
    ) -> wasmtime::Result<Result<Arc<[u8]>, String>> {
        let pixels = self.table.get_mut(frame)?.crop(area, size, format);
        self.budget
            .charge(pixels.as_ref().map_or(0, |pixels| pixels.len()))?;
        Ok(pixels)
    }

    /// Sets the guest's clocks; they never go back.
    pub(super) fn set_time(&self, at: MediaTime) {
        self.now.0.fetch_max(at.ticks(), Ordering::Relaxed);
    }
}

fn inert_wasi(log: &NodeLog, now: &MediaClock, seed: u64) -> WasiCtx {
    let mut random = StdRng::seed_from_u64(seed);
    let (secure, insecure, number) = (random.fork(), random.fork(), random.random());
    WasiCtxBuilder::new()
        .stdout(PrintedLines::new(log.clone(), LogLevel::Info))
        .stderr(PrintedLines::new(log.clone(), LogLevel::Warn))
        .wall_clock(now.clone())
        .monotonic_clock(now.clone())
        .secure_random(secure)
        .insecure_random(insecure)
        .insecure_random_seed(number)
        .max_random_size(MAX_RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// The media time of the call, as both clocks of WASI. Ticks since the Unix epoch.
#[derive(Clone, Debug, Default)]
struct MediaClock(Arc<AtomicU64>);

impl MediaClock {
    fn since_epoch(&self) -> Duration {
        let nanos = MediaTime::from_ticks(self.0.load(Ordering::Relaxed))
            .to_timestamp()
            .as_nanosecond();
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Length of a tick, rounded up.
const TICK_NANOS: u64 = 11_112;

impl HostWallClock for MediaClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(TICK_NANOS)
    }

    fn now(&self) -> Duration {
        self.since_epoch()
    }
}

impl HostMonotonicClock for MediaClock {
    fn resolution(&self) -> u64 {
        TICK_NANOS
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since_epoch().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl types::Host for Guest {}
impl frames::Host for Guest {}

impl frames::HostFrame for Guest {
    fn info(&mut self, frame: Resource<ShownFrame>) -> wasmtime::Result<frames::FrameInfo> {
        self.budget.charge(0)?;
        let view = &self.table.get(&frame)?.view;
        let wit_size = |size: Size| types::Size {
            width: size.width,
            height: size.height,
        };
        Ok(frames::FrameInfo {
            sequence: view.sequence,
            timestamp: view.time.ticks(),
            source_size: wit_size(view.source_size),
            size: wit_size(view.prepared.size),
            format: convert::wit_pixel_format(view.prepared.format).ok_or_else(|| {
                wasmtime::Error::msg("the frame is in a format that components do not know")
            })?,
            content: convert::wit_rect(view.prepared.content),
        })
    }

    // Shadowed by `pixels_without_detour`; here because the generated trait wants it.
    fn pixels(&mut self, frame: Resource<ShownFrame>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.pixels_of(&frame)?.to_vec())
    }

    fn crop(
        &mut self,
        frame: Resource<ShownFrame>,
        area: types::Rect,
        size: types::Size,
        format: types::PixelFormat,
    ) -> wasmtime::Result<Result<Vec<u8>, String>> {
        let pixels = self.crop_of(&frame, area, size, format)?;
        Ok(pixels.map(|pixels| pixels.to_vec()))
    }

    fn annotations(&mut self, frame: Resource<ShownFrame>) -> wasmtime::Result<Vec<types::Inference>> {
        self.budget.charge(0)?;
        let view = &self.table.get(&frame)?.view;
        let content = view.prepared.content;
        let shown = |said: &Inference| {
            let mut said = said.clone();
            said.map_area(|area| area.from_source(content));
            convert::wit_inference(&said)
        };
        Ok(view.annotations.iter().map(shown).collect())
    }

    fn drop(&mut self, frame: Resource<ShownFrame>) -> wasmtime::Result<()> {
        self.table.delete(frame)?;
        Ok(())
    }
}

impl logging::Host for Guest {
    fn log(&mut self, level: logging::Level, message: String) -> wasmtime::Result<()> {
        self.budget.charge(0)?;
        let level = match level {
            logging::Level::Trace => LogLevel::Trace,
            logging::Level::Debug => LogLevel::Debug,
            logging::Level::Info => LogLevel::Info,
            logging::Level::Warn => LogLevel::Warn,
            logging::Level::Error => LogLevel::Error,
        };
        self.log.line(level, &message);
        Ok(())
    }
}

/// Everything that is offered to all components.
pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    types::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    frames::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    logging::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    pixels_without_detour(&mut linker)?;
    Ok(linker)
}

/// The same, and models, for the components that ask for them.
pub(super) fn linker_with_models(linker: &Linker<Guest>) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = linker.clone();
    inference::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    Ok(linker)
}

/// The generated trait wants an owned `Vec`, and so a second copy of each frame. An `Arc<[u8]>` is lowered
/// straight into the guest's memory: one copy.
fn pixels_without_detour(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut frames = linker.instance("mediagraph:extension/frames@0.1.0")?;
    frames.func_wrap(
        "[method]frame.pixels",
        |mut store: StoreContextMut<'_, Guest>, (frame,): (Resource<ShownFrame>,)| {
            Ok((store.data_mut().pixels_of(&frame)?,))
        },
    )?;
    frames.func_wrap(
        "[method]frame.crop",
        |mut store: StoreContextMut<'_, Guest>,
         (frame, area, size, format): (
            Resource<ShownFrame>,
            types::Rect,
            types::Size,
            types::PixelFormat,
        )| { Ok((store.data_mut().crop_of(&frame, area, size, format)?,)) },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// A store with its limits in force.
pub(super) fn store(engine: &Engine, context: &NodeContext, limits: &Limits) -> wasmtime::Store<Guest> {
    let mut store = wasmtime::Store::new(engine.wasm(), Guest::new(engine, context, limits));
    store.limiter(|guest| &mut guest.memory);
    store.epoch_deadline_trap();
    store.set_hostcall_fuel(MAX_BYTES_TO_HOST);
    store.call_hook(|store, hook| match hook {
        CallHook::CallingHost => store.data().budget.on_time(),
        _ => Ok(()),
    });
    store
}
