//! Whether a host that was killed, or lost power, still ran at a moment: it could not say goodbye.

use jiff::Timestamp;

use super::super::evidence::*;
use super::super::moment::iso;
use super::super::{Evidence, Question, Verdict};
use crate::events::journal::Entry;

/// What is known when an instance was started last at `began`, and nothing says that it was stopped before `next`.
/// None when there is nothing to be doubted.
pub(super) fn ended(
    question: &Question,
    evidence: &Evidence,
    began: &Entry,
    next: Option<&Entry>,
) -> Option<(Verdict, String)> {
    let began = time(began)?;
    let anew = next
        .filter(|next| next.event.event_type == STARTED)
        .and_then(time);
    let until = anew.unwrap_or(Timestamp::MAX);
    let lists = [
        &evidence.states,
        &evidence.frames,
        &evidence.findings,
        &evidence.decisions,
        &evidence.recordings,
    ];
    let signs = lists.into_iter().flatten().filter_map(time);
    let last = signs.filter(|sign| (began..until).contains(sign)).max()?;
    if last >= question.at {
        return None;
    }
    let silent = std::time::Duration::try_from(question.at.duration_since(last)).ok()?;
    // Frames are counted every minute, also when none come.
    let counted = evidence.frames.iter().filter_map(time).any(|at| at >= began);
    match anew {
        Some(anew) => {
            let message = format!(
                "the host ended without a word after {}, and began anew at {}",
                iso(last),
                iso(anew)
            );
            let verdict = if silent > FRAMES_AHEAD {
                Verdict::Broken
            } else {
                Verdict::Unknown
            };
            Some((verdict, message))
        }
        None if counted && silent > FRAMES_AHEAD => {
            let message = format!(
                "the host has said nothing of it since {}: it ended without a word",
                iso(last)
            );
            Some((Verdict::Broken, message))
        }
        None => None,
    }
}
