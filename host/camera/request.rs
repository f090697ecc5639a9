//! RTSP requests out of a byte stream, each bounded before it is parsed (RFC 2326, sections 4 and 10.12).

use bytes::{Buf, BytesMut};
use rtsp_types::{Message, ParseError, Request, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of request line and headers.
pub(super) const MAX_HEAD_BYTES: usize = 8 * 1024;
/// Header lines.
pub(super) const MAX_HEADERS: usize = 64;
/// Bytes of a request's body.
pub(super) const MAX_BODY_BYTES: usize = 4 * 1024;
const HEAD_END: &[u8] = b"\r\n\r\n";
/// `$`, channel and length (RFC 2326, section 10.12).
const FRAME_HEAD: usize = 4;

/// What a client did.
#[derive(Debug)]
pub(super) enum Received {
    /// It asked for something.
    Request(Request<Vec<u8>>),
    /// It is alive: an interleaved frame (its receiver report, as a rule) or an answer.
    Alive,
    /// It closed the connection.
    Closed,
    /// It sent what cannot be understood; nothing after it can be trusted.
    Malformed {
        /// How to answer.
        status: StatusCode,
        /// The request's `CSeq`, when that much could be read.
        cseq: Option<u32>,
    },
}

/// Reads the requests of one connection.
#[derive(Debug)]
pub(super) struct Requests<R> {
    from: R,
    buffer: BytesMut,
    /// Bytes of an interleaved frame still to be thrown away.
    skip: usize,
}

impl<R: AsyncRead + Unpin> Requests<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            buffer: BytesMut::new(),
            skip: 0,
        }
    }

    /// A request has begun to arrive, but not all of it.
    pub(super) fn is_torn(&self) -> bool {
        !self.buffer.is_empty() || self.skip > 0
    }

    /// The next thing from the client. May be dropped and called again without losing anything.
    pub(super) async fn next(&mut self) -> Received {
        loop {
            match self.take() {
                Ok(Some(received)) => return received,
                Ok(None) => {}
                Err(status) => {
                    return Received::Malformed {
                        status,
                        cseq: cseq_of(&self.buffer),
                    };
                }
            }
            // Cancel-safe: bytes are in the buffer, or still in the socket.
            match self.from.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Received::Closed,
                Ok(_) => {}
            }
        }
    }

    /// Throws away what still arrives, up to a bound, so that closing does not reset the connection under the answer.
    pub(super) async fn drain(&mut self) {
        let mut left = 16 * MAX_HEAD_BYTES;
        while left > 0 {
            self.buffer.clear();
            match self.from.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => left = left.saturating_sub(count),
            }
        }
    }

    fn take(&mut self) -> Result<Option<Received>, StatusCode> {
        let skipped = self.skip.min(self.buffer.len());
        self.buffer.advance(skipped);
        self.skip -= skipped;
        // Empty lines before a request are to be ignored (RFC 2326, section 4.1).
        while self.skip == 0 && matches!(self.buffer.first(), Some(b'\r' | b'\n')) {
            self.buffer.advance(1);
        }
        match self.buffer.first() {
            Some(b'$') => Ok(self.frame()),
            Some(letter) if letter.is_ascii_uppercase() => self.message(),
            Some(_) => Err(StatusCode::BadRequest),
            None => Ok(None),
        }
    }

    fn frame(&mut self) -> Option<Received> {
        let [_, _, high, low] = *self.buffer.first_chunk::<FRAME_HEAD>()?;
        self.buffer.advance(FRAME_HEAD);
        self.skip = usize::from(u16::from_be_bytes([high, low]));
        Some(Received::Alive)
    }

    fn message(&mut self) -> Result<Option<Received>, StatusCode> {
        let head = self
            .buffer
            .get(..self.buffer.len().min(MAX_HEAD_BYTES))
            .unwrap_or_default();
        let Some(end) = head.windows(HEAD_END.len()).position(|bytes| bytes == HEAD_END) else {
            return if self.buffer.len() < MAX_HEAD_BYTES {
                Ok(None)
            } else {
                Err(StatusCode::BadRequest)
            };
        };
        let head = head.get(..end).unwrap_or_default();
        if head.iter().filter(|byte| **byte == b'\n').count() > MAX_HEADERS {
            return Err(StatusCode::BadRequest);
        }
        let body = match header(head, "content-length") {
            None => 0,
            Some(text) => text.parse::<usize>().map_err(|_| StatusCode::BadRequest)?,
        };
        if body > MAX_BODY_BYTES {
            return Err(StatusCode::RequestMessageBodyTooLarge);
        }
        let whole = end + HEAD_END.len() + body;
        let Some(bytes) = self.buffer.get(..whole) else {
            return Ok(None);
        };
        let received = match Message::<Vec<u8>>::parse(bytes) {
            Ok((Message::Request(request), used)) if used == whole => Received::Request(request),
            Ok((Message::Response(_) | Message::Data(_), _)) => Received::Alive,
            Ok(_) | Err(ParseError::Error | ParseError::Incomplete(_)) => return Err(StatusCode::BadRequest),
        };
        self.buffer.advance(whole);
        Ok(Some(received))
    }
}

/// The first header of that name, from the raw head of a message.
fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok());
    lines.find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn cseq_of(buffer: &[u8]) -> Option<u32> {
    header(buffer.get(..buffer.len().min(MAX_HEAD_BYTES))?, "cseq")?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn first(bytes: &[u8]) -> Received {
        Requests::new(bytes).next().await
    }

    #[tokio::test]
    async fn a_request_after_frames_and_empty_lines_is_found() {
        let mut requests =
            Requests::new(&b"$\x01\x00\x02ab\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"[..]);
        assert!(matches!(requests.next().await, Received::Alive));
        assert!(matches!(requests.next().await, Received::Request(_)));
        assert!(matches!(requests.next().await, Received::Closed));
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_without_reading_on() {
        let long = format!("OPTIONS * RTSP/1.0\r\nX: {}", "a".repeat(MAX_HEAD_BYTES));
        let many = format!("OPTIONS * RTSP/1.0\r\n{}\r\n", "X: a\r\n".repeat(MAX_HEADERS + 1));
        let body = format!(
            "OPTIONS * RTSP/1.0\r\nCSeq: 4\r\nContent-Length: {}\r\n\r\n",
            MAX_BODY_BYTES + 1
        );
        for (text, wanted) in [
            (&long, StatusCode::BadRequest),
            (&many, StatusCode::BadRequest),
            (&body, StatusCode::RequestMessageBodyTooLarge),
        ] {
            let received = first(text.as_bytes()).await;
            assert!(
                matches!(received, Received::Malformed { status, .. } if status == wanted),
                "{received:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_rtsp_is_malformed() {
        for text in [
            "\u{1}\u{2}",
            "get / http",
            "OPTIONS *\r\n\r\n",
            "OPTIONS * RTSP/1.0\r\nContent-Length: x\r\n\r\n",
        ] {
            let received = first(text.as_bytes()).await;
            assert!(
                matches!(received, Received::Malformed { .. }),
                "{text:?} {received:?}"
            );
        }
    }
}
