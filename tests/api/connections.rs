//! Clients that are slow, silent, greedy, or many.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use mediagraph::api::ServeLimits;

use super::server::{Options, Server, tokens};
use super::wire::{ANSWER, Request, Response, connect, read_response};

/// Sends bytes and reads one response.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> Response {
    let mut stream = connect(address);
    stream.write_all(bytes).unwrap();
    read_response(&mut stream, false).unwrap()
}

/// A server that is impatient, so that the test is not long.
fn impatient() -> Server {
    Server::start(Options {
        limits: ServeLimits {
            header: Duration::from_millis(300),
            write: Duration::from_millis(300),
            ..ServeLimits::default()
        },
        ..Options::default()
    })
}

/// Whether the other end closes before [`ANSWER`] is over.
fn closes(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn a_client_that_sends_its_head_letter_by_letter_is_cut_off() {
    let server = impatient();
    let mut stream = connect(server.address);
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n")
        .unwrap();
    // Each letter is progress, and yet the head must be whole in time.
    let mut trickle = stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        while trickle.write_all(b"x").is_ok() {
            std::thread::park_timeout(Duration::from_millis(20));
        }
    });
    assert!(closes(&mut stream));
    drop(stream);
    writer.join().unwrap();
    assert_eq!(server.send(&Request::get("/livez")).status, 200);
}

#[test]
fn a_connection_on_which_nothing_is_asked_any_more_is_closed() {
    let server = impatient();
    let mut stream = connect(server.address);
    let request = Request::get("/livez").bytes(server.address);
    for _ in 0..2 {
        stream.write_all(&request).unwrap();
        assert_eq!(read_response(&mut stream, false).unwrap().status, 200);
    }
    assert!(closes(&mut stream));
}

#[test]
fn silent_clients_take_no_more_places_than_there_are_and_give_them_back() {
    let server = Server::start(Options {
        limits: ServeLimits {
            connections: 4,
            header: Duration::from_millis(500),
            ..ServeLimits::default()
        },
        ..Options::default()
    });
    let silent: Vec<TcpStream> = (0..20).map(|_| connect(server.address)).collect();
    assert_eq!(server.send(&Request::get("/livez")).status, 200);
    drop(silent);
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_sent_and_while_it_is() {
    let server = Server::open();
    let announced = format!(
        "POST /api/methods/GraphTopologySet HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n",
        server.address
    );
    let response = exchange(server.address, announced.as_bytes());
    assert_eq!(response.status, 413, "{response:?}");
    assert_eq!(response.json()["error"]["code"], "PayloadTooLarge");

    let mut stream = connect(server.address);
    let head = format!(
        "POST /api/methods/GraphTopologySet HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut sender = stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        while sender.write_all(&chunk).is_ok() {}
    });
    assert_eq!(read_response(&mut stream, false).unwrap().status, 413);
    drop(stream.shutdown(std::net::Shutdown::Both));
    writer.join().unwrap();
}

#[test]
fn who_may_not_send_a_body_need_not_send_it() {
    let server = Server::start(Options {
        tokens: Some(tokens()),
        ..Options::default()
    });
    let head = format!(
        "POST /api/methods/GraphTopologySet HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n",
        server.address
    );
    assert_eq!(exchange(server.address, head.as_bytes()).status, 401);
}

#[test]
fn what_is_no_http_is_answered_with_400_or_not_at_all() {
    let server = Server::open();
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".as_slice(),
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nhost: \xff\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = connect(server.address);
        stream.write_all(bytes).unwrap();
        if let Ok(response) = read_response(&mut stream, false) {
            assert!((400..506).contains(&response.status), "{bytes:?}: {response:?}");
        }
    }
    assert_eq!(server.send(&Request::get("/livez")).status, 200);
}

#[test]
fn a_server_that_stops_lets_requests_end_and_closes_the_rest() {
    let mut server = Server::open();
    let mut idle = connect(server.address);
    let mut events = connect(server.address);
    events
        .write_all(&Request::get("/api/events").bytes(server.address))
        .unwrap();
    assert_eq!(read_response(&mut events, false).unwrap().status, 200);
    server.stop();
    assert!(closes(&mut idle) && closes(&mut events));
    assert!(TcpStream::connect_timeout(&server.address, ANSWER).is_err());
}
