//! RTSP requests one by one, over any connection: for finding out what a server says, not for media.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The longest head of an answer.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// The longest body of an answer.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Anything that RTSP can be spoken over.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// What a server answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// All values of a header.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The first value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    /// As people are told it.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.status, self.reason.escape_debug())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum TalkError {
    #[error("no answer to {0} within {1} s")]
    Silent(&'static str, f64),
    #[error("the camera closed the connection instead of answering {0}")]
    Closed(&'static str),
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
    #[error("what answers there does not speak RTSP; it said `{0}`")]
    NotRtsp(String),
    #[error("the answer to {0} is too long")]
    TooLong(&'static str),
}

/// A conversation.
pub(super) struct Talk {
    connection: Box<dyn Connection>,
    unread: Vec<u8>,
    number: u32,
    patience: Duration,
}

impl Talk {
    pub(super) fn new(connection: Box<dyn Connection>, patience: Duration) -> Self {
        Self {
            connection,
            unread: Vec::new(),
            number: 0,
            patience,
        }
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask(
        &mut self,
        method: &'static str,
        uri: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, TalkError> {
        self.number += 1;
        let mut request = format!("{method} {uri} RTSP/1.0\r\nCSeq: {}\r\n", self.number);
        request.push_str(concat!(
            "User-Agent: mediagraph/",
            env!("CARGO_PKG_VERSION"),
            "\r\n"
        ));
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let patience = self.patience;
        let answered = timeout(patience, async {
            self.connection.write_all(request.as_bytes()).await?;
            self.connection.flush().await?;
            self.answer(method).await
        });
        answered
            .await
            .unwrap_or(Err(TalkError::Silent(method, patience.as_secs_f64())))
    }

    async fn answer(&mut self, method: &'static str) -> Result<Answer, TalkError> {
        let end = loop {
            if self.unread.len() >= 5 && !self.unread.starts_with(b"RTSP/") {
                let said =
                    String::from_utf8_lossy(self.unread.get(..40.min(self.unread.len())).unwrap_or_default());
                return Err(TalkError::NotRtsp(said.escape_debug().to_string()));
            }
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                break end + 4;
            }
            self.more(method, MAX_HEAD_BYTES).await?;
        };
        let head: Vec<u8> = self.unread.drain(..end).collect();
        let mut answer = head_of(&String::from_utf8_lossy(&head));
        let length = answer.header("Content-Length").and_then(|text| text.parse().ok());
        let length: usize = length.unwrap_or(0);
        if length > MAX_BODY_BYTES {
            return Err(TalkError::TooLong(method));
        }
        while self.unread.len() < length {
            self.more(method, MAX_BODY_BYTES + MAX_HEAD_BYTES).await?;
        }
        answer.body = self.unread.drain(..length).collect();
        Ok(answer)
    }

    async fn more(&mut self, method: &'static str, limit: usize) -> Result<(), TalkError> {
        if self.unread.len() >= limit {
            return Err(TalkError::TooLong(method));
        }
        let mut buffer = [0; 4096];
        let read = self.connection.read(&mut buffer).await?;
        if read == 0 {
            return Err(TalkError::Closed(method));
        }
        self.unread
            .extend_from_slice(buffer.get(..read).unwrap_or_default());
        Ok(())
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn head_of(text: &str) -> Answer {
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().splitn(3, ' ').skip(1);
    let status = first.next().and_then(|status| status.parse().ok()).unwrap_or(0);
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    Answer {
        status,
        reason: first.next().unwrap_or_default().to_owned(),
        headers: lines.filter_map(header).collect(),
        body: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a server that answers with `answer` and then is silent or gone.
    async fn asked(answer: &[u8], closes: bool) -> Result<Answer, TalkError> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        theirs.write_all(answer).await.unwrap();
        let _kept = (!closes).then_some(theirs);
        let mut talk = Talk::new(Box::new(ours), Duration::from_millis(50));
        talk.ask("DESCRIBE", "rtsp://h/", &[]).await
    }

    #[tokio::test]
    async fn an_answer_has_status_headers_and_body() {
        let text = b"RTSP/1.0 401 Who are you\r\nWWW-Authenticate: Basic realm=\"a\"\r\nwww-authenticate: Digest x\r\nContent-Length: 2\r\n\r\nhi";
        let answer = asked(text, false).await.unwrap();
        assert_eq!(
            (answer.shown().as_str(), answer.body.as_slice()),
            ("401 Who are you", &b"hi"[..])
        );
        assert_eq!(answer.all("WWW-Authenticate").count(), 2);
    }

    #[tokio::test]
    async fn what_is_no_answer_is_told_from_the_other() {
        let silent = asked(b"RTSP/1.0 200", false).await.unwrap_err();
        assert!(matches!(silent, TalkError::Silent("DESCRIBE", _)), "{silent}");
        let closed = asked(b"", true).await.unwrap_err();
        assert!(
            matches!(closed, TalkError::Closed(_) | TalkError::Broken(_)),
            "{closed}"
        );
        let other = asked(b"HTTP/1.1 400 Bad\x1b Request\r\n\r\n", false)
            .await
            .unwrap_err();
        assert!(other.to_string().contains("HTTP/1.1 400 Bad\\u{1b}"), "{other}");
        let long = asked(b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n", false)
            .await
            .unwrap_err();
        assert!(matches!(long, TalkError::TooLong(_)), "{long}");
    }
}
