//! A client that sends exactly what it is told to, and reads no more than it is asked to.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long a server may take to answer anything.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of the first detail of a refusal.
    pub(crate) fn detail(&self) -> String {
        let body = self.json();
        body["error"]["details"][0]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// A request; one connection each.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// The same to another target.
    pub(crate) fn to(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    /// With a header, in place of one of that name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(one, _)| !one.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With a JSON body.
    pub(crate) fn json(self, body: &str) -> Self {
        self.body("application/json", body)
    }

    pub(crate) fn body(mut self, kind: &str, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self.header("content-type", kind)
    }

    /// Its bytes, for a server at an address.
    pub(crate) fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let has = |name: &str| self.headers.iter().any(|(one, _)| one.eq_ignore_ascii_case(name));
        if !has("host") {
            text.push_str(&format!("host: {address}\r\n"));
        }
        // An empty value stands for no header at all.
        for (name, value) in self.headers.iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() && !has("transfer-encoding") {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        [text.as_bytes(), self.body.as_slice()].concat()
    }

    /// Sends it and reads the response; of an endless one only the head.
    pub(crate) fn send(&self, address: SocketAddr) -> Response {
        self.try_send(address)
            .unwrap_or_else(|error| panic!("{} {}: {error}", self.method, self.target))
    }

    /// The same; an error when the server gave no response.
    pub(crate) fn try_send(&self, address: SocketAddr) -> std::io::Result<Response> {
        let mut stream = connect(address);
        // A server may answer and close before it has read everything.
        let _ = stream.write_all(&self.bytes(address));
        read_response(&mut stream, self.method == "HEAD")
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(ANSWER)).unwrap();
    stream.set_write_timeout(Some(ANSWER)).unwrap();
    stream
}

/// Reads one response; of an endless one only the head.
pub(crate) fn read_response(stream: &mut impl Read, head_only: bool) -> std::io::Result<Response> {
    let head = read_head(stream)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut response = Response {
        status: status.ok_or(ErrorKind::InvalidData)?,
        head,
        body: String::new(),
    };
    let length = response
        .header("content-length")
        .map(|length| length.parse().unwrap());
    if let (false, Some(length)) = (head_only, length) {
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        response.body = String::from_utf8(body).unwrap();
    }
    Ok(response)
}

fn read_head(stream: &mut impl Read) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8(head).unwrap())
}
