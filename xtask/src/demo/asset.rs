//! The clips that the demo recorded, as `mediagraph check` describes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

use super::event::{Event, Finding};
use crate::time;

/// One recorded clip.
#[derive(Clone, Debug)]
pub(crate) struct Clip {
    pub(crate) name: String,
    /// Seconds since the Unix epoch.
    pub(crate) start: f64,
    pub(crate) seconds: f64,
    pub(crate) bytes: u64,
    pub(crate) problems: Vec<String>,
    pub(crate) trigger: Option<Finding>,
    report: Value,
}

/// A clip as `--json` prints it: what `check` said, and what triggered it.
#[derive(Debug, Serialize)]
pub(crate) struct ClipJson<'a> {
    #[serde(flatten)]
    report: &'a Value,
    trigger: Option<String>,
}

impl Clip {
    /// Reads what `check --json` printed about one asset.
    ///
    /// # Errors
    /// When a member is missing or of another type.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text.trim()).context("no JSON")?;
        // One object for each path that was asked for; we ask for one.
        let report = match value {
            Value::Array(items) => items.into_iter().next().context("an empty list")?,
            other => other,
        };
        let number = |name: &str| {
            report
                .get(name)
                .and_then(Value::as_f64)
                .with_context(|| format!("no number `{name}`"))
        };
        let text = |name: &str| {
            report
                .get(name)
                .and_then(Value::as_str)
                .with_context(|| format!("no string `{name}`"))
        };
        let problems = report
            .get("problems")
            .and_then(Value::as_array)
            .context("no list `problems`")?;
        Ok(Self {
            name: text("name")?.to_owned(),
            start: time::parse_iso(text("start")?).context("`start` is no moment in ISO 8601, UTC")?,
            seconds: number("duration")?,
            bytes: number("bytes")? as u64,
            problems: problems.iter().map(plain).collect(),
            trigger: None,
            report,
        })
    }

    /// The moment after its last picture, in seconds since the Unix epoch.
    pub(crate) fn end(&self) -> f64 {
        self.start + self.seconds
    }

    /// Finds what triggered it: the first inference in its span, or else the last one before it.
    pub(crate) fn explain(&mut self, events: &[Event]) {
        let timed = || {
            events
                .iter()
                .filter_map(|event| Some((event.inference_time()?, event)))
        };
        let inside = timed().find(|(at, _)| (self.start..self.end()).contains(at));
        let before = || timed().rfind(|(at, _)| *at < self.start);
        self.trigger = inside.or_else(before).and_then(|(_, event)| event.finding());
    }

    /// From and to when it runs.
    pub(crate) fn span(&self) -> (f64, f64) {
        (self.start, self.end())
    }

    /// For `--json`.
    pub(crate) fn json(&self) -> ClipJson<'_> {
        ClipJson {
            report: &self.report,
            trigger: self.trigger.as_ref().map(ToString::to_string),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The assets in a state directory, by name.
///
/// # Errors
/// When the folder cannot be listed.
pub(crate) fn list(state: &Path) -> Result<Vec<PathBuf>> {
    let folder = state.join("assets");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut assets = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            assets.push(path);
        }
    }
    assets.sort();
    Ok(assets)
}

/// Has the host check one asset.
///
/// # Errors
/// When the host does not say anything that can be read. A broken clip is no error here: it has problems.
pub(crate) fn check(host: &Path, asset: &Path) -> Result<Clip> {
    let output = Command::new(host)
        .arg("check")
        .arg(asset)
        .arg("--json")
        .output()
        .context("cannot run `mediagraph check`")?;
    let mut clip = Clip::parse(&String::from_utf8_lossy(&output.stdout)).with_context(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!(
            "`mediagraph check {}` ({}) gave no report: {}",
            asset.display(),
            output.status,
            said.trim()
        )
    })?;
    if !output.status.success() && clip.problems.is_empty() {
        clip.problems
            .push(format!("`mediagraph check` ended with {}", output.status));
    }
    Ok(clip)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::event::tests::inference;
    use super::*;

    fn report() -> Value {
        json!({"name": "a", "start": "1970-01-01T00:01:40Z", "duration": 8.5, "bytes": 1000,
               "tracks": [], "problems": []})
    }

    #[test]
    fn a_report_is_read_alone_or_in_a_list() {
        for text in [report().to_string(), json!([report()]).to_string()] {
            let clip = Clip::parse(&text).unwrap();
            assert_eq!((clip.start, clip.end(), clip.bytes), (100.0, 108.5, 1000));
            assert!(clip.problems.is_empty());
        }
    }

    #[test]
    fn a_report_that_lacks_something_is_refused_by_name() {
        let mut report = report();
        report.as_object_mut().unwrap().remove("duration");
        assert_eq!(
            Clip::parse(&report.to_string()).unwrap_err().to_string(),
            "no number `duration`"
        );
    }

    #[test]
    fn a_clip_is_explained_by_the_first_event_in_it_or_the_last_before_it() {
        let mut clip = Clip::parse(&report().to_string()).unwrap();
        clip.explain(&[]);
        assert_eq!(clip.trigger, None);
        clip.explain(&[inference(97.0)]);
        assert!(clip.trigger.is_some());
        clip.trigger = None;
        clip.explain(&[inference(200.0)]);
        assert_eq!(clip.trigger, None);
        clip.explain(&[inference(102.0)]);
        assert!(clip.trigger.is_some());
    }
}
