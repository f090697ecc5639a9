//! What a replay is given in the place of cameras and messages.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::asset_folder;
use crate::cli::Failure;
use crate::cli::failure::Code;
use crate::media::MediaTime;
use crate::nodes::sources::replay::asset::AssetFeed;
use crate::nodes::sources::replay::clip::ClipFeed;
use crate::nodes::sources::replay::messages::{self, ReplayMessage};
use crate::nodes::sources::replay::{Feed, FeedError};
use crate::nodes::{Config, Graph};
use crate::recording::asset::name::check_asset;
use crate::text::spelled;

/// Recordings by the names of their sources, as they were written.
pub(super) type Named = BTreeMap<String, String>;

/// What was opened.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) feeds: BTreeMap<String, Box<dyn Feed>>,
    pub(super) messages: Vec<ReplayMessage>,
}

impl Inputs {
    /// The first moment of all recordings.
    pub(super) fn start(&self) -> MediaTime {
        let starts = self.feeds.values().map(|feed| feed.start());
        starts.min().unwrap_or(MediaTime::MIN)
    }
}

/// Everything that keeps a graph from being replayed: told at once.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<(Code, String)>);

impl Mistakes {
    pub(super) fn add(&mut self, code: Code, message: impl Display) {
        self.0.push((code, message.to_string()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of several exit codes, that of the topology, then that of the command line.
    pub(super) fn into_failure(self) -> Failure {
        let rank = |code: &Code| *code as u8;
        let code = self.0.iter().map(|(code, _)| *code).max_by_key(rank);
        let several = self.0.len() > 1;
        let line = |(_, message): (Code, String)| {
            if several {
                format!("error: {message}")
            } else {
                message
            }
        };
        let lines: Vec<String> = self.0.into_iter().map(line).collect();
        Failure {
            code: code.unwrap_or(Code::Failed),
            message: lines.join("\n"),
        }
    }
}

/// Reads `SOURCE=CLIP`, all of them.
///
/// # Errors
/// All that are none, or come twice.
pub(super) fn parse(given: &[String]) -> Result<Named, Failure> {
    let (mut named, mut mistakes) = (Named::new(), Mistakes::default());
    for pair in given {
        let written = spelled(pair);
        match pair.split_once('=') {
            Some((source, clip)) if !source.is_empty() && !clip.is_empty() => {
                if named.insert(source.to_owned(), clip.to_owned()).is_some() {
                    let message = format!("the source `{}` is given two recordings", spelled(source));
                    mistakes.add(Code::Usage, message);
                }
            }
            _ => mistakes.add(
                Code::Usage,
                format!("`--input {written}` is no recording for a source\nhint: write `--input SOURCE=CLIP`, such as `--input camera=yard.mp4`"),
            ),
        }
    }
    if mistakes.is_empty() {
        Ok(named)
    } else {
        Err(mistakes.into_failure())
    }
}

/// Opens everything, and notes all that is wrong. Blocks.
pub(super) fn open(
    graph: &Graph,
    named: &Named,
    state: &Path,
    start: Timestamp,
    messages: Option<&Path>,
) -> (Inputs, Mistakes) {
    let (mut inputs, mut mistakes) = (Inputs::default(), Mistakes::default());
    let cameras: Vec<&str> = graph
        .nodes
        .iter()
        .filter(|node| matches!(node.config, Config::RtspSource(_)))
        .map(|node| node.name.as_str())
        .collect();
    for source in named.keys().filter(|source| !cameras.contains(&source.as_str())) {
        mistakes.add(Code::Usage, unknown(source, &cameras));
    }
    for camera in cameras {
        let Some(clip) = named.get(camera) else {
            let hint = format!("hint: `--input {camera}=CLIP`");
            let message = format!("the source `{camera}` is given no recording\n{hint}");
            mistakes.add(Code::Usage, message);
            continue;
        };
        match feed(clip, state, start) {
            Ok(feed) => drop(inputs.feeds.insert(camera.to_owned(), feed)),
            Err(error) => mistakes.add(Code::Failed, error),
        }
    }
    match messages.map(read_messages).transpose() {
        Ok(read) => inputs.messages = read.unwrap_or_default(),
        Err(error) => mistakes.add(Code::Failed, error),
    }
    (inputs, mistakes)
}

fn unknown(source: &str, cameras: &[&str]) -> String {
    let cameras: Vec<String> = cameras.iter().map(|camera| format!("`{camera}`")).collect();
    format!(
        "the topology has no camera `{}`\nhint: it has {}",
        spelled(source),
        if cameras.is_empty() {
            "none".to_owned()
        } else {
            cameras.join(", ")
        }
    )
}

fn feed(clip: &str, state: &Path, start: Timestamp) -> Result<Box<dyn Feed>, String> {
    let path = PathBuf::from(clip);
    let opened = if path.is_dir() {
        asset(&path)
    } else if path.exists() {
        let start = MediaTime::from_timestamp(start);
        ClipFeed::open(&path, start).map(|feed| Box::new(feed) as _)
    } else if let Some(folder) = check_asset(clip).ok().and_then(|()| asset_folder(state, clip)) {
        asset(&folder)
    } else {
        return Err(format!(
            "there is no file, folder or asset `{}`\n\
             hint: assets are looked for by name in `{}`; another place: `--state-dir DIR`",
            spelled(clip),
            state.join("assets").display()
        ));
    };
    opened.map_err(|error| error.to_string())
}

fn asset(folder: &Path) -> Result<Box<dyn Feed>, FeedError> {
    AssetFeed::open(folder).map(|feed| Box::new(feed) as _)
}

fn read_messages(path: &Path) -> Result<Vec<ReplayMessage>, String> {
    let file = File::open(path)
        .map_err(|error| format!("cannot read the messages `{}`: {error}", path.display()))?;
    messages::read(BufReader::new(file))
        .map_err(|error| format!("the messages in `{}`, {error}", path.display()))
}
