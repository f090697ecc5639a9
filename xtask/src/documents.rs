//! What holds the documents to the truth: links lead somewhere, and code that they show is code that is tested.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project;

/// Folders that hold no documents of ours.
const LEFT_OUT: [&str; 2] = ["target", ".git"];

/// Every Markdown file of the project.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let left_out = LEFT_OUT.iter().any(|name| path.ends_with(name));
        if path.is_dir() && !left_out {
            found.extend(documents(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}

/// The targets of the links of a Markdown text, without what stands behind `#`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
}

#[test]
fn every_link_within_the_project_leads_to_a_file() {
    let mut broken = Vec::new();
    let documents = documents(&project::root());
    for document in &documents {
        let folder = document.parent().unwrap();
        let text = fs::read_to_string(document).unwrap();
        for link in links(&text).filter(|link| !link.is_empty() && !link.contains("://")) {
            if !folder.join(link).exists() {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(
        documents.len() > 20,
        "only {} documents were found",
        documents.len()
    );
    assert!(
        broken.is_empty(),
        "links that lead nowhere:\n{}",
        broken.join("\n")
    );
}

#[test]
fn every_design_record_is_listed_and_says_where_it_stands() {
    let docs = project::root().join("docs");
    let list = fs::read_to_string(docs.join("README.md")).unwrap();
    let mut numbers = Vec::new();
    for entry in fs::read_dir(docs.join("design")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = fs::read_to_string(docs.join("design").join(&name)).unwrap();
        assert!(
            list.contains(&format!("(design/{name})")),
            "{name} is not in docs/README.md"
        );
        for part in [
            "\nStatus: ",
            "\n## Context\n",
            "\n## Choice\n",
            "\n## Alternatives\n",
        ] {
            assert!(text.contains(part), "{name} has no `{}`", part.trim());
        }
        numbers.push(name.split_once('-').unwrap().0.to_owned());
    }
    let records = numbers.len();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), records, "two records have one number");
}

#[test]
fn the_detector_of_the_guide_is_the_one_that_is_tested() {
    let root = project::root();
    let tested = root.join("tests/detectors/brightness/src/lib.rs");
    let tested =
        fs::read_to_string(&tested).expect("tests/detectors/brightness is the detector of wit/README.md");
    let guide = fs::read_to_string(root.join("wit/README.md")).unwrap();
    let (_, rest) = guide
        .split_once("```rust\n")
        .expect("wit/README.md shows a detector in Rust");
    let (shown, _) = rest.split_once("```").expect("the block of code ends");
    assert!(
        shown == tested,
        "wit/README.md shows other code; copy tests/detectors/brightness/src/lib.rs into it"
    );
}

/// The modules that each module of the host may use, besides itself and what all may use: the map in `host/lib.rs`. `cli` may
/// use all.
const ARROWS: [(&str, &[&str]); 22] = [
    (
        "config",
        &[
            "api",
            "graph",
            "nodes",
            "extension",
            "inference",
            "recording",
            "topology",
            "state",
            "media",
        ],
    ),
    (
        "api",
        &[
            "explain",
            "metrics",
            "alarms",
            "audit",
            "graph",
            "playback",
            "recording",
            "topology",
            "events",
            "media",
        ],
    ),
    ("audit", &["media"]),
    ("playback", &["recording", "media"]),
    ("explain", &["alarms", "events", "media"]),
    (
        "metrics",
        &[
            "alarms",
            "graph",
            "inference",
            "nodes",
            "recording",
            "events",
            "media",
        ],
    ),
    ("alarms", &["graph", "nodes", "recording", "events", "media"]),
    (
        "graph",
        &[
            "nodes",
            "extension",
            "inference",
            "recording",
            "events",
            "topology",
            "state",
            "media",
        ],
    ),
    (
        "nodes",
        &[
            "extension",
            "inference",
            "recording",
            "events",
            "topology",
            "media",
        ],
    ),
    ("extension", &["inference", "media"]),
    ("inference", &["media"]),
    ("recording", &["media"]),
    ("events", &["media"]),
    ("topology", &["media"]),
    ("camera", &["media"]),
    ("media", &[]),
    ("state", &[]),
    ("service", &[]),
    ("database", &[]),
    ("rotation", &[]),
    ("text", &[]),
    ("when", &[]),
];

/// Every Rust file below a folder but tests, which may look at everything.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name == "tests" || name == "testing" {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn modules_of_the_host_use_only_what_stands_below_them() {
    let host = project::root().join("host");
    let mut wrong = Vec::new();
    for path in sources(&host) {
        let within = path.strip_prefix(&host).unwrap().with_extension("");
        let module = within
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        if ["cli", "lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let (_, allowed) = ARROWS
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| {
                panic!("`{module}` is not among the arrows: add it here and to the map in host/lib.rs")
            });
        let text = fs::read_to_string(&path).unwrap();
        // Unit tests at the end of a file may look at everything, too.
        let text = text.split("\nmod tests {").next().unwrap();
        for used in text.split("crate::").skip(1) {
            let used = used
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .next()
                .unwrap();
            let known = ARROWS.iter().any(|(name, _)| *name == used) || used == "cli";
            if known
                && used != module
                && !["text", "when", "database", "rotation"].contains(&used)
                && !allowed.contains(&used)
            {
                wrong.push(format!("{}: {module} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point back:\n{}", wrong.join("\n"));
}
