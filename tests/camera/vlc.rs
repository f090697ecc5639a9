//! VLC as a viewer.
//!
//! Debian's VLC is built without an RTSP client (its live555 plug-in is left out), so the test holds the RTSP
//! conversation and gives VLC the session description: what VLC receives, puts together and decodes is the camera's
//! own RTP over UDP.

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::clips::tool;
use super::raw::{Raw, value};
use super::server::Server;

/// Longer than VLC takes, much shorter than for ever.
const LIMIT: Duration = Duration::from_secs(90);
/// How much VLC is to watch: more than one round of the clip.
const WATCHED_S: u32 = 6;
/// The clips have 25 pictures a second; a second is left for joining between two key frames.
const LEAST_PICTURES: u32 = (WATCHED_S - 1) * 25;

/// An even port, which was free a moment ago together with the next.
fn free_pair() -> u16 {
    for _ in 0..100 {
        let first = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if port.is_multiple_of(2) && UdpSocket::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
    panic!("no two neighbouring UDP ports are free");
}

/// The video of the camera's session description, as if it were sent to `port`.
fn description(answer: &str, port: u16) -> String {
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let video = body.find("m=video").unwrap();
    let end = body[video + 1..]
        .find("m=")
        .map_or(body.len(), |next| video + 1 + next);
    let lines = body[..end].lines().filter(|line| !line.starts_with("a=control"));
    let lines = lines.map(|line| match line.split_once(' ') {
        Some((media, rest)) if media.starts_with("m=") => {
            format!("m=video {port} {}\r\n", rest.split_once(' ').unwrap().1)
        }
        _ if line.starts_with("c=") => "c=IN IP4 127.0.0.1\r\n".to_owned(),
        _ => format!("{line}\r\n"),
    });
    lines.collect()
}

/// VLC refuses to run as root.
fn vlc() -> Command {
    tool("cvlc");
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if root {
        let mut command = tool("runuser");
        command.args(["-u", "nobody", "--", "cvlc"]);
        return command;
    }
    Command::new("cvlc")
}

fn record(folder: &Path) -> Child {
    let output = folder.join("seen.mp4");
    vlc()
        .args(["--intf", "dummy", "--no-audio", "--demux=avformat"])
        .arg(format!("--run-time={WATCHED_S}"))
        .arg(folder.join("camera.sdp"))
        .arg("--sout")
        .arg(format!("#std{{access=file,mux=mp4,dst={}}}", output.display()))
        .arg("vlc://quit")
        .env("HOME", folder)
        .current_dir(folder)
        // It complains of the sound and the desktop that it does not find.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until something holds; ends VLC when that takes too long.
fn wait(vlc: &mut Child, what: &str, mut done: impl FnMut(&mut Child) -> bool) {
    let started = Instant::now();
    while !done(vlc) {
        if started.elapsed() > LIMIT {
            vlc.kill().unwrap();
            vlc.wait().unwrap();
            panic!("{what} took longer than {LIMIT:?}");
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Whether some process listens on a UDP port of the loopback interface.
fn is_bound(port: u16) -> bool {
    let wanted = format!(":{port:04X} ");
    std::fs::read_to_string("/proc/net/udp")
        .unwrap()
        .contains(&wanted)
}

#[test]
fn vlc_plays_over_udp_beyond_the_wrap() {
    let server = Server::start(&[]);
    let url = server.url("plain.mp4");
    let folder = tempfile::tempdir().unwrap();
    // For the user as whom VLC may run.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let port = free_pair();
    let mut camera = Raw::connect(&server.address());
    let (status, answer) = camera.ask("DESCRIBE", &url, "Accept: application/sdp\r\n");
    assert_eq!(status, 200, "{answer}");
    std::fs::write(folder.path().join("camera.sdp"), description(&answer, port)).unwrap();

    let mut vlc = record(folder.path());
    wait(&mut vlc, "VLC's start", |_| is_bound(port));
    let transport = format!("Transport: RTP/AVP;unicast;client_port={port}-{}\r\n", port + 1);
    let (status, answer) = camera.ask("SETUP", &format!("{url}/trackID=0"), &transport);
    assert_eq!(status, 200, "{answer}");
    let session = value(&answer, "Session")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let (status, answer) = camera.ask("PLAY", &url, &format!("Session: {session}\r\n"));
    assert_eq!(status, 200, "{answer}");

    wait(&mut vlc, "VLC's recording", |vlc| {
        vlc.try_wait().unwrap().is_some()
    });
    judge(&folder.path().join("seen.mp4"));
}

fn judge(seen: &Path) {
    let probe = tool("ffprobe")
        .args(["-v", "warning", "-count_frames", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(seen)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&probe.stderr);
    assert!(
        probe.status.success() && said.is_empty(),
        "what VLC recorded is broken: {said}"
    );
    let pictures: u32 = String::from_utf8_lossy(&probe.stdout).trim().parse().unwrap();
    assert!(pictures >= LEAST_PICTURES, "VLC saw only {pictures} pictures");
}
