//! Cameras that send the host elsewhere, and names that lead where no graph may go.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Event, Graph, SOON, START, command};
use crate::common::process::until;
use crate::common::topology;

/// The hexadecimal and Base64 forms of a login would be recognised by the user's name.
const USER: &str = "canary-user";
const CHALLENGE: &str = "RTSP/1.0 401 Who\r\nCSeq: {cseq}\r\nWWW-Authenticate: Basic realm=\"a\"\r\n\r\n";

/// What a listener was told, connection by connection.
type Heard = Arc<Mutex<Vec<String>>>;

/// Answers each request with what `answer` says to its method and whether it had a login; keeps what it hears.
fn listener(answer: impl Fn(&str, bool) -> String + Send + Sync + 'static) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = Heard::default();
    let (answer, told) = (Arc::new(answer), Arc::clone(&heard));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, answer, told) = (stream.unwrap(), Arc::clone(&answer), Arc::clone(&told));
            std::thread::spawn(move || converse(&stream, &*answer, &told));
        }
    });
    (address, heard)
}

fn converse(stream: &TcpStream, answer: &dyn Fn(&str, bool) -> String, heard: &Heard) -> Option<()> {
    heard.lock().unwrap().push("connected".to_owned());
    let (mut request, mut writer) = (String::new(), stream);
    for line in BufReader::new(stream).lines() {
        let line = line.ok()?;
        if !line.is_empty() {
            request.push_str(&line);
            request.push('\n');
            continue;
        }
        let number = request.split("CSeq: ").nth(1)?.lines().next()?.to_owned();
        let text = answer(request.split(' ').next()?, request.contains("Authorization: "));
        heard.lock().unwrap().push(std::mem::take(&mut request));
        writer
            .write_all(text.replace("{cseq}", &number).as_bytes())
            .ok()?;
    }
    None
}

fn graph(url: &str, folder: &Path) -> Graph {
    let mut document = topology::document("2.0", &[], &[topology::asset_sink("camera")]);
    document["properties"]["sources"][0]["endpoint"]["credentials"] = json!({
        "@type": "#Microsoft.Media.MediaGraphUsernamePasswordCredentials", "username": USER, "password": "canary",
    });
    let path = topology::write(&document, folder);
    Graph::start(path.to_str().unwrap(), &[("rtspUrl", url)], &folder.join("state"))
}

#[test]
fn a_redirect_is_not_followed() {
    let (elsewhere, heard) = listener(|_, _| CHALLENGE.to_owned());
    let to = format!("RTSP/1.0 302 Moved\r\nCSeq: {{cseq}}\r\nLocation: rtsp://{elsewhere}/live\r\n\r\n");
    let (camera, _) = listener(move |_, login| if login { to.clone() } else { CHALLENGE.to_owned() });
    let folder = tempfile::tempdir().unwrap();
    let graph = graph(&format!("rtsp://{camera}/live"), folder.path());
    let event = graph.event("ProtocolError", START);
    assert_eq!(event.text("code"), "302", "{}", event.0);
    // The second attempt comes after whatever the first one left behind.
    graph.nth("ProtocolError", 2, SOON);
    graph.stop();
    assert_eq!(*heard.lock().unwrap(), [""; 0]);
}

/// A camera with a server from before 2017, which retina takes leave of over new connections, to where the camera says
/// that it is. SETUP works and PLAY does not, so each attempt takes leave.
#[test]
fn a_camera_that_says_that_it_is_elsewhere_sends_nobody_there() {
    let (elsewhere, heard) = listener(|_, _| CHALLENGE.to_owned());
    let sdp = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\na=tool:LIVE555 Streaming Media v2013.04.08\r\n\
               m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n\
               a=fmtp:96 packetization-mode=1;profile-level-id=42C01E;sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==\r\n";
    let (camera, asked) = listener(move |method, login| match (login, method) {
        (false, _) => CHALLENGE.to_owned(),
        (true, "DESCRIBE") => format!(
            "RTSP/1.0 200 OK\r\nCSeq: {{cseq}}\r\nContent-Base: rtsp://{elsewhere}/live/\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        ),
        (true, "SETUP") => "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nSession: 1234;timeout=60\r\n\
                            Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
            .to_owned(),
        _ => "RTSP/1.0 500 No\r\nCSeq: {cseq}\r\n\r\nbroken".to_owned(),
    });
    let folder = tempfile::tempdir().unwrap();
    let graph = graph(&format!("rtsp://{camera}/live"), folder.path());
    let played = || {
        let asked = asked.lock().unwrap();
        asked.iter().filter(|request| request.starts_with("PLAY")).count()
    };
    until("three sessions that set up and do not play", START, || {
        (played() >= 3).then_some(())
    });
    graph.stop();
    assert_eq!(*heard.lock().unwrap(), [""; 0], "somebody followed the camera");
}

#[test]
fn a_name_is_asked_about_when_it_has_led_to_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::ours(&yard(), &[]);
    let config = folder.path().join("host.toml");
    std::fs::write(&config, "[policy.networks]\ndeny = [\"127.0.0.0/8\", \"::1\"]\n").unwrap();
    let document = topology::document("2.0", &[], &[topology::asset_sink("camera")]);
    let path = topology::write(&document, folder.path());
    for scheme in ["rtsp", "rtsps"] {
        let url = camera
            .url
            .replace("127.0.0.1", "localhost")
            .replace("rtsp:", &format!("{scheme}:"));
        let state = folder.path().join(scheme);
        let mut document = document.clone();
        if scheme == "rtsps" {
            let endpoint = &mut document["properties"]["sources"][0]["endpoint"];
            endpoint["@type"] = "#Microsoft.Media.MediaGraphTlsEndpoint".into();
            endpoint["validationOptions"] = json!({"ignoreSignature": "true"});
            topology::write(&document, folder.path());
        }
        let mut command = command(path.to_str().unwrap(), &[("rtspUrl", &url)], &state);
        let graph = Graph::of(command.arg("--config").arg(&config), &state);
        let event: Event = graph.event("NetworkError", START);
        assert_eq!(event.text("code"), "addressRefused", "{}", event.0);
        let message = event.text("message");
        assert!(
            message.contains("`localhost`") && message.contains("policy.networks.deny"),
            "{message}"
        );
        graph.stop();
    }
    // The same camera under the same name, with nothing against it.
    let url = camera.url.replace("127.0.0.1", "localhost");
    let path = topology::write(
        &topology::document("2.0", &[], &[topology::asset_sink("camera")]),
        folder.path(),
    );
    let graph = Graph::start(
        path.to_str().unwrap(),
        &[("rtspUrl", &url)],
        &folder.path().join("state"),
    );
    graph.event("MediaSessionEstablished", START + Duration::from_secs(1));
    graph.stop();
}

#[test]
fn a_secret_in_a_url_is_told_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    // The camera repeats it, as many do: in its description, and where it says that it is.
    let sdp = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=canary-path\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
               a=control:rtsp://[canary-path/?password=canary-query\r\n";
    let (camera, _) = listener(move |method, _| {
        if method == "SETUP" {
            return "RTSP/1.0 404 no canary-path/?password=canary-query\r\nCSeq: {cseq}\r\n\r\n".to_owned();
        }
        format!(
            "RTSP/1.0 200 OK\r\nCSeq: {{cseq}}\r\nContent-Base: canary-path/?password=canary-query\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        )
    });
    let mut document = topology::document("2.0", &[], &[topology::asset_sink("camera")]);
    let parameters = document["properties"]["parameters"].as_array_mut().unwrap();
    parameters.push(json!({"name": "key", "type": "SecretString"}));
    let endpoint = &mut document["properties"]["sources"][0]["endpoint"];
    endpoint["url"] = "${rtspUrl}/${key}/live?password=canary-query".into();
    let path = topology::write(&document, folder.path());
    let state = folder.path().join("state");
    let url = format!("rtsp://{camera}");
    let parameters = [("rtspUrl", url.as_str()), ("key", "canary-path")];
    let mut command = command(path.to_str().unwrap(), &parameters, &state);
    let graph = Graph::of(
        command.args(["--log", "debug,retina=off,mediagraph=trace"]),
        &state,
    );
    let event = graph.event("CameraLost", START);
    assert_eq!(event.text("target"), "rtsp://***");
    let ended = graph.stop().ended;
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains("canary"), "{text}");
    }
}
