//! Of the disks: which folders topologies may use, and how much stays free.

use std::path::{Path, PathBuf};

use crate::config::model::{KeepFree, PathsConfig};
use crate::config::reader::{Item, Reader, Section, is_plain};
use crate::topology::Code;
use crate::topology::diagnostics::shown;

/// A pebibyte; more is a slip of the pen.
const LARGEST_BYTES: u64 = 1 << 50;

pub(super) fn paths<'t>(reader: &mut Reader<'t>, mut section: Section<'t>, config: &mut PathsConfig) {
    section.table(reader, "map", |reader, section| {
        config.map = section.members(reader, |reader, named, item| {
            if is_plain(Path::new(named)) {
                return folder(reader, item);
            }
            let message = format!("{} must be an absolute path without `..`", shown(named));
            let hint = "write the folder that topologies name, such as `\"/var/media\" = \"/srv/clips\"`";
            reader.mistake(item, Code::PropertyValueInvalidPattern, message, Some(hint));
            None
        });
    });
    section.set(reader, "write_roots", &mut config.write_roots, folders);
    section.set(reader, "load_roots", &mut config.load_roots, folders);
    section.finish(reader);
}

fn folders<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Vec<PathBuf>> {
    reader.list(item, folder)
}

/// A folder that topologies may use.
fn folder<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<PathBuf> {
    let path = reader.path(item)?;
    if path.parent().is_none() {
        let message = "`/` would allow everything";
        let hint = "name the folders that are meant";
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
        return None;
    }
    if !path.is_dir() {
        let message = format!("there is no folder {}", shown(&path.display().to_string()));
        let hint = "it is made when something is recorded; a disk that is not mounted looks like this, too";
        reader.oddity(item, message, hint);
    }
    Some(path)
}

/// `"5%"`, `"10GiB"`, or both in a list: then the smaller one counts.
pub(super) fn keep_free<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<KeepFree> {
    let mut reserve = KeepFree {
        percent: None,
        bytes: None,
    };
    let mut one = |reader: &mut Reader<'t>, item: &Item<'t>| {
        let text = reader.string(item)?;
        if let Some(percent) = percent(text) {
            reserve.percent = Some(percent);
        } else if let Some(bytes) = bytes(text) {
            reserve.bytes = Some(bytes);
        } else {
            let message = format!("{} is neither a share of the disk nor a size", shown(text));
            let hint = "write `5%`, `10GiB` or `500MiB`; of a list the smaller one counts";
            reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
            return None;
        }
        Some(())
    };
    if item.value.get_ref().is_array() {
        let elements = item.value.get_ref().as_array().map_or(0, |list| list.len());
        if reader.list(item, one)?.len() < elements {
            return None;
        }
    } else {
        one(reader, item)?;
    }
    if reserve.percent.is_none() && reserve.bytes.is_none() {
        let message = format!("{} says neither a share of the disk nor a size", shown(&item.key));
        let hint = "write `5%`, `10GiB` or `500MiB`";
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
        return None;
    }
    Some(reserve)
}

fn percent(text: &str) -> Option<u8> {
    let percent = text.strip_suffix('%')?.trim().parse().ok()?;
    (percent < 100).then_some(percent)
}

pub(in crate::config) fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let shift = match unit.trim() {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    let bytes = number.parse::<u64>().ok()?.checked_mul(1 << shift)?;
    (bytes <= LARGEST_BYTES).then_some(bytes)
}
