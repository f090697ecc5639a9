use std::time::Duration;

use super::clips::tool;
use super::server::Server;

/// Longer than the pictures take, much shorter than for ever.
const LIMIT: Duration = Duration::from_secs(60);

fn watch(name: &str, protocol: &str) {
    let server = Server::start(&[]);
    let location = format!("location={}", server.url(name));
    let mut child = tool("gst-launch-1.0")
        .args([
            "-q",
            "rtspsrc",
            &location,
            &format!("protocols={protocol}"),
            "!",
            "rtph264depay",
            "!",
        ])
        .args(["h264parse", "!", "fakesink", "num-buffers=75"])
        .spawn()
        .unwrap();
    let started = std::time::Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if started.elapsed() > LIMIT => {
                child.kill().unwrap();
                break child.wait().unwrap();
            }
            None => std::thread::yield_now(),
        }
        std::thread::park_timeout(Duration::from_millis(20));
    };
    assert!(status.success(), "{name} {protocol}: {status}");
}

#[test]
fn gstreamer_plays_over_tcp_beyond_the_wrap() {
    watch("plain.mp4", "tcp");
}

#[test]
fn gstreamer_plays_reordered_pictures_over_udp_beyond_the_wrap() {
    watch("reordered.mkv", "udp");
}
