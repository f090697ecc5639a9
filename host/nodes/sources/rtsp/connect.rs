//! From a target to a session that the camera has described.
//!
//! Invariants: connections go to addresses that were asked about; a login that would go out in the clear passes the
//! watch of [`super::logins`]; nobody is sent on to where a camera says that it is.

use std::net::SocketAddr;
use std::sync::Arc;

use retina::client::{Described, SessionGroup, SessionOptions, TeardownPolicy, Tool};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::error::{CAMERA_TIMEOUT, CameraError};
use super::logins::Watch;
use super::target::Target;
use super::tls::CameraTls;
use super::{address, door, tunnel};
use crate::media::Clock;
use crate::nodes::reach::Reach;

/// How retina's error begins when nobody took the connection.
const NOT_CONNECTED: &str = "Unable to connect";

/// A conversation that has come as far as the description.
pub(super) type Session = retina::client::Session<Described>;

/// What all conversations of one source share.
#[derive(Clone)]
pub struct Caller {
    /// Ends sessions in the background.
    pub group: Arc<SessionGroup>,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// Where it may call.
    pub reach: Arc<dyn Reach>,
    /// The ways through doors on the loopback.
    pub tunnels: TaskTracker,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("tunnels", &self.tunnels.len())
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// Of a source.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, reach: Arc<dyn Reach>) -> Self {
        Self {
            group: Arc::default(),
            clock,
            reach,
            tunnels: TaskTracker::new(),
        }
    }

    /// Waits until every session is ended. May wait for a camera that does not answer.
    pub async fn hang_up(&self) {
        let _ = self.group.await_teardown().await;
        self.tunnels.close();
        self.tunnels.wait().await;
    }
}

/// Asks the camera what it has. Some cameras ask for a login later, so the watch over it, if there is one, goes on.
///
/// # Errors
/// Says which step failed and how.
pub(super) async fn describe(
    target: &Target,
    caller: &Caller,
) -> Result<(Session, Option<Watch>), CameraError> {
    let session = match (&target.tls, &target.credentials) {
        (Some(tls), _) => describe_safely(target, tls, caller).await?,
        (None, Some(_)) => {
            let (session, watch) = describe_watched(target, caller).await?;
            return Ok((session, Some(watch)));
        }
        (None, None) => describe_openly(target, caller).await?,
    };
    Ok((session, None))
}

fn options(target: &Target, caller: &Caller) -> SessionOptions {
    SessionOptions::default()
        .creds(target.credentials.clone())
        .user_agent(concat!("mediagraph/", env!("CARGO_PKG_VERSION")).to_owned())
        .session_group(Arc::clone(&caller.group))
}

/// Whether retina says goodbye over a new connection, to the address that the camera told (Content-Base).
fn goodbye_elsewhere(session: &Session) -> bool {
    session.tool().is_some_and(Tool::has_live555_tcp_bug)
}

async fn describe_safely(target: &Target, tls: &CameraTls, caller: &Caller) -> Result<Session, CameraError> {
    let url = tunnel::open(&target.url, tls, caller).await?;
    let session = step("DESCRIBE", Session::describe(url, options(target, caller))).await?;
    if goodbye_elsewhere(&session) {
        // That connection would be in the clear.
        return Err(CameraError::Tls(
            "the camera's RTSP server is from before 2017, which is too old to be used with TLS\n\
             hint: look for newer firmware of the camera"
                .to_owned(),
        ));
    }
    Ok(session)
}

/// With a login that others could read.
async fn describe_watched(target: &Target, caller: &Caller) -> Result<(Session, Watch), CameraError> {
    let described = describe_behind_door(target, options(target, caller), caller).await?;
    if !goodbye_elsewhere(&described.0) {
        return Ok(described);
    }
    drop(described);
    let silent = options(target, caller).teardown(TeardownPolicy::Never);
    describe_behind_door(target, silent, caller).await
}

async fn describe_behind_door(
    target: &Target,
    options: SessionOptions,
    caller: &Caller,
) -> Result<(Session, Watch), CameraError> {
    let port = target.url.port().unwrap_or(address::RTSP_PORT);
    let addresses = address::addresses(&target.url, port, &*caller.reach).await?;
    let host = tunnel::host(&target.url);
    let camera = address::connect(&addresses, &host, CAMERA_TIMEOUT).await?;
    let watch = Watch::new(&host, port);
    let url = door::open(camera, &target.url, Some(watch.clone()), caller).await?;
    match step("DESCRIBE", Session::describe(url, options)).await {
        Ok(session) => Ok((session, watch)),
        Err(error) => Err(watch.told(error)),
    }
}

/// Without a login: there is nothing to watch over.
async fn describe_openly(target: &Target, caller: &Caller) -> Result<Session, CameraError> {
    let port = target.url.port().unwrap_or(address::RTSP_PORT);
    let addresses = address::addresses(&target.url, port, &*caller.reach).await?;
    let session = describe_any(target, &addresses, || options(target, caller)).await?;
    if !goodbye_elsewhere(&session) {
        return Ok(session);
    }
    // A camera could send the host, and the login, anywhere. It is asked again by one who leaves without goodbye.
    drop(session);
    let silent = || options(target, caller).teardown(TeardownPolicy::Never);
    describe_any(target, &addresses, silent).await
}

/// Asks the first address that takes the connection.
async fn describe_any(
    target: &Target,
    addresses: &[SocketAddr],
    options: impl Fn() -> SessionOptions + Send,
) -> Result<Session, CameraError> {
    let asking = async {
        let mut last = None;
        for address in addresses {
            let Some(url) = address::at(&target.url, *address) else {
                continue;
            };
            match Session::describe(url, options()).await {
                Err(error) if error.to_string().starts_with(NOT_CONNECTED) => last = Some(error),
                described => return described.map_err(|error| CameraError::from_retina(&error)),
            }
        }
        Err(last.map_or_else(
            || CameraError::Network("the URL has no host".to_owned()),
            |error| CameraError::from_retina(&error),
        ))
    };
    let asked = timeout(CAMERA_TIMEOUT, asking).await;
    asked.map_err(|_| CameraError::timed_out("DESCRIBE"))?
}

/// One step of the conversation, within its time.
pub(super) async fn step<T>(
    method: &'static str,
    work: impl Future<Output = Result<T, retina::Error>>,
) -> Result<T, CameraError> {
    match timeout(CAMERA_TIMEOUT, work).await {
        Ok(done) => done.map_err(|error| CameraError::from_retina(&error)),
        Err(_) => Err(CameraError::timed_out(method)),
    }
}
