//! Where the paths of topologies lead, and what the host's configuration allows a graph.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use mediagraph::state::FORMAT;
use serde_json::json;

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Graph, SOON, START, command};
use crate::common::process::until;
use crate::common::{configuration, topology};
use crate::{Said, say, text, write};

/// Nobody is asked: the graph is refused before.
const URL: (&str, &str) = ("rtspUrl", "rtsp://127.0.0.1:9/never");

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn below(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn files(&self, directory: &Path) -> PathBuf {
        let sink = json!({
            "@type": "#Microsoft.Media.MediaGraphFileSink",
            "name": "files",
            "inputs": [{"nodeName": "camera"}],
            "baseDirectoryPath": directory,
            "fileNamePattern": "clip-${System.DateTime}",
            "maximumSizeMiB": "100",
        });
        topology::write(&topology::document("2.0", &[], &[sink]), self.folder.path())
    }

    fn run(&self, topology: &Path, config: &str, parameters: &[(&str, &str)]) -> std::process::Command {
        let config = configuration(self.folder.path(), config);
        let mut command = command(text(topology), parameters, &self.below("state"));
        command.arg("--config").arg(config);
        command
    }

    fn refused(&self, directory: &Path, config: &str) -> String {
        let topology = self.files(directory);
        let said: Said = say(&mut self.run(&topology, config, &[URL])).ended(78);
        said.stderr
    }
}

#[test]
fn a_path_leads_where_the_configuration_says() {
    let place = Place::new();
    let camera = Camera::ours(&yard(), &[]);
    let clips = place.below("clips");
    std::fs::create_dir(&clips).unwrap();
    let config = format!("[paths.map]\n'/var/media' = '{}'\n", clips.display());
    let topology = place.files(Path::new("/var/media/door"));
    let mut command = place.run(&topology, &config, &[("rtspUrl", &camera.url)]);
    let graph = Graph::of(&mut command, &place.below("state"));
    until("a clip in the mapped folder", START + SOON, || {
        let mut entries = std::fs::read_dir(clips.join("door")).ok()?.flatten();
        entries.find(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "mp4")
        })
    });
    graph.stop();
    assert!(!place.below("state/files").exists());
}

#[test]
fn a_path_leads_neither_out_through_a_link_nor_to_the_hosts_own_files() {
    let place = Place::new();
    let (clips, outside) = (place.below("clips"), place.below("outside"));
    std::fs::create_dir_all(&clips).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    symlink(&outside, clips.join("out")).unwrap();
    symlink(place.below("nowhere"), clips.join("dangling")).unwrap();
    let config = format!(
        "[paths]\nwrite_roots = ['{0}']\n[paths.map]\n'/var/media' = '{0}'\n",
        clips.display()
    );
    for path in [
        "/var/media/out".into(),
        "/var/media/out/deeper".into(),
        "/var/media/dangling".into(),
        clips.join("out"),
    ] {
        let told = place.refused(&path, &config);
        assert!(told.contains("through a symbolic link"), "{path:?}: {told}");
    }
    for own in ["", "registry.db", "components"] {
        let told = place.refused(&place.below("state").join(own), &config);
        assert!(told.contains("the host's own files"), "{own}: {told}");
    }
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn the_policy_of_the_host_has_the_last_word_and_names_its_rule() {
    let place = Place::new();
    let topology = place.files(Path::new("/var/media"));
    let refused = |config: &str, url: &str| {
        let mut command = place.run(&topology, config, &[("rtspUrl", url)]);
        say(&mut command).ended(78).stderr
    };
    let told = refused("", "rtsp://169.254.169.254/latest");
    assert!(
        told.contains("node `camera`") && told.contains("`policy.networks.allow`"),
        "{told}"
    );
    let deny = "[policy.schemes.rtsp]\ndeny = ['127.0.0.0/8']\n";
    let told = refused(deny, URL.1);
    assert!(
        told.contains("`policy.schemes.rtsp.deny` holds `127.0.0.0/8`"),
        "{told}"
    );
}

#[test]
fn a_password_that_the_host_keeps_lets_a_graph_in_and_stays_unseen() {
    let place = Place::new();
    let password = "canary-of-the-yard";
    let camera = Camera::ours(&yard(), &["--user", &format!("guard:{password}")]);
    let secret = write(place.folder.path(), "secret", &format!("{password}\n"));
    let config = format!("[secrets]\nyard = '${{file:{}}}'\n", secret.display());
    let parameters = |password: &'static str| {
        [
            ("rtspUrl", camera.url.clone()),
            ("rtspUserName", "guard".to_owned()),
            ("rtspPassword", password.to_owned()),
        ]
    };
    let topology = crate::common::repository("topologies/cvr-asset");
    let run = |password| {
        let parameters = parameters(password);
        let parameters = parameters.each_ref().map(|(name, value)| (*name, value.as_str()));
        place.run(&topology, &config, &parameters)
    };
    let told = say(&mut run("${secret:yrad}")).ended(78).stderr;
    assert!(told.contains("did you mean `${secret:yard}`?"), "{told}");

    let graph = Graph::of(
        run("${secret:yard}").args(["--log", "debug"]),
        &place.below("state"),
    );
    graph.event("RecordingStarted", START);
    let finished = graph.stop();
    let all = finished.ended.stdout + &finished.ended.stderr;
    assert!(!all.contains(password), "{all}");
}

#[test]
fn a_directory_of_the_first_format_is_migrated_and_its_recordings_stay() {
    let place = Place::new();
    let state = place.below("state");
    std::fs::create_dir_all(state.join("assets/old")).unwrap();
    write(&state, "format", "1\n");
    write(&state, "host-id", "0badcafe\n");
    let topology = place.files(Path::new("/var/media"));
    let graph = Graph::of(&mut place.run(&topology, "", &[URL]), &state);
    graph
        .process()
        .wait_stderr("The state directory was migrated from=1 to=2", START);
    graph.process().wait_stderr("The graph runs", START);
    graph.stop();
    let small = |name: &str| std::fs::read_to_string(state.join(name)).unwrap();
    assert_eq!(small("format"), format!("{FORMAT}\n"));
    assert_eq!(small("host-id"), "0badcafe\n");
    assert_eq!(small("backup-format-1/format"), "1\n");
    assert_eq!(small("backup-format-1/host-id"), "0badcafe\n");
    assert!(state.join("assets/old").is_dir());
    // What an older version says of the present one, this one says of the next.
    let next = FORMAT + 1;
    write(&state, "format", &format!("{next}\n"));
    let told = say(&mut place.run(&topology, "", &[URL])).ended(1).stderr;
    assert!(told.contains(&format!("has format {next}")), "{told}");
}
