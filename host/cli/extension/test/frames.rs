//! Shows the frames of a clip to a detector.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::Bench;
use super::clip::{Clip, seconds};
use super::golden::Golden;
use crate::cli::failure::Failure;
use crate::extension::{CallError, Detector, World};
use crate::media::image::{CropSource, FrameView, ImageSpec};
use crate::media::inference::Inference;
use crate::media::picture::Picture;
use crate::nodes::io::demand::{Demand, Sampler};

/// Shows each frame that the detector wants, and takes down what it says.
///
/// # Errors
/// When the clip cannot be decoded, or the detector crashes.
pub(super) async fn run(bench: &mut Bench<'_>, path: &Path) -> Result<Golden, Failure> {
    let context = bench.context();
    let (extension, config) = (&bench.loaded.extension, &bench.loaded.config);
    let mut detector = Detector::new(extension, &context, config, bench.limits)
        .await
        .map_err(|error| Failure::failed(format!("the component cannot be constructed: {error}")))?;
    let wanted = *detector.input();
    let mut sampler = Sampler::new(Demand::at_most(wanted.max_rate.map(f64::from)));
    let mut clip = Clip::open(path)?;
    let mut golden = Golden::new(World::Detector);
    let mut frame = 0_u64;
    while let Some(picture) = clip.next()? {
        frame += 1;
        let at = seconds(picture.time());
        golden.seconds = golden.seconds.max(at);
        if !sampler.due(picture.time()) {
            continue;
        }
        golden.shown += 1;
        bench.reach(picture.time());
        let view = view(frame, picture, &wanted.image).map_err(Failure::failed)?;
        match bench.timed(detector.detect(&view)).await {
            Ok(found) if found.is_empty() => {}
            Ok(found) => golden.add(at, said(frame, &found)?)?,
            Err(CallError::Refused(why)) => golden.add(at, json!({"frame": frame, "refused": why}))?,
            Err(error) => {
                return Err(Failure::failed(format!(
                    "{error}, when it was shown frame {frame} at {at:.3} s"
                )));
            }
        }
    }
    if frame == 0 {
        let path = path.display();
        return Err(Failure::failed(format!(
            "`{path}` has no frame that can be decoded"
        )));
    }
    Ok(golden)
}

fn said(frame: u64, found: &[Inference]) -> Result<serde_json::Value, Failure> {
    let found = serde_json::to_value(found).map_err(Failure::failed)?;
    Ok(json!({"frame": frame, "inferences": found}))
}

fn view(sequence: u64, picture: Picture, wanted: &ImageSpec) -> Result<FrameView, String> {
    let prepared = picture.prepare(wanted)?;
    let (time, source_size) = (picture.time(), picture.size());
    Ok(FrameView {
        sequence,
        time,
        source_size,
        prepared,
        source: Arc::new(picture) as Arc<dyn CropSource>,
        annotations: Arc::new([]),
    })
}
