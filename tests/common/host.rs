//! `mediagraph serve`, asked as scripts ask it: by direct methods, and by its stream of events.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::graph::{DRAIN, Event, START};
use super::process::{Ended, Process, until};
use super::{configuration, mediagraph};
#[path = "../api/wire.rs"]
pub(crate) mod wire;
use wire::{Request, Response};

const LISTENS: &str = "The host listens url=\"http://";
/// The host's own bound for a method: one that drains for 60 s.
const METHOD: Duration = Duration::from_secs(90);

/// `mediagraph serve`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

/// What a direct method replied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u64,
    pub(crate) payload: Value,
}

impl Reply {
    /// Its payload, if it has this status.
    #[track_caller]
    pub(crate) fn with(self, status: u64) -> Value {
        assert_eq!(self.status, status, "{:#}", self.payload);
        self.payload
    }

    /// The codes of the details of a refusal.
    pub(crate) fn codes(&self) -> Vec<&str> {
        let details = self.payload["error"]["details"].as_array().into_iter().flatten();
        details.map(|detail| detail["code"].as_str().unwrap()).collect()
    }
}

impl Host {
    pub(crate) fn start(state: &Path) -> Self {
        Self::start_with(state, &[])
    }

    /// One that loads components from a folder, whoever names them.
    pub(crate) fn loading_from(state: &Path, folder: &Path) -> Self {
        let config = configuration(folder, &format!("[paths]\nload_roots = [{folder:?}]\n"));
        Self::start_with(state, &["--config", config.to_str().unwrap()])
    }

    fn start_with(state: &Path, arguments: &[&str]) -> Self {
        let mut command = mediagraph();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--state-dir"])
            .arg(state)
            .args(arguments);
        let process = Process::start("the host", &mut command);
        let address = process.wait_stderr_for("address", START, |lines| {
            let rest = lines.iter().find_map(|line| line.split(LISTENS).nth(1))?;
            rest.split(['"', '/']).next()?.parse().ok()
        });
        Self { process, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn send(&self, request: &Request) -> Response {
        let mut stream = wire::connect(self.address);
        stream.set_read_timeout(Some(METHOD)).unwrap();
        stream.write_all(&request.bytes(self.address)).unwrap();
        wire::read_response(&mut stream, false).unwrap()
    }

    /// Calls a direct method with a payload as it stands.
    pub(crate) fn method(&self, name: &str, payload: &str) -> Reply {
        let request = Request::new("POST", &format!("/api/methods/{name}")).json(payload);
        let response = self.send(&request);
        assert_eq!(response.status, 200, "{response:?}");
        let reply = response.json();
        Reply {
            status: reply["status"].as_u64().unwrap(),
            payload: reply["payload"].clone(),
        }
    }

    /// Calls a direct method that is about a name alone.
    pub(crate) fn named(&self, method: &str, name: &str) -> Reply {
        self.method(method, &json!({"@apiVersion": "2.0", "name": name}).to_string())
    }

    pub(crate) fn set_instance(&self, name: &str, topology: &str, values: &[(String, String)]) -> Reply {
        let value = |(name, value): &(String, String)| json!({"name": name, "value": value});
        let payload = json!({"@apiVersion": "2.0", "name": name, "properties": {
            "topologyName": topology,
            "parameters": values.iter().map(value).collect::<Vec<_>>(),
        }});
        self.method("GraphInstanceSet", &payload.to_string())
    }

    /// The state that Get tells.
    pub(crate) fn state(&self, instance: &str) -> String {
        let got = self.named("GraphInstanceGet", instance).with(200);
        got["properties"]["state"].as_str().unwrap().to_owned()
    }

    /// Sends a message to all who listen on an input, or to one instance; gives how many took it.
    pub(crate) fn message(&self, input: &str, query: &str) -> u64 {
        let target = format!("/api/hub/inputs/{input}{query}");
        let response = self.send(&Request::new("POST", &target).json("{\"door\": \"open\"}"));
        response.json()["delivered"].as_u64().unwrap_or(0)
    }

    /// All events from the first one on.
    pub(crate) fn events(&self, query: &str) -> Events {
        Events::follow(self.address, query)
    }

    /// SIGTERM, and the end that must follow.
    pub(crate) fn stop(self) -> Ended {
        self.process.signal("TERM");
        let ended = self.process.end(DRAIN);
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        ended
    }
}

/// What a stream of events has brought so far.
#[derive(Debug)]
pub(crate) struct Events(Arc<Mutex<Vec<Event>>>);

impl Events {
    fn follow(address: SocketAddr, query: &str) -> Self {
        let mut stream = wire::connect(address);
        let request = Request::get(&format!("/api/events?lastEventId=0{query}"));
        stream.write_all(&request.bytes(address)).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let filled = Arc::clone(&events);
        // Ends with the host, or when it has not even sent a heartbeat for `wire::ANSWER`.
        std::thread::spawn(move || {
            let lines = BufReader::new(stream).lines().map_while(Result::ok);
            for line in lines {
                if let Some(data) = line.strip_prefix("data: ") {
                    let event = Event(serde_json::from_str(data).unwrap());
                    filled.lock().unwrap().push(event);
                }
            }
        });
        Self(events)
    }

    /// Those of an instance with this last word of their type.
    pub(crate) fn of(&self, instance: &str, name: &str) -> Vec<Event> {
        let subject = format!("/graphInstances/{instance}");
        let about = |event: &Event| {
            let rest = event.0["subject"].as_str().unwrap().strip_prefix(&subject);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && event.name() == name
        };
        let all = self.0.lock().unwrap();
        all.iter().filter(|event| about(event)).cloned().collect()
    }

    /// Waits until there are so many of them.
    pub(crate) fn wait(&self, instance: &str, name: &str, count: usize, limit: Duration) -> Vec<Event> {
        until(&format!("{count} {name} of {instance}"), limit, || {
            let found = self.of(instance, name);
            (found.len() >= count).then_some(found)
        })
    }

    /// Waits until anything, or anybody, has told an event with this last word of its type.
    pub(crate) fn wait_any(&self, name: &str, limit: Duration) -> bool {
        until(name, limit, || {
            let all = self.0.lock().unwrap();
            all.iter().any(|event| event.name() == name).then_some(true)
        })
    }

    /// Everything, as text.
    pub(crate) fn text(&self) -> String {
        let all = self.0.lock().unwrap();
        all.iter().map(|event| event.0.to_string() + "\n").collect()
    }
}
