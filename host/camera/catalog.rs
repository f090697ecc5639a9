//! Which files are served, and under which names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::CameraError;
use super::timeline::Program;
use crate::media::demux::MediaFile;

/// Files of one camera.
pub(super) const MAX_FILES: usize = 1024;
/// The folder of all streams in URLs.
const FOLDER: &str = "media";
/// What a track's URL adds to its stream's.
const TRACK: &str = "trackID=";

/// One file on offer.
#[derive(Debug)]
pub(super) struct Stream {
    /// Its file name.
    pub(super) name: String,
    pub(super) file: MediaFile,
    pub(super) program: Program,
}

/// All files on offer, by name.
#[derive(Debug)]
pub(super) struct Catalog {
    streams: Vec<Arc<Stream>>,
}

/// What a URL points at.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) stream: Arc<Stream>,
    /// The number of the track, when the URL names one.
    pub(super) track: Option<usize>,
    /// The stream's URL as the client wrote it, with a slash at its end.
    pub(super) base: String,
}

impl Catalog {
    /// Opens a file, or every playable file of a folder. Blocks: Matroska files are read whole.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, CameraError> {
        let mut streams: Vec<Arc<Stream>> = Vec::new();
        for path in paths {
            let opened = if path.is_dir() {
                folder(path)?
            } else {
                vec![stream(path)?]
            };
            for stream in opened {
                if streams.iter().any(|other| other.name == stream.name) {
                    return Err(CameraError::SameName { name: stream.name });
                }
                streams.push(Arc::new(stream));
            }
        }
        if streams.len() > MAX_FILES {
            return Err(CameraError::TooManyFiles { found: streams.len() });
        }
        Ok(Self { streams })
    }

    /// The names on offer, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.streams.iter().map(|stream| stream.name.as_str())
    }

    /// Finds what a request is about. The name counts with and without its extension; where two files differ in
    /// nothing else, the first one is meant.
    pub(super) fn find(&self, url: &Url) -> Option<Target> {
        let mut segments = url.path_segments()?.filter(|segment| !segment.is_empty());
        if segments.next()? != FOLDER {
            return None;
        }
        let written = segments.next()?;
        let name = percent_decode(written)?;
        let stem = |stream: &Stream| {
            Path::new(&stream.name)
                .file_stem()
                .is_some_and(|stem| stem == name.as_str())
        };
        let whole = self.streams.iter().find(|stream| stream.name == name);
        let stream = whole.or_else(|| self.streams.iter().find(|stream| stem(stream)))?;
        let track = match segments.next() {
            None => None,
            Some(track) => Some(track.strip_prefix(TRACK)?.parse().ok()?),
        };
        if segments.next().is_some() || track.is_some_and(|track| track >= stream.program.lines().len()) {
            return None;
        }
        let host = url.host_str()?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let base = format!("rtsp://{host}{port}/{FOLDER}/{written}/");
        Some(Target {
            stream: Arc::clone(stream),
            track,
            base,
        })
    }
}

/// The URL of a track below its stream's.
pub(super) fn control(track: usize) -> String {
    format!("{TRACK}{track}")
}

/// The path of a stream's URL.
pub(super) fn path_of(name: &str) -> String {
    let mut path = format!("/{FOLDER}/");
    for byte in name.bytes() {
        // Unreserved characters (RFC 3986, section 2.3) stand for themselves.
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

fn stream(path: &Path) -> Result<Stream, CameraError> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let file = MediaFile::open(path)?;
    let program = Program::new(&file);
    Ok(Stream { name, file, program })
}

fn folder(path: &Path) -> Result<Vec<Stream>, CameraError> {
    let io = |error| CameraError::Folder {
        path: path.to_owned(),
        error,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?.path();
        if entry.is_file() {
            files.push(entry);
        }
    }
    files.sort();
    let mut streams = Vec::new();
    for file in files {
        match stream(&file) {
            Ok(stream) => streams.push(stream),
            Err(error) => tracing::warn!(path = %file.display(), %error, "file left out"),
        }
    }
    if streams.is_empty() {
        return Err(CameraError::EmptyFolder {
            path: path.to_owned(),
        });
    }
    Ok(streams)
}

/// Undoes percent-encoding (RFC 3986, section 2.1); `None` for torn or non-UTF-8 text.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(if byte == b'%' {
            let mut digit = || u8::try_from(char::from(bytes.next()?).to_digit(16)?).ok();
            digit()? << 4 | digit()?
        } else {
            byte
        });
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_their_url() {
        for name in ["a.mp4", "Büro 2%.mkv", "a/b"] {
            let path = path_of(name);
            let url = Url::parse(&format!("rtsp://h{path}")).unwrap();
            let segment = url.path_segments().unwrap().nth(1).unwrap();
            assert_eq!(percent_decode(segment).as_deref(), Some(name));
        }
        for torn in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(percent_decode(torn), None, "{torn}");
        }
    }
}
