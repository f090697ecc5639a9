//! What components said when somebody last looked at it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use mediagraph::media::inference::{Finding, Inference};

use crate::run::{Said, seconds};

/// Compares with the component's golden file; `UPDATE=1` writes it instead.
pub(crate) fn check(component: &str, now: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("extensions")
        .join(component);
    let path = folder.join("golden.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        then == now,
        "{} says something else: look at it, and run this test with UPDATE=1 if it is right. Now:\n{now}",
        path.display()
    );
}

/// Stretches in which something was said, with how many things in how many pictures.
pub(crate) fn stretches(said: &[Said]) -> String {
    let mut all: Vec<(f64, f64, usize, usize)> = Vec::new();
    for said in said {
        let (at, things) = (seconds(said.time), said.inferences.len());
        match all.last_mut() {
            Some(last) if at - last.1 < 0.5 => *last = (last.0, at, last.2 + 1, last.3 + things),
            _ => all.push((at, at, 1, things)),
        }
    }
    lines(all.into_iter().map(|(from, to, pictures, boxes)| {
        format!("{from:.2} to {to:.2}: {boxes} boxes in {pictures} pictures")
    }))
}

/// From where to where each thing went.
pub(crate) fn things(said: &[Said]) -> String {
    let mut things: BTreeMap<u64, (Vec<f64>, Vec<String>)> = BTreeMap::new();
    for said in said {
        for inference in &said.inferences {
            let name = inference.sequence_id.as_deref().unwrap();
            let (_, number) = name.split_once('-').unwrap();
            let Finding::Motion { area } = &inference.finding else {
                panic!("{inference:?}");
            };
            let thing = things.entry(number.parse().unwrap()).or_default();
            thing.0.push(seconds(said.time));
            thing.1.push(format!(
                "{:.2},{:.2}",
                area.l + area.w / 2.0,
                area.t + area.h / 2.0
            ));
        }
    }
    lines(things.into_iter().map(|(number, (times, places))| {
        let last = times.len() - 1;
        format!(
            "thing {number}: {:.2} to {:.2}, {} to {}, in {} pictures",
            times[0],
            times[last],
            places[0],
            places[last],
            times.len()
        )
    }))
}

/// One line for each event.
pub(crate) fn events(said: &[Said]) -> String {
    let each = said
        .iter()
        .flat_map(|said| said.inferences.iter().map(|one| (seconds(said.time), one)));
    lines(each.map(|(at, one)| format!("{at:.2} {}", event(one))))
}

fn event(inference: &Inference) -> String {
    let Finding::Event { name, properties, .. } = &inference.finding else {
        panic!("{inference:?} is no event");
    };
    let thing = inference.sequence_id.as_deref().unwrap_or_default();
    let mut line = format!("{} {name}", inference.subtype.as_deref().unwrap_or_default());
    for (name, value) in properties {
        write!(line, " {name}={value}").unwrap();
    }
    let number = thing.rsplit('-').next().unwrap_or_default();
    write!(line, " thing {number}").unwrap();
    line
}

/// One line for each recording.
pub(crate) fn spans(spans: &[(f64, f64)]) -> String {
    lines(spans.iter().map(|(start, end)| format!("{start:.2} to {end:.2}")))
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.fold(String::new(), |all, line| all + &line + "\n")
}
