//! What a writer has lost, until the index knows it.

use crate::media::{MediaTime, TICKS_PER_SECOND, Ticks};
use crate::recording::asset::AssetWriter;
use crate::recording::fragmenter::Fragment;
use crate::recording::index::{Gap, GapReason};
use crate::recording::{Notice, RecordingError};

/// A camera that has sent nothing for so long when a recording is closed was away: 10 s.
const AWAY: Ticks = Ticks::from_secs(10);
/// Less than this between two stretches is no gap: pictures of a slow camera, and those around a change of its settings.
const NO_GAP: i64 = TICKS_PER_SECOND / 2;

/// One loss that has not ended.
#[derive(Clone, Copy, Debug)]
struct Lost {
    start: MediaTime,
    end: MediaTime,
    units: u64,
    fragments: u64,
    reason: GapReason,
}

#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Where a crash has cut off what was recorded before.
    cut_off: Option<MediaTime>,
    lost: Option<Lost>,
    /// Until when the disk was stalled: what did not come before then could not be taken.
    stalled: Option<MediaTime>,
    /// Ended, and not in the index yet; those with the same reason that touch are one, so there are few.
    ended: Vec<Gap>,
}

impl Losses {
    pub(super) fn after(cut_off: Option<MediaTime>) -> Self {
        Self {
            cut_off,
            ..Self::default()
        }
    }

    /// What a crash has cost before is told already; until here nothing was to be recorded.
    pub(super) fn forget_before(&mut self) {
        self.cut_off = None;
    }

    pub(super) fn is_losing(&self) -> bool {
        self.lost.is_some()
    }

    pub(super) fn blame_disk(&mut self, until: MediaTime) {
        self.stalled = Some(until);
    }

    fn reason(&self, since: MediaTime) -> GapReason {
        if self.stalled.is_some_and(|until| since < until) {
            GapReason::Disk
        } else {
            GapReason::Camera
        }
    }

    /// Before this writer could be opened.
    pub(super) fn missed(&mut self, start: MediaTime, end: MediaTime, units: u64) {
        self.ended.push(Gap {
            start,
            end,
            reason: GapReason::Disk,
            fragments: 0,
            units,
        });
    }

    fn add(&mut self, fragment: &Fragment, reason: GapReason) {
        let (start, end) = (fragment.starts_at(), fragment.ends_at());
        let lost = self.lost.get_or_insert(Lost {
            start,
            end,
            units: 0,
            fragments: 0,
            reason,
        });
        lost.end = lost.end.max(end);
        lost.units = lost.units.saturating_add(fragment.samples.len() as u64);
        lost.fragments = lost.fragments.saturating_add(1);
    }

    /// Media goes on at `until`; `before` is where this writer's last media ended.
    fn end(&mut self, before: Option<MediaTime>, until: MediaTime) -> Option<Gap> {
        let cut_off = self.cut_off.take();
        let gap = match self.lost.take() {
            Some(lost) => Gap {
                // What was lost reaches back to what there is: nothing came between.
                start: before.map_or(lost.start, |before| before.min(lost.start)),
                end: until,
                reason: lost.reason,
                fragments: lost.fragments,
                units: lost.units,
            },
            None => Gap {
                start: before.or(cut_off)?,
                end: until,
                reason: before.map_or(GapReason::Crash, |before| self.reason(before)),
                fragments: 0,
                units: 0,
            },
        };
        (gap.start < gap.end).then_some(gap)
    }

    fn keep(&mut self, gap: Gap) {
        if gap.units > 0 || gap.end.since(gap.start).0 >= NO_GAP {
            self.ended.push(gap);
        }
    }
}

impl AssetWriter {
    pub(super) fn lose(&mut self, fragment: &Fragment, reason: GapReason) {
        let units = fragment.samples.len() as u64;
        self.totals.dropped = self.totals.dropped.saturating_add(units);
        self.losses.add(fragment, reason);
    }

    /// Media goes on.
    pub(super) fn report_gap(&mut self, until: MediaTime) {
        let Some(gap) = self.losses.end(self.end, until) else {
            return;
        };
        if gap.reason != GapReason::Crash {
            self.notices.push(Notice::Gap {
                output: self.spec.name.clone(),
                start: gap.start,
                end: gap.end,
                reason: gap.reason,
                units: gap.units,
            });
        }
        self.losses.keep(gap);
    }

    /// Nothing follows any more.
    pub(super) fn end_losses(&mut self) {
        if let Some(lost) = self.losses.lost {
            self.report_gap(lost.end);
            return;
        }
        let now = self.cache.now();
        let away = self.end.is_some_and(|end| now.since(end) > AWAY);
        if away {
            self.report_gap(now);
        }
    }

    /// Notes in the index what has ended.
    pub(super) fn note_gaps(&mut self) -> Result<(), RecordingError> {
        while let Some(gap) = self.losses.ended.first() {
            self.cache
                .index()
                .note_gap(self.asset, gap, self.cache.now().to_timestamp())?;
            self.losses.ended.remove(0);
        }
        Ok(())
    }
}
