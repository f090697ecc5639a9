//! A client for bodies of any size: what comes is counted, and handed on or thrown away.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;
/// Bytes of a line in the head of an answer.
const MAX_LINE: u64 = 16 << 10;
/// Bytes of what is not large.
const MAX_BYTES: u64 = 64 << 20;

/// The head of an answer, and its body to come.
#[derive(Debug)]
pub(super) struct Answer {
    target: String,
    /// None: it ends with the connection.
    pub(super) length: Option<u64>,
    body: BufReader<TcpStream>,
}

/// Asks for something, or for a range of its bytes.
///
/// # Errors
/// When the status is no success.
pub(super) fn ask(address: SocketAddr, target: &str, range: Option<Range<u64>>) -> Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE))?;
    let mut head = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    if let Some(range) = range {
        head.push_str(&format!(
            "Range: bytes={}-{}\r\n",
            range.start,
            range.end.saturating_sub(1)
        ));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = Answer {
        target: target.to_owned(),
        length: None,
        body: BufReader::with_capacity(CHUNK, stream),
    };
    answer.read_head()?;
    Ok(answer)
}

/// All of something that is not large.
///
/// # Errors
/// As [`ask`], or when it is large.
pub(super) fn bytes(address: SocketAddr, target: &str) -> Result<Vec<u8>> {
    let answer = ask(address, target, None)?;
    let length = answer.length.unwrap_or(0);
    if length > MAX_BYTES {
        bail!("GET {target}: {length} bytes are more than {MAX_BYTES}");
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length)?);
    answer.read(|some| {
        bytes.extend_from_slice(some);
        (bytes.len() as u64) < MAX_BYTES
    })?;
    Ok(bytes)
}

/// The same, of text.
///
/// # Errors
/// As [`bytes`], or when it is no text.
pub(super) fn text(address: SocketAddr, target: &str) -> Result<String> {
    String::from_utf8(bytes(address, target)?).with_context(|| format!("GET {target} gave no text"))
}

impl Answer {
    fn read_head(&mut self) -> Result<()> {
        let status = self.line()?;
        if !matches!(status.split(' ').nth(1), Some("200" | "206")) {
            let mut said = String::new();
            let _rest = (&mut self.body).take(MAX_LINE).read_to_string(&mut said);
            bail!("GET {}: {status}\n{said}", self.target);
        }
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                return Ok(());
            };
            if name.eq_ignore_ascii_case("content-length") {
                self.length = Some(value.trim().parse()?);
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        (&mut self.body).take(MAX_LINE).read_line(&mut line)?;
        if line.is_empty() {
            bail!("GET {}: the connection was closed", self.target);
        }
        Ok(line.trim_end().to_owned())
    }

    /// Hands on what comes, as long as more is wanted; gives how many bytes came.
    ///
    /// # Errors
    /// When it breaks off.
    pub(super) fn read(mut self, mut take: impl FnMut(&[u8]) -> bool) -> Result<u64> {
        let mut came = 0;
        while self.length.is_none_or(|length| came < length) {
            let some = self.body.fill_buf()?;
            if some.is_empty() {
                break;
            }
            let (count, more) = (some.len(), take(some));
            self.body.consume(count);
            came += count as u64;
            if !more {
                return Ok(came);
            }
        }
        match self.length {
            Some(length) if length != came => bail!("GET {}: {came} of {length} bytes came", self.target),
            _ => Ok(came),
        }
    }

    /// Throws all of it away; gives how many bytes came.
    ///
    /// # Errors
    /// As [`Answer::read`].
    pub(super) fn drain(self) -> Result<u64> {
        self.read(|_| true)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    /// A server that gives one answer.
    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut input = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while input.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            (&stream).write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn a_body_has_the_length_that_was_said() {
        let address = answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
        assert_eq!(text(address, "/x").unwrap(), "abc");
        let address = answering("HTTP/1.1 206 Partial Content\r\ncontent-length: 4\r\n\r\nabc");
        let error = ask(address, "/x", Some(0..4)).unwrap().drain().unwrap_err();
        assert_eq!(error.to_string(), "GET /x: 3 of 4 bytes came");
    }

    #[test]
    fn what_has_no_length_ends_with_the_connection_and_a_refusal_says_why() {
        let address = answering("HTTP/1.1 200 OK\r\n\r\nabcd");
        assert_eq!(ask(address, "/live", None).unwrap().drain().unwrap(), 4);
        let address = answering("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nwhere");
        let error = text(address, "/x").unwrap_err().to_string();
        assert!(error.contains("404") && error.contains("where"), "{error}");
    }
}
