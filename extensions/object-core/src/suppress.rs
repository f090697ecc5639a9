//! One box of those that show the same thing.

use crate::decoder::Candidate;

/// Keeps, from the most likely on, what overlaps no box of its class that is kept by more than `most`.
pub(crate) fn suppress(mut candidates: Vec<Candidate>, most: f32, at_most: usize) -> Vec<Candidate> {
    // Stable, so that equal ones stay in the order of the model.
    candidates.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let same = |other: &&Candidate| other.class == candidate.class;
        let covered = kept
            .iter()
            .filter(same)
            .any(|other| other.area.overlap(&candidate.area) > most);
        if !covered {
            kept.push(candidate);
            if kept.len() >= at_most {
                break;
            }
        }
    }
    kept
}
