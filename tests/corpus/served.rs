//! Microsoft's own topologies for Live Video Analytics, unchanged, at a host that is driven by direct methods: each
//! delivers what it is for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::common::camera::Camera;
use crate::common::graph::{Event, START};
use crate::common::host::{Events, Host};
use crate::common::judge::{self, Recording};
use crate::common::process::until;
use crate::document::{Artefact, Document};
use crate::server::Server;

const CLIP: &str = "media/parking-lot-cars.mp4";
const USER: &str = "porch";
/// No reply, event or line of the log may hold it.
const PASSWORD: &str = "canary-a7d1";
/// A car comes within 16 s; then the longest gate is open for 30 s.
const CLIPS: Duration = Duration::from_secs(120);
/// Where whoever counts what was seen says that a recording is due.
const COUNTED: &str = "counted";
/// Where file sinks write, below the folder of files: the topologies say `/var/media`.
const MEDIA: &str = "var/media";
/// `20200512T233309Z`
const DATE_CHARS: usize = 16;
/// A clip starts with a keyframe, and the clip has one every 4.8 s; and a picture.
const SLACK_SECONDS: f64 = 4.9;
const TICKS_PER_SECOND: f64 = 90_000.0;

struct Place {
    host: Host,
    events: Events,
    camera: Camera,
    /// Sees motion in every frame.
    server: Server,
    /// The same over gRPC.
    grpc: Server,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::start(&folder.path().join("state"));
        let user = format!("{USER}:{PASSWORD}");
        Self {
            events: host.events(""),
            host,
            camera: Camera::ours(&crate::corpus().join(CLIP), &["--user", &user]),
            server: Server::http(&[]),
            grpc: Server::start("grpc_server.py", &[]),
            folder,
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn values(&self, document: &Document) -> Vec<(String, String)> {
        let output = format!("seen-by-{}", document.instance);
        document.values(&[
            ("rtspUrl", &self.camera.url),
            ("rtspUserName", USER),
            ("rtspPassword", PASSWORD),
            ("inferencingUrl", &format!("{}/motion", self.server.url)),
            ("grpcExtensionAddress", &self.grpc.url),
            ("grpcUrl", &self.grpc.url),
            ("hubSinkOutputName", &output),
            ("hubSourceInput", COUNTED),
            ("fileSinkOutputName", &document.instance),
        ])
    }

    /// Sets the topology, its bytes as they are, and an instance of it.
    fn set(&self, document: &Document) {
        let name = document.name();
        for status in [201, 200] {
            let mut stored = self.host.method("GraphTopologySet", &document.text).with(status);
            assert!(stored["systemData"]["createdAt"].is_string(), "{stored:#}");
            stored.as_object_mut().unwrap().remove("systemData");
            assert_eq!(stored, document.echoed(), "{name}");
        }
        let instance = &document.instance;
        let values = self.values(document);
        let stored = self.host.set_instance(instance, name, &values).with(201);
        assert!(!stored.to_string().contains(PASSWORD), "{stored:#}");
        assert_eq!(stored["properties"]["state"], "Inactive");
        self.host.set_instance(instance, name, &values).with(200);
    }

    fn delete(&self, document: &Document) {
        let (instance, topology) = (&document.instance, document.name());
        // Also when it is inactive already.
        for _ in 0..2 {
            assert_eq!(
                self.host.named("GraphInstanceDeactivate", instance).with(200),
                Value::Null
            );
            assert_eq!(self.host.state(instance), "Inactive");
        }
        let used = self.host.named("GraphTopologyDelete", topology);
        assert_eq!((used.status, used.codes()), (409, vec!["GraphTopologyInUse"]));
        assert!(used.payload.to_string().contains(instance), "{used:?}");
        for status in [200, 204] {
            self.host.named("GraphInstanceDelete", instance).with(status);
        }
        for status in [200, 204] {
            self.host.named("GraphTopologyDelete", topology).with(status);
        }
    }

    fn activate(&self, document: &Document) {
        for _ in 0..2 {
            let reply = self.host.named("GraphInstanceActivate", &document.instance);
            assert_eq!(reply.with(200), Value::Null, "{}", document.instance);
        }
        assert_eq!(self.host.state(&document.instance), "Active");
    }

    /// Waits until there is a whole one of what the sink is for.
    fn wait(&self, document: &Document, artefact: &Artefact) {
        let instance = &document.instance;
        match artefact {
            Artefact::Continuous { name } => {
                let started = self.events.wait(instance, "RecordingAvailable", 1, START);
                located(&started[0], "assetName", name);
                let asset = self.state().join("assets").join(name);
                until(&format!("a whole segment in {asset:?}"), CLIPS, || {
                    segment(&asset)
                });
            }
            Artefact::Clips { name, file, .. } => {
                if document.waits_for_messages() {
                    self.answer(instance);
                }
                self.events.wait(instance, "RecordingStopped", 1, CLIPS);
                let available = self.events.wait(instance, "RecordingAvailable", 1, CLIPS);
                let location = available[0].text("outputLocation");
                let kind = if *file { "filePath" } else { "assetName" };
                assert_eq!(available[0].text("outputType"), kind);
                assert!(location.contains(name.as_str()), "{location}");
            }
            Artefact::Inferences { output, node } => {
                // Only what leaves by this output.
                let there = self.host.events(&format!("&instance={instance}&output={output}"));
                for event in there.wait(instance, "Inference", 1, CLIPS) {
                    assert_eq!(
                        event.0["subject"],
                        format!("/graphInstances/{instance}/processors/{node}")
                    );
                    is_motion(&event);
                }
            }
        }
    }

    /// Does what Microsoft's sample application does: it sees what was inferred, and says that a recording is due.
    fn answer(&self, instance: &str) {
        self.events.wait(instance, "Inference", 1, CLIPS);
        let taken = self.host.message(COUNTED, &format!("?instance={instance}"));
        assert_eq!(taken, 1, "{instance}");
    }

    /// What has been recorded is whole and plays, and is what the topology says.
    fn judge(&self, document: &Document, artefact: &Artefact) {
        match artefact {
            Artefact::Continuous { name } => {
                let recording = judge::judged(&self.state().join("assets").join(name));
                assert!(recording.seconds() >= 30.0, "{name}: {}", recording.seconds());
                assert_eq!(recording.gaps(), 0, "{name}");
                has_tracks(&recording, document);
            }
            Artefact::Clips { name, file, seconds } => {
                let clips = self.clips(document, *file);
                assert!(clips.iter().all(|path| is_clip(path, name)), "{name}: {clips:?}");
                // Others play one; of the rest, we read every sample.
                judge::judged(&clips[0]);
                let lengths = clips.iter().map(|path| {
                    let clip = judge::check(path);
                    has_tracks(&clip, document);
                    clip.seconds()
                });
                let lengths: Vec<f64> = lengths.collect();
                let longest = lengths.iter().copied().fold(0.0, f64::max);
                let expected = *seconds..*seconds + SLACK_SECONDS;
                assert!(
                    expected.contains(&longest),
                    "{}: {lengths:?} s",
                    document.instance
                );
            }
            Artefact::Inferences { .. } => {}
        }
    }

    /// What its events say that it recorded.
    fn clips(&self, document: &Document, file: bool) -> Vec<PathBuf> {
        let stopped = self.events.of(&document.instance, "RecordingStopped");
        let path = |event: &Event| {
            let location = event.text("outputLocation");
            if file {
                PathBuf::from(location)
            } else {
                self.state().join("assets").join(location)
            }
        };
        let clips: Vec<PathBuf> = stopped.iter().map(path).collect();
        let folder = if file {
            self.state().join("files").join(MEDIA)
        } else {
            self.state().join("assets")
        };
        assert!(
            clips.iter().all(|clip| clip.parent() == Some(&folder)),
            "{clips:?}"
        );
        clips
    }

    /// Runs everything of a version at once.
    fn version(&self, version: &str) -> usize {
        let all = documents(version);
        let mut running = Vec::new();
        for document in &all {
            self.set(document);
            self.activate(document);
            running.push((document, document.artefacts(&self.values(document))));
        }
        self.lists(&all);
        for (document, artefact) in pairs(&running) {
            self.wait(document, artefact);
        }
        all.iter().for_each(|document| self.delete(document));
        for (document, artefact) in pairs(&running) {
            self.judge(document, artefact);
        }
        for (document, artefacts) in &running {
            self.said_no_more(document, artefacts);
        }
        running.len()
    }

    fn lists(&self, all: &[Document]) {
        let names = |method: &str| {
            let list = self.host.method(method, "{\"@apiVersion\": \"2.0\"}").with(200);
            let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
            let mut names: Vec<String> = list["value"].as_array().unwrap().iter().map(name).collect();
            names.sort();
            names
        };
        let mut topologies: Vec<&str> = all.iter().map(Document::name).collect();
        topologies.sort_unstable();
        assert_eq!(names("GraphTopologyList"), topologies);
        let mut instances: Vec<&str> = all.iter().map(|one| one.instance.as_str()).collect();
        instances.sort_unstable();
        assert_eq!(names("GraphInstanceList"), instances);
    }

    /// Nothing was lost or failed, what began has ended, and without a hub sink there are no inferences.
    fn said_no_more(&self, document: &Document, artefacts: &[Artefact]) {
        let count = |name: &str| self.events.of(&document.instance, name).len();
        // All graphs run at once: where there is more to look at than the machine can, some frames are left out, and it is told.
        // Nothing is missing of what is recorded.
        let dropped = self.events.of(&document.instance, "DataDropped");
        let lost = |event: &&Event| event.text("dataType") != "frames";
        assert_eq!(dropped.iter().find(lost).map(|event| &event.0), None);
        assert_eq!(count("MediaSessionEstablished"), 1, "{}", document.instance);
        for bad in [
            "ProtocolError",
            "AuthenticationError",
            "NetworkError",
            "StorageError",
            "CameraLost",
        ] {
            assert_eq!(count(bad), 0, "{bad} of {}", document.instance);
        }
        assert_eq!(
            count("RecordingStarted"),
            count("RecordingStopped"),
            "{}",
            document.instance
        );
        let tells = artefacts
            .iter()
            .any(|one| matches!(one, Artefact::Inferences { .. }));
        assert_eq!(count("Inference") > 0, tells, "{}", document.instance);
    }
}

fn pairs<'a>(
    running: &'a [(&'a Document, Vec<Artefact>)],
) -> impl Iterator<Item = (&'a Document, &'a Artefact)> {
    running
        .iter()
        .flat_map(|(document, artefacts)| artefacts.iter().map(move |one| (*document, one)))
}

fn documents(version: &str) -> Vec<Document> {
    let folder = crate::corpus().join("lva/topologies").join(version);
    let paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.collect();
    paths.sort();
    paths.iter().map(|path| Document::read(path, version)).collect()
}

fn located(event: &Event, kind: &str, location: &str) {
    assert_eq!(
        (event.text("outputType"), event.text("outputLocation")),
        (kind, location)
    );
}

/// A segment that is complete.
fn segment(asset: &Path) -> Option<PathBuf> {
    let mut paths = std::fs::read_dir(asset).ok()?.flatten().map(|entry| entry.path());
    paths.find(|path| path.extension().is_some_and(|extension| extension == "m4s"))
}

/// The name, a date, a number if another topology here asked for the same name in the same second, and `.mp4` for a file.
fn is_clip(path: &Path, name: &str) -> bool {
    let rest = path.file_name().unwrap().to_str().unwrap().strip_prefix(name);
    let rest = rest.map(|rest| rest.strip_suffix(".mp4").unwrap_or(rest));
    rest.and_then(|rest| rest.split_at_checked(DATE_CHARS))
        .is_some_and(|(date, number)| {
            let number = number.strip_prefix('-').unwrap_or("2");
            date.ends_with('Z') && date.as_bytes()[8] == b'T' && number.parse::<u8>().is_ok()
        })
}

fn has_tracks(recording: &Recording, document: &Document) {
    assert!(!recording.video().is_empty());
    assert_eq!(
        !recording.audio().is_empty(),
        document.has_sound(),
        "sound of {}",
        document.instance
    );
}

/// Boxes within the picture, and the time of the picture.
fn is_motion(event: &Event) {
    let inferences = event.data("inferences").as_array().unwrap();
    assert!(!inferences.is_empty());
    for one in inferences {
        assert_eq!(one["type"], "motion", "{event:?}");
        let side = |name: &str| one["motion"]["box"][name].as_f64().unwrap();
        for (start, length) in [("l", "w"), ("t", "h")] {
            assert!(
                side(start) >= 0.0 && side(length) > 0.0 && side(start) + side(length) <= 1.001,
                "{event:?}"
            );
        }
    }
    let told: jiff::Timestamp = event.0["eventTime"].as_str().unwrap().parse().unwrap();
    let media = event.ticks() as f64 / TICKS_PER_SECOND;
    assert!(
        (told.as_millisecond() as f64 / 1000.0 - media).abs() < 0.002,
        "{event:?}"
    );
}

#[test]
fn every_topology_of_lva_delivers_what_it_is_for() {
    let place = Place::new();
    let running: usize = ["1.0", "2.0"]
        .into_iter()
        .map(|version| place.version(version))
        .sum();
    assert!(running >= 27, "only {running} ran");
    let text = place.events.text();
    let ended = place.host.stop();
    for said in [&text, &ended.stderr] {
        assert!(!said.contains(PASSWORD), "the password was told:\n{said}");
    }
}
