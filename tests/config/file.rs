//! The configuration file: written, checked, shown.

use crate::{mediagraph, say, text, write};

#[test]
fn a_new_file_is_in_order_and_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mediagraph.toml");
    mediagraph(&["config", "init", text(&path)]).ended(0);
    mediagraph(&["config", "check", text(&path)]).ended(0);
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(mediagraph(&["config", "init", "-"]).ended(0).stdout, written);
    let empty = write(folder.path(), "empty.toml", "");
    let shown = |path| mediagraph(&["config", "show", text(path)]).ended(0).stdout;
    assert_eq!(shown(&path), shown(&empty));

    std::fs::write(&path, "mine").unwrap();
    let refused = mediagraph(&["config", "init", text(&path)]).ended(1);
    assert!(refused.stderr.contains("`--force`"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    mediagraph(&["config", "init", "--force", text(&path)]).ended(0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
}

#[test]
fn five_mistakes_are_told_at_once_with_line_and_hint() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = "\
[server]
listen = \"localhost\"
allowd_hosts = []
[limits]
max_instances = -1
[paths]
write_roots = [\"clips\"]
[log]
format = \"jsn\"
";
    let path = write(folder.path(), "wrong.toml", wrong);
    let told = mediagraph(&["config", "check", text(&path)]).ended(78);
    assert!(told.stdout.is_empty(), "{}", told.stdout);
    let errors: Vec<&str> = told
        .stderr
        .lines()
        .filter(|line| line.contains(": error: "))
        .collect();
    let lines = [2, 3, 5, 7, 9].map(|line| format!("{}:{line}:", path.display()));
    assert_eq!(errors.len(), lines.len(), "{}", told.stderr);
    for (error, line) in errors.iter().zip(lines) {
        assert!(error.starts_with(&line), "{}", told.stderr);
    }
    for hint in ["did you mean `allowed_hosts`?", "did you mean `json`?"] {
        assert!(told.stderr.contains(hint), "{}", told.stderr);
    }
}

#[test]
fn a_secret_is_never_shown() {
    const CANARY: &str = "canary-7f3a-0123456789abcdef";
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "secret", &format!("{CANARY}\n"));
    let sound = format!(
        "[[tokens]]\nname = 'a'\nrole = 'read'\nsecret = '${{file:{0}}}'\n[secrets]\ncamera = '${{env:CANARY}}'\n",
        file.display()
    );
    let sound = write(folder.path(), "sound.toml", &sound);
    let run = |arguments: &[&str]| {
        let said = say(crate::common::mediagraph()
            .args(arguments)
            .args(["--log", "trace"])
            .env("CANARY", CANARY));
        assert!(!said.stdout.contains("canary-"), "{}", said.stdout);
        assert!(!said.stderr.contains("canary-"), "{}", said.stderr);
        said
    };
    let shown = run(&["config", "show", text(&sound)]).ended(0);
    assert!(shown.stdout.contains("camera = \"***\""), "{}", shown.stdout);
    let shown = run(&["config", "show", "--json", text(&sound)]).ended(0);
    let json: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(json["tokens"][0]["sha256"], "***");
    assert_eq!(json["secrets"]["camera"], "***");

    for wrong in [
        format!("[secrets]\ncamera = '{CANARY}'\n"),
        format!("[[tokens]]\nname = 'a'\nrole = 'read'\nsecret = '{CANARY}'\n"),
        format!("[[tokens]]\nname = 'a'\nrole = 'read'\nsha256 = '{CANARY}'\n"),
        format!("tokens = ['{CANARY}']\n"),
        format!("[secrets]\ncamera = {CANARY}\n"),
    ] {
        let path = write(folder.path(), "wrong.toml", &wrong);
        run(&["config", "check", text(&path)]).ended(78);
    }
    // The environment does not have it.
    let missing = mediagraph(&["config", "check", text(&sound)]).ended(78);
    assert!(
        missing.stderr.contains("the environment has no `CANARY`"),
        "{}",
        missing.stderr
    );
}

#[test]
fn a_new_token_comes_with_lines_that_the_file_takes() {
    let folder = tempfile::tempdir().unwrap();
    let made = mediagraph(&["config", "token", "--name", "dash", "--role", "operate", "--json"]).ended(0);
    let made: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
    let lines = made["configuration"].as_str().unwrap();
    assert!(!lines.contains(made["token"].as_str().unwrap()));
    let path = write(folder.path(), "a.toml", lines);
    let shown = mediagraph(&["config", "show", "--json", text(&path)]).ended(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["tokens"][0]["name"], "dash");
    assert_eq!(shown["tokens"][0]["role"], "operate");
    mediagraph(&["config", "token", "--name", "a b"]).ended(2);
}
