//! A region counts once it has been seen again nearby: rain, hail, a flash of a codec do not come back.

use crate::regions::Patch;

/// Things followed at the same time.
const MAX_TRACKS: usize = 48;
/// Pixels that a region may have jumped, beside its speed.
const SLACK: f32 = 16.0;
/// Picture widths in a second.
const MAX_SPEED: f32 = 1.25;
/// Seconds between the first sight and the confirmation at least.
const CONFIRM_AFTER: f32 = 0.06;
/// Seconds that a track waits to be seen again, or two and a half frames if that is longer.
const PATIENCE: f32 = 0.4;
/// Where frames are rarer than this, in seconds, what is large is believed at once: it may be gone in the next.
const RARE: f32 = 0.4;

#[derive(Clone, Copy, Debug)]
struct Track {
    patch: Patch,
    hits: u32,
    /// Seconds since the first sight.
    age: f32,
    /// Seconds since the last sight.
    unseen: f32,
    confirmed: bool,
}

/// All tracks.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    tracks: Vec<Track>,
}

impl Tracks {
    pub(crate) fn clear(&mut self) {
        self.tracks.clear();
    }

    /// Follows the regions of a picture and returns those that are confirmed.
    pub(crate) fn follow(
        &mut self,
        patches: &[Patch],
        seconds: f32,
        picture_width: f32,
        least_area: u32,
    ) -> Vec<Patch> {
        for track in &mut self.tracks {
            track.age += seconds;
            track.unseen += seconds;
        }
        let mut confirmed = Vec::new();
        let known = self.tracks.len();
        for patch in patches {
            let at = self.nearest(patch, known, picture_width);
            let track = self.sight(at, *patch);
            track.confirmed |= is_confirmed(track, seconds, least_area);
            if track.confirmed {
                confirmed.push(*patch);
            }
        }
        let patience = PATIENCE.max(2.5 * seconds);
        self.tracks.retain(|track| track.unseen <= patience);
        // Newest sights first, so that what is dropped is what has been missing for longest.
        self.tracks.sort_by(|a, b| a.unseen.total_cmp(&b.unseen));
        self.tracks.truncate(MAX_TRACKS);
        confirmed
    }

    /// The nearest of the tracks that were known before this picture, within reach of its speed.
    fn nearest(&self, patch: &Patch, known: usize, picture_width: f32) -> Option<usize> {
        let reach = |track: &Track| SLACK + MAX_SPEED * picture_width * track.unseen;
        self.tracks
            .iter()
            .enumerate()
            .take(known)
            .map(|(at, track)| (at, track.patch.distance(patch), track))
            .filter(|(_, distance, track)| *distance <= reach(track))
            .min_by(|a, b| {
                // Where several touch, a confirmed one goes first: a thing that breaks into parts stays confirmed.
                (a.1.total_cmp(&b.1)).then(b.2.confirmed.cmp(&a.2.confirmed))
            })
            .map(|(at, ..)| at)
    }

    fn sight(&mut self, at: Option<usize>, patch: Patch) -> &mut Track {
        let at = at.unwrap_or_else(|| {
            self.tracks.push(Track {
                patch,
                hits: 0,
                age: 0.0,
                unseen: 1.0,
                confirmed: false,
            });
            self.tracks.len() - 1
        });
        // The place is in range by construction; the fallback never runs but keeps this free of panics.
        if at >= self.tracks.len() {
            self.tracks.push(Track {
                patch,
                hits: 0,
                age: 0.0,
                unseen: 1.0,
                confirmed: false,
            });
        }
        let at = at.min(self.tracks.len() - 1);
        #[expect(
            clippy::indexing_slicing,
            reason = "`at` was just limited to the length, which is not zero"
        )]
        let track = &mut self.tracks[at];
        // Two parts of one thing in one picture are one sight.
        if track.unseen > 0.0 || track.hits == 0 {
            track.hits += 1;
        }
        (track.patch, track.unseen) = (patch, 0.0);
        track
    }
}

fn is_confirmed(track: &Track, seconds: f32, least_area: u32) -> bool {
    let needed = if seconds < 0.05 { 3 } else { 2 };
    let again = track.hits >= needed && track.age >= CONFIRM_AFTER;
    let large = track.patch.area >= 2 * least_area;
    again || (seconds >= RARE && large)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: f32) -> Patch {
        Patch {
            left,
            top: 50.0,
            right: left + 10.0,
            bottom: 70.0,
            area: 100,
            strong: true,
            live: true,
        }
    }

    #[test]
    fn what_is_seen_again_nearby_is_confirmed() {
        let mut tracks = Tracks::default();
        assert!(tracks.follow(&[at(10.0)], 0.2, 320.0, 64).is_empty());
        assert_eq!(tracks.follow(&[at(60.0)], 0.2, 320.0, 64).len(), 1);
    }

    #[test]
    fn what_flashes_here_and_there_is_not() {
        let mut tracks = Tracks::default();
        for left in [10.0, 200.0, 90.0, 280.0] {
            assert!(tracks.follow(&[at(left)], 0.033, 320.0, 64).is_empty());
        }
    }

    #[test]
    fn many_flashes_in_one_picture_are_one_sight() {
        let mut tracks = Tracks::default();
        assert!(
            tracks
                .follow(&[at(10.0), at(12.0), at(14.0), at(30.0)], 0.1, 320.0, 64)
                .is_empty()
        );
        for _ in 0..5 {
            assert!(tracks.follow(&[], 0.1, 320.0, 64).is_empty());
        }
        assert!(tracks.follow(&[at(10.0)], 0.1, 320.0, 64).is_empty());
    }

    #[test]
    fn where_frames_are_rare_one_look_at_something_large_is_enough() {
        assert_eq!(Tracks::default().follow(&[at(10.0)], 2.0, 320.0, 50).len(), 1);
        assert!(Tracks::default().follow(&[at(10.0)], 2.0, 320.0, 80).is_empty());
    }
}
