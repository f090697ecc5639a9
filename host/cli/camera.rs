//! `mediagraph camera`: serve recorded files as an RTSP camera.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Failure, Outcome};
use crate::camera::{Camera, CameraOptions, MAX_CLIENTS, Scheme, Users};

/// Bytes of a file of users.
const MAX_USERS_FILE_BYTES: u64 = 1 << 20;

/// Serve recorded files as an RTSP camera that never ends
///
/// Plays H.264 and AAC from MP4 and Matroska files in an endless loop at `rtsp://HOST:PORT/media/NAME`, NAME being the
/// file's name with or without its extension. Prints the address of each stream, one a line.
#[derive(Debug, clap::Args)]
pub struct CameraArgs {
    /// Files to serve; of a folder, every file that can be played
    #[arg(required = true, value_name = "FILE_OR_DIR")]
    paths: Vec<PathBuf>,

    /// Address to listen on; `0.0.0.0` lets other machines watch
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,

    /// TCP port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8554)]
    port: u16,

    /// User that may watch, as `NAME:PASSWORD`; may be repeated. Other users of this machine can see it in the
    /// list of processes: `--users-file` keeps it from them
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    users: Vec<String>,

    /// File with users that may watch, one `NAME:PASSWORD` a line
    #[arg(long, value_name = "FILE")]
    users_file: Option<PathBuf>,

    /// How users log in
    #[arg(long, value_enum, default_value_t = Auth::Digest)]
    auth: Auth,

    /// Play each file this many times, then end the stream, instead of for ever
    #[arg(long, value_name = "N")]
    loops: Option<NonZeroU64>,

    /// Record every access unit that is sent, with its SHA-256, as one line of JSON in this file
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,

    /// Clients at a time; more are answered 503
    #[arg(long, value_name = "N", default_value_t = MAX_CLIENTS)]
    max_clients: usize,

    /// Print the addresses as lines of JSON
    #[arg(long)]
    json: bool,
}

/// How users log in.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Auth {
    /// The password itself
    Basic,
    /// A hash of the password
    Digest,
}

/// Serves until `shutdown`.
pub async fn run(args: CameraArgs, shutdown: CancellationToken) -> Outcome {
    let options = CameraOptions {
        listen: SocketAddr::new(args.listen, args.port),
        users: users(&args.users, args.users_file.as_deref())?,
        auth: match args.auth {
            Auth::Basic => Scheme::Basic,
            Auth::Digest => Scheme::Digest,
        },
        loops: args.loops.map(NonZeroU64::get),
        ledger: args.ledger,
        max_clients: args.max_clients,
        ..CameraOptions::new(args.paths)
    };
    let camera = Camera::bind(options).await.map_err(Failure::failed)?;
    announce(&mut std::io::stdout().lock(), &camera.urls(), args.json).map_err(Failure::failed)?;
    camera.run(shutdown).await.map_err(Failure::failed)
}

fn announce(to: &mut impl Write, urls: &[String], json: bool) -> std::io::Result<()> {
    for url in urls {
        if json {
            writeln!(to, "{}", json!({ "url": url }))?;
        } else {
            writeln!(to, "{url}")?;
        }
    }
    to.flush()
}

fn users(given: &[String], file: Option<&Path>) -> Result<Users, Failure> {
    let mut users = Users::default();
    for (number, user) in given.iter().enumerate() {
        if !users.add(user) {
            // The text may be a password: it is not repeated.
            return Err(Failure::usage(format!(
                "`--user` number {} is not `NAME:PASSWORD`",
                number + 1
            )));
        }
    }
    let Some(path) = file else { return Ok(users) };
    for (number, line) in read_users(path)?.lines().enumerate() {
        if !line.is_empty() && !users.add(line) {
            let place = format!("`{}`, line {}", path.display(), number + 1);
            return Err(Failure::usage(format!("{place} is not `NAME:PASSWORD`")));
        }
    }
    if users.is_empty() {
        return Err(Failure::usage(format!("`{}` names no user", path.display())));
    }
    Ok(users)
}

fn read_users(path: &Path) -> Result<String, Failure> {
    let cannot =
        |error: &dyn std::fmt::Display| Failure::failed(format!("cannot read `{}`: {error}", path.display()));
    let bytes = std::fs::metadata(path).map_err(|error| cannot(&error))?.len();
    if bytes > MAX_USERS_FILE_BYTES {
        return Err(cannot(&format_args!(
            "{bytes} bytes, more than {MAX_USERS_FILE_BYTES}"
        )));
    }
    std::fs::read_to_string(path).map_err(|error| cannot(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_user_is_told_without_its_text() {
        let failure = users(&["secret".to_owned()], None).unwrap_err();
        assert_eq!(failure.message, "`--user` number 1 is not `NAME:PASSWORD`");
    }

    #[test]
    fn a_file_without_users_lets_nobody_in_by_accident() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(users(&[], Some(file.path())).is_err());
        std::fs::write(file.path(), "a:b\n\nc:d\n").unwrap();
        assert!(!users(&[], Some(file.path())).unwrap().is_empty());
    }

    #[test]
    fn addresses_are_lines_of_text_or_json() {
        let urls = ["rtsp://h/media/a.mp4".to_owned()];
        for (json, wanted) in [
            (false, "rtsp://h/media/a.mp4\n"),
            (true, "{\"url\":\"rtsp://h/media/a.mp4\"}\n"),
        ] {
            let mut text = Vec::new();
            announce(&mut text, &urls, json).unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), wanted);
        }
    }
}
