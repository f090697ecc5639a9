//! The event lines of `mediagraph run`, as far as the demo understands them.

use serde_json::Value;

use crate::time;

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Event(Value);

/// The first thing that a detector said in an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// The inference's class, or its type if it has none.
    pub(crate) kind: String,
    /// Left, top, width, height in fractions of the picture.
    pub(crate) area: Option<[f64; 4]>,
}

impl Event {
    /// Reads a line; none when it is no event.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let complete = ["id", "subject", "eventType", "eventTime"];
        complete
            .iter()
            .all(|name| value.get(name).is_some_and(Value::is_string))
            .then_some(Self(value))
    }

    /// The event as it came.
    pub(crate) fn json(&self) -> &Value {
        &self.0
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The last word of its type, such as `Inference`.
    pub(crate) fn name(&self) -> &str {
        self.text("eventType").rsplit('.').next().unwrap_or_default()
    }

    /// What raised it.
    pub(crate) fn subject(&self) -> &str {
        self.text("subject")
    }

    /// When it was raised, in seconds since the Unix epoch.
    pub(crate) fn time(&self) -> Option<f64> {
        time::parse_iso(self.text("eventTime"))
    }

    /// The moment of media that an inference speaks of.
    pub(crate) fn inference_time(&self) -> Option<f64> {
        (self.name() == "Inference").then(|| self.ticks("timestamp").or_else(|| self.time()))?
    }

    /// The media time at which a camera session began.
    pub(crate) fn session_start(&self) -> Option<f64> {
        (self.name() == "MediaSessionEstablished").then(|| self.ticks("mediaTime").or_else(|| self.time()))?
    }

    fn ticks(&self, name: &str) -> Option<f64> {
        Some(self.0.pointer("/data")?.get(name)?.as_f64()? / time::TICKS)
    }

    /// What a detector said.
    pub(crate) fn finding(&self) -> Option<Finding> {
        let inference = self.0.pointer("/data/inferences/0")?;
        let kind = inference.get("type")?.as_str()?;
        let body = inference.get(kind)?;
        let class = body.pointer("/tag/value").and_then(Value::as_str);
        let side = |name| body.get("box")?.get(name)?.as_f64();
        Some(Finding {
            kind: class.unwrap_or(kind).to_owned(),
            area: side("l")
                .zip(side("t"))
                .zip(side("w").zip(side("h")))
                .map(|((l, t), (w, h))| [l, t, w, h]),
        })
    }

    /// How sure the first inference is.
    pub(crate) fn confidence(&self) -> Option<f64> {
        self.0
            .pointer("/data/inferences/0/entity/tag/confidence")?
            .as_f64()
    }

    /// One line for people.
    pub(crate) fn summary(&self) -> String {
        let at = self
            .time()
            .map_or_else(|| self.text("eventTime").to_owned(), time::clock);
        let node = self.subject().rsplit('/').next().unwrap_or_default();
        let detail = match self.finding() {
            Some(finding) => finding.to_string(),
            None => self.detail(),
        };
        format!("{at}  {:<24} {node:<18} {detail}", self.name())
    }

    /// The body without what fills a screen.
    fn detail(&self) -> String {
        const LONGEST: usize = 120;
        let mut data = self.0.get("data").cloned().unwrap_or_default();
        if let Some(map) = data.as_object_mut() {
            for name in ["sdp", "sha256", "outputType"] {
                map.remove(name);
            }
        }
        match data {
            Value::Null => String::new(),
            // No text: nothing. One: it needs no name and no braces around it.
            Value::Object(map) if map.len() < 2 && map.values().all(Value::is_string) => {
                let values = map.values().filter_map(Value::as_str);
                values.flat_map(str::chars).take(LONGEST).collect()
            }
            other => other.to_string().chars().take(LONGEST).collect(),
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kind)?;
        match self.area {
            Some([l, t, w, h]) => write!(f, " at {l:.2},{t:.2} size {w:.2}x{h:.2}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in crate::demo) fn inference(at: f64) -> Event {
        let line = json!({
            "id": "1", "topic": "t", "subject": "/graphInstances/demo/processors/motionDetection",
            "eventType": "Microsoft.Media.Graph.Analytics.Inference",
            "eventTime": "2020-05-12T23:33:09.381Z", "dataVersion": "1.0",
            "data": {"timestamp": (at * 90_000.0) as u64, "inferences": [
                {"type": "motion", "motion": {"box": {"l": 0.5, "t": 0.25, "w": 0.1, "h": 0.2}}}]},
        });
        Event::parse(&line.to_string()).unwrap()
    }

    #[test]
    fn an_inference_is_read_with_its_moment_and_its_box() {
        let event = inference(100.0);
        assert_eq!(event.inference_time(), Some(100.0));
        assert_eq!(event.session_start(), None);
        let finding = event.finding().unwrap();
        assert_eq!(
            (finding.kind.as_str(), finding.area),
            ("motion", Some([0.5, 0.25, 0.1, 0.2]))
        );
        assert!(
            event.summary().contains("motion at 0.50,0.25 size 0.10x0.20"),
            "{}",
            event.summary()
        );
    }

    #[test]
    fn a_session_starts_at_its_media_time_or_else_when_its_event_was_raised() {
        let mut line = json!({
            "id": "1", "subject": "s", "eventType": "Microsoft.Media.Graph.Diagnostics.MediaSessionEstablished",
            "eventTime": "1970-01-01T00:00:05Z", "data": {"sdp": "SDP:\nv=0"},
        });
        let event = Event::parse(&line.to_string()).unwrap();
        assert_eq!(event.session_start(), Some(5.0));
        assert!(!event.summary().contains("sdp"));
        line["data"]["mediaTime"] = json!(540_000);
        assert_eq!(
            Event::parse(&line.to_string()).unwrap().session_start(),
            Some(6.0)
        );
    }

    #[test]
    fn a_line_says_what_people_want_to_know_of_an_event() {
        let line = json!({
            "id": "1", "subject": "/graphInstances/demo/sinks/recorder", "eventTime": "1970-01-01T00:00:05Z",
            "eventType": "Microsoft.Media.Graph.Operational.RecordingStarted",
            "data": {"outputLocation": "truck-1", "outputType": "assetName"},
        });
        let told = Event::parse(&line.to_string()).unwrap().summary();
        assert!(told.ends_with("recorder           truck-1"), "{told}");
    }

    #[test]
    fn a_line_that_is_no_event_is_not_taken_for_one() {
        for line in ["", "hello", "{}", "[1]", "{\"id\": 1}"] {
            assert!(Event::parse(line).is_none(), "{line}");
        }
    }
}
