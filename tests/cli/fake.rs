//! A server that answers as a test wants, and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// Names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// `GET /x`
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    kind: &'static str,
    body: String,
    headers: Vec<(&'static str, String)>,
    /// Nothing says how long it is, and it does not end.
    endless: bool,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        Self::text(status, "application/json", body)
    }

    pub(crate) fn text(status: u16, kind: &'static str, body: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            body: body.into(),
            headers: Vec::new(),
            endless: false,
        }
    }

    /// What a direct method replies.
    pub(crate) fn method(status: u16, payload: Value) -> Self {
        Self::json(200, &json!({"status": status, "payload": payload}))
    }

    /// An error of the host.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &error(code, message, json!([])))
    }

    /// An event stream that stays open.
    pub(crate) fn stream(text: &str) -> Self {
        Self {
            endless: true,
            ..Self::text(200, "text/event-stream", text)
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn write(&self, to: &mut impl Write) {
        let mut text = format!(
            "HTTP/1.1 {} X\r\nConnection: close\r\nContent-Type: {}\r\n",
            self.status, self.kind
        );
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.endless {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        // A client that has heard enough may be gone.
        let _ = to.write_all(format!("{text}\r\n{}", self.body).as_bytes());
        let _ = to.flush();
    }
}

/// The body of an error.
pub(crate) fn error(code: &str, message: &str, details: Value) -> Value {
    json!({"error": {"code": code, "message": message, "details": details}})
}

type Script = dyn Fn(&Asked) -> Answer + Send + Sync;

/// The server. Its threads end with the process; each connection carries one request.
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    https: bool,
}

impl Server {
    /// Answers as the script says.
    pub(crate) fn new(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::over(None, script)
    }

    /// Answers everything in the same way.
    pub(crate) fn always(answer: Answer) -> Self {
        Self::new(move |_| answer.clone())
    }

    /// The same over TLS, with a certificate for these names; gives its text, too.
    pub(crate) fn tls(names: &[&str], answer: Answer) -> (Self, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let server = Self::over(Some(Arc::new(config)), move |_| answer.clone());
        (server, made.cert.pem())
    }

    fn over(
        tls: Option<Arc<rustls::ServerConfig>>,
        script: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            https: tls.is_some(),
        };
        let (asked, script): (_, Arc<Script>) = (Arc::clone(&server.asked), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (asked, script, tls) = (Arc::clone(&asked), Arc::clone(&script), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream, &asked, &*script),
                    Some(config) => {
                        let session = rustls::ServerConnection::new(config).unwrap();
                        serve(rustls::StreamOwned::new(session, stream), &asked, &*script);
                    }
                });
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The lines of all requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

fn serve(stream: impl Read + Write, asked: &Mutex<Vec<Asked>>, script: &Script) {
    let mut reader = BufReader::new(stream);
    let Some(request) = read(&mut reader) else { return };
    asked.lock().unwrap().push(request.clone());
    let answer = script(&request);
    answer.write(reader.get_mut());
    if answer.endless {
        // Until the client goes.
        let _ = reader.read(&mut [0; 1]);
    }
}

fn read(reader: &mut impl std::io::BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        method,
        path,
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}
