//! One session with a server: our descriptor and its, then samples one way and what it says of them the other.
//!
//! Messages are counted from 1 in each direction, the descriptor first. A server that does not count its own is put up with.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tonic::client::Grpc;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::super::server::error::ServerError;
use super::super::server::place::Server;
use super::connect::{Connection, within};
use super::messages::{METHOD, MediaSample, MediaStreamDescriptor, MediaStreamMessage, Payload};
use crate::nodes::reach::Reach;

/// Bytes of one message of a server.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Samples that wait for the transport. More would only be older.
const MAX_WAITING: usize = 1;
/// The server takes nothing for so long: it hangs.
pub(super) const STUCK_TIME: Duration = Duration::from_secs(10);
const LOGIN: &str = "x-ms-authentication";

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    outgoing: mpsc::Sender<MediaStreamMessage>,
    incoming: Streaming<MediaStreamMessage>,
    /// Of our last message.
    sequence: u64,
    /// Goes last: what came before needs it.
    _connection: Grpc<Connection>,
}

/// What a server said.
#[derive(Debug)]
pub(super) struct Said {
    /// The message that it is about; 0 when it does not say.
    pub(super) ack: u64,
    pub(super) sample: MediaSample,
}

impl Session {
    /// Connects, says what will be sent, and hears that the server is there.
    ///
    /// # Errors
    /// Why there is no session.
    pub(super) async fn open(
        server: &Server,
        reach: &dyn Reach,
        tracker: &TaskTracker,
        descriptor: MediaStreamDescriptor,
    ) -> Result<Self, ServerError> {
        let connection = Connection::open(server, reach, tracker).await?;
        let origin = origin(server)?;
        let mut grpc = Grpc::with_origin(connection, origin).max_decoding_message_size(MAX_MESSAGE_BYTES);
        let (outgoing, waiting) = mpsc::channel(MAX_WAITING);
        let first = MediaStreamMessage {
            sequence_number: 1,
            ack_sequence_number: 0,
            payload: Some(Payload::Descriptor(descriptor)),
        };
        // There is room for one.
        let sent = outgoing.try_send(first);
        debug_assert!(sent.is_ok(), "the channel is new");
        let messages = futures::stream::unfold(waiting, |mut waiting: mpsc::Receiver<_>| async move {
            waiting.recv().await.map(|message| (message, waiting))
        });
        let mut request = Request::new(messages);
        log_in(server, request.metadata_mut())?;
        let incoming = within("the descriptor", async {
            grpc.ready()
                .await
                .map_err(|error| ServerError::Network(error.to_string()))?;
            let codec = ProstCodec::<MediaStreamMessage, MediaStreamMessage>::default();
            let begun = grpc
                .streaming(request, PathAndQuery::from_static(METHOD), codec)
                .await;
            let mut incoming = begun.map_err(|status| failed(&status))?.into_inner();
            greeted(&mut incoming).await?;
            Ok(incoming)
        })
        .await?;
        Ok(Self {
            outgoing,
            incoming,
            sequence: 1,
            _connection: grpc,
        })
    }

    /// The number that the next sample has.
    pub(super) fn next_sequence(&self) -> u64 {
        self.sequence + 1
    }

    /// Hands a sample to the transport if that is free; gives whether it was.
    pub(super) fn send(&mut self, sample: MediaSample) -> bool {
        let message = MediaStreamMessage {
            sequence_number: self.next_sequence(),
            ack_sequence_number: 0,
            payload: Some(Payload::Sample(sample)),
        };
        let sent = self.outgoing.try_send(message).is_ok();
        self.sequence += u64::from(sent);
        sent
    }

    /// Whether the transport takes a sample.
    pub(super) fn is_free(&self) -> bool {
        self.outgoing.capacity() > 0
    }

    /// What the server says next. Cancel-safe.
    ///
    /// # Errors
    /// When the session has ended, and why.
    pub(super) async fn next(&mut self) -> Result<Said, ServerError> {
        loop {
            let message = message(self.incoming.message().await)?;
            // A descriptor may come again; it tells nothing that is needed.
            if let Some(Payload::Sample(sample)) = message.payload {
                return Ok(Said {
                    ack: message.ack_sequence_number,
                    sample,
                });
            }
        }
    }
}

async fn greeted(incoming: &mut Streaming<MediaStreamMessage>) -> Result<(), ServerError> {
    match message(incoming.message().await)?.payload {
        Some(Payload::Descriptor(_)) => Ok(()),
        _ => Err(ServerError::Answer(
            "its first message is no descriptor\nhint: a server answers the descriptor of a stream with its own".to_owned(),
        )),
    }
}

fn message(said: Result<Option<MediaStreamMessage>, Status>) -> Result<MediaStreamMessage, ServerError> {
    match said {
        Ok(Some(message)) => Ok(message),
        Ok(None) => Err(ServerError::Network("the server ended the session".to_owned())),
        Err(status) => Err(failed(&status)),
    }
}

fn failed(status: &Status) -> ServerError {
    let code = u16::try_from(i32::from(status.code())).unwrap_or(u16::MAX);
    let message = status.message();
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => ServerError::Login(code),
        Code::OutOfRange | Code::ResourceExhausted if message.contains("message length too large") => {
            ServerError::TooLarge(MAX_MESSAGE_BYTES)
        }
        Code::Unavailable | Code::Unknown | Code::Cancelled => {
            ServerError::Network(format!("the session broke: {message}"))
        }
        Code::Unimplemented => ServerError::Status {
            status: code,
            hint: format!(": {message}\nhint: it does not offer the service `MediaGraphExtension` of LVA"),
        },
        _ => ServerError::Status {
            status: code,
            hint: format!(": {message}\nhint: look into the log of the server"),
        },
    }
}

/// As HTTP/2 calls the server.
fn origin(server: &Server) -> Result<http::Uri, ServerError> {
    let url = &server.target.url;
    let scheme = if server.target.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let authority = format!(
        "{}:{}",
        url.host_str().unwrap_or_default(),
        url.port().unwrap_or_default()
    );
    let uri = http::Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query("/");
    uri.build()
        .map_err(|error| ServerError::Network(format!("the URL has no host that can be asked: {error}")))
}

fn log_in(server: &Server, metadata: &mut MetadataMap) -> Result<(), ServerError> {
    let (name, value) = match (&server.target.credentials, &server.header) {
        (Some(given), _) => {
            let login = BASE64.encode(format!("{}:{}", given.username, given.password));
            (LOGIN.to_owned(), format!("Basic {login}"))
        }
        (None, Some(header)) => (header.name.to_ascii_lowercase(), header.value.clone()),
        (None, None) => return Ok(()),
    };
    let cannot = |what| ServerError::Network(format!("`{what}` holds what metadata of gRPC cannot hold"));
    let name = AsciiMetadataKey::from_bytes(name.as_bytes()).map_err(|_| cannot("headerName"))?;
    let value = AsciiMetadataValue::try_from(value).map_err(|_| cannot("headerValue"))?;
    metadata.insert(name, value);
    Ok(())
}
