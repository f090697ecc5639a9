//! The components that come with mediagraph, on the demo's clip, whose truth is known: what they say is right, and it is
//! what they said when somebody last looked at it (`golden.txt` beside each component; `UPDATE=1` writes it anew).

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test crate: what goes wrong here is to fail loudly"
)]

mod clip;
mod golden;
mod natively;
mod no_models;
mod run;

use mediagraph::media::inference::{Finding, Inference};
use serde_json::json;

use crate::run::{MOTION, Said, gate, motion, processor, seconds};

/// From the second at which a movement of the truth begins to where the detector may still see it.
const LATE: f64 = 1.0;

/// Seconds in which two parts of one thing may have two names.
const PARTS_FOUND: f64 = 1.0;

fn subtype(inference: &Inference) -> &str {
    inference.subtype.as_deref().unwrap_or_default()
}

fn property<'a>(inference: &'a Inference, name: &str) -> &'a str {
    match &inference.finding {
        Finding::Event { properties, .. } => &properties[name],
        other => panic!("{other:?} is no event"),
    }
}

fn events(said: &[Said]) -> Vec<(f64, &Inference)> {
    said.iter()
        .flat_map(|said| said.inferences.iter().map(|one| (seconds(said.time), one)))
        .collect()
}

#[test]
fn the_motion_detector_sees_each_movement_and_nothing_else() {
    let said = &*MOTION;
    let movements = clip::truth();
    assert_eq!(movements.len(), 8);
    for (start, end) in &movements {
        let seen = said
            .iter()
            .any(|said| (*start..*end).contains(&seconds(said.time)));
        assert!(seen, "nothing was seen from {start} to {end}");
    }
    for at in said.iter().map(|said| seconds(said.time)) {
        let moves = movements
            .iter()
            .any(|(start, end)| (*start..end + LATE).contains(&at));
        assert!(moves, "motion at {at}, where nothing moves");
    }
    golden::check("motion-detector", &golden::stretches(said));
}

#[test]
fn zones_and_masks_choose_among_the_movements() {
    // The street: what walks along the house or on the pavement is not in it. The lorry and the cars are.
    let street =
        json!({"zones": [{"name": "street", "polygon": [[0, 0.66], [1, 0.66], [1, 0.76], [0, 0.76]]}]});
    let truth = clip::truth();
    let seen = |config: &serde_json::Value| -> Vec<usize> {
        let said = motion(config);
        let within = |(start, end): &(f64, f64)| {
            said.iter()
                .any(|said| (*start..end + LATE).contains(&seconds(said.time)))
        };
        (0..truth.len()).filter(|place| within(&truth[*place])).collect()
    };
    let vehicles = seen(&street);
    assert!(
        vehicles.contains(&1) && vehicles.contains(&3) && vehicles.contains(&5),
        "{vehicles:?}"
    );
    assert!(
        !vehicles.contains(&0) && !vehicles.contains(&2) && !vehicles.contains(&6),
        "{vehicles:?}"
    );
    // All but the far wall: only the small figure is lost.
    let wall =
        json!({"masks": [{"name": "wall", "polygon": [[0.5, 0.25], [0.8, 0.25], [0.8, 0.45], [0.5, 0.45]]}]});
    let rest = seen(&wall);
    assert!(!rest.contains(&2) && rest.len() >= 6, "{rest:?}");
}

#[test]
fn the_tracker_gives_each_movement_a_name_of_its_own() {
    let tracked = processor("object-tracker", &json!({}), &MOTION);
    let truth = clip::truth();
    for (start, end) in &truth {
        // Parts are known for parts once they have gone the same way for a while.
        let settled = start + PARTS_FOUND..*end;
        let during = tracked
            .iter()
            .filter(|said| settled.contains(&seconds(said.time)));
        let mut sights: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
        for inference in during.flat_map(|said| &said.inferences) {
            *sights.entry(inference.sequence_id.clone().unwrap()).or_default() += 1;
        }
        let all: usize = sights.values().sum();
        let most = sights.values().max().unwrap();
        // A wheel or a leg may be a thing of its own for a moment.
        assert!(most * 10 >= all * 9, "from {start} to {end}: {sights:?}");
    }
    golden::check("object-tracker", &golden::things(&tracked));
}

#[test]
fn the_line_counts_who_crosses_it_in_each_direction() {
    let tracked = processor("object-tracker", &json!({}), &MOTION);
    // Downwards at three tenths of the width: four go to the right of the picture, two to the left, two stay beyond.
    let config = json!({"lines": [{"name": "fence", "line": [[0.3, 0.0], [0.3, 1.0]]}]});
    let said = processor("line-crossing", &config, &tracked);
    let crossings = events(&said);
    let last = crossings.last().expect("somebody crosses").1;
    let shown = || golden::events(&said);
    assert!(
        crossings.iter().all(|(_, one)| subtype(one) == "lineCrossing"),
        "{}",
        shown()
    );
    assert_eq!(property(last, "counterclockwiseTotal"), "4", "{}", shown());
    assert_eq!(property(last, "clockwiseTotal"), "2", "{}", shown());
    assert_eq!(property(last, "total"), "6", "{}", shown());
    let directions: Vec<&str> = crossings
        .iter()
        .map(|(_, one)| property(one, "direction"))
        .collect();
    let (right, left) = ("counterclockwise", "clockwise");
    assert_eq!(directions, [right, left, right, left, right, right]);
    for ((at, one), movement) in crossings.iter().zip([0, 1, 3, 4, 5, 7]) {
        let (start, end) = clip::truth()[movement];
        assert!(
            (start..end).contains(at),
            "{at} is not within movement {movement}"
        );
        assert_eq!(one.related_inferences.len(), 1);
    }
    golden::check("line-crossing", &shown());
}

#[test]
fn the_zone_tells_who_stays_in_it() {
    let tracked = processor("object-tracker", &json!({}), &MOTION);
    // Before the shed: only the small figure stays there, for two and a half seconds.
    let zone = json!({"name": "shed", "polygon": [[0.52, 0.28], [0.8, 0.28], [0.8, 0.43], [0.52, 0.43]]});
    let config = json!({"zones": [zone], "threshold": "PT1S", "events": ["enter", "dwell", "exit"]});
    let said = processor("zone-dwell", &config, &tracked);
    let long: Vec<_> = events(&said)
        .into_iter()
        .filter(|(_, one)| subtype(one) == "zoneDwell")
        .collect();
    assert_eq!(long.len(), 1, "{}", golden::events(&said));
    let (start, end) = clip::truth()[2];
    assert!((start + 1.0..end).contains(&long[0].0), "{}", long[0].0);
    let name = long[0].1.sequence_id.clone();
    let left = events(&said)
        .into_iter()
        .find(|(_, one)| subtype(one) == "zoneExit" && one.sequence_id == name);
    let stayed: f64 = property(left.unwrap().1, "dwellSeconds").parse().unwrap();
    assert!((1.0..=end - start + LATE).contains(&stayed), "{stayed}");
    golden::check("zone-dwell", &golden::events(&said));
}

#[test]
fn the_label_gate_opens_for_what_moves_in_the_street_only() {
    let tracked = processor("object-tracker", &json!({}), &MOTION);
    let street = json!({"name": "street", "polygon": [[0, 0.6], [1, 0.6], [1, 0.77], [0, 0.77]]});
    let config = json!({
        "when": {"labels": ["motion"], "zones": [street], "minimumDwell": "PT0.5S"},
        "activationSignalOffset": "-PT1S",
        "minimumActivationTime": "PT2S",
    });
    let opened = gate("label-gate", &config, &tracked);
    let vehicles = [1, 3, 5].map(|movement| clip::truth()[movement]);
    assert_eq!(opened.len(), vehicles.len(), "{opened:?}");
    for ((start, end), (begins, ends)) in opened.iter().zip(vehicles) {
        assert!(
            *start < begins + LATE && *end > ends,
            "{start} to {end} for {begins} to {ends}"
        );
        assert!(*start >= begins - 1.0 && *end <= ends + 2.0 + LATE);
    }
    golden::check("label-gate", &golden::spans(&opened));
}

#[test]
fn the_signal_gate_opens_for_each_movement() {
    let config = json!({
        "activationSignalOffset": "-PT1S",
        "minimumActivationTime": "PT2S",
        "maximumActivationTime": "PT1M",
    });
    let opened = gate("signal-gate", &config, &MOTION);
    assert_eq!(opened.len(), clip::truth().len(), "{opened:?}");
    golden::check("signal-gate", &golden::spans(&opened));
}
