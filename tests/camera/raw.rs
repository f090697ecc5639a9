//! A client without any manners: bytes in, bytes out.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// After which an answer counts as missing.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) fn connect(address: &str) -> Self {
        let tcp = TcpStream::connect(address).unwrap();
        tcp.set_read_timeout(Some(LIMIT)).unwrap();
        Self(tcp)
    }

    /// Sends; a camera that has hung up already is as good an answer as any.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// No more will be sent.
    pub(crate) fn finish(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }

    /// One answer: its status and its text; interleaved frames before it are skipped. `None` when the camera hung up.
    pub(crate) fn answer(&mut self) -> Option<(u16, String)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = self.byte()?;
            if head.is_empty() && byte == b'$' {
                self.frame()?;
                continue;
            }
            head.push(byte);
        }
        let mut text = String::from_utf8(head).unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let length = value(&text, "Content-Length").map_or(0, |length| length.parse().unwrap());
        for _ in 0..length {
            text.push(char::from(self.byte()?));
        }
        Some((status, text))
    }

    /// What follows `$` of an interleaved frame: channel and packet.
    pub(crate) fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let channel = self.byte()?;
        let length = u16::from_be_bytes([self.byte()?, self.byte()?]);
        let mut packet = vec![0; usize::from(length)];
        self.0.read_exact(&mut packet).ok()?;
        Some((channel, packet))
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        match self.0.read_exact(&mut byte) {
            Ok(()) => Some(byte[0]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) => {
                panic!("no answer in {LIMIT:?}")
            }
            Err(_) => None,
        }
    }

    pub(crate) fn ask(&mut self, method: &str, url: &str, headers: &str) -> (u16, String) {
        self.send(format!("{method} {url} RTSP/1.0\r\nCSeq: 7\r\n{headers}\r\n").as_bytes());
        self.answer().expect("the camera hung up")
    }
}

/// A header of an answer.
pub(crate) fn value<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = answer.split_once(&format!("\r\n{name}: "))?;
    rest.split("\r\n").next()
}
