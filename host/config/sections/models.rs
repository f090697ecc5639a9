//! Of the models: which have a name on this host.

use crate::config::reader::{Item, Reader, Section};
use crate::inference::ModelsOptions;
use crate::inference::limits::MAX_NAMES;
use crate::inference::onnxruntime::{Asked, OFF, USUAL};
use crate::topology::Code;
use crate::topology::diagnostics::shown;

/// Letters of a name.
const MAX_NAME: usize = 128;

pub(super) fn models<'t>(reader: &mut Reader<'t>, mut section: Section<'t>, config: &mut ModelsOptions) {
    section.set(reader, "onnxruntime", &mut config.onnxruntime, library);
    section.table(reader, "files", |reader, section| {
        let mut names = 0;
        config.files = section.members(reader, |reader, name, item| {
            names += 1;
            let mistake = if name.is_empty() || name.chars().count() > MAX_NAME {
                Some(format!("a name has 1 to {MAX_NAME} letters"))
            } else {
                (names > MAX_NAMES).then(|| format!("at most {MAX_NAMES} models can have a name"))
            };
            if let Some(message) = mistake {
                reader.mistake(item, Code::PropertyValueInvalid, message, None);
                return None;
            }
            let path = reader.path(item)?;
            if !path.is_file() {
                let message = format!("there is no file {}", shown(&path.display().to_string()));
                reader.oddity(
                    item,
                    message,
                    "graphs whose components run models do not start without it",
                );
            }
            Some(path)
        });
    });
    section.finish(reader);
}

/// `auto`, `off`, or the path of a library or of the folder that it is in.
fn library<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Asked> {
    match reader.string(item)? {
        USUAL => Some(Asked::Usual),
        OFF => Some(Asked::Off),
        _ => {
            let path = reader.path(item)?;
            if !path.exists() {
                let message = format!(
                    "there is no file or folder {}",
                    shown(&path.display().to_string())
                );
                reader.oddity(
                    item,
                    message,
                    "models run without ONNX Runtime, several times slower",
                );
            }
            Some(Asked::At(path))
        }
    }
}
