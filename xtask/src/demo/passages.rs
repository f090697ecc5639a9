//! Clips against those who passed: who was caught, and which clip shows nobody who was wanted.

use serde::Serialize;

use crate::street::truth::Seen;

/// Who is shown for at least this share of their passage is caught.
const SHOWN: f64 = 0.5;

/// One who passed.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(crate) struct Passed {
    pub(crate) what: String,
    /// On the clock of the clips, in seconds.
    pub(crate) start: f64,
    pub(crate) end: f64,
    /// The share of the passage that the clips show.
    pub(crate) shown: f64,
}

/// The result.
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub(crate) struct Catch {
    pub(crate) passed: usize,
    pub(crate) caught: usize,
    pub(crate) clips: usize,
    /// Places of the clips that show none of them, not even in part.
    pub(crate) false_clips: Vec<usize>,
    pub(crate) list: Vec<Passed>,
}

impl Catch {
    /// Those who are in no clip.
    pub(crate) fn missed(&self) -> impl Iterator<Item = &Passed> {
        self.list.iter().filter(|one| one.shown < SHOWN)
    }

    /// The share of those who passed that were caught.
    pub(crate) fn share(&self) -> f64 {
        self.caught as f64 / self.passed.max(1) as f64
    }
}

/// Compares clips, as from and to, with the ones wanted, `offset` seconds later. Whoever was not watched until `end` does not
/// count, but explains a clip.
pub(crate) fn compare<'a>(
    wanted: impl Iterator<Item = (&'a Seen, f64)>,
    clips: &[(f64, f64)],
    end: f64,
) -> Catch {
    let all: Vec<(Passed, bool)> = wanted
        .map(|(seen, offset)| {
            let (start, to) = (seen.start + offset, seen.end + offset);
            let passed = Passed {
                what: seen.what.clone(),
                start,
                end: to,
                shown: shown(clips, start, to),
            };
            (passed, to <= end)
        })
        .collect();
    let explained = |clip: &(f64, f64)| all.iter().any(|(one, _)| clip.0 < one.end && clip.1 > one.start);
    let false_clips = clips.iter().enumerate().filter(|(_, clip)| !explained(clip));
    let false_clips = false_clips.map(|(place, _)| place).collect();
    let list: Vec<Passed> = all
        .into_iter()
        .filter_map(|(one, whole)| whole.then_some(one))
        .collect();
    Catch {
        passed: list.len(),
        caught: list.iter().filter(|one| one.shown >= SHOWN).count(),
        clips: clips.len(),
        false_clips,
        list,
    }
}

fn shown(clips: &[(f64, f64)], start: f64, end: f64) -> f64 {
    let common = clips
        .iter()
        .map(|clip| (clip.1.min(end) - clip.0.max(start)).max(0.0));
    common.sum::<f64>() / (end - start).max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::street::bodies::Class;

    fn seen(start: f64, end: f64) -> Seen {
        Seen {
            class: Class::Truck,
            what: format!("at {start}"),
            start,
            end,
            best: start,
            area: [0.0; 4],
        }
    }

    fn judge(clips: &[(f64, f64)], end: f64) -> Catch {
        let trucks = [seen(10.0, 14.0), seen(30.0, 34.0)];
        compare(trucks.iter().map(|one| (one, 100.0)), clips, end)
    }

    #[test]
    fn a_truck_in_a_clip_is_caught_and_a_clip_without_a_truck_is_false() {
        let catch = judge(&[(108.0, 117.0), (120.0, 125.0), (131.0, 140.0)], 150.0);
        assert_eq!((catch.passed, catch.caught, catch.clips), (2, 2, 3));
        assert_eq!(catch.false_clips, [1]);
    }

    #[test]
    fn a_glimpse_is_no_catch_but_no_false_clip_either() {
        let catch = judge(&[(113.0, 120.0)], 150.0);
        assert_eq!(
            (catch.caught, catch.missed().count(), catch.false_clips.len()),
            (0, 2, 0)
        );
        assert_eq!(catch.list[0].shown, 0.25);
    }

    #[test]
    fn who_was_not_watched_to_the_end_does_not_count() {
        let catch = judge(&[(109.0, 115.0), (130.0, 132.0)], 132.0);
        assert_eq!((catch.passed, catch.caught, catch.false_clips.len()), (1, 1, 0));
        assert_eq!(catch.share(), 1.0);
    }
}
