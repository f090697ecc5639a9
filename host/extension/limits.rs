//! How much a component may use, keep, say and ask for. Everything that crosses the sandbox has a bound with
//! a name, and all of those are here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::ResourceLimiter;

/// The epoch advances this often; deadlines of calls are counted in it.
pub const EPOCH_TICK: Duration = Duration::from_millis(10);

/// How long a component may be compiled before its node is told that it cannot be had for now.
pub const COMPILE_TIMEOUT: Duration = Duration::from_secs(120);
/// Components that are compiled at the same time; more wait for their turn.
pub(super) const MAX_COMPILING: usize = 2;
/// Components that may go on compiling after [`COMPILE_TIMEOUT`]; then no other is compiled until one has ended.
pub(super) const MAX_OVERDUE: usize = 2;
/// The biggest function of a component. The interpreters of JavaScript and Python have functions of 300 KiB; the time
/// that the compiler takes for one function grows faster than its size, and cannot be shared out.
pub const MAX_FUNCTION_BYTES: usize = 1 << 20;
/// Functions of a component, in all its modules.
pub const MAX_FUNCTIONS: usize = 200_000;
/// Compiled components that are kept on the disk; beyond, those go that were compiled first.
pub const MAX_KEPT_COMPILED: usize = 64;

/// The biggest component file. Interpreters (JavaScript, Python) come to 12 to 18 MiB.
pub const MAX_COMPONENT_BYTES: usize = 64 << 20;
/// The guest's stack.
pub(super) const MAX_GUEST_STACK_BYTES: usize = 1 << 20;
/// The native stack under a call: the guest's part and what host functions need on top.
pub(super) const FIBER_STACK_BYTES: usize = 2 << 20;
/// Elements of all tables of a component together, 8 bytes each.
pub(super) const MAX_TABLE_ELEMENTS: usize = 200_000;
/// Core instances, tables and memories in one component. Interpreters use about 20.
pub(super) const MAX_CORE_ITEMS: usize = 64;
/// Host objects (pollables, streams, the frame) that a guest may hold at once.
pub(super) const MAX_HANDLES: usize = 1_024;
/// Bytes that a guest may hand to the host in one call, counted before they are copied.
pub(super) const MAX_BYTES_TO_HOST: usize = 8 << 20;
/// Bytes of random numbers in one request.
pub(super) const MAX_RANDOM_BYTES: u64 = 1 << 20;

/// Inferences in one answer.
pub const MAX_INFERENCES: usize = 1_000;
/// Observations in one answer of a processor.
pub const MAX_OBSERVATIONS: usize = 256;
/// Actions in one decision of a gate.
pub const MAX_ACTIONS: usize = 64;
/// Attributes, properties, extensions or related inferences of one inference.
pub const MAX_LIST: usize = 256;
/// Bytes of one string in an answer.
pub const MAX_STRING_BYTES: usize = 16 << 10;
/// Bytes of the content of an `other` finding.
pub const MAX_CONTENT_BYTES: usize = 1 << 20;
/// Bytes of strings and contents in one answer.
pub const MAX_ANSWER_BYTES: usize = 4 << 20;
/// Bytes kept of a refusal or of the text of a trap.
pub(super) const MAX_ERROR_BYTES: usize = 1 << 10;
/// Pixels in one dimension of an input or of a crop.
pub const MAX_DIMENSION: u32 = 8_192;
/// Frames a second that an extension may ask for.
pub const MAX_RATE: f32 = 1_000.0;

/// Calls of `frames` and `logging` within one call of a guest. What else it calls is bounded by time alone, as these are.
pub const MAX_HOST_CALLS_PER_CALL: u32 = 100_000;
/// Bytes of pixels that a guest is given within one call, crops among them.
pub const MAX_BYTES_FROM_HOST_PER_CALL: u64 = 512 << 20;
/// Crops of one frame.
pub const MAX_CROPS_PER_CALL: u32 = 256;
/// Bytes of all crops of one frame.
pub const MAX_CROP_BYTES_PER_CALL: u64 = 64 << 20;
/// Runs of models within one call: a picture and parts of it.
pub const MAX_MODEL_RUNS_PER_CALL: u32 = 64;
/// Bytes of numbers that go into models and come out of them within one call.
pub const MAX_TENSOR_BYTES_PER_CALL: u64 = 256 << 20;
/// Models that one instance of a component may hold.
pub const MAX_OPEN_MODELS: usize = 16;

/// Log lines a second; more are counted and left out.
pub const MAX_LOG_LINES_PER_SECOND: u32 = 50;
/// Bytes of one log line; the rest is cut off.
pub const MAX_LOG_LINE_BYTES: usize = 1 << 10;

/// Bytes of a name.
pub const MAX_NAME_BYTES: usize = 128;
/// Bytes of a configuration schema.
pub const MAX_SCHEMA_BYTES: usize = 64 << 10;
/// Bytes of a configuration.
pub const MAX_CONFIG_BYTES: usize = 256 << 10;

/// What an operator may set for one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// MiB of all memories of the component together.
    pub memory_mib: u32,
    /// For each call but the constructor.
    pub call_timeout: Duration,
    /// For instantiating and constructing.
    pub construct_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mib: 128,
            call_timeout: Duration::from_secs(1),
            construct_timeout: Duration::from_secs(10),
        }
    }
}

/// Epoch ticks that surely cover `timeout`: the first tick may come at once.
pub(super) fn ticks(timeout: Duration) -> u64 {
    let ticks = timeout.as_nanos().div_ceil(EPOCH_TICK.as_nanos());
    u64::try_from(ticks).unwrap_or(u64::MAX / 2).saturating_add(1)
}

/// Cuts a text to `max` bytes, at a character.
pub(super) fn shorten(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
        text.push('…');
    }
    text
}

/// The share of this machine's memory that all components together may take when nobody says it: one half.
const DEFAULT_SHARE: u64 = 2;
/// What a machine is taken to have that does not say how much memory it has.
const ASSUMED_MEMORY_BYTES: u64 = 4 << 30;
/// Nobody has said a ceiling.
const UNSAID: u64 = 0;

/// The memory of all components of a process together. Clones are the same ceiling.
#[derive(Clone, Debug, Default)]
pub struct MemoryCeiling(Arc<Ceiling>);

#[derive(Debug, Default)]
struct Ceiling {
    most: AtomicU64,
    bytes: AtomicU64,
}

impl MemoryCeiling {
    /// Sets it, in MiB; without a number it is half of this machine's memory. What is above it already stays.
    pub fn set(&self, mib: Option<u64>) {
        let most = mib.map_or_else(half_of_this_machine, |mib| mib.saturating_mul(1 << 20).max(1));
        self.0.most.store(most, Ordering::Relaxed);
    }

    /// In bytes.
    #[must_use]
    pub fn most(&self) -> u64 {
        if self.0.most.load(Ordering::Relaxed) == UNSAID {
            self.set(None);
        }
        self.0.most.load(Ordering::Relaxed)
    }

    /// What the memories of all components come to, in bytes.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: u64) -> bool {
        let most = self.most();
        let more = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= most);
        let order = Ordering::Relaxed;
        self.0.bytes.fetch_update(order, order, more).is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

fn half_of_this_machine() -> u64 {
    let told = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = told.lines().find_map(|line| {
        let rest = line.strip_prefix("MemTotal:")?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    kib.map_or(ASSUMED_MEMORY_BYTES, |kib| kib.saturating_mul(1 << 10)) / DEFAULT_SHARE
}

/// Whose limit refused memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The node's own.
    Own,
    /// That of all components together.
    All,
}

/// Counts the memory of one store. The limiter that wasmtime brings caps each memory by itself; a component
/// may have many.
#[derive(Debug)]
pub(super) struct MemoryCap {
    max_bytes: usize,
    bytes: usize,
    table_elements: usize,
    all: MemoryCeiling,
    /// A growth was refused since this was last cleared: explains the trap that follows.
    pub(super) refused: Option<Refused>,
}

impl MemoryCap {
    pub(super) fn new(limits: &Limits, all: &MemoryCeiling) -> Self {
        Self {
            max_bytes: (limits.memory_mib as usize).saturating_mul(1 << 20),
            bytes: 0,
            table_elements: 0,
            all: all.clone(),
            refused: None,
        }
    }

    /// In MiB, of all components together.
    pub(super) fn ceiling_mib(&self) -> u64 {
        self.all.most() >> 20
    }
}

impl Drop for MemoryCap {
    fn drop(&mut self) {
        self.all.give_back(self.bytes as u64);
    }
}

impl ResourceLimiter for MemoryCap {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _max: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let total = self.bytes.saturating_add(more);
        let refused = if total > self.max_bytes {
            Some(Refused::Own)
        } else if !self.all.take(more as u64) {
            Some(Refused::All)
        } else {
            self.bytes = total;
            None
        };
        self.refused = self.refused.or(refused);
        Ok(refused.is_none())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _max: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .table_elements
            .saturating_add(desired.saturating_sub(current));
        let allowed = total <= MAX_TABLE_ELEMENTS;
        if allowed {
            self.table_elements = total;
        } else {
            self.refused = self.refused.or(Some(Refused::Own));
        }
        Ok(allowed)
    }

    fn instances(&self) -> usize {
        MAX_CORE_ITEMS
    }

    fn tables(&self) -> usize {
        MAX_CORE_ITEMS
    }

    fn memories(&self) -> usize {
        MAX_CORE_ITEMS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cap(memory_mib: u32, all: &MemoryCeiling) -> MemoryCap {
        let limits = Limits {
            memory_mib,
            ..Limits::default()
        };
        MemoryCap::new(&limits, all)
    }

    #[test]
    fn the_memories_of_a_component_share_one_cap() {
        let mut cap = cap(2, &MemoryCeiling::default());
        assert!(cap.memory_growing(0, 1 << 20, None).unwrap());
        assert!(cap.memory_growing(0, 1 << 20, None).unwrap());
        assert_eq!(cap.refused, None);
        assert!(!cap.memory_growing(1 << 20, (1 << 20) + 65_536, None).unwrap());
        assert_eq!(cap.refused, Some(Refused::Own));
    }

    #[test]
    fn all_components_share_one_ceiling_and_give_back_what_they_had() {
        let all = MemoryCeiling::default();
        all.set(Some(3));
        let (mut one, mut other) = (cap(2, &all), cap(2, &all));
        assert!(one.memory_growing(0, 2 << 20, None).unwrap());
        assert!(other.memory_growing(0, 1 << 20, None).unwrap());
        assert!(!other.memory_growing(1 << 20, 2 << 20, None).unwrap());
        assert_eq!((other.refused, all.used()), (Some(Refused::All), 3 << 20));
        drop(one);
        assert!(other.memory_growing(1 << 20, 2 << 20, None).unwrap());
        drop(other);
        assert_eq!(all.used(), 0);
    }

    #[test]
    fn a_ceiling_that_nobody_says_is_half_of_the_machine() {
        let all = MemoryCeiling::default();
        assert!(all.most() >= 64 << 20, "{}", all.most());
        assert_eq!(all.most(), half_of_this_machine());
    }

    #[test]
    fn a_deadline_is_never_shorter_than_the_time_out() {
        assert_eq!(ticks(Duration::from_secs(1)), 101);
        assert_eq!(ticks(Duration::from_millis(11)), 3);
    }

    #[test]
    fn texts_are_cut_at_characters() {
        assert_eq!(shorten("aé".into(), 2), "a…");
        assert_eq!(shorten("aé".into(), 3), "aé");
    }
}
