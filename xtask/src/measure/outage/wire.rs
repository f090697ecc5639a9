//! The wire between a host and its store, which can be cut and frozen.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::Result;

/// How often a connection looks how the wire is.
const LOOK: Duration = Duration::from_millis(50);
const CHUNK: usize = 64 << 10;

/// How the wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Whole,
    /// Connections stand, and nothing goes through.
    Frozen,
    /// Connections break, and new ones too.
    Cut,
}

/// A wire to one address; its threads end with this process.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) address: SocketAddr,
    state: Arc<AtomicU8>,
}

impl Wire {
    /// A whole one.
    ///
    /// # Errors
    /// When there is no address left.
    pub(super) fn to(store: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(AtomicU8::new(State::Whole as u8));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(client, store, &state));
            }
        });
        Ok(Self { address, state })
    }

    pub(super) fn set(&self, state: State) {
        self.state.store(state as u8, Ordering::SeqCst);
    }
}

fn is(state: &AtomicU8, wanted: State) -> bool {
    state.load(Ordering::SeqCst) == wanted as u8
}

/// Both directions; what breaks, breaks both.
fn serve(client: TcpStream, store: SocketAddr, state: &AtomicU8) {
    while is(state, State::Frozen) {
        std::thread::sleep(LOOK);
    }
    if is(state, State::Cut) {
        return;
    }
    let Ok(server) = TcpStream::connect(store) else {
        return;
    };
    std::thread::scope(|scope| {
        scope.spawn(|| carry(&client, &server, state));
        carry(&server, &client, state);
    });
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, state: &AtomicU8) {
    let mut chunk = vec![0; CHUNK];
    let timed = from.set_read_timeout(Some(LOOK)).is_ok();
    while timed && !is(state, State::Cut) {
        let read = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => break,
        };
        while is(state, State::Frozen) {
            std::thread::sleep(LOOK);
        }
        if is(state, State::Cut) || to.write_all(chunk.get(..read).unwrap_or_default()).is_err() {
            break;
        }
    }
    // They may be shut already.
    let _shut = from.shutdown(Shutdown::Both);
    let _shut = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_through_a_frozen_wire_and_a_cut_one_breaks() {
        let store = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let wire = Wire::to(store.local_addr().unwrap()).unwrap();
        let mut host = TcpStream::connect(wire.address).unwrap();
        let (mut there, _) = store.accept().unwrap();
        host.write_all(b"a").unwrap();
        let mut byte = [0; 1];
        there.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"a");
        wire.set(State::Frozen);
        host.write_all(b"b").unwrap();
        there.set_read_timeout(Some(4 * LOOK)).unwrap();
        assert!(there.read(&mut byte).is_err());
        wire.set(State::Whole);
        there.set_read_timeout(None).unwrap();
        there.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"b");
        wire.set(State::Cut);
        assert_eq!(host.read(&mut byte).unwrap_or(0), 0);
        let mut late = TcpStream::connect(wire.address).unwrap();
        assert_eq!(late.read(&mut byte).unwrap_or(0), 0);
    }
}
