//! Finding out what is wrong with a camera: the conversation of the RTSP source, step by step.
//!
//! Every step is told as it ends, with what to do when it failed; the first that fails is the last. The questions up
//! to DESCRIBE are asked here, so that each answer can be shown; from there on the source's own session is used, so
//! that what works here works in a graph. Passwords are never told.

mod login;
mod measure;
mod sdp;
mod talk;

use std::net::SocketAddr;
use std::time::Duration;

use retina::client::Credentials;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::RTSP_PORT;
use super::connect::Caller;
use super::error::CameraError;
use super::session::CameraSession;
use super::target::Target;
use super::tunnel;
use login::Challenge;
use talk::{Answer, Connection, Talk};

/// What to find out.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The camera.
    pub target: Target,
    /// How long media is looked at.
    pub watch: Duration,
    /// How long each answer may take.
    pub patience: Duration,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// As it should.
    Ok,
    /// It works, but somebody should know something.
    Warning,
    /// The camera cannot be used.
    Failed,
}

/// A step of the conversation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What was tried.
    pub step: &'static str,
    /// How it ended.
    pub state: State,
    /// What was found, for people.
    pub detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Step {
    fn new(step: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self {
            step,
            state,
            detail: detail.into(),
            hint: None,
        }
    }

    fn ok(step: &'static str, detail: impl Into<String>) -> Self {
        Self::new(step, State::Ok, detail)
    }

    fn warning(step: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..Self::new(step, State::Warning, detail)
        }
    }

    fn failed(step: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..Self::new(step, State::Failed, detail)
        }
    }

    /// Errors of cameras carry what to do below their first line.
    fn of_error(step: &'static str, error: &CameraError, hint: &str) -> Self {
        let text = error.to_string();
        match text.split_once("\nhint: ") {
            Some((detail, hint)) => Self::failed(step, detail, hint),
            None => Self::failed(step, text, hint),
        }
    }
}

/// Takes each step as it ends.
pub type Tell<'a> = &'a mut (dyn FnMut(Step) + Send);

/// The step that ended it.
type Walked<T> = Result<T, Step>;

impl Probe {
    /// Walks through the whole conversation; gives whether the camera can be used.
    pub async fn run(&self, caller: &Caller, tell: Tell<'_>) -> bool {
        let walked = self.walk(caller, tell).await;
        match walked {
            Ok(()) => true,
            Err(failed) => {
                tell(failed);
                false
            }
        }
    }

    async fn walk(&self, caller: &Caller, tell: Tell<'_>) -> Walked<()> {
        let stream = self.connect(tell).await?;
        let mut talk = Talk::new(self.secured(stream, tell).await?, self.patience);
        self.options(&mut talk, tell).await?;
        let description = self.describe(&mut talk, tell).await?;
        // Cameras allow few connections at once.
        drop(talk);
        self.streams(&description, tell)?;
        let session = self.play(caller, tell).await?;
        measure::watch(session, self.watch, self.patience, &*caller.clock, tell).await
    }

    fn port(&self) -> u16 {
        let default = if self.target.tls.is_some() {
            tunnel::RTSPS_PORT
        } else {
            RTSP_PORT
        };
        self.target.url.port().unwrap_or(default)
    }

    async fn connect(&self, tell: Tell<'_>) -> Walked<TcpStream> {
        let (host, port) = (tunnel::host(&self.target.url), self.port());
        let found = timeout(self.patience, tokio::net::lookup_host((host.as_str(), port))).await;
        let addresses: Vec<SocketAddr> = match found {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(error)) => {
                let hint = "check the spelling, or use the camera's IP address";
                return Err(Step::failed(
                    "resolve",
                    format!("`{host}` has no address: {error}"),
                    hint,
                ));
            }
            Err(_) => {
                let detail = format!("nobody says what the address of `{host}` is");
                return Err(Step::failed("resolve", detail, "check this host's DNS server"));
            }
        };
        let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
        tell(Step::ok("resolve", format!("{host} is {}", shown.join(", "))));
        let connecting = timeout(self.patience, TcpStream::connect(addresses.as_slice())).await;
        match connecting {
            Ok(Ok(stream)) => {
                tell(Step::ok("connect", format!("port {port} is open")));
                Ok(stream)
            }
            Ok(Err(error)) => Err(Step::failed(
                "connect",
                format!("port {port}: {error}"),
                unreachable(&error),
            )),
            Err(_) => {
                let detail = format!(
                    "no answer from port {port} within {} s",
                    self.patience.as_secs_f64()
                );
                let hint =
                    "check that the camera is on, that the address is right, and that no firewall is between";
                Err(Step::failed("connect", detail, hint))
            }
        }
    }

    async fn secured(&self, stream: TcpStream, tell: Tell<'_>) -> Walked<Box<dyn Connection>> {
        let Some(tls) = &self.target.tls else {
            return Ok(Box::new(stream));
        };
        let host = tunnel::host(&self.target.url);
        let shaking = timeout(self.patience, tls.handshake(&host, stream)).await;
        let shaken = shaking.unwrap_or_else(|_| Err(CameraError::timed_out("the TLS handshake")));
        let safe = shaken.map_err(|error| {
            Step::of_error("tls", &error, "check the port: RTSP over TLS is often at 322")
        })?;
        let version = safe.get_ref().1.protocol_version();
        let version = version.map_or_else(String::new, |version| format!(" with {version:?}"));
        tell(Step::ok("tls", format!("the certificate is accepted{version}")));
        Ok(Box::new(safe))
    }

    async fn options(&self, talk: &mut Talk, tell: Tell<'_>) -> Walked<()> {
        let hint =
            "check that this is the camera's RTSP port (often 554), and that RTSP is switched on there";
        let asked = talk.ask("OPTIONS", self.target.url.as_str(), &[]).await;
        let answer = asked.map_err(|error| Step::failed("options", error.to_string(), hint))?;
        let said = |name: &str| answer.header(name).map(|text| text.escape_debug().to_string());
        let mut detail = answer.shown();
        for (name, label) in [("Server", "server"), ("Public", "methods")] {
            if let Some(value) = said(name) {
                detail.push_str(&format!("; {label}: {value}"));
            }
        }
        tell(match answer.status {
            // Some want to know first who asks.
            200 | 401 => Step::ok("options", detail),
            _ => Step::warning("options", detail, "an odd answer, but DESCRIBE may work"),
        });
        Ok(())
    }

    async fn describe(&self, talk: &mut Talk, tell: Tell<'_>) -> Walked<Answer> {
        let first = self.ask_description(talk, None).await?;
        if first.status != 401 {
            let answer = described(first)?;
            if self.target.credentials.is_some() {
                let hint =
                    "leave the user and the password out of the topology, or switch the camera's login on";
                tell(Step::warning("login", "the camera asks for no login", hint));
            } else {
                tell(Step::ok("login", "the camera asks for none"));
            }
            tell(Step::ok("describe", answer.shown()));
            return Ok(answer);
        }
        let Some(challenge) = Challenge::strongest(first.all("WWW-Authenticate")) else {
            let wanted: Vec<String> = first
                .all("WWW-Authenticate")
                .map(|one| one.escape_debug().to_string())
                .collect();
            let detail = format!(
                "the camera wants a login that is not known here: {}",
                wanted.join("; ")
            );
            return Err(Step::failed("login", detail, "set the camera to Digest with MD5"));
        };
        let Some(credentials) = &self.target.credentials else {
            let detail = format!("the camera wants a login ({challenge})");
            return Err(Step::failed(
                "login",
                detail,
                "give `--username` and `--password-file`",
            ));
        };
        let answer = self
            .ask_description(talk, Some((&challenge, credentials)))
            .await?;
        if answer.status == 401 {
            let detail = format!("the camera refuses this user or password ({challenge})");
            let hint = "check both in the camera's own web page; some cameras have users for RTSP or ONVIF apart, and \
                        lock a user for a while after wrong attempts";
            return Err(Step::failed("login", detail, hint));
        }
        let answer = described(answer)?;
        tell(self.accepted(&challenge));
        tell(Step::ok("describe", answer.shown()));
        Ok(answer)
    }

    fn accepted(&self, challenge: &Challenge) -> Step {
        let detail = format!("accepted ({challenge})");
        if matches!(challenge, Challenge::Basic { .. }) && self.target.tls.is_none() {
            let hint = "anybody on the way can read the password: set the camera to Digest, or use TLS";
            return Step::warning("login", detail, hint);
        }
        Step::ok("login", detail)
    }

    async fn ask_description(
        &self,
        talk: &mut Talk,
        login: Option<(&Challenge, &Credentials)>,
    ) -> Walked<Answer> {
        let uri = self.target.url.as_str();
        let mut headers = vec![("Accept", "application/sdp")];
        let authorization = login.map(|(challenge, who)| {
            let once = uuid::Uuid::new_v4().simple().to_string();
            challenge.answer(&who.username, &who.password, "DESCRIBE", uri, &once)
        });
        headers.extend(authorization.as_deref().map(|value| ("Authorization", value)));
        let asked = talk.ask("DESCRIBE", uri, &headers).await;
        asked.map_err(|error| {
            let hint = "the camera may be overloaded, or have too many viewers: restart it";
            Step::failed("describe", error.to_string(), hint)
        })
    }

    fn streams(&self, description: &Answer, tell: Tell<'_>) -> Walked<()> {
        let offered = sdp::offered(&String::from_utf8_lossy(&description.body));
        let lines: Vec<String> = offered
            .iter()
            .map(|one| format!("{}: {}", one.name, one.fate))
            .collect();
        let detail = if lines.is_empty() {
            "none".to_owned()
        } else {
            lines.join("; ")
        };
        if offered.iter().any(sdp::Offered::is_picture) {
            tell(Step::ok("streams", detail));
            return Ok(());
        }
        let hint = "set the camera's video to H.264 (H.265 is recorded, but not decoded), or use the path of \
                    another of its streams";
        Err(Step::failed("streams", detail, hint))
    }

    async fn play(&self, caller: &Caller, tell: Tell<'_>) -> Walked<CameraSession> {
        let mut reached = "DESCRIBE";
        let mut reach = |method| reached = method;
        let opened = CameraSession::open_telling(&self.target, caller, &mut reach).await;
        let session = opened.map_err(|error| {
            let (step, hint) = match reached {
                "SETUP" => (
                    "setup",
                    "the camera must send RTP within the RTSP connection (TCP, interleaved): look for that setting",
                ),
                "PLAY" => ("play", "the camera may have too many viewers: close others, or restart it"),
                _ => ("describe", "the first connection worked and the second did not: the camera may allow only one"),
            };
            Step::of_error(step, &error, hint)
        })?;
        tell(Step::ok("setup", "RTP within the RTSP connection"));
        tell(Step::ok("play", "the camera plays"));
        Ok(session)
    }
}

fn unreachable(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            "nobody listens there: check the port (often 554), and that RTSP is switched on in the camera"
        }
        _ => "check that the camera is on and in the same network, and that no firewall is between",
    }
}

/// The description, or why there is none.
fn described(answer: Answer) -> Walked<Answer> {
    let hint = match answer.status {
        200 => return Ok(answer),
        301 | 302 | 303 | 305 => {
            let to = answer
                .header("Location")
                .unwrap_or("nowhere")
                .escape_debug()
                .to_string();
            return Err(Step::failed(
                "describe",
                answer.shown(),
                format!("use the URL that it names: {to}"),
            ));
        }
        403 => "this user may not watch this stream: give it the right to in the camera's settings",
        404 | 400 | 451 => {
            "the path of the URL is wrong: look for the camera's RTSP path in its manual (an ONVIF tool finds it)"
        }
        453 | 503 => "the camera has too many viewers: close others, or restart it",
        _ => "look the status up in the camera's manual, and restart the camera",
    };
    Err(Step::failed(
        "describe",
        format!("the camera answers {}", answer.shown()),
        hint,
    ))
}
