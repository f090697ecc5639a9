//! What gates decided.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::evidence::time;
use super::super::{Evidence, Link, Question, Verdict};
use super::gate::gate;
use super::{Chain, nodes};
use crate::events::journal::Entry;
use crate::events::notes::{GateDecision, Role};

impl Chain {
    pub(super) fn gates(&mut self, question: &Question, evidence: &Evidence) {
        let decisions: Vec<&Entry> = evidence.decisions.iter().collect();
        let planned = self.graph.clone();
        let planned = planned.iter().flat_map(|graph| &graph.nodes);
        let planned = planned.filter(|node| node.role == Role::Gate);
        let all: BTreeSet<&str> = planned
            .map(|node| node.name.as_str())
            .chain(nodes(&decisions))
            .collect();
        self.gated = !all.is_empty();
        for node in all {
            let mine: Vec<(Timestamp, GateDecision)> = decisions
                .iter()
                .filter(|entry| entry.event.node() == Some(node))
                .filter_map(|entry| {
                    Some((
                        time(entry)?,
                        serde_json::from_value(entry.event.data.clone()).ok()?,
                    ))
                })
                .collect();
            let (verdict, message) = gate(question, &mine);
            match verdict {
                Verdict::Fine => self.passed = true,
                _ => {
                    self.refused = Some(format!(
                        "gate `{node}` let nothing of that moment through: {message}"
                    ))
                }
            }
            self.add(Link::Gate, Some(node), verdict, message);
        }
    }
}
