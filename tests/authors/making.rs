//! `mediagraph extension new`.

use crate::common::repository;
use crate::extension;

#[test]
fn nothing_that_exists_is_overwritten() {
    let parent = tempfile::tempdir().unwrap();
    let at = parent.path().to_str().unwrap();
    let arguments = ["new", "mine", "--lang", "rust", "--in", at];
    extension(&arguments).good();
    let source = parent.path().join("mine/src/lib.rs");
    std::fs::write(&source, "my work").unwrap();
    extension(&arguments).bad(1, &["mine` exists already", "nothing is overwritten"]);
    assert_eq!(std::fs::read_to_string(&source).unwrap(), "my work");
}

#[test]
fn a_name_that_is_none_makes_no_folder() {
    let parent = tempfile::tempdir().unwrap();
    let at = parent.path().to_str().unwrap();
    for name in ["../mine", "Mine", "my_own", "fn", ""] {
        extension(&["new", name, "--lang", "js", "--in", at]).bad(2, &["cannot be the name"]);
    }
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn what_is_not_offered_is_said_clearly() {
    for (language, name) in [("c", "C"), ("js", "JavaScript"), ("python", "Python")] {
        for world in ["gate", "processor"] {
            let says = format!("there is no template of a {world} in {name}");
            extension(&["new", "mine", "--lang", language, "--world", world]).bad(2, &[&says, "--lang rust"]);
        }
    }
    extension(&["new", "mine", "--lang", "cobol"]).bad(2, &["cobol", "rust", "python"]);
}

#[test]
fn the_interface_that_comes_along_is_this_host_s() {
    let parent = tempfile::tempdir().unwrap();
    let at = parent.path().to_str().unwrap();
    extension(&["new", "mine", "--lang", "python", "--in", at]).good();
    let mut compared = 0;
    for entry in std::fs::read_dir(repository("wit")).unwrap() {
        let entry = entry.unwrap();
        if entry.path().extension().is_some_and(|kind| kind == "wit") {
            let copy = parent.path().join("mine/wit").join(entry.file_name());
            assert_eq!(std::fs::read(copy).unwrap(), std::fs::read(entry.path()).unwrap());
            compared += 1;
        }
    }
    assert!(compared >= 3);
}
