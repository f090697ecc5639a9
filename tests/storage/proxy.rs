//! A network between host and store that behaves as a test wants, and counts what goes through.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often a frozen connection looks whether it may go on.
const POLL: Duration = Duration::from_millis(20);

/// How finely a slow network is slow.
const PAUSES_A_SECOND: usize = 20;

/// What happens to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They go through.
    Pass,
    /// They are taken in and never answered.
    Freeze,
    /// The connection breaks in the middle of the request.
    Cut,
    /// The store does what is asked, and the answer is lost.
    Lose,
    /// They go through at so many bytes a second, each way.
    Slow(usize),
    /// The store seems to answer this, and that it wants to be left alone for so many seconds.
    Answer(u16, Option<u32>),
}

impl Mode {
    /// How many bytes go through before the next pause.
    fn at_a_time(self) -> usize {
        match self {
            Self::Slow(rate) => (rate / PAUSES_A_SECOND).max(1),
            _ => usize::MAX,
        }
    }

    fn pause(self) {
        if matches!(self, Self::Slow(_)) {
            std::thread::sleep(Duration::from_secs(1) / PAUSES_A_SECOND as u32);
        }
    }
}

/// One request that was let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// The last part of the path.
    pub(crate) name: String,
    pub(crate) status: u16,
}

#[derive(Debug)]
struct Shared {
    mode: Mutex<Mode>,
    seen: Mutex<Vec<Seen>>,
    to: SocketAddr,
}

#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    pub(crate) fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            mode: Mutex::new(Mode::Pass),
            seen: Mutex::default(),
            to,
        });
        let serving = Arc::clone(&shared);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || drop(serve(client, &shared)));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap() = mode;
    }

    /// What was answered with these endings of names since the last call that forgot.
    pub(crate) fn puts(&self, ending: &str) -> Vec<Seen> {
        let seen = self.shared.seen.lock().unwrap();
        let put = |seen: &&Seen| seen.method == "PUT" && seen.name.ends_with(ending);
        seen.iter().filter(put).cloned().collect()
    }

    pub(crate) fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }
}

/// One request for each connection: framing answers is not what is tested here.
fn serve(mut client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (head, rest) = head(&mut client)?;
    let length = header(&head, "content-length")
        .and_then(|value| value.parse().ok())
        .unwrap_or(0_usize);
    let mode = *shared.mode.lock().unwrap();
    if mode == Mode::Cut {
        let mut half = vec![0; length / 2];
        client.read_exact(&mut half[rest.len().min(length / 2)..])?;
        return client.shutdown(Shutdown::Both);
    }
    let mut body = rest;
    while body.len() < length {
        let have = body.len();
        let part = mode.at_a_time().min(length - have);
        body.resize(have + part, 0);
        client.read_exact(&mut body[have..])?;
        mode.pause();
    }
    match mode {
        Mode::Freeze => {
            while *shared.mode.lock().unwrap() == Mode::Freeze {
                std::thread::sleep(POLL);
            }
            return client.shutdown(Shutdown::Both);
        }
        Mode::Answer(status, wish) => {
            let wish = wish.map_or_else(String::new, |wish| format!("retry-after: {wish}\r\n"));
            let answer =
                format!("HTTP/1.1 {status} No\r\n{wish}connection: close\r\ncontent-length: 0\r\n\r\n");
            return client.write_all(answer.as_bytes());
        }
        Mode::Pass | Mode::Slow(_) | Mode::Lose | Mode::Cut => {}
    }
    let mut server = TcpStream::connect(shared.to)?;
    let (first, others) = head.split_once("\r\n").unwrap();
    server.write_all(format!("{first}\r\nconnection: close\r\n{others}").as_bytes())?;
    server.write_all(&body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    shared.seen.lock().unwrap().push(seen(&head, &answer));
    if mode != Mode::Lose {
        for part in answer.chunks(mode.at_a_time()) {
            client.write_all(part)?;
            mode.pause();
        }
    }
    client.shutdown(Shutdown::Both)
}

fn head(client: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    let mut chunk = [0; 16 << 10];
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&read).into_owned(), rest));
        }
        match client.read(&mut chunk)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => read.extend_from_slice(&chunk[..count]),
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn seen(head: &str, answer: &[u8]) -> Seen {
    let mut words = head.split(' ');
    let method = words.next().unwrap().to_owned();
    let path = words.next().unwrap().split('?').next().unwrap();
    let status = String::from_utf8_lossy(answer.get(9..12).unwrap_or(b"0"))
        .parse()
        .unwrap_or(0);
    Seen {
        method,
        name: path.rsplit('/').next().unwrap().to_owned(),
        status,
    }
}
