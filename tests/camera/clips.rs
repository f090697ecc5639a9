//! Short clips, made once for each run of the tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Pictures of a clip.
pub(crate) const PICTURES: usize = 50;
/// Clips are `plain.mp4`, `reordered.mp4`, `reordered.mkv` and `silent.mp4`: two seconds of 25 pictures a
/// second. Key pictures of `silent.mp4` are larger than what a socket holds.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // A temporary folder held by a static would never be removed.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("camera-clips");
        std::fs::create_dir_all(&folder).unwrap();
        make(&folder, "plain.mp4", &["-bf", "0", "-c:a", "aac"]);
        make(&folder, "reordered.mp4", &["-bf", "3", "-c:a", "aac"]);
        make(&folder, "reordered.mkv", &["-bf", "3", "-c:a", "aac"]);
        make(
            &folder,
            "silent.mp4",
            &[
                "-bf",
                "0",
                "-an",
                "-vf",
                "scale=1280:720,noise=alls=60",
                "-qp",
                "30",
            ],
        );
        folder
    })
}

pub(crate) fn clip(name: &str) -> PathBuf {
    folder().join(name)
}

fn make(folder: &Path, name: &str, encoding: &[&str]) {
    let mut command = tool("ffmpeg");
    command.args([
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x240:rate=25",
    ]);
    command.args([
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=44100",
        "-t",
        "2",
    ]);
    command.args([
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "25",
        "-pix_fmt",
        "yuv420p",
    ]);
    command.args(encoding).arg(folder.join(name));
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A command whose program must be installed.
pub(crate) fn tool(name: &str) -> Command {
    let found =
        std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|place| place.join(name).is_file());
    assert!(
        found,
        "`{name}` is not installed, and this test needs it: see the list of test tools"
    );
    Command::new(name)
}
