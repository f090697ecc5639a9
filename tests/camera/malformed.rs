use super::raw::{Raw, value};
use super::server::Server;

const TRACK: &str = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";

#[test]
fn malformed_requests_are_refused_and_the_next_client_is_served() {
    let server = Server::start(&[]);
    let url = server.url("plain.mp4");
    let long = format!(
        "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: {}\r\n\r\n",
        "a".repeat(100_000)
    );
    let many = format!("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n{}\r\n", "X: y\r\n".repeat(1000));
    let cases: &[(&str, &[u8], Option<u16>)] = &[
        ("bytes of no protocol", &[0, 1, 2, 255, 254], Some(400)),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", Some(400)),
        ("a huge header", long.as_bytes(), Some(400)),
        ("too many headers", many.as_bytes(), Some(400)),
        ("half a request", b"DESCRIBE rtsp://", None),
        ("no CSeq", b"OPTIONS * RTSP/1.0\r\n\r\n", Some(400)),
        (
            "a CSeq that is no number",
            b"OPTIONS * RTSP/1.0\r\nCSeq: x\r\n\r\n",
            Some(400),
        ),
        (
            "a CSeq beyond 32 bits",
            b"OPTIONS * RTSP/1.0\r\nCSeq: 99999999999\r\n\r\n",
            Some(400),
        ),
        (
            "a body too large",
            b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 999999\r\n\r\n",
            Some(413),
        ),
        (
            "a negative length",
            b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\n",
            Some(400),
        ),
        (
            "another version",
            b"OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n",
            Some(505),
        ),
        ("half a frame", b"$\x00\xff\xffabc", None),
        (
            "frames, then a request",
            b"$\x00\x00\x02ab$\x09\x00\x00OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
            Some(200),
        ),
    ];
    for (what, bytes, wanted) in cases {
        let mut client = Raw::connect(&server.address());
        client.send(bytes);
        client.finish();
        assert_eq!(client.answer().map(|answer| answer.0), *wanted, "{what}");
        let mut next = Raw::connect(&server.address());
        assert_eq!(next.ask("DESCRIBE", &url, "").0, 200, "after {what}");
    }
}

#[test]
fn requests_that_make_no_sense_get_the_status_that_says_so() {
    let server = Server::start(&[]);
    let url = server.url("plain.mp4");
    let other = format!("rtsp://{}/media/none.mp4", server.address());
    let track = format!("{url}/trackID=0");
    let cases: &[(&str, &str, &str, u16)] = &[
        ("DESCRIBE", &other, "", 404),
        ("DESCRIBE", &format!("{url}/trackID=9"), "", 404),
        ("DESCRIBE", "*", "", 404),
        ("DESCRIBE", &url, "Accept: text/html\r\n", 406),
        ("SETUP", &track, "Transport: RTP/AVP;multicast\r\n", 461),
        (
            "SETUP",
            &track,
            "Transport: RTP/SAVP;unicast;client_port=5000-5001\r\n",
            461,
        ),
        ("SETUP", &track, "", 400),
        ("SETUP", &track, &format!("{TRACK}Session: 12345\r\n"), 454),
        ("SETUP", &url, TRACK, 459),
        ("PLAY", &url, "", 455),
        ("PLAY", &url, "Session: 12345\r\n", 454),
        ("TEARDOWN", &url, "Session: 12345\r\n", 454),
        ("GET_PARAMETER", &url, "Session: 12345\r\n", 454),
        ("PAUSE", &url, "", 405),
        ("RECORD", &url, "", 405),
        ("BREW", &url, "", 501),
    ];
    let mut client = Raw::connect(&server.address());
    for (method, url, headers, wanted) in cases {
        let (status, text) = client.ask(method, url, headers);
        assert_eq!(status, *wanted, "{method} {url} {headers}");
        assert_eq!(value(&text, "CSeq"), Some("7"), "{method}");
    }
}

#[test]
fn requests_are_answered_while_frames_flow_and_teardown_ends_them() {
    let server = Server::start(&[]);
    // The name counts without its extension too.
    let url = server.url("plain.mp4").trim_end_matches(".mp4").to_owned();
    let mut client = Raw::connect(&server.address());
    let (_, description) = client.ask("DESCRIBE", &url, "");
    assert_eq!(
        value(&description, "Content-Base"),
        Some(format!("{url}/").as_str())
    );
    for wanted in [
        "packetization-mode=1",
        "profile-level-id=",
        "sprop-parameter-sets=",
        "mode=AAC-hbr",
        "config=",
    ] {
        assert!(description.contains(wanted), "{wanted}: {description}");
    }
    let (_, setup) = client.ask("SETUP", &format!("{url}/trackID=0"), TRACK);
    let id = value(&setup, "Session")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let session = format!("Session: {id}\r\n");
    let (status, play) = client.ask("PLAY", &url, &session);
    assert_eq!(status, 200);
    let info = value(&play, "RTP-Info").unwrap();
    assert!(info.contains(";seq=") && info.contains(";rtptime="), "{info}");
    // The report comes first, then the pictures.
    assert_eq!(client.byte(), Some(b'$'));
    let (channel, report) = client.frame().unwrap();
    assert_eq!((channel, report[1]), (1, 200));
    for method in ["GET_PARAMETER", "OPTIONS", "SET_PARAMETER", "PLAY"] {
        assert_eq!(client.ask(method, &url, &session).0, 200, "{method}");
    }
    assert_eq!(client.ask("TEARDOWN", &url, &session).0, 200);
    assert_eq!(client.ask("PLAY", &url, &session).0, 454);
}
