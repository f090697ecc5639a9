//! Who sees what a recorder records: the nodes that speak of its camera and of no other.

use std::collections::BTreeSet;

use super::plan::{Plan, PlannedKind};

impl Plan {
    /// The nodes that speak of the camera whose media a recorder records, each with those among them that it hears; none for
    /// a recorder that keeps nothing of it.
    #[must_use]
    pub fn witnesses(&self, recorder: usize) -> Vec<(usize, Vec<usize>)> {
        let node = self.nodes.get(recorder).map(|node| &node.kind);
        let keeps = matches!(node, Some(PlannedKind::Recorder(opener)) if opener.keeps_detections());
        let Some(camera) = self.camera_of(recorder).filter(|_| keeps) else {
            return Vec::new();
        };
        let only = BTreeSet::from([camera]);
        let speakers: BTreeSet<usize> = (0..self.nodes.len())
            .filter(|node| self.gives_signals(*node) && self.watched_by(*node) == only)
            .collect();
        let heard = |node: &usize| self.heard_by(*node).intersection(&speakers).copied().collect();
        speakers.iter().map(|node| (*node, heard(node))).collect()
    }

    /// The camera that media comes from, through whatever gates there are.
    fn camera_of(&self, mut at: usize) -> Option<usize> {
        // A node stands behind its inputs, so this ends.
        loop {
            let node = self.nodes.get(at)?;
            if matches!(node.kind, PlannedKind::RtspSource(_)) {
                return Some(at);
            }
            at = node
                .inputs
                .iter()
                .map(|input| input.node)
                .find(|input| self.gives_media(*input))?;
        }
    }

    /// The cameras whose pictures a node, or one that it hears, is shown.
    fn watched_by(&self, node: usize) -> BTreeSet<usize> {
        let mut all = self.heard_by(node);
        all.insert(node);
        all.into_iter().filter_map(|node| self.shown_to(node)).collect()
    }

    fn shown_to(&self, node: usize) -> Option<usize> {
        let planned = self.nodes.get(node)?;
        // Of what looks at no frames nobody knows.
        planned.kind.sampling()?;
        // A detector may be behind another one, which hands its frames on.
        let origin = planned
            .inputs
            .iter()
            .find_map(|input| self.frame_origin(*input))?;
        match self.nodes.get(origin.node)?.kind {
            PlannedKind::RtspSource(_) => Some(origin.node),
            _ => self.shown_to(origin.node),
        }
    }

    /// The nodes that a processor hears, and those that they hear.
    fn heard_by(&self, node: usize) -> BTreeSet<usize> {
        let mut all = BTreeSet::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            let planned = self.nodes.get(node);
            let hears = planned.filter(|node| matches!(node.kind, PlannedKind::Processor(_)));
            for input in hears.into_iter().flat_map(|node| &node.inputs) {
                if self.gives_signals(input.node) && all.insert(input.node) {
                    open.push(input.node);
                }
            }
        }
        all
    }
}
