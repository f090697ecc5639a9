//! The binary under test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::clips;

/// A running `mediagraph camera`; killed when dropped.
pub(crate) struct Server {
    child: Child,
    urls: Vec<String>,
}

impl Server {
    /// Serves all clips on a free port.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mediagraph"))
            .arg("camera")
            .arg(clips::folder())
            .args(["--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // One line for each clip, printed when the port is open.
        let urls: Vec<String> = lines.take(4).map(Result::unwrap).collect();
        assert_eq!(urls.len(), 4, "the camera did not start");
        Self { child, urls }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        let wanted = format!("/media/{name}");
        self.urls
            .iter()
            .find(|url| url.ends_with(&wanted))
            .unwrap()
            .clone()
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        self.urls[0]
            .trim_start_matches("rtsp://")
            .split('/')
            .next()
            .unwrap()
            .to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
