//! What a gate made of a moment.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::list;
use crate::events::notes::{GateDecision, Verdict as Decided};
use crate::explain::moment::iso;
use crate::explain::{Question, Verdict};

/// Whether a gate let a moment through, and why.
pub(super) fn gate(question: &Question, decisions: &[(Timestamp, GateDecision)]) -> (Verdict, String) {
    // What was said last of an activation holds.
    let mut spans: BTreeMap<u64, (Timestamp, Timestamp, Option<&str>, Timestamp)> = BTreeMap::new();
    for (at, decision) in decisions {
        if decision.decision == Decided::TooLate {
            continue;
        }
        for span in &decision.spans {
            if let (Ok(start), Ok(end)) = (span.start.parse(), span.end.parse()) {
                spans.insert(span.id, (start, end, decision.origin.as_deref(), *at));
            }
        }
    }
    if let Some((start, end, origin, at)) = spans
        .values()
        .find(|(start, end, ..)| *start <= question.at && question.at < *end)
    {
        let whom = origin.map_or_else(String::new, |origin| {
            format!(", last because of `{origin}` at {}", iso(*at))
        });
        return (
            Verdict::Fine,
            format!("it let {} to {} through{whom}", iso(*start), iso(*end)),
        );
    }
    let within = |at: Timestamp| at >= question.from() && at <= question.to();
    let near: Vec<&(Timestamp, GateDecision)> = decisions.iter().filter(|(at, _)| within(*at)).collect();
    let of = |wanted: Decided| near.iter().rfind(|(_, decision)| decision.decision == wanted);
    let because = |decision: &GateDecision| {
        let seen = list(&decision.observed);
        let reason = decision
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        (
            if seen.is_empty() {
                "an observation".to_owned()
            } else {
                seen
            },
            reason,
        )
    };
    if let Some((at, decision)) = of(Decided::TooLate) {
        let (seen, reason) = because(decision);
        return (
            Verdict::Broken,
            format!("{seen} at {} came too late{reason}", iso(*at)),
        );
    }
    if let Some((at, decision)) = of(Decided::Unanswered) {
        let (_, reason) = because(decision);
        return (
            Verdict::Broken,
            format!("its component did not answer at {}{reason}", iso(*at)),
        );
    }
    if let Some((start, end, ..)) = spans
        .values()
        .rfind(|(start, end, ..)| *end >= question.from() && *start <= question.to())
    {
        return (
            Verdict::Broken,
            format!(
                "it let {} to {} through, which is not that moment",
                iso(*start),
                iso(*end)
            ),
        );
    }
    if let Some((at, decision)) = of(Decided::Nothing) {
        let (seen, reason) = because(decision);
        return (
            Verdict::Broken,
            format!("it considered {seen} at {} and stayed closed{reason}", iso(*at)),
        );
    }
    (
        Verdict::Broken,
        "it was closed: nothing was told to it within the window".to_owned(),
    )
}
