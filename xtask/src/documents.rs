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
