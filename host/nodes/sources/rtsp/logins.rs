//! How cameras have asked for passwords: who has once taken a password hashed (Digest) is never given it in the clear
//! (Basic) afterwards. Whoever asks for that is either somebody else at that address, or was told to by somebody.
//!
//! Invariants: what is known holds for the life of the process, for all graphs, and only grows; a login is looked at
//! before its first byte goes out. The first login of all is believed: nothing is known then.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::error::CameraError;

/// So many cameras are remembered: more than one host can talk to.
const MAX_ENDPOINTS: usize = 1 << 16;
/// The longest head of a request; retina's have less than 2 KB.
const MAX_REQUEST_BYTES: usize = 64 << 10;

/// Host and port of the cameras that took a hashed password.
static HASHED: Mutex<BTreeSet<(String, u16)>> = Mutex::new(BTreeSet::new());

/// Looks at the requests of one connection to a camera that go out in the clear.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    camera: (String, u16),
    /// A request that is not yet whole.
    unfinished: Vec<u8>,
    refused: Arc<OnceLock<()>>,
}

impl Watch {
    /// Over the camera at this host and port.
    pub(super) fn new(host: &str, port: u16) -> Self {
        Self {
            camera: (host.to_ascii_lowercase(), port),
            unfinished: Vec::new(),
            refused: Arc::default(),
        }
    }

    /// Takes what is to be sent; gives the whole requests of it.
    ///
    /// # Errors
    /// When one must not go out. Nothing of it may be sent then, nor of what follows.
    pub(super) fn admit(&mut self, said: &[u8]) -> io::Result<Vec<u8>> {
        self.unfinished.extend_from_slice(said);
        let whole = self.unfinished.windows(4).rposition(|end| end == b"\r\n\r\n");
        let Some(end) = whole.map(|at| at + 4) else {
            if self.unfinished.len() > MAX_REQUEST_BYTES {
                return Err(io::Error::other("a request is too long"));
            }
            return Ok(Vec::new());
        };
        let requests: Vec<u8> = self.unfinished.drain(..end).collect();
        for scheme in String::from_utf8_lossy(&requests).lines().filter_map(scheme_of) {
            self.check(&scheme)?;
        }
        Ok(requests)
    }

    fn check(&self, scheme: &str) -> io::Result<()> {
        let mut hashed = HASHED.lock().unwrap_or_else(PoisonError::into_inner);
        if scheme == "digest" {
            if hashed.len() < MAX_ENDPOINTS {
                hashed.insert(self.camera.clone());
            }
            return Ok(());
        }
        if hashed.contains(&self.camera) {
            let _ = self.refused.set(());
            return Err(io::Error::other("a login in the clear after a hashed one"));
        }
        Ok(())
    }

    /// What ended the conversation: where this did, others saw only a connection that was closed.
    pub(super) fn told(&self, error: CameraError) -> CameraError {
        self.refusal().unwrap_or(error)
    }

    /// Why the connection was closed, if that was done here.
    fn refusal(&self) -> Option<CameraError> {
        self.refused.get()?;
        let (host, port) = &self.camera;
        Some(CameraError::Downgrade(format!(
            "the camera at `{host}:{port}` asks for the password in the clear (Basic), and has taken it hashed (Digest) since \
             this host was started; the password was not sent\n\
             hint: find out who changed the camera or answers in its place, then set it to Digest or use TLS (`rtsps`); if \
             Basic is meant, restart this host"
        )))
    }
}

/// The scheme of a login, in small letters, if this line of a request is one.
fn scheme_of(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    let is_login = name.trim().eq_ignore_ascii_case("authorization");
    let scheme = value.split_whitespace().next().unwrap_or_default();
    is_login.then(|| scheme.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(login: &str) -> Vec<u8> {
        format!("DESCRIBE rtsp://x/ RTSP/1.0\r\nCSeq: 2\r\nAuthorization: {login}\r\n\r\n").into_bytes()
    }

    #[test]
    fn a_login_in_the_clear_is_held_back_once_a_hashed_one_was_given_however_it_is_cut_up() {
        let mut watch = Watch::new("Cam.example", 554);
        let basic = request("Basic Y2FuYXJ5");
        assert_eq!(watch.admit(&basic).unwrap(), basic, "nothing is known yet");
        let digest = request("Digest username=\"u\"");
        assert_eq!(watch.admit(&digest).unwrap(), digest);
        for other in [Watch::new("cam.example", 555), Watch::new("cam2.example", 554)] {
            assert_eq!(other.clone().admit(&basic).unwrap(), basic, "another camera");
        }
        for size in 1..basic.len() {
            let mut watch = Watch::new("cam.EXAMPLE", 554);
            let (mut sent, mut refused) = (Vec::new(), false);
            for part in basic.chunks(size) {
                match watch.admit(part) {
                    Ok(bytes) => sent.extend(bytes),
                    Err(_) => refused = true,
                }
            }
            assert!(refused && sent.is_empty(), "in parts of {size}");
            let error = watch.refusal().unwrap();
            assert_eq!(
                (error.code().as_str(), error.protocol()),
                ("loginDowngraded", "rtsp")
            );
            assert!(error.to_string().contains("`cam.example:554`"), "{error}");
        }
    }

    #[test]
    fn requests_without_a_login_go_through_and_endless_ones_do_not() {
        let mut watch = Watch::new("plain.example", 554);
        let two = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\nOPT";
        assert_eq!(watch.admit(two).unwrap(), &two[..two.len() - 3]);
        assert!(watch.refusal().is_none());
        assert!(watch.admit(&vec![b'x'; MAX_REQUEST_BYTES]).is_err());
    }
}
