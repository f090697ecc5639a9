//! `mediagraph probe` against cameras that work, and that do not in all the usual ways.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use serde_json::Value;

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::mediagraph;

/// What the probe said, and its exit code.
struct Probed {
    code: i32,
    report: Value,
    said: String,
}

impl Probed {
    fn step(&self, name: &str) -> &Value {
        let mut steps = self.report["steps"].as_array().unwrap().iter();
        let found = steps.find(|step| step["step"] == name);
        found.unwrap_or_else(|| panic!("no `{name}` in {:#}", self.report))
    }

    /// The step that ended it, which must say what to do; gives its detail and its hint.
    fn failed(&self, name: &str) -> (&str, &str) {
        assert_eq!(self.code, 1, "{:#}", self.report);
        let last = self.report["steps"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&last["step"], &last["state"]),
            (&name.into(), &"failed".into()),
            "{:#}",
            self.report
        );
        assert_eq!(self.report["usable"], false);
        assert!(self.said.contains(&format!("`{name}` failed")), "{}", self.said);
        (last["detail"].as_str().unwrap(), last["hint"].as_str().unwrap())
    }
}

fn probe(url: &str, arguments: &[&str]) -> Probed {
    let mut command = mediagraph();
    command.args(["probe", url, "--json"]).args(arguments);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    Probed {
        code: output.status.code().unwrap(),
        report: serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{errors}")),
        said: text + &errors,
    }
}

fn password(folder: &Path, text: &str) -> String {
    let path = folder.join("password");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_camera_that_works_is_told_step_by_step() {
    let camera = Camera::ours(&yard(), &[]);
    let probed = probe(&camera.url, &[]);
    assert_eq!(
        (probed.code, &probed.report["usable"]),
        (0, &true.into()),
        "{:#}",
        probed.report
    );
    let names: Vec<&str> = probed.report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    let expected = [
        "resolve", "connect", "options", "login", "describe", "streams", "setup", "play", "packet",
        "keyframe", "interval", "rate", "clock",
    ];
    assert_eq!(names, expected);
    let detail = |name: &str| probed.step(name)["detail"].as_str().unwrap();
    assert!(detail("streams").contains("video/h264: recorded, and decoded"));
    assert!(detail("keyframe").contains("avc1."), "{}", detail("keyframe"));
    // The first number of a detail.
    let number = |name: &str| {
        let mut words = detail(name)
            .split(' ')
            .filter_map(|word| word.parse::<f64>().ok());
        words.next().unwrap()
    };
    assert!((number("interval") - 2.0).abs() < 0.2, "{}", detail("interval"));
    assert!((number("rate") - 25.0).abs() < 2.0, "{}", detail("rate"));
    assert!(number("clock").abs() < 2.0, "{}", detail("clock"));
}

#[test]
fn people_are_told_in_lines_as_it_goes() {
    let camera = Camera::ours(&yard(), &[]);
    let url = camera.url.replace("rtsp://", "rtsp://me:hunter2@");
    let output = mediagraph()
        .args(["probe", &url, "--seconds", "3"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("\n  connect   ok       port "), "{text}");
    assert!(
        text.contains("\n  url       warning  the login in the URL is left out"),
        "{text}"
    );
    assert!(
        text.contains("the camera can be used (1 warning)") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn logins_are_tried_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    for (method, state) in [("digest", "ok"), ("basic", "warning")] {
        let camera = Camera::ours(&yard(), &["--user", "admin:right-one", "--auth", method]);
        let right = password(folder.path(), "right-one\n");
        let probed = probe(
            &camera.url,
            &["--username", "admin", "--password-file", &right, "--seconds", "2"],
        );
        assert_eq!(probed.code, 0, "{:#}", probed.report);
        assert_eq!(probed.step("login")["state"], state, "{:#}", probed.report);
        let wrong = password(folder.path(), "hunter2-wrong");
        let probed = probe(&camera.url, &["--username", "admin", "--password-file", &wrong]);
        let (detail, hint) = probed.failed("login");
        assert!(
            detail.to_lowercase().contains(method) && hint.contains("web page"),
            "{detail}"
        );
        assert!(!probed.said.contains("hunter2"), "{}", probed.said);
        let probed = probe(&camera.url, &[]);
        assert!(probed.failed("login").1.contains("--username"));
    }
}

#[test]
fn a_wrong_path_and_a_closed_port_are_told_apart() {
    let camera = Camera::ours(&yard(), &[]);
    let probed = probe(&camera.url.replace("yard", "garden"), &[]);
    let (detail, hint) = probed.failed("describe");
    assert!(detail.contains("404") && hint.contains("path"), "{detail}");
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let probed = probe(&format!("rtsp://127.0.0.1:{port}/media/yard.mp4"), &[]);
    let (detail, hint) = probed.failed("connect");
    assert!(
        detail.contains("refused") && hint.contains("check the port"),
        "{detail}"
    );
    let probed = probe("rtsp://camera.invalid/", &[]);
    assert!(probed.failed("resolve").0.contains("camera.invalid"));
}

/// Answers requests of one connection after the other with what `answer` says to a method.
fn server(answer: impl Fn(&str) -> Option<String> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtsp://{}/live", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _gone_already = serve(&stream.unwrap(), &answer);
        }
    });
    url
}

fn serve(stream: &TcpStream, answer: &impl Fn(&str) -> Option<String>) -> std::io::Result<()> {
    let (mut method, mut number) = (String::new(), String::new());
    let mut writer = stream;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            if let Some(text) = answer(&method) {
                writer.write_all(text.replace("{cseq}", &number).as_bytes())?;
            }
            method.clear();
        } else if let Some(text) = line.strip_prefix("CSeq: ") {
            number = text.to_owned();
        } else if method.is_empty() {
            method = line.split(' ').next().unwrap().to_owned();
        }
    }
    Ok(())
}

#[test]
fn a_server_that_says_nothing_or_something_else_is_no_camera() {
    let silent = server(|_| None);
    let probed = probe(&silent, &["--timeout", "1"]);
    assert_eq!(probed.failed("options").0, "no answer to OPTIONS within 1 s");
    let web = server(|_| Some("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()));
    let probed = probe(&web, &[]);
    let (detail, hint) = probed.failed("options");
    assert!(
        detail.contains("HTTP/1.1 400") && hint.contains("554"),
        "{detail}"
    );
}

#[test]
fn a_camera_that_offers_only_jpeg_cannot_be_recorded() {
    let url = server(|method| {
        let body =
            "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track1\r\n";
        Some(match method {
            "DESCRIBE" => format!(
                "RTSP/1.0 200 OK\r\nCSeq: {{cseq}}\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
            _ => "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nPublic: OPTIONS, DESCRIBE\r\n\r\n".to_owned(),
        })
    });
    let probed = probe(&url, &[]);
    let (detail, hint) = probed.failed("streams");
    assert!(
        detail.contains("video/jpeg: not recorded") && hint.contains("H.264"),
        "{detail}"
    );
}
