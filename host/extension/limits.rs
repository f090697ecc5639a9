//! How much a component may use, keep, say and ask for. Everything that crosses the sandbox has a bound with
//! a name, and all of those are here.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// The epoch advances this often; deadlines of calls are counted in it.
pub const EPOCH_TICK: Duration = Duration::from_millis(10);

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

/// Crops of one frame.
pub const MAX_CROPS_PER_CALL: u32 = 256;
/// Bytes of all crops of one frame.
pub const MAX_CROP_BYTES_PER_CALL: u64 = 64 << 20;

/// Log lines a second; more are counted and left out.
pub const MAX_LOG_LINES_PER_SECOND: u32 = 50;
/// Bytes of one log line; the rest is cut off.
pub const MAX_LOG_LINE_BYTES: usize = 1 << 10;

/// Bytes of a name.
pub(super) const MAX_NAME_BYTES: usize = 128;
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

/// Counts the memory of one store. The limiter that wasmtime brings caps each memory by itself; a component
/// may have many.
#[derive(Debug)]
pub(super) struct MemoryCap {
    max_bytes: usize,
    bytes: usize,
    table_elements: usize,
    /// A growth was refused since this was last cleared: explains the trap that follows.
    pub(super) refused: bool,
}

impl MemoryCap {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            max_bytes: (limits.memory_mib as usize).saturating_mul(1 << 20),
            bytes: 0,
            table_elements: 0,
            refused: false,
        }
    }
}

impl ResourceLimiter for MemoryCap {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _max: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.bytes.saturating_add(desired.saturating_sub(current));
        let allowed = total <= self.max_bytes;
        if allowed {
            self.bytes = total;
        }
        self.refused |= !allowed;
        Ok(allowed)
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
        }
        self.refused |= !allowed;
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

    #[test]
    fn the_memories_of_a_component_share_one_cap() {
        let mut cap = MemoryCap::new(&Limits {
            memory_mib: 2,
            ..Limits::default()
        });
        assert!(cap.memory_growing(0, 1 << 20, None).unwrap());
        assert!(cap.memory_growing(0, 1 << 20, None).unwrap());
        assert!(!cap.refused);
        assert!(!cap.memory_growing(1 << 20, (1 << 20) + 65_536, None).unwrap());
        assert!(cap.refused);
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
