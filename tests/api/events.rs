//! The stream of events: nothing twice, nothing missing, whatever the reader does.

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::TcpStream;
use std::time::Duration;

use mediagraph::api::{Role, ServeLimits, Token};
use mediagraph::events::JournalLimits;

use super::server::{ADMIN, Options, READ, SITE_A, Server};
use super::wire::{Request, connect, read_response};
use std::io::Write;

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    id: i64,
    kind: String,
    data: serde_json::Value,
}

impl Message {
    fn number(&self) -> u64 {
        self.data["data"]["number"]
            .as_u64()
            .unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// A reader of a stream. Chunks of the transfer are taken apart line by line: a chunk here is whole lines.
struct Reader {
    lines: BufReader<TcpStream>,
    last_id: i64,
}

impl Reader {
    fn open(server: &Server, request: &Request) -> Self {
        Self::try_open(server, request).expect("a place for one more stream")
    }

    /// None when there is no place.
    fn try_open(server: &Server, request: &Request) -> Option<Self> {
        let mut stream = connect(server.address);
        stream.write_all(&request.bytes(server.address)).unwrap();
        let response = read_response(&mut stream, false).unwrap();
        if response.status == 503 {
            return None;
        }
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.header("content-type"), Some("text/event-stream"));
        let mut reader = Self {
            lines: BufReader::new(stream),
            last_id: 0,
        };
        // Its first words: from here on it listens.
        while !reader.line().unwrap().starts_with("retry: ") {}
        Some(reader)
    }

    fn new(server: &Server, query: &str) -> Self {
        Self::open(server, &Request::get(&format!("/api/events{query}")))
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        // The last chunk has no length; the connection may be used further.
        if !line.ends_with('\n') || line == "0\r\n" {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// The next event.
    fn next(&mut self) -> std::io::Result<Message> {
        let (mut kind, mut data) = (String::new(), None);
        loop {
            let line = self.line()?;
            if let Some(id) = line.strip_prefix("id: ") {
                self.last_id = id.parse().unwrap();
            } else if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut kind);
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = Some(serde_json::from_str(text).unwrap());
            }
            if let Some(data) = data.take() {
                return Ok(Message {
                    id: self.last_id,
                    kind,
                    data,
                });
            }
        }
    }

    fn numbers(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.next().unwrap().number()).collect()
    }

    /// Waits until the server ends the stream; what comes before it is given.
    fn rest(mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.next().ok()).collect()
    }
}

/// Takes all places for streams, with readers to whom nothing comes.
fn fill(server: &Server) -> Vec<Reader> {
    let nothing = Request::get("/api/events?instance=nobody");
    let mut all = Vec::new();
    while let Some(reader) = Reader::try_open(server, &nothing) {
        all.push(reader);
        assert!(all.len() < 1000, "there must be an end");
    }
    all
}

fn resume(server: &Server, last: i64) -> Reader {
    Reader::open(
        server,
        &Request::get("/api/events").header("last-event-id", &last.to_string()),
    )
}

#[test]
fn a_reader_gets_what_happens_from_now_on_in_the_envelope_of_every_event() {
    let server = Server::open();
    server.publish("front", 0..1);
    server.send(&Request::get("/livez"));
    // What was published is in the journal once another reader has it.
    Reader::new(&server, "?lastEventId=0").next().unwrap();
    let mut reader = Reader::new(&server, "");
    server.publish("front", 1..2);
    let event = reader.next().unwrap();
    assert_eq!(
        (event.number(), event.kind.as_str()),
        (1, "MediaGraph.Test.Number")
    );
    assert_eq!(event.data["eventType"], "MediaGraph.Test.Number");
    assert_eq!(event.data["subject"], "/graphInstances/front/sinks/hub");
    assert_eq!(event.data["dataVersion"], "1.0");
}

#[test]
fn a_reader_that_comes_back_goes_on_where_it_was() {
    let server = Server::open();
    let mut reader = Reader::new(&server, "");
    server.publish("front", 0..5);
    assert_eq!(reader.numbers(3), [0, 1, 2]);
    let last = reader.last_id;
    drop(reader);
    server.publish("front", 5..8);
    let mut reader = resume(&server, last);
    assert_eq!(reader.numbers(5), [3, 4, 5, 6, 7]);
    server.publish("front", 8..9);
    assert_eq!(reader.numbers(1), [8]);
    // The header counts for more than what the stream was once opened with.
    let both = Request::get("/api/events?lastEventId=0").header("last-event-id", &last.to_string());
    assert_eq!(Reader::open(&server, &both).numbers(1), [3]);
}

#[test]
fn nothing_is_missing_or_doubled_between_the_journal_and_what_happens() {
    const EVENTS: u64 = 3000;
    let server = Server::open();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..EVENTS {
                server.publish("front", number..number + 1);
                if number % 100 == 0 {
                    std::thread::park_timeout(Duration::from_millis(5));
                }
            }
        });
        // Readers that come at different moments, each again and again from where it was.
        for step in [1, 7, 333] {
            let server = &server;
            scope.spawn(move || {
                let (mut all, mut last) = (Vec::new(), 0);
                while all.len() < EVENTS as usize {
                    let mut reader = resume(server, last);
                    let count = (step * 50).min(EVENTS as usize - all.len());
                    all.extend(reader.numbers(count));
                    last = reader.last_id;
                }
                assert!(all.iter().copied().eq(0..EVENTS), "steps of {step}");
            });
        }
    });
}

#[test]
fn a_reader_that_falls_behind_reads_on_from_the_journal() {
    const EVENTS: u64 = 4000;
    let server = Server::open();
    let mut slow = Reader::new(&server, "");
    server.publish("front", 0..EVENTS);
    // So that all of it has happened while the first reads nothing.
    let mut quick = Reader::new(&server, "?lastEventId=0");
    assert!(quick.numbers(EVENTS as usize).into_iter().eq(0..EVENTS));
    assert!(slow.numbers(EVENTS as usize).into_iter().eq(0..EVENTS));
}

#[test]
fn a_reader_that_reads_nothing_is_cut_off_and_can_come_back() {
    let server = Server::start(Options {
        limits: ServeLimits {
            write: Duration::from_millis(300),
            ..ServeLimits::default()
        },
        ..Options::default()
    });
    let stuck = Reader::new(&server, "");
    let others = fill(&server);
    // More than the sockets hold.
    let now = mediagraph::media::MediaTime::MIN;
    let large = "x".repeat(100 << 10);
    for number in 0..200 {
        let data = serde_json::json!({"number": number, "large": large});
        server.emitter("front").emit("MediaGraph.Test.Number", now, data);
    }
    // Its place is free for another.
    super::until("the reader to be cut off", || {
        let response = server.send(&Request::get("/api/events"));
        (response.status == 200).then_some(())
    });
    drop(others);
    let all = super::until("a place", || {
        Reader::try_open(&server, &Request::get("/api/events?lastEventId=0"))
    });
    assert!({ all }.numbers(200).into_iter().eq(0..200));
    // Nothing was read until the server had let go, so what was under way ends within the 200.
    let got: Vec<Message> = stuck.rest();
    assert!(got.len() < 200, "{}", got.len());
    let last = got.last().map_or(0, |message| message.id);
    let from = got.len() as u64;
    assert!(
        resume(&server, last)
            .numbers(200 - got.len())
            .into_iter()
            .eq(from..200)
    );
}

#[test]
fn a_reader_may_ask_for_a_part() {
    let server = Server::open();
    let hub = server.emitter("front").to_output(Some("trucks".into()));
    server.publish("front", 0..2);
    server.publish("back-yard", 2..3);
    let now = mediagraph::media::MediaTime::MIN;
    hub.emit(
        "Microsoft.Media.Graph.Analytics.Inference",
        now,
        serde_json::json!({"number": 3}),
    );
    for (query, expected) in [
        ("instance=front", vec![0, 1, 3]),
        ("instance=back*", vec![2]),
        ("eventType=Microsoft.Media.Graph.Analytics", vec![3]),
        ("output=trucks", vec![3]),
        ("instance=f*&eventType=MediaGraph.", vec![0, 1]),
    ] {
        let mut reader = Reader::new(&server, &format!("?lastEventId=0&{query}"));
        assert_eq!(reader.numbers(expected.len()), expected, "{query}");
    }
}

#[test]
fn a_limited_token_sees_the_events_of_its_instances_alone() {
    let server = Server::guarded();
    server.publish("site-b-door", 0..1);
    server.publish("site-a-door", 1..2);
    let subject = "/host";
    mediagraph::events::Emitter::new(std::sync::Arc::new(server.journal.clone()), "mediagraph", subject)
        .emit(
            "MediaGraph.Test.Number",
            mediagraph::media::MediaTime::MIN,
            serde_json::json!({"number": 2}),
        );
    server.publish("site-a-door", 3..4);
    let from_start = |query: &str, token: &str| {
        let target = format!("/api/events?lastEventId=0{query}");
        Reader::open(&server, &Request::get(&target).token(token))
    };
    assert_eq!(from_start("", SITE_A).numbers(2), [1, 3]);
    assert_eq!(from_start("&instance=*", SITE_A).numbers(2), [1, 3]);
    assert_eq!(from_start("", READ).numbers(4), [0, 1, 2, 3]);
    let mut live = from_start("", SITE_A);
    assert_eq!(live.numbers(2), [1, 3]);
    server.publish("site-b-door", 4..5);
    server.publish("site-a-door", 5..6);
    assert_eq!(live.numbers(1), [5]);
}

#[test]
fn a_stream_ends_with_its_token() {
    let server = Server::guarded();
    let open = |token: &str| Reader::open(&server, &Request::get("/api/events").token(token));
    let (mut gone, mut stays) = (open(READ), open(ADMIN));
    server.publish("front", 0..1);
    assert_eq!((gone.numbers(1), stays.numbers(1)), (vec![0], vec![0]));
    server
        .auth
        .replace(vec![Token::new("admin", ADMIN, Role::Admin)], true);
    server.publish("front", 1..2);
    assert_eq!(stays.numbers(1), [1]);
    assert_eq!(gone.rest(), [], "nothing more is shown");
}

#[test]
fn a_reader_is_told_when_what_it_asks_for_is_not_kept_any_more() {
    let server = Server::start(Options {
        journal: JournalLimits {
            rows: 100,
            ..JournalLimits::default()
        },
        ..Options::default()
    });
    server.publish("front", 0..1000);
    let (oldest, newest) = super::until("old entries to go", || {
        let (oldest, newest) = server.journal.oldest_and_newest();
        (oldest > 1 && newest >= 1000).then_some((oldest, newest))
    });
    let mut reader = resume(&server, 1);
    let missed = reader.next().unwrap();
    assert_eq!(missed.kind, "MediaGraph.Events.Missed");
    assert_eq!(missed.data["data"]["after"], 1);
    assert!(missed.data["data"]["oldest"].as_i64().unwrap() >= oldest);
    assert!(reader.next().unwrap().id >= oldest);
    // 0 asks for what there is, so nothing is missing.
    assert!(Reader::new(&server, "?lastEventId=0").next().unwrap().id >= oldest);
    // A number of another journal.
    let mut reader = resume(&server, newest + 1_000_000);
    assert_eq!(reader.next().unwrap().kind, "MediaGraph.Events.Missed");
    assert!(reader.next().unwrap().id >= oldest);
}

#[test]
fn ids_that_are_none_are_refused_and_streams_are_not_endless_in_number() {
    let server = Server::open();
    for id in ["x", "-1", "1.5", "99999999999999999999"] {
        let response = server.send(&Request::get("/api/events").header("last-event-id", id));
        assert_eq!(
            (response.status, response.detail().as_str()),
            (400, "LastEventIdInvalid"),
            "{id}"
        );
    }
    let open = fill(&server);
    assert_eq!(server.send(&Request::get("/api/events")).status, 503);
    drop(open);
    super::until("places to be given back", || {
        let response = server.send(&Request::get("/api/events"));
        (response.status == 200).then_some(())
    });
}
