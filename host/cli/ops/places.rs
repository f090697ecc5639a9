//! Where the topologies of a file of operations come from: a file beside it, a folder of the person, or, if they allow
//! it, the network.
//!
//! Invariant: what comes over the network comes over https, or from this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use reqwest::redirect::Policy;
use serde_json::{Map, Value};
use url::Host;

use super::super::client::tls::{self, Trust};
use super::super::load;
use super::super::table::{clean, clean_lines};
use super::file::Mistake;
use crate::topology::limits::MAX_DOCUMENT_BYTES;

/// How long a topology may take to come.
const FETCH_LIMIT: Duration = Duration::from_secs(30);
/// The name that every topology of Live Video Analytics' collection has: alone, it names none.
const USUAL_NAME: &str = "topology.json";

/// Where to look.
#[derive(Debug)]
pub(super) struct Places<'a> {
    /// Folders that stand for the network.
    pub(super) folders: &'a [PathBuf],
    /// Whether the network may be asked.
    pub(super) fetch: bool,
}

impl Places<'_> {
    /// The topology that an operation names, with where it was found; none when it names none.
    pub(super) async fn named(
        &self,
        params: &Map<String, Value>,
        folder: &Path,
    ) -> Result<Option<(String, Vec<u8>)>, Mistake> {
        let text = |name: &str| params.get(name).and_then(Value::as_str);
        match (text("topologyFile"), text("topologyUrl")) {
            (Some(file), None) => read(&folder.join(file)).map(Some),
            (None, Some(url)) => self.at(url, folder).await.map(Some),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Mistake::new(
                "the operation has both `topologyUrl` and `topologyFile`",
            )),
        }
    }

    async fn at(&self, text: &str, folder: &Path) -> Result<(String, Vec<u8>), Mistake> {
        let shown = clean(text);
        let Ok(url) = Url::parse(text) else {
            // No address at all: who wrote it means a file.
            return read(&folder.join(text));
        };
        match url.scheme() {
            "file" => {
                let path = url.to_file_path().map_err(|()| {
                    Mistake::new(format!("`{shown}` is no file of this machine"))
                        .hint("an address of a file is `file:///` and the path")
                })?;
                return read(&path);
            }
            "https" | "http" => {}
            _ => {
                let message = format!("`topologyUrl` is no address of the web: `{shown}`");
                return Err(Mistake::new(message).hint("a file is named with `topologyFile`"));
            }
        }
        if let Some(path) = self.folders.iter().find_map(|folder| beneath(folder, &url)) {
            return read(&path);
        }
        if !self.fetch {
            return Err(Mistake::new(format!("the topology at `{shown}` is not here")).hint(
                "`--topologies DIR` names a folder that has it, `--fetch` allows to fetch it from the network",
            ));
        }
        if url.scheme() != "https" && !is_here(&url) {
            return Err(Mistake::new(format!("`{shown}` is not fetched: it is not https")));
        }
        let bytes = fetch(url).await.map_err(|why| {
            Mistake::new(format!("cannot fetch `{shown}`: {}", clean_lines(&why)))
                .hint("save it as a file, and name its folder with `--topologies DIR`")
        })?;
        Ok((shown, bytes))
    }
}

/// Whether a server runs on this machine, where nobody is in between.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The file below `folder` whose path ends as the URL's does; the longest such path.
fn beneath(folder: &Path, url: &Url) -> Option<PathBuf> {
    let segments: Vec<&str> = url
        .path_segments()?
        .filter(|segment| !segment.is_empty())
        .collect();
    // A segment is a name, never a way out of the folder.
    let odd = |segment: &&str| matches!(*segment, "." | "..") || segment.contains(['%', '\\', '\0']);
    if segments.iter().any(odd) {
        return None;
    }
    (0..segments.len())
        .filter_map(|start| segments.get(start..))
        .filter(|tail| *tail != [USUAL_NAME])
        .map(|tail| {
            tail.iter()
                .fold(folder.to_owned(), |path, segment| path.join(segment))
        })
        .find(|path| path.is_file())
}

fn read(path: &Path) -> Result<(String, Vec<u8>), Mistake> {
    let bytes = load::bytes(path).map_err(|failure| Mistake::new(failure.message))?;
    Ok((path.display().to_string(), bytes))
}

async fn fetch(url: Url) -> Result<Vec<u8>, String> {
    let why = |error: reqwest::Error| causes(&error);
    let tls = tls::config(Trust::System).map_err(|failure| failure.message)?;
    let plain = url.scheme() == "http";
    // Nothing leads from https, or from this machine, to http elsewhere.
    let redirect = if plain { Policy::none() } else { Policy::default() };
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(!plain)
        .redirect(redirect)
        .timeout(FETCH_LIMIT)
        .build()
        .map_err(why)?;
    let mut response = client.get(url).send().await.map_err(why)?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(why)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(format!("it has more than {MAX_DOCUMENT_BYTES} bytes"));
        }
    }
    Ok(bytes)
}

/// The innermost cause says most.
fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_address_is_looked_for_below_the_folder_and_never_outside() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("motion-detection/2.0");
        std::fs::create_dir_all(&inner).unwrap();
        for path in [
            inner.join(USUAL_NAME),
            folder.path().join(USUAL_NAME),
            folder.path().join("x.json"),
        ] {
            std::fs::write(path, "{}").unwrap();
        }
        let find = |url: &str| beneath(folder.path(), &Url::parse(url).unwrap());
        assert_eq!(
            find("https://h/a/master/motion-detection/2.0/topology.json"),
            Some(inner.join(USUAL_NAME))
        );
        assert_eq!(find("https://h/a/x.json"), Some(folder.path().join("x.json")));
        // It would be any topology.
        assert_eq!(find("https://h/other/topology.json"), None);
        let below = folder.path().join("motion-detection");
        for url in [
            "https://h/..%2fx.json",
            "https://h/%2e%2e/x.json",
            "https://h/a%00b",
        ] {
            assert_eq!(beneath(&below, &Url::parse(url).unwrap()), None, "{url}");
        }
    }
}
