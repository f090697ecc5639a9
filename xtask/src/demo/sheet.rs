//! A picture of all clips: of each the moment in which most of its truck was seen, with the boxes that the detector gave.

mod letters;
mod tape;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use image::imageops::FilterType;
use image::{Rgb, RgbImage};
use serde_json::Value;

use super::asset::Clip;
use super::event::Event;

/// Size of one picture on the sheet, and how many stand side by side.
const TILE: (u32, u32) = (448, 252);
const COLUMNS: u32 = 3;
/// Below each picture, for its caption.
const CAPTION: u32 = 20;
const MAX_TILES: usize = 60;
const PAPER: Rgb<u8> = Rgb([250, 250, 248]);
const INK: Rgb<u8> = Rgb([30, 30, 34]);
const BOX: Rgb<u8> = Rgb([255, 214, 10]);

/// What was drawn.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) picture: PathBuf,
    /// The first clip as one file, for players that know no playlists.
    pub(super) film: Option<PathBuf>,
}

/// One box of an event.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    label: String,
    confidence: f64,
    /// Left, top, width and height in parts of the picture.
    area: [f64; 4],
}

/// Draws the sheet into a folder.
///
/// # Errors
/// When a clip cannot be read, or a file cannot be written.
pub(super) fn draw(clips: &[Clip], events: &[Event], output: &Path) -> Result<Sheet> {
    let mut tiles = Vec::new();
    let mut film = None;
    for clip in clips.iter().take(MAX_TILES) {
        let tape = tape::Tape::read(&output.join("state/assets").join(&clip.name))?;
        if film.is_none() {
            let path = output.join("truck.mp4");
            std::fs::write(&path, tape.film()).with_context(|| format!("cannot write {}", path.display()))?;
            film = Some(path);
        }
        let (at, found) = best(clip, events).unwrap_or((clip.start, Vec::new()));
        let picture = tape.picture(at - clip.start)?;
        tiles.push(tile(&picture, &found, clip));
    }
    if tiles.is_empty() {
        bail!("there is no clip to draw");
    }
    let picture = output.join("trucks.jpg");
    let sheet = join(&tiles);
    sheet
        .save(&picture)
        .with_context(|| format!("cannot write {}", picture.display()))?;
    Ok(Sheet { picture, film })
}

/// The event of a clip that shows most.
fn best(clip: &Clip, events: &[Event]) -> Option<(f64, Vec<Found>)> {
    let (from, to) = clip.span();
    let shown = events.iter().filter_map(|event| {
        let at = event.inference_time().filter(|at| (from..to).contains(at))?;
        let found = found(event.json());
        let most = found.iter().map(|one| one.area[2] * one.area[3] * one.confidence);
        Some((most.fold(0.0, f64::max), at, found))
    });
    let (_, at, found) = shown.max_by(|one, other| one.0.total_cmp(&other.0))?;
    Some((at, found))
}

fn found(event: &Value) -> Vec<Found> {
    let one = |inference: &Value| {
        let entity = inference.get("entity")?;
        let side = |name: &str| entity.pointer(&format!("/box/{name}"))?.as_f64();
        Some(Found {
            label: entity.pointer("/tag/value")?.as_str()?.to_owned(),
            confidence: entity.pointer("/tag/confidence")?.as_f64()?,
            area: [side("l")?, side("t")?, side("w")?, side("h")?],
        })
    };
    let all = event.pointer("/data/inferences").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(one).collect()
}

fn tile(picture: &RgbImage, found: &[Found], clip: &Clip) -> RgbImage {
    let mut small = image::imageops::resize(picture, TILE.0, TILE.1, FilterType::Triangle);
    for one in found {
        outline(&mut small, one);
    }
    let mut tile = RgbImage::from_pixel(TILE.0, TILE.1 + CAPTION, PAPER);
    image::imageops::replace(&mut tile, &small, 0, 0);
    let caption = format!("{}  {:.1} s", clip.name, clip.seconds);
    letters::write(&mut tile, (4, TILE.1 + 6), &caption, INK);
    tile
}

fn outline(picture: &mut RgbImage, found: &Found) {
    let [left, top, width, height] = found.area;
    let across = |part: f64| (part.clamp(0.0, 1.0) * f64::from(TILE.0 - 1)) as u32;
    let down = |part: f64| (part.clamp(0.0, 1.0) * f64::from(TILE.1 - 1)) as u32;
    let (x0, x1, y0, y1) = (across(left), across(left + width), down(top), down(top + height));
    for thick in 0..2 {
        for x in x0..=x1 {
            put(picture, x, y0 + thick, BOX);
            put(picture, x, y1.saturating_sub(thick), BOX);
        }
        for y in y0..=y1 {
            put(picture, x0 + thick, y, BOX);
            put(picture, x1.saturating_sub(thick), y, BOX);
        }
    }
    let label = format!("{} {:.2}", found.label, found.confidence);
    let wide = letters::width(&label) + 4;
    let above = y0.saturating_sub(11);
    for y in above..above + 11 {
        for x in x0..x0 + wide {
            put(picture, x, y, BOX);
        }
    }
    letters::write(picture, (x0 + 2, above + 2), &label, INK);
}

fn put(picture: &mut RgbImage, x: u32, y: u32, colour: Rgb<u8>) {
    if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
        *pixel = colour;
    }
}

fn join(tiles: &[RgbImage]) -> RgbImage {
    const GAP: u32 = 8;
    let count = u32::try_from(tiles.len()).unwrap_or(u32::MAX);
    let columns = COLUMNS.min(count);
    let (wide, high) = (TILE.0 + GAP, TILE.1 + CAPTION + GAP);
    let rows = count.div_ceil(columns);
    let mut sheet = RgbImage::from_pixel(columns * wide + GAP, rows * high + GAP, PAPER);
    for (place, tile) in (0..count).zip(tiles) {
        let (x, y) = (place % columns * wide + GAP, place / columns * high + GAP);
        image::imageops::replace(&mut sheet, tile, i64::from(x), i64::from(y));
    }
    sheet
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(at: f64, width: f64) -> Event {
        let entity = json!({"tag": {"value": "truck", "confidence": 0.8},
                            "box": {"l": 0.25, "t": 0.5, "w": width, "h": 0.25}});
        let line = json!({
            "id": "1", "topic": "t", "subject": "s", "eventTime": "1970-01-01T00:01:41Z",
            "eventType": "Microsoft.Media.Graph.Analytics.Inference",
            "data": {"timestamp": (at * 90_000.0) as u64, "inferences": [{"type": "entity", "entity": entity}]},
        });
        Event::parse(&line.to_string()).unwrap()
    }

    fn clip() -> Clip {
        let text = r#"{"name":"a","start":"1970-01-01T00:01:40Z","duration":8,"bytes":1,"problems":[]}"#;
        Clip::parse(text).unwrap()
    }

    #[test]
    fn a_clip_is_shown_when_most_of_its_truck_is_seen() {
        let events = [
            event(99.0, 0.9),
            event(101.0, 0.2),
            event(103.0, 0.6),
            event(104.0, 0.1),
        ];
        let (at, found) = best(&clip(), &events).unwrap();
        assert_eq!((at, found[0].area[2]), (103.0, 0.6));
        assert!(best(&clip(), &[]).is_none());
    }

    #[test]
    fn a_box_is_drawn_where_it_is() {
        let picture = RgbImage::from_pixel(640, 360, Rgb([10, 10, 10]));
        let tile = tile(&picture, &found(event(101.0, 0.5).json()), &clip());
        assert_eq!(tile.get_pixel(111, 150), &BOX);
        assert_eq!(tile.get_pixel(200, 150), &Rgb([10, 10, 10]));
        assert_eq!(join(&vec![tile; 4]).dimensions(), (3 * 456 + 8, 2 * 280 + 8));
    }
}
