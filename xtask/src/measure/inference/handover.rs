//! Handing one frame of 640x640 over, and nothing else: to a component, and to a server that decodes the image and answers.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::super::criterion;
use super::super::fresh_folder;
use super::peer::{Container, Peer};
use crate::process::{Line, next_line};

/// Pixels each way.
const SIDE: &str = "640";
const GROUP: &str = "handover-640x640";
const END: Duration = Duration::from_secs(30);

/// Microseconds of CPU time for one frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handover {
    /// The call with its copy.
    pub(super) component_us: f64,
    /// To encode an image, to send it and to read the answer.
    pub(super) host_us: f64,
    /// To receive it and to decode it.
    pub(super) server_us: f64,
}

impl Handover {
    /// How many times cheaper the component is.
    pub(super) fn times(&self) -> f64 {
        (self.host_us + self.server_us) / self.component_us
    }

    pub(super) fn told(&self) -> String {
        format!(
            "handing 640x640 over: to a component {:.0} us, over HTTP {:.0} us (JPEG and request {:.0} us, Python {:.0} us)",
            self.component_us,
            self.host_us + self.server_us,
            self.host_us,
            self.server_us
        )
    }
}

/// What a server says when it ends.
#[derive(Debug, Deserialize)]
struct Taken {
    frames: u64,
    cpu_s: f64,
}

/// Measures both sides in one run of the bench.
///
/// # Errors
/// When something is missing or fails.
pub(super) fn handover(peer: &Peer, model: &Path, clip: &Path) -> Result<Handover> {
    let picture = fresh_folder("handover")?.join("picture.yuv");
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path is no text");
    peer.run(&["picture", &text(clip)?, SIDE, &text(&picture)?])?;
    let mut container = Container::start(peer, "http", model)?;
    let take = format!("{}/take", container.url);
    let surroundings = [
        ("MEDIAGRAPH_BENCH_SERVER", take.as_str()),
        ("MEDIAGRAPH_BENCH_PICTURE", &text(&picture)?),
    ];
    let [component, host] = criterion::medians_us(GROUP, ["component", "http"], &surroundings)?;
    container.guard.interrupt()?;
    let Line::Text(line) = next_line(&container.lines, END) else {
        anyhow::bail!("the server did not say what it spent");
    };
    container.guard.wait(END)?;
    let taken: Taken = serde_json::from_str(&line)?;
    Ok(Handover {
        component_us: component,
        host_us: host,
        server_us: 1e6 * taken.cpu_s / taken.frames as f64,
    })
}
