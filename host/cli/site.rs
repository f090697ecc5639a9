//! The zone in which a command takes and prints times: the one that is named, else the host's, else that of the configuration.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::client::{Client, Request};
use super::config;
use super::failure::Failure;
use super::json::Look as _;
use super::print;
use super::table::clean;
use crate::media::{Clock, SystemClock};
use crate::when::{self, Meant};

/// Where, and when it is.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// Times without an offset are meant in it.
    pub zone: TimeZone,
    /// By the clock of this machine.
    pub now: Timestamp,
}

impl Site {
    /// Of a command that asks nobody: without a name, the zone of the configuration that `MEDIAGRAPH_CONFIG` names, else UTC.
    ///
    /// # Errors
    /// When this machine does not know the zone, or there is something wrong with the configuration.
    pub(super) fn offline(named: Option<&str>) -> Result<Self, Failure> {
        match named {
            Some(name) => zone(name).map(Self::of),
            None => Ok(Self::of(config::load(None)?.time_zone.0)),
        }
    }

    /// Of a command that asks a host: without a name, the zone of that host.
    ///
    /// # Errors
    /// When this machine does not know the zone, or the host does not say it.
    pub(super) async fn of_host(client: &Client, named: Option<&str>) -> Result<Self, Failure> {
        if let Some(name) = named {
            return zone(name).map(Self::of);
        }
        let request = Request::get(&["api", "time"]);
        let told = client.expect("say its time zone", request).await?.json()?;
        match told.at("timeZone").as_str() {
            Some(name) => zone(name).map(Self::of),
            None => Err(Failure::failed(
                "the host does not say its time zone\nhint: is it the same version of mediagraph?",
            )),
        }
    }

    fn of(zone: TimeZone) -> Self {
        let now = SystemClock::new().wall();
        Self { zone, now }
    }

    /// Reads from when on, or until when; how it was understood is told on standard error if that needs a word.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn since(&self, text: &str) -> Result<Timestamp, Failure> {
        when::since(text, self.now, &self.zone)
            .map(told)
            .map_err(Failure::usage)
    }

    /// The same of an end; without one it is now.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn until(&self, text: Option<&str>) -> Result<Timestamp, Failure> {
        text.map_or(Ok(self.now), |text| self.since(text))
    }

    /// The same of a moment of some day.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn at(&self, text: &str) -> Result<Timestamp, Failure> {
        when::at(text, self.now, &self.zone)
            .map(told)
            .map_err(Failure::usage)
    }
}

fn told(meant: Meant) -> Timestamp {
    tell(meant.note.as_slice());
    meant.at
}

/// Tells how a question was understood.
pub(super) fn tell(notes: &[String]) {
    for note in notes {
        print::stderr(&format!("note: {}\n", clean(note)));
    }
}

/// A time zone by its name.
pub(super) fn zone(name: &str) -> Result<TimeZone, Failure> {
    if name.eq_ignore_ascii_case("UTC") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| {
        Failure::usage(format!(
            "`{}` is no time zone of this machine\nhint: name one with `--time-zone`, such as `Europe/Berlin` or `UTC`",
            clean(name)
        ))
    })
}

/// The zone that an answer names, for printing: one that this machine does not know leaves UTC, which the offset tells.
pub(super) fn zone_of(answer: &str) -> TimeZone {
    zone(answer).unwrap_or(TimeZone::UTC)
}

/// A moment of an answer as people read it; what is none stays as it is.
pub(super) fn shown(moment: &str, zone: &TimeZone) -> String {
    let read = moment.parse();
    read.map_or_else(|_| clean(moment), |at| when::written(at, zone))
}

/// The same to the millisecond.
pub(super) fn shown_exactly(moment: &str, zone: &TimeZone) -> String {
    let read = moment.parse();
    read.map_or_else(|_| clean(moment), |at| when::written_exactly(at, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_named_counts_and_one_that_nobody_knows_is_refused() {
        let berlin = Site::offline(Some("Europe/Berlin")).unwrap();
        assert_eq!(
            berlin.since("2026-10-25 02:30").unwrap().to_string(),
            "2026-10-25T00:30:00Z"
        );
        let error = zone("Mars/Olympus").unwrap_err().to_string();
        assert!(error.contains("`Mars/Olympus` is no time zone"), "{error}");
        assert_eq!(zone_of("Mars/Olympus"), TimeZone::UTC);
        assert_eq!(
            shown("2026-10-25T01:30:00Z", &berlin.zone),
            "2026-10-25 02:30:00+01:00"
        );
        assert_eq!(shown("-", &berlin.zone), "-");
    }
}
