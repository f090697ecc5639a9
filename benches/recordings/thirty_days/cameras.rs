//! Simulated cameras, each with a ledger of the fragments that were given to the recorder.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mediagraph::media::{AccessUnit, MediaTime, StreamFormat, TICKS_PER_SECOND, Ticks, TrackKind};
use mediagraph::recording::cache::AssetSpec;
use mediagraph::recording::store::LOCAL;
use mediagraph::recording::{AssetWriter, Recorder as _};

use super::chance::Chance;
use super::recorder::Recorder;
use super::{Result, STEP};

/// Pictures of a fragment.
const PICTURES: u64 = 2;
/// How many steps a flapping camera is there, and is away.
const THERE: (u64, u64) = (5, 150);
const AWAY: (u64, u64) = (2, 60);
/// How many steps an event lasts, and how many lie between two.
const EVENT: (u64, u64) = (5, 40);
const QUIET: (u64, u64) = (100, 500);
/// Bytes that the cache may hold for a camera.
const BUDGET: u64 = 256 << 20;

/// When a camera is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// All the time.
    Always,
    /// It comes and goes, and is recorded while it is there.
    Flapping,
    /// It is there all the time, and recorded now and then, each time to a new asset.
    Events,
}

/// A camera and its sink.
#[derive(Debug)]
pub(crate) struct Camera {
    pub(crate) name: &'static str,
    segment: Ticks,
    habit: Habit,
    format: Arc<StreamFormat>,
    writer: Option<AssetWriter>,
    /// Steps until it comes, goes, begins or ends.
    until_change: u64,
    there: bool,
    /// The next picture is the first after a stretch without.
    cut: bool,
    /// How many assets it has had.
    number: u64,
    /// The first moments of fragments, in order, by asset.
    ledger: BTreeMap<String, Vec<u64>>,
}

impl Camera {
    /// One that is recorded to segments of so many seconds; of at most so many fragments.
    pub(crate) fn new(name: &'static str, segment_s: i64, habit: Habit, fragments: usize) -> Self {
        let mut ledger = BTreeMap::new();
        if habit != Habit::Events {
            // Touched, so that it does not look like memory that grows.
            let mut starts = vec![1; fragments];
            starts.clear();
            ledger.insert(name.to_owned(), starts);
        }
        Self {
            name,
            segment: Ticks::from_secs(segment_s),
            habit,
            format: format(),
            writer: None,
            until_change: 0,
            there: habit == Habit::Always,
            cut: true,
            number: 0,
            ledger,
        }
    }

    /// Every asset that it was recorded to, with the first moments of its fragments.
    pub(crate) fn ledger(&self) -> &BTreeMap<String, Vec<u64>> {
        &self.ledger
    }

    /// Whether it is recorded all the time.
    pub(crate) fn is_continuous(&self) -> bool {
        self.habit == Habit::Always
    }

    /// Sends a fragment, if it is there.
    pub(crate) fn step(&mut self, recorder: &Recorder, now: MediaTime, chance: &mut Chance) -> Result<()> {
        self.change(chance)?;
        if !self.there {
            return Ok(());
        }
        let asset = self.asset();
        if self.writer.is_none() {
            self.writer = Some(recorder.open(self.spec(recorder, &asset))?);
            self.cut = true;
        }
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let length = STEP.as_secs() * u64::from(u32::try_from(TICKS_PER_SECOND)?) / PICTURES;
        for picture in 0..PICTURES {
            let at = now.ticks() + picture * length;
            let unit = unit(&self.format, at, picture == 0, std::mem::take(&mut self.cut));
            if writer.push(&unit)? {
                writer.flush()?;
            }
        }
        self.ledger.entry(asset).or_default().push(now.ticks());
        Ok(())
    }

    fn change(&mut self, chance: &mut Chance) -> Result<()> {
        if self.habit == Habit::Always {
            return Ok(());
        }
        if self.until_change > 0 {
            self.until_change -= 1;
            return Ok(());
        }
        self.there = !self.there;
        self.cut = true;
        let (there, away) = match self.habit {
            Habit::Events => (EVENT, QUIET),
            _ => (THERE, AWAY),
        };
        let (low, high) = if self.there { there } else { away };
        self.until_change = chance.between(low, high);
        if self.habit == Habit::Events {
            if self.there {
                self.number += 1;
            } else {
                self.stop()?;
            }
        }
        Ok(())
    }

    fn asset(&self) -> String {
        match self.habit {
            Habit::Events => format!("{}-{:05}", self.name, self.number),
            _ => self.name.to_owned(),
        }
    }

    fn spec(&self, recorder: &Recorder, asset: &str) -> AssetSpec {
        AssetSpec {
            store: LOCAL.to_owned(),
            name: asset.to_owned(),
            owner: format!("{}/sink", self.name),
            folder: recorder.sink_folder(self.name),
            budget: Some(BUDGET),
            segment_length: self.segment,
        }
    }

    /// Ends its recording in good order.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if let Some(mut writer) = self.writer.take() {
            writer.close()?;
        }
        Ok(())
    }

    /// Its recording ends as in a crash: what was not written is lost.
    pub(crate) fn crash(&mut self) {
        self.writer = None;
        // An event is not gone on with: the next one has an asset of its own.
        if self.habit == Habit::Events && self.there {
            self.there = false;
            self.until_change = QUIET.0;
        }
    }
}

fn format() -> Arc<StreamFormat> {
    let mut entry = vec![0_u8; 86];
    for (place, byte) in entry
        .iter_mut()
        .zip(86_u32.to_be_bytes().into_iter().chain(*b"avc1"))
    {
        *place = byte;
    }
    Arc::new(StreamFormat {
        kind: TrackKind::Video,
        codec: "avc1.64001F".into(),
        sample_entry: entry.into(),
        decoder_config: Bytes::new(),
        width: 640,
        height: 360,
        sample_rate: 0,
    })
}

fn unit(format: &Arc<StreamFormat>, at: u64, key: bool, cut: bool) -> Arc<AccessUnit> {
    // One NAL unit behind its length.
    let kind = if key { 0x65 } else { 0x41 };
    let mut data = vec![0, 0, 0, 9, kind];
    data.extend(at.to_be_bytes());
    Arc::new(AccessUnit {
        time: MediaTime::from_ticks(at),
        format: Arc::clone(format),
        data: data.into(),
        random_access: key,
        disposable: false,
        discontinuity: cut,
    })
}
