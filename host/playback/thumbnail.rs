//! A picture of a moment: the last one before it that needs no other, decoded and made a JPEG.

use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use super::range::Asked;
use super::timeline::{Fragment, Run};
use super::{Playback, PlaybackError, stopped, turn};
use crate::media::decode::{Decoder as _, H264Decoder};
use crate::media::demux::format::of_sample_entry;
use crate::media::image::{Fit, ImageSpec, PixelFormat, Prepared, Size};
use crate::media::mp4::read::Sample;
use crate::media::picture::{MAX_SIDE, Picture};
use crate::media::{AccessUnit, MediaTime, TrackKind};
use crate::recording::asset::playlist::CONTIGUOUS;
use crate::recording::index::AssetRow;

/// The narrowest picture, in pixels.
pub const MIN_WIDTH: u32 = 16;
/// The widest picture, in pixels.
pub const MAX_WIDTH: u32 = 3840;
/// Of the JPEG.
const QUALITY: u8 = 80;
/// Bytes of one coded picture.
const MAX_SAMPLE_BYTES: u32 = 16 << 20;

/// A picture.
#[derive(Clone, Debug)]
pub struct Thumbnail {
    /// As JPEG.
    pub jpeg: Vec<u8>,
    /// When it was.
    pub at: MediaTime,
    /// It shows the same whenever it is asked for.
    pub settled: bool,
}

impl Playback {
    /// The picture of a moment, at most `width` pixels wide and never wider than it was recorded.
    ///
    /// # Errors
    /// When nothing was recorded then, or it cannot be read or decoded.
    pub async fn picture(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        at: MediaTime,
        width: Option<u32>,
    ) -> Result<Thumbnail, PlaybackError> {
        // Times that people and programs were told are rounded down: a recording begins a little behind what it is said to.
        let asked = Asked::Between(at, at.offset(CONTIGUOUS));
        let timeline = self.timeline(asset, asked).await?;
        let found = timeline
            .runs
            .iter()
            .find_map(|run| run.video.first().map(|first| (run, first)));
        let Some((run, fragment)) = found else {
            let what = format!("nothing at {at}\nhint: `availableMedia` says what there is");
            return Err(PlaybackError::nothing(&asset.name, what));
        };
        let samples = self.samples(run, TrackKind::Video, fragment).await?;
        let sample = nearest(&samples, at).ok_or_else(|| {
            PlaybackError::nothing(
                &asset.name,
                format!("no picture at {at} that can be decoded by itself"),
            )
        })?;
        let unit = self.unit(asset, run, fragment, &sample).await?;
        let _turn = turn(&self.decodes, "too many pictures are being decoded").await?;
        let (time, name) = (unit.time, asset.name.clone());
        let drawn = tokio::task::spawn_blocking(move || draw(&unit, width)).await;
        let jpeg = drawn
            .map_err(|error| stopped(&error))?
            .map_err(|message| PlaybackError::unsuitable(&name, message))?;
        Ok(Thumbnail {
            jpeg,
            at: time,
            settled: !fragment.source.growing,
        })
    }

    async fn unit(
        self: &Arc<Self>,
        asset: &AssetRow,
        run: &Run,
        fragment: &Fragment,
        sample: &Sample,
    ) -> Result<AccessUnit, PlaybackError> {
        let entry = &run.tracks.video.track.sample_entry;
        let format = of_sample_entry(entry).map_err(|error| PlaybackError::unsuitable(&asset.name, error))?;
        if sample.size > MAX_SAMPLE_BYTES {
            return Err(PlaybackError::broken(&asset.name, "a picture is too large"));
        }
        let start = fragment.offset.saturating_add(sample.offset);
        let range = start..start.saturating_add(u64::from(sample.size));
        Ok(AccessUnit {
            time: MediaTime::from_ticks(sample.decode.saturating_add_signed(sample.composition_offset)),
            format: Arc::new(format),
            data: self.read(&fragment.source, TrackKind::Video, range).await?,
            random_access: true,
            disposable: false,
            discontinuity: true,
        })
    }
}

/// The last sample at or before a moment that needs no other, or else the first one.
fn nearest(samples: &[Sample], at: MediaTime) -> Option<Sample> {
    let sync = || samples.iter().filter(|sample| sample.sync);
    let before = sync().rfind(|sample| sample.decode <= at.ticks());
    before.or_else(|| sync().next()).copied()
}

/// Blocks.
fn draw(unit: &AccessUnit, width: Option<u32>) -> Result<Vec<u8>, String> {
    let mut decoder = H264Decoder::new();
    let mut pictures = decoder.decode(unit).map_err(|error| error.to_string())?;
    pictures.extend(decoder.flush());
    let picture = pictures.first().ok_or("the picture cannot be decoded")?;
    let prepared = prepare(picture, width)?;
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .write_image(
            &prepared.pixels,
            prepared.size.width,
            prepared.size.height,
            ExtendedColorType::Rgb8,
        )
        .map_err(|error| error.to_string())?;
    Ok(jpeg)
}

fn prepare(picture: &Picture, width: Option<u32>) -> Result<Prepared, String> {
    let own = picture.size();
    let narrower = width.filter(|width| *width < own.width);
    picture.prepare(&ImageSpec {
        format: PixelFormat::Rgb24,
        size: narrower.map(|width| Size {
            width,
            height: MAX_SIDE,
        }),
        fit: Fit::Inside,
        fill: [0; 3],
    })
}
