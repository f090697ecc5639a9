//! Microsoft's own topologies for Live Video Analytics must be accepted unchanged.

use std::path::{Path, PathBuf};

use mediagraph::nodes::TABLE;
use mediagraph::topology::{Bindings, TopologyDoc, check, resolve};

/// Values for parameters without a default, by name.
const VALUES: [(&str, &str); 3] = [
    ("rtspUrl", "rtsp://camera:554/stream"),
    ("inferencingUrl", "http://server/score"),
    ("hubSourceInput", "input"),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}")) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_topology_of_lva_is_valid_and_can_run() {
    let all = files(&super::corpus().join("lva/topologies"));
    assert!(all.len() >= 27, "the corpus is not whole: {}", all.len());
    for path in all {
        let doc =
            TopologyDoc::parse(&std::fs::read(&path).unwrap()).unwrap_or_else(|e| panic!("{path:?}:\n{e}"));
        let checked = check(&doc, &Bindings::default(), "instance", TABLE);
        assert!(
            !checked.diagnostics.has_errors(),
            "{path:?}:\n{}",
            checked.diagnostics
        );
        let mut bindings = Bindings::default();
        for name in &checked.missing {
            let value = VALUES.iter().find(|(known, _)| known == name);
            bindings.set(
                name,
                value.unwrap_or_else(|| panic!("{path:?}: no value for {name}")).1,
            );
        }
        resolve(&doc, &bindings, "instance", TABLE).unwrap_or_else(|errors| panic!("{path:?}: {errors}"));
    }
}
