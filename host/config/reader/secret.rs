//! Secrets: the configuration only says where each stands, in a file or in the environment.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::{Item, Reader, is_plain};
use crate::topology::diagnostics::shown;
use crate::topology::{Code, Secret};

/// Bytes of a file with a secret in it.
const MAX_SECRET_BYTES: u64 = 64 << 10;

impl Reader<'_> {
    /// What a reference to a secret names. A secret that stands in the file itself is refused and not repeated.
    pub(in crate::config) fn secret(&mut self, item: &Item<'_>) -> Option<Secret> {
        let refer = "write `\"${file:/run/secrets/NAME}\"` or `\"${env:NAME}\"`, and keep the secret there";
        let reference = item.value.get_ref().as_str().and_then(reference);
        let Some((kind, name)) = reference else {
            let message = format!("{} must not hold the secret itself", shown(&item.key));
            self.mistake(item, Code::PropertyValueInvalid, message, Some(refer));
            return None;
        };
        let found = match kind {
            "file" => from_file(Path::new(name)),
            _ => (self.environment)(name).ok_or_else(|| format!("the environment has no {}", shown(name))),
        };
        let found = found.and_then(|text| match text.trim_end_matches(['\r', '\n']) {
            "" => Err(format!("{} is empty", shown(name))),
            text if text.chars().any(char::is_control) => Err(format!(
                "{} holds more than one line, or control characters",
                shown(name)
            )),
            text => Ok(Secret::new(text)),
        });
        match found {
            Ok(secret) => Some(secret),
            Err(why) => {
                let message = format!("the secret of {} is not there: {why}", shown(&item.key));
                let hint = "the user that runs mediagraph must be able to read it";
                self.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
                None
            }
        }
    }
}

/// `${file:PATH}` or `${env:NAME}`.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (kind, name) = text.strip_prefix("${")?.strip_suffix('}')?.split_once(':')?;
    let sound = match kind {
        "file" => is_plain(Path::new(name)),
        "env" => {
            !name.is_empty()
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        }
        _ => false,
    };
    sound.then_some((kind, name))
}

fn from_file(path: &Path) -> Result<String, String> {
    let failed =
        |error: std::io::Error| format!("{} cannot be read: {error}", shown(&path.display().to_string()));
    // Asked before opening: a named pipe would be waited for.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("{} is not a file", shown(&path.display().to_string())));
    }
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_SECRET_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(format!(
            "{} has more than {MAX_SECRET_BYTES} bytes",
            shown(&path.display().to_string())
        ));
    }
    Ok(text)
}
