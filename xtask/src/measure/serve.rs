//! A running `mediagraph serve`, and as much of HTTP as it takes to drive it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::process::Guard;
use crate::project;

/// How long the host may take to listen.
const START: Duration = Duration::from_secs(60);
/// How long the host may take to end; graphs may drain for a minute.
const END: Duration = Duration::from_secs(120);
/// How long a request may take; activations compile components.
const REPLY: Duration = Duration::from_secs(120);
/// Bytes of a reply.
const MAX_REPLY_BYTES: u64 = 64 << 20;
/// Bytes of a line in the head of a reply.
const MAX_LINE_BYTES: u64 = 16 << 10;
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(50);

/// A host; ends with its guard.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) process: Guard,
    address: SocketAddr,
    log: PathBuf,
}

impl Host {
    /// Starts one on a free port of the loopback, with a log beside its state directory.
    ///
    /// # Errors
    /// When it does not answer in time.
    pub(super) fn start(binary: &Path, state: &Path) -> Result<Self> {
        let mut host = Self::spawn(Command::new(binary), state)?;
        host.ready()?;
        Ok(host)
    }

    /// As [`Host::start`], with a configuration, which is written beside the state directory.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub(super) fn start_with(binary: &Path, state: &Path, config: &str) -> Result<Self> {
        let file = state.with_extension("toml");
        std::fs::write(&file, project::configuration(config)?)?;
        let mut host = Self::spawn_with(Command::new(binary), state, Some(&file))?;
        host.ready()?;
        Ok(host)
    }

    /// Starts one and does not wait for it. `command` is the binary, or a program that runs it as its last argument.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn spawn(command: Command, state: &Path) -> Result<Self> {
        Self::spawn_with(command, state, None)
    }

    /// The same, with a configuration.
    ///
    /// # Errors
    /// When it cannot be started.
    fn spawn_with(mut command: Command, state: &Path, config: Option<&Path>) -> Result<Self> {
        let address = free_address()?;
        let log = log_of(state);
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log);
        let file = file.with_context(|| format!("cannot write {}", log.display()))?;
        command.arg("serve").arg("--state-dir").arg(state);
        command.args(["--listen", &address.to_string()]);
        match config {
            Some(config) => command.arg("--config").arg(config),
            None => project::configure(&mut command),
        };
        command
            .current_dir(project::root())
            .stdout(Stdio::from(file.try_clone()?))
            .stderr(file);
        Ok(Self {
            process: Guard::spawn("the host", &mut command)?,
            address,
            log,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// When it does not in time, or has ended.
    pub(super) fn ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        while self.get("/readyz").is_err() {
            if let Some(status) = self.process.poll()? {
                bail!("the host ended early ({status}); see {}", self.log.display());
            }
            if Instant::now() >= deadline {
                bail!(
                    "the host did not listen within {} s; see {}",
                    START.as_secs(),
                    self.log.display()
                );
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Kills it outright, and waits until it is gone.
    pub(super) fn kill(self) {
        // Its guard does.
        drop(self.process);
    }

    /// Kills it outright while others still talk to it.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub(super) fn kill_now(&self) -> Result<()> {
        self.process.signal("KILL")
    }

    /// Asks it to drain and to end, and waits until it has.
    ///
    /// # Errors
    /// When it does not, or not in good order.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.process.interrupt()?;
        let status = self.process.wait(END)?;
        if !status.success() {
            bail!("the host ended with {status}");
        }
        Ok(())
    }

    /// The JSON at a path.
    ///
    /// # Errors
    /// When the status is no success.
    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let (status, body) = self.ask("GET", path, "")?;
        if status != 200 {
            bail!("GET {path}: status {status}: {body}");
        }
        serde_json::from_str(&body).with_context(|| format!("GET {path} gave no JSON"))
    }

    /// Calls a direct method and gives its payload.
    ///
    /// # Errors
    /// When its status is no success.
    pub(super) fn method(&self, name: &str, payload: &Value) -> Result<Value> {
        let path = format!("/api/methods/{name}");
        let (_, body) = self.ask("POST", &path, &payload.to_string())?;
        payload_of(name, &body)
    }

    /// Stores a topology of the repository.
    ///
    /// # Errors
    /// When the host refuses it.
    pub(super) fn set_topology(&self, file: &str) -> Result<String> {
        let text = std::fs::read(project::root().join(file))?;
        let topology: Value = serde_json::from_slice(&text)?;
        self.method("GraphTopologySet", &topology)?;
        let name = topology.get("name").and_then(Value::as_str);
        Ok(name.context("the topology has no name")?.to_owned())
    }

    /// Stores an instance.
    ///
    /// # Errors
    /// When the host refuses it.
    pub(super) fn set_instance(&self, name: &str, topology: &str, parameters: &[(&str, &str)]) -> Result<()> {
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        let properties = json!({ "topologyName": topology, "parameters": parameters });
        let payload = json!({ "@apiVersion": "2.0", "name": name, "properties": properties });
        self.method("GraphInstanceSet", &payload).map(drop)
    }

    /// Activates or deactivates an instance, or deletes it.
    ///
    /// # Errors
    /// When the host does not.
    pub(super) fn instance(&self, method: &str, name: &str) -> Result<()> {
        let payload = json!({ "@apiVersion": "2.0", "name": name });
        self.method(method, &payload).map(drop)
    }

    /// What a node of an instance says of itself.
    ///
    /// # Errors
    /// When there is no such node.
    pub(super) fn node(&self, instance: &str, node: &str) -> Result<Value> {
        let status = self.get(&format!("/api/GraphInstance/{instance}/status"))?;
        let nodes = status
            .get("nodes")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let found = nodes
            .into_iter()
            .find(|one| one.get("node").and_then(Value::as_str) == Some(node));
        found.with_context(|| format!("the instance {instance} has no node {node}"))
    }

    /// A connection for many calls, as a client that goes on asking keeps it.
    ///
    /// # Errors
    /// When the host does not accept it.
    pub(super) fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY))?;
        Ok(Connection {
            stream: BufReader::new(stream),
            address: self.address,
        })
    }

    /// Lets a name point to a component.
    ///
    /// # Errors
    /// When the host refuses it.
    pub(super) fn set_extension(&self, name: &str, component: &[u8]) -> Result<Value> {
        let path = format!("/api/extensions/{name}");
        let (status, body) = self.send("PUT", &path, "application/wasm", component)?;
        if !matches!(status, 200 | 201) {
            bail!("PUT {path}: status {status}: {body}");
        }
        serde_json::from_str(&body).with_context(|| format!("PUT {path} gave no JSON"))
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
        self.send(method, path, "application/json", body.as_bytes())
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<(u16, String)> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(REPLY))?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut text = Vec::new();
        stream.take(MAX_REPLY_BYTES).read_to_end(&mut text)?;
        parse(&String::from_utf8_lossy(&text)).with_context(|| format!("{method} {path}: no reply of HTTP"))
    }
}

fn log_of(state: &Path) -> PathBuf {
    state.with_extension("log")
}

/// What a direct method gave; an error when its status is no success.
fn payload_of(name: &str, body: &str) -> Result<Value> {
    let reply: Value = serde_json::from_str(body).with_context(|| format!("{name} gave no JSON: {body}"))?;
    match reply.get("status").and_then(Value::as_u64) {
        Some(200..=299) => Ok(reply.get("payload").cloned().unwrap_or_default()),
        _ => bail!("{name}: {reply}"),
    }
}

/// A connection that stays open from call to call.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Connection {
    /// Calls a direct method and gives its payload.
    ///
    /// # Errors
    /// When its status is no success.
    pub(super) fn method(&mut self, name: &str, payload: &str) -> Result<Value> {
        let request = format!(
            "POST /api/methods/{name} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{payload}",
            self.address,
            payload.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            (&mut self.stream).take(MAX_LINE_BYTES).read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((header, value)) if header.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse::<u64>()?;
                }
                None if line == "\r\n" => break,
                None if line.is_empty() => bail!("{name}: the host closed the connection"),
                _ => {}
            }
        }
        let mut body = vec![0; usize::try_from(length.min(MAX_REPLY_BYTES))?];
        self.stream.read_exact(&mut body)?;
        payload_of(name, &String::from_utf8_lossy(&body))
    }
}

/// Status and body. The host says how long its bodies are, and closes the connection behind them.
fn parse(text: &str) -> Option<(u16, String)> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// An address of the loopback at which nobody listens.
///
/// # Errors
/// When there is none.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Waits until `found` gives something.
///
/// # Errors
/// When it does not within `limit`, or fails.
pub(super) fn until<T>(
    what: &str,
    limit: Duration,
    mut found: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = found()? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            bail!("within {} s: no {what}", limit.as_secs());
        }
        std::thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_a_status_and_a_body() {
        let reply = "HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(parse(reply), Some((201, "{}".to_owned())));
        assert_eq!(parse("nothing"), None);
    }

    #[test]
    fn waiting_has_a_bound_and_names_what_did_not_come() {
        let error = until("rain", Duration::ZERO, || Ok(None::<()>)).unwrap_err();
        assert_eq!(error.to_string(), "within 0 s: no rain");
        assert_eq!(until("it", Duration::ZERO, || Ok(Some(7))).unwrap(), 7);
    }
}
