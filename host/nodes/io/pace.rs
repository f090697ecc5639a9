//! Whether media comes from a camera, which waits for nobody, or from a recording, which may be made to wait.
//!
//! The one place that says what the queues between nodes do when their reader is slower than their writer.

/// How fast media comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As it happens. A writer never waits: of frames the newest wins, of media for analysis what is far behind is left out.
    #[default]
    Live,
    /// As fast as its readers can. A writer waits for room and nothing is left out.
    Recorded,
}

impl Pace {
    /// Whether writers wait for room.
    #[must_use]
    pub fn waits(self) -> bool {
        self == Self::Recorded
    }
}
