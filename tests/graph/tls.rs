//! Cameras over TLS: gst-rtsp-server with certificates that are to be trusted, or not.

use std::path::Path;

use serde_json::{Value, json};

use crate::certificates::{Authority, homemade};
use crate::common::camera::Camera;
use crate::common::clip::{cut, yard};
use crate::common::graph::{Event, Graph, START, assets};
use crate::common::{judge, mediagraph, topology};

const USER: &str = "admin:right-one";

fn camera(certificate: &Path, folder: &Path) -> Camera {
    let clip = cut(&yard(), 4, 8, &folder.join("clip.mp4"));
    let arguments = ["--tls", certificate.to_str().unwrap(), "--user", USER];
    Camera::gstreamer(&clip, &arguments)
}

/// Records the camera, with what the endpoint says of TLS.
fn document(tls: &Value) -> Value {
    let mut document = topology::document("2.0", &[], &[topology::asset_sink("camera")]);
    let endpoint = &mut document["properties"]["sources"][0]["endpoint"];
    endpoint["@type"] = "#Microsoft.Media.MediaGraphTlsEndpoint".into();
    endpoint["credentials"] = json!({
        "@type": "#Microsoft.Media.MediaGraphUsernamePasswordCredentials",
        "username": "admin", "password": "right-one",
    });
    for (name, value) in tls.as_object().unwrap() {
        endpoint[name] = value.clone();
    }
    document
}

fn trusting(certificate: &str) -> Value {
    json!({"trustedCertificates": {
        "@type": "#Microsoft.Media.MediaGraphPemCertificateList", "certificates": [certificate],
    }})
}

fn graph(camera: &Camera, document: &Value, state: &Path) -> Graph {
    let folder = state.with_extension("topology");
    std::fs::create_dir_all(&folder).unwrap();
    let path = topology::write(document, &folder);
    Graph::start(path.to_str().unwrap(), &[("rtspUrl", &camera.url)], state)
}

/// What comes of the first attempt.
fn attempt(camera: &Camera, tls: &Value, state: &Path) -> Event {
    attempt_with(camera, &document(tls), state)
}

fn attempt_with(camera: &Camera, document: &Value, state: &Path) -> Event {
    let graph = graph(camera, document, state);
    let event = graph.wait("end of the first attempt", START, |events| {
        let ends = ["MediaSessionEstablished", "NetworkError", "ProtocolError"];
        events.iter().find(|event| ends.contains(&event.name())).cloned()
    });
    graph.stop();
    event
}

fn refused(event: &Event, because: &str, remedy: &str) {
    assert_eq!(
        (event.name(), event.text("code")),
        ("NetworkError", "tlsFailed"),
        "{}",
        event.0
    );
    assert_eq!(event.text("protocol"), "tls");
    let message = event.text("message");
    assert!(
        message.contains(because) && message.contains("hint: ") && message.contains(remedy),
        "{message}"
    );
}

fn accepted(event: &Event) {
    assert_eq!(event.name(), "MediaSessionEstablished", "{}", event.0);
}

#[test]
fn a_camera_whose_authority_is_trusted_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let certificate = authority.vouch(&["127.0.0.1"], false, &folder.path().join("camera.pem"));
    let camera = camera(&certificate, folder.path());
    assert!(camera.url.starts_with("rtsps://"), "{}", camera.url);
    let state = folder.path().join("state");
    let graph = graph(&camera, &document(&trusting(&authority.pem())), &state);
    graph.event("RecordingStarted", START);
    graph.recorded(20_000);
    graph.stop();
    judge::judged(&assets(&state)[0]);
}

#[test]
fn a_certificate_that_nobody_trusted_vouches_for_is_refused_unless_that_is_to_be_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Authority::new().vouch(&["127.0.0.1"], false, &folder.path().join("camera.pem"));
    let camera = camera(&certificate, folder.path());
    let state = folder.path().join("state");
    let other = trusting(&Authority::new().pem());
    let because = "nobody who is trusted vouches";
    refused(
        &attempt(&camera, &other, &state),
        because,
        "`trustedCertificates`",
    );
    // Without a list the authorities of this host count, which do not know it either; `rtsps` alone means TLS.
    refused(&attempt(&camera, &json!({}), &state), because, "ignoreSignature");
    let mut unsecured = document(&json!({}));
    unsecured["properties"]["sources"][0]["endpoint"]["@type"] =
        "#Microsoft.Media.MediaGraphUnsecuredEndpoint".into();
    refused(
        &attempt_with(&camera, &unsecured, &state),
        because,
        "ignoreSignature",
    );
    let mut ignoring = other;
    ignoring["validationOptions"] = json!({"ignoreSignature": "true"});
    accepted(&attempt(&camera, &ignoring, &state));
}

#[test]
fn a_certificate_for_another_host_is_refused_unless_that_is_to_be_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let certificate = authority.vouch(&["door.example"], false, &folder.path().join("camera.pem"));
    let camera = camera(&certificate, folder.path());
    let state = folder.path().join("state");
    let mut tls = trusting(&authority.pem());
    refused(
        &attempt(&camera, &tls, &state),
        "door.example",
        "`validationOptions.ignoreHostname`",
    );
    tls["validationOptions"] = json!({"ignoreHostname": "true"});
    accepted(&attempt(&camera, &tls, &state));
}

#[test]
fn an_expired_certificate_is_refused_and_a_homemade_one_is_taken_when_it_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let expired = authority.vouch(&["127.0.0.1"], true, &folder.path().join("expired.pem"));
    let state = folder.path().join("state");
    let event = attempt(
        &camera(&expired, folder.path()),
        &trusting(&authority.pem()),
        &state,
    );
    refused(&event, "has expired", "the clock of this host");
    let (homemade, itself) = homemade("127.0.0.1", &folder.path().join("homemade.pem"));
    accepted(&attempt(
        &camera(&homemade, folder.path()),
        &trusting(&itself),
        &state,
    ));
}

#[test]
fn the_probe_walks_through_tls_and_says_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let certificate = authority.vouch(&["127.0.0.1"], false, &folder.path().join("camera.pem"));
    let camera = camera(&certificate, folder.path());
    let (ca, password) = (folder.path().join("ca.pem"), folder.path().join("password"));
    std::fs::write(&ca, authority.pem()).unwrap();
    std::fs::write(&password, "right-one\n").unwrap();
    let probe = |more: &[&str]| {
        let mut command = mediagraph();
        command.args([
            "probe",
            &camera.url,
            "--username",
            "admin",
            "--seconds",
            "3",
            "--password-file",
        ]);
        command.arg(&password).args(more).output().unwrap()
    };
    let trusted = probe(&["--ca", ca.to_str().unwrap()]);
    let text = String::from_utf8(trusted.stdout).unwrap();
    assert_eq!(trusted.status.code(), Some(0), "{text}");
    assert!(
        text.contains("the certificate is accepted with TLSv1_3"),
        "{text}"
    );
    let unknown = probe(&[]);
    let text = String::from_utf8(unknown.stdout).unwrap();
    assert_eq!(unknown.status.code(), Some(1), "{text}");
    assert!(
        text.contains("nobody who is trusted") && text.contains("hint: put that certificate"),
        "{text}"
    );
}

#[test]
fn a_list_of_certificates_that_cannot_be_read_is_a_mistake_of_the_topology() {
    let folder = tempfile::tempdir().unwrap();
    for (certificate, says) in [
        ("garbage", "it holds no certificate"),
        ("", "it holds no certificate"),
    ] {
        let path = topology::write(&document(&trusting(certificate)), folder.path());
        let parameters = [("rtspUrl", "rtsps://127.0.0.1:9/never")];
        let mut command =
            crate::common::graph::command(path.to_str().unwrap(), &parameters, &folder.path().join("state"));
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{text}");
        assert!(
            text.contains("node `camera`: certificate 1 of `trustedCertificates`"),
            "{text}"
        );
        assert!(text.contains(says), "{text}");
    }
}
