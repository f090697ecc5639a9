//! What a component said of a clip, as a file that is kept beside it: JSON with one moment a line, so that a change reads
//! well in a version control system.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::component;
use crate::cli::failure::Failure;
use crate::extension::World;

/// Moments of which something is said.
const MAX_MOMENTS: usize = 200_000;
/// Bytes of such a file.
const MAX_BYTES: usize = 256 << 20;

/// What was said.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Golden {
    /// What the component is.
    pub(super) world: String,
    /// How many frames it was shown, or how many causes it was told.
    pub(super) shown: u64,
    /// Where the clip ends.
    pub(super) seconds: f64,
    /// One object for each moment of which it said something: when, and what.
    pub(super) said: Vec<Value>,
}

impl Golden {
    pub(super) fn new(world: World) -> Self {
        Self {
            world: world.to_string(),
            shown: 0,
            seconds: 0.0,
            said: Vec::new(),
        }
    }

    /// Takes down what was said at a moment.
    ///
    /// # Errors
    /// When that is too much.
    pub(super) fn add(&mut self, seconds: f64, mut said: Value) -> Result<(), Failure> {
        if self.said.len() >= MAX_MOMENTS {
            return Err(Failure::failed(format!(
                "the component says something of more than {MAX_MOMENTS} moments\nhint: use a shorter clip"
            )));
        }
        insert(&mut said, "seconds", rounded(seconds).into());
        self.said.push(said);
        Ok(())
    }

    /// For people, in half a line.
    pub(super) fn summary(&self) -> String {
        let what = if self.world == "detector" {
            "frames"
        } else {
            "causes"
        };
        format!("{} {what}, something said of {}", self.shown, self.said.len())
    }

    /// As the file holds it.
    ///
    /// # Errors
    /// Never, with what components can say.
    pub(super) fn text(&self) -> Result<String, Failure> {
        let lines: Result<Vec<String>, _> = self.said.iter().map(serde_json::to_string).collect();
        let lines = lines.map_err(Failure::failed)?;
        let said = match lines.as_slice() {
            [] => "[]".to_owned(),
            lines => format!("[\n    {}\n  ]", lines.join(",\n    ")),
        };
        Ok(format!(
            "{{\n  \"world\": \"{}\",\n  \"shown\": {},\n  \"seconds\": {},\n  \"said\": {said}\n}}\n",
            self.world,
            self.shown,
            rounded(self.seconds)
        ))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is not there, or holds something else.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = read(path)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::failed(format!(
                "`{}` does not say what to expect: {error}\nhint: `--update` writes it",
                path.display()
            ))
        })
    }

    /// Writes a file, unless it holds the same already. Gives whether it was written.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn write(&self, path: &Path) -> Result<bool, Failure> {
        let text = self.text()?;
        if std::fs::read(path).is_ok_and(|before| before == text.as_bytes()) {
            return Ok(false);
        }
        std::fs::write(path, text)
            .map_err(|error| Failure::failed(format!("cannot write `{}`: {error}", path.display())))?;
        Ok(true)
    }
}

/// Milliseconds, in seconds.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

/// Puts a member into an object.
pub(super) fn insert(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// Reads a file of this kind.
///
/// # Errors
/// When it is not there, or too large.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let bytes = component::read(path, MAX_BYTES).map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "\nhint: `--update` writes what `--expect` names",
            _ => "",
        };
        Failure::failed(format!("cannot read `{shown}`: {error}{hint}"))
    })?;
    if bytes.len() > MAX_BYTES {
        return Err(Failure::failed(format!(
            "`{shown}` has more than {MAX_BYTES} bytes"
        )));
    }
    Ok(bytes)
}
