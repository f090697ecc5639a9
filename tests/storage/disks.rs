//! Disks that are full, hang, go away or may not be written any more: the binary, real cameras, and real file systems.
//!
//! The tests mount small disks of their own, for which they must be root; they say so when they may not.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Graph, SOON, START, command, size};
use crate::common::host::{Events, Host};
use crate::common::process::until;
use crate::common::{configuration, judge, mediagraph, run, topology};
use crate::real::serve;

/// A disk that was frozen by a test that died is let go of after so long.
const LONGEST_FREEZE: &str = "120";
/// Of the clip, in bytes: about two seconds.
const ENOUGH: u64 = 100_000;

/// A mounted disk.
struct Disk {
    path: PathBuf,
    /// Lets go of a frozen one, come what may.
    watchdog: Option<Child>,
}

fn mount(arguments: &[&str]) {
    let output = Command::new("mount").args(arguments).output();
    let said = match &output {
        Ok(output) if output.status.success() => return,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    panic!(
        "`mount {}` failed: {said}\nhint: this test mounts a small disk: run it as root, in a container with CAP_SYS_ADMIN and loop \
         devices; it needs Debian's `mount` and `e2fsprogs`",
        arguments.join(" ")
    );
}

impl Disk {
    fn at(folder: &Path) -> Self {
        let path = folder.join("disk");
        std::fs::create_dir(&path).unwrap();
        Self { path, watchdog: None }
    }

    /// In memory, of so many MiB.
    fn in_memory(folder: &Path, mib: u32) -> Self {
        let disk = Self::at(folder);
        mount(&[
            "-t",
            "tmpfs",
            "-o",
            &format!("size={mib}m,mode=700"),
            "tmpfs",
            disk.text(),
        ]);
        disk
    }

    /// A file with ext4 in it, which can be frozen as a disk that hangs.
    fn in_a_file(folder: &Path, mib: u32) -> Self {
        let disk = Self::at(folder);
        let image = folder.join("disk.ext4");
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(u64::from(mib) << 20).unwrap();
        run(Command::new("/sbin/mkfs.ext4").args(["-q", "-F"]).arg(&image));
        mount(&["-o", "loop", image.to_str().unwrap(), disk.text()]);
        disk
    }

    fn text(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Nothing more fits on it.
    fn fill(&self) {
        let mut ballast = std::fs::File::create(self.path.join("ballast")).unwrap();
        for at_a_time in [64 << 10, 1 << 10, 1] {
            while ballast.write_all(&vec![1; at_a_time]).is_ok() {}
        }
    }

    /// So many bytes are left.
    fn leave(&self, bytes: u64) {
        let ballast = std::fs::File::create(self.path.join("ballast")).unwrap();
        let free = self.free();
        let length = free.checked_sub(bytes).unwrap();
        run(Command::new("fallocate")
            .args(["-l", &length.to_string()])
            .arg(self.path.join("ballast")));
        drop(ballast);
    }

    fn free(&self) -> u64 {
        let told = run(Command::new("df").args(["--output=avail", "-B1"]).arg(&self.path));
        told.lines().nth(1).unwrap().trim().parse().unwrap()
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path.join("ballast")).unwrap();
    }

    /// Whoever writes waits.
    fn freeze(&mut self) {
        let script = format!("sleep {LONGEST_FREEZE}; fsfreeze -u '{}'", self.text());
        self.watchdog = Some(Command::new("sh").args(["-c", &script]).spawn().unwrap());
        run(Command::new("/sbin/fsfreeze").arg("-f").arg(&self.path));
    }

    fn thaw(&mut self) {
        run(Command::new("/sbin/fsfreeze").arg("-u").arg(&self.path));
        if let Some(mut watchdog) = self.watchdog.take() {
            watchdog.kill().unwrap();
            watchdog.wait().unwrap();
        }
    }

    fn uncover(&self) {
        run(Command::new("umount").arg(&self.path));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.watchdog.is_some() {
            self.thaw();
        }
        // Also what was mounted above it.
        for _ in 0..2 {
            let _not_any_more = Command::new("umount").arg("-l").arg(&self.path).output();
        }
    }
}

/// A host with two instances: `sick` caches on a disk of its own, `well` beside the host's other things.
struct World {
    host: Host,
    events: Events,
    camera: Option<Camera>,
    port: u16,
    folder: PathBuf,
}

impl World {
    fn new(folder: &Path, disk: &Disk) -> Self {
        let well = folder.join("well");
        let text = format!(
            "[paths.map]\n'/var/lib/sick' = '{}'\n'/var/lib/well' = '{}'\n[limits]\ndrain_timeout = \"PT20S\"\n",
            disk.path.display(),
            well.display()
        );
        let config = configuration(folder, &text);
        let host = serve(&folder.join("state"), &config);
        let camera = Camera::ours(&yard(), &[]);
        let world = Self {
            events: host.events(""),
            port: camera.port(),
            camera: Some(camera),
            host,
            folder: folder.to_owned(),
        };
        for name in ["sick", "well"] {
            world.set(name);
            world.activate(name);
        }
        for name in ["sick", "well"] {
            world.events.wait(name, "RecordingStarted", 1, START);
        }
        until("media on the disk", SOON, || {
            (size(&disk.path) >= ENOUGH).then_some(())
        });
        world
    }

    fn set(&self, name: &str) {
        let mut sink = topology::asset_sink("camera");
        sink["localMediaCachePath"] = json!(format!("/var/lib/{name}"));
        let mut document = topology::document("2.0", &[], &[sink]);
        document["name"] = json!(name);
        self.host
            .method("GraphTopologySet", &document.to_string())
            .with(201);
        let url = self.camera.as_ref().unwrap().url.clone();
        self.host
            .set_instance(name, name, &[("rtspUrl".to_owned(), url)])
            .with(201);
    }

    fn activate(&self, name: &str) {
        self.host.named("GraphInstanceActivate", name).with(200);
    }

    /// The other one goes on meanwhile.
    fn well_goes_on(&self) {
        let well = self.folder.join("well");
        let before = size(&well);
        until("the other instance records", SOON, || {
            // A segment may have gone to its store.
            let now = size(&well);
            (now >= before + ENOUGH || now < before).then_some(())
        });
    }

    fn restored(&self, times: usize) {
        self.events.wait("sick", "StorageRestored", times, SOON);
    }

    /// The trouble was told once, with this word for it; nothing was lost by it, and the other instance knows nothing of it.
    fn told(&self, times: usize, reason: &str) {
        let told = self.events.of("sick", "StorageError");
        let reasons: Vec<&Value> = told.iter().map(|event| event.data("reason")).collect();
        assert_eq!(reasons, vec![reason; times], "{}", self.events.text());
        assert!(
            self.events.of("well", "StorageError").is_empty() && self.lost("well") == 0,
            "{}",
            self.events.text()
        );
    }

    /// Units that were lost; none are when the camera is away.
    fn lost(&self, name: &str) -> u64 {
        let dropped = self.events.of(name, "DataDropped");
        let units = dropped.iter().map(|event| event.data("units").as_u64().unwrap());
        units.sum()
    }

    fn asset(&self, name: &str) -> PathBuf {
        self.folder.join("state/assets").join(format!("asset-{name}"))
    }

    /// Ends the recording and looks at it.
    fn judged(&self, gaps: usize) {
        self.host.named("GraphInstanceDeactivate", "sick").with(200);
        let recording = judge::judged(&self.asset("sick"));
        assert_eq!(recording.gaps(), gaps, "{}", recording.report);
        assert!(self.lost("sick") == 0, "{}", self.events.text());
    }

    fn camera_away(&mut self) {
        self.camera = None;
        self.events.wait("sick", "CameraLost", 1, SOON);
    }

    fn camera_back(&mut self) {
        // The end of the session, and an attempt in vain: a hole that is long enough to be a gap.
        self.events.wait("sick", "NetworkError", 2, SOON);
        self.camera = Some(Camera::ours_at(&yard(), self.port, &[]));
        self.events.wait("sick", "CameraRestored", 1, SOON);
    }

    /// SIGTERM ends everything in time, with exit code 0.
    fn end(self) -> String {
        let Self { host, camera, .. } = self;
        let ended = host.stop();
        drop(camera);
        ended.stderr
    }
}

#[test]
fn a_disk_that_is_full_stops_its_sink_alone_until_there_is_room_and_stops_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::in_memory(folder.path(), 8);
    let world = World::new(folder.path(), &disk);
    disk.fill();
    world.events.wait("sick", "StorageError", 1, SOON);
    world.well_goes_on();
    disk.make_room();
    world.restored(1);
    world.judged(0);
    world.told(1, "noSpace");
    // Once more, and the host ends while it is so.
    world.activate("sick");
    until("media on the disk", SOON, || {
        (size(&disk.path) >= ENOUGH).then_some(())
    });
    disk.fill();
    world.events.wait("sick", "StorageError", 2, SOON);
    world.told(2, "noSpace");
    let said = world.end();
    let lines = said.lines().filter(|line| line.contains("No space left")).count();
    assert_eq!(lines, 2, "one line in the log each\n{said}");
}

#[test]
fn a_disk_that_hangs_stops_its_sink_alone_and_media_waits_until_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = Disk::in_a_file(folder.path(), 32);
    let world = World::new(folder.path(), &disk);
    disk.freeze();
    world.events.wait("sick", "StorageError", 1, SOON);
    world.well_goes_on();
    disk.thaw();
    world.restored(1);
    world.judged(0);
    world.told(1, "stalled");
    world.end();
}

#[test]
fn a_disk_that_vanishes_is_not_replaced_by_what_is_under_it_and_goes_on_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::in_memory(folder.path(), 16);
    let mut world = World::new(folder.path(), &disk);
    // Another disk, with nothing on it, is where it was.
    mount(&["-t", "tmpfs", "tmpfs", disk.text()]);
    world.camera_away();
    world.events.wait("sick", "StorageError", 1, SOON);
    world.camera_back();
    world.well_goes_on();
    let there: Vec<_> = std::fs::read_dir(&disk.path).unwrap().collect();
    assert!(there.is_empty(), "nothing is written to another disk: {there:?}");
    disk.uncover();
    world.restored(1);
    world.judged(1);
    world.told(1, "volume");
    world.end();
}

#[test]
fn a_disk_that_may_not_be_written_any_more_stops_its_sink_alone_until_it_may_be_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::in_memory(folder.path(), 16);
    let mut world = World::new(folder.path(), &disk);
    mount(&["--bind", disk.text(), disk.text()]);
    mount(&["-o", "remount,bind,ro", disk.text()]);
    world.camera_away();
    world.events.wait("sick", "StorageError", 1, SOON);
    world.camera_back();
    world.well_goes_on();
    disk.uncover();
    world.restored(1);
    world.judged(1);
    world.told(1, "readOnly");
    world.end();
}

/// Bytes of a recording that is large beside what the databases write when it goes.
const LARGE: u64 = 3 * ENOUGH;
/// How long the reserve is looked at every few seconds, and the clock must be believed first.
const KEPT: Duration = Duration::from_secs(90);

#[test]
fn the_reserve_of_a_small_disk_is_kept_by_letting_the_oldest_go_and_it_is_said_what_is_missing() {
    const RESERVE: u64 = 6 << 20;
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::in_memory(folder.path(), 32);
    let state = disk.path.join("state");
    let config = folder.path().join("mediagraph.toml");
    std::fs::write(&config, "keep_free = \"6MiB\"\n").unwrap();
    let camera = Camera::ours(&yard(), &[]);
    for _ in 0..3 {
        let before = size(&state.join("assets"));
        let mut command = command("topologies/cvr-asset", &[("rtspUrl", &camera.url)], &state);
        let graph = Graph::of(command.arg("--config").arg(&config), &state);
        graph.event("RecordingStarted", START);
        graph.recorded(before + LARGE);
        graph.stop();
    }
    let segments = || {
        let told = run(Command::new("find")
            .arg(state.join("assets"))
            .args(["-name", "*.m4s"]));
        let mut names: Vec<String> = told.lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    let before = segments();
    assert_eq!(before.len(), 3, "{before:?}");
    let host = serve(&state, &config);
    let events = host.events("");
    disk.leave(RESERVE - 50_000);
    until("the reserve is there again", KEPT, || {
        (disk.free() >= RESERVE).then_some(())
    });
    let after = segments();
    assert!(
        !after.contains(&before[0]) && after.contains(&before[2]),
        "the oldest goes: {after:?}"
    );
    until("it is told", SOON, || {
        events.text().contains("\"reason\":\"keepFree\"").then_some(())
    });
    host.stop();
    let state = state.to_str().unwrap();
    let covered = run(mediagraph().args(["coverage", "--json", "--state-dir", state]));
    assert!(covered.contains("\"keepFree\""), "{covered}");
    // What is left plays.
    judge::judged(Path::new(&after[0]).parent().unwrap());
}
