//! What a gate decided, for the journal: what changes something is told at once; that something goes on for longer, or
//! that nothing came of it, at most once a second, with how much was observed meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::events::notes::{GATE_DECISION, GateDecision, Passed, Verdict};
use crate::extension::{Action, Cause, Decision, Unanswered};
use crate::media::{MediaTime, Ticks};
use crate::nodes::context::NodeContext;
use crate::nodes::processors::findings;

/// Decisions of the same kind are told together for this much media time.
const SPAN: Ticks = Ticks::from_secs(1);

/// Activations that are remembered, to tell a new one from one that goes on; as many as the buffer holds open.
const MAX_OPEN: usize = 16;

/// Remembers what a gate said.
#[derive(Debug, Default)]
pub struct Decisions {
    /// Activations that are still to be let through.
    open: Vec<Span>,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Span {
    id: u64,
    start: MediaTime,
    end: MediaTime,
}

/// Told later, together with what follows.
#[derive(Debug)]
struct Waiting {
    since: MediaTime,
    origin: Option<Arc<str>>,
    note: GateDecision,
}

/// What a call was about.
#[derive(Debug)]
pub struct About {
    time: MediaTime,
    origin: Option<Arc<str>>,
    observed: BTreeMap<String, u64>,
}

impl About {
    /// Of a call.
    #[must_use]
    pub fn of(cause: &Cause) -> Self {
        let (mut origin, mut observed) = (None, BTreeMap::new());
        if let Cause::Observed(observation) = cause {
            origin = Some(Arc::clone(&observation.origin));
            findings::count(&observation.inferences, &mut observed);
        }
        let time = cause.time();
        Self {
            time,
            origin,
            observed,
        }
    }
}

impl Decisions {
    /// The gate answered. `held` is the earliest media that there still is.
    pub fn decided(&mut self, context: &NodeContext, about: About, decision: &Decision, held: MediaTime) {
        let (mut verdict, mut reason, mut spans) = (Verdict::Nothing, None, Vec::new());
        for action in &decision.actions {
            match *action {
                Action::Open(activation) => {
                    let (start, end) = (activation.span.start, activation.span.end);
                    let span = Span {
                        id: activation.id,
                        start,
                        end,
                    };
                    spans.push(passed(&span));
                    let now = self.opened(span, held);
                    if rank(now) > rank(verdict) {
                        verdict = now;
                    }
                }
                Action::Close { id, at } => {
                    let end = self.closed(id, at);
                    spans.extend(end.as_ref().map(passed));
                    verdict = Verdict::Close;
                }
            }
        }
        if verdict == Verdict::TooLate {
            reason = Some(format!("the media before {held} is no longer held"));
        } else if verdict == Verdict::Nothing && about.origin.is_some() && decision.wake.is_some() {
            reason = Some("it waits for what else is observed".to_owned());
        }
        self.add(context, about, verdict, reason, spans);
    }

    /// The gate did not answer.
    pub fn unanswered(&mut self, context: &NodeContext, about: About, unanswered: &Unanswered) {
        let reason = match unanswered {
            Unanswered::Refused(text) => format!("the component refused: {text}"),
            Unanswered::Failed(error) => format!("the component failed: {error}"),
            Unanswered::Down => "the component is down".to_owned(),
        };
        self.add(context, about, Verdict::Unanswered, Some(reason), Vec::new());
    }

    /// Media up to here is decided; gives whether the gate is open there.
    pub fn passed(&mut self, context: &NodeContext, until: MediaTime) -> bool {
        self.open.retain(|span| span.end > until);
        let waited = |waiting: &Waiting| until.since(waiting.since).0.abs() >= SPAN.0;
        // At the very end `until` is beyond all time.
        if self.waiting.as_ref().is_some_and(waited) {
            self.tell(context);
        }
        self.open.iter().any(|span| span.start <= until)
    }

    /// Tells what waits.
    pub fn tell(&mut self, context: &NodeContext) {
        if let Some(waiting) = self.waiting.take() {
            let mut note = waiting.note;
            note.origin = waiting.origin.map(|origin| origin.to_string());
            context.note(GATE_DECISION, waiting.since, &note);
        }
    }

    fn opened(&mut self, span: Span, held: MediaTime) -> Verdict {
        if let Some(open) = self.open.iter_mut().find(|open| open.id == span.id) {
            open.end = span.end;
            return Verdict::Extend;
        }
        if span.end <= held {
            return Verdict::TooLate;
        }
        if self.open.len() >= MAX_OPEN {
            self.open.remove(0);
        }
        self.open.push(span);
        Verdict::Open
    }

    fn closed(&mut self, id: u64, at: MediaTime) -> Option<Span> {
        let index = self.open.iter().position(|span| span.id == id)?;
        let mut span = self.open.remove(index);
        span.end = span.end.min(at);
        Some(span)
    }

    fn add(
        &mut self,
        context: &NodeContext,
        about: About,
        decision: Verdict,
        reason: Option<String>,
        spans: Vec<Passed>,
    ) {
        let quiet = matches!(decision, Verdict::Nothing | Verdict::Extend | Verdict::Unanswered);
        if quiet && decision == Verdict::Nothing && about.origin.is_none() {
            return;
        }
        if let Some(waiting) = &mut self.waiting
            && waiting.note.decision == decision
            && waiting.origin == about.origin
            && about.time.since(waiting.since).0.abs() < SPAN.0
        {
            for (name, times) in about.observed {
                *waiting.note.observed.entry(name).or_default() += times;
            }
            if !spans.is_empty() {
                waiting.note.spans = spans;
            }
            return;
        }
        self.tell(context);
        self.waiting = Some(Waiting {
            since: about.time,
            origin: about.origin,
            note: GateDecision {
                origin: None,
                observed: about.observed,
                decision,
                reason,
                spans,
            },
        });
        if !quiet {
            self.tell(context);
        }
    }
}

fn passed(span: &Span) -> Passed {
    Passed {
        id: span.id,
        start: span.start.iso(),
        end: span.end.iso(),
    }
}

/// Of several things decided at once the greatest is told.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Nothing | Verdict::Unanswered => 0,
        Verdict::Extend => 1,
        Verdict::TooLate => 2,
        Verdict::Close => 3,
        Verdict::Open => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extension::{Activation, Span as Passing};
    use crate::media::ManualClock;
    use crate::media::inference::{Finding, Inference, Observation, Rect};
    use crate::nodes::testing::{Told, at, context};

    fn motion(seconds: f64) -> About {
        About::of(&Cause::Observed(Observation {
            time: at(seconds),
            origin: "motion".into(),
            inferences: vec![Inference::new(Finding::Motion {
                area: Rect::default(),
            })],
        }))
    }

    fn open(id: u64, start: f64, end: f64) -> Decision {
        let span = Passing {
            start: at(start),
            end: at(end),
        };
        Decision {
            actions: vec![Action::Open(Activation { id, span })],
            wake: None,
        }
    }

    fn notes(told: &Told) -> Vec<(Verdict, u64, Vec<u64>)> {
        let read = |note: crate::events::Event| {
            let note: GateDecision = serde_json::from_value(note.data).unwrap();
            let observed = note.observed.values().sum();
            (
                note.decision,
                observed,
                note.spans.iter().map(|span| span.id).collect(),
            )
        };
        told.notes().into_iter().map(read).collect()
    }

    fn gate() -> (NodeContext, Arc<Told>, Decisions) {
        let (context, told) = context(Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH)));
        (context, told, Decisions::default())
    }

    #[test]
    fn an_opening_is_told_at_once_and_what_prolongs_it_once_a_second() {
        let (context, told, mut decisions) = gate();
        decisions.decided(&context, motion(10.0), &Decision::default(), at(0.0));
        assert!(notes(&told).is_empty(), "perhaps something comes of it");
        decisions.decided(&context, motion(11.0), &open(1, 9.0, 20.0), at(0.0));
        let opened = (Verdict::Open, 1, vec![1]);
        assert_eq!(notes(&told), [(Verdict::Nothing, 1, vec![]), opened]);
        for tenth in 1..=25 {
            let now = 11.0 + f64::from(tenth) / 10.0;
            decisions.decided(&context, motion(now), &open(1, 9.0, now + 9.0), at(0.0));
        }
        assert!(decisions.passed(&context, at(15.0)));
        let extended: Vec<u64> = notes(&told)[2..]
            .iter()
            .map(|(verdict, observed, _)| {
                assert_eq!(*verdict, Verdict::Extend);
                *observed
            })
            .collect();
        assert_eq!(extended, [10, 10, 5]);
        assert!(!decisions.passed(&context, at(25.0)));
    }

    #[test]
    fn an_opening_of_which_nothing_is_held_is_too_late() {
        let (context, told, mut decisions) = gate();
        decisions.decided(&context, motion(10.0), &open(1, 9.0, 20.0), at(30.0));
        let told = told.notes();
        assert_eq!(told[0].data["decision"], "tooLate");
        assert!(told[0].data["reason"].as_str().unwrap().contains(&at(30.0).iso()));
        assert!(!decisions.passed(&context, at(15.0)));
    }

    #[test]
    fn a_component_that_does_not_answer_is_told_with_the_reason() {
        let (context, told, mut decisions) = gate();
        decisions.unanswered(&context, motion(1.0), &Unanswered::Down);
        decisions.passed(&context, at(3.0));
        let data = &told.notes()[0].data;
        assert_eq!(
            (&data["decision"], &data["origin"]),
            (&"unanswered".into(), &"motion".into())
        );
        assert_eq!(data["reason"], "the component is down");
    }
}
