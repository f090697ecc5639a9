use super::clips::clip;
use super::raw::{Raw, value};
use super::server::Server;
use mediagraph::camera::{Camera, CameraOptions};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[test]
fn one_client_too_many_is_told_so_until_another_leaves() {
    let server = Server::start(&["--max-clients", "1"]);
    let url = server.url("plain.mp4");
    let mut first = Raw::connect(&server.address());
    assert_eq!(first.ask("OPTIONS", &url, "").0, 200);
    assert_eq!(Raw::connect(&server.address()).ask("OPTIONS", &url, "").0, 503);
    first.finish();
    assert!(first.answer().is_none());
    // The camera hangs up a moment before the seat is free.
    let free = (0..1000).any(|_| Raw::connect(&server.address()).ask("OPTIONS", &url, "").0 == 200);
    assert!(free);
}

#[test]
fn a_stream_with_a_number_of_loops_ends_with_bye_and_keeps_the_connection() {
    let server = Server::start(&["--loops", "1"]);
    let url = server.url("silent.mp4");
    let mut client = Raw::connect(&server.address());
    let (_, setup) = client.ask("SETUP", &url, "Transport: RTP/AVP/TCP;unicast\r\n");
    let session = format!("Session: {}\r\n", value(&setup, "Session").unwrap());
    assert_eq!(client.ask("PLAY", &url, &session).0, 200);
    let mut pictures = 0;
    loop {
        assert_eq!(client.byte(), Some(b'$'));
        let (channel, packet) = client.frame().unwrap();
        if channel == 0 && packet[1] & 0x80 != 0 {
            pictures += 1;
        }
        // BYE is the last of a compound packet: type, length 1, SSRC.
        if channel == 1 && packet[packet.len() - 8..][..4] == [0x81, 203, 0, 1] {
            break;
        }
    }
    assert_eq!(pictures, super::clips::PICTURES);
    assert_eq!(client.ask("OPTIONS", &url, &session).0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_udp_client_that_falls_silent_loses_its_session() {
    let mut options = CameraOptions::new(vec![clip("silent.mp4")]);
    options.session_timeout = Duration::from_millis(500);
    let camera = Camera::bind(options).await.unwrap();
    let (url, address) = (camera.urls()[0].clone(), camera.local_addr().to_string());
    let shutdown = CancellationToken::new();
    let running = tokio::task::spawn(camera.run(shutdown.clone()));
    let silent = tokio::task::spawn_blocking(move || {
        let port = std::net::UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
            & 0xfffe;
        let mut client = Raw::connect(&address);
        let wish = format!("Transport: RTP/AVP;unicast;client_port={port}-{}\r\n", port + 1);
        let (status, setup) = client.ask("SETUP", &url, &wish);
        assert_eq!(status, 200);
        let transport = value(&setup, "Transport").unwrap();
        let (_, ports) = transport.split_once("server_port=").unwrap();
        let (even, odd) = ports.split(';').next().unwrap().split_once('-').unwrap();
        let (even, odd): (u16, u16) = (even.parse().unwrap(), odd.parse().unwrap());
        assert_eq!((even % 2, odd), (0, even + 1));
        let session = format!("Session: {}\r\n", value(&setup, "Session").unwrap());
        assert_eq!(client.ask("PLAY", &url, &session).0, 200);
        // Nothing more is asked; the camera is to hang up.
        assert!(client.answer().is_none());
    });
    silent.await.unwrap();
    shutdown.cancel();
    running.await.unwrap().unwrap();
}
