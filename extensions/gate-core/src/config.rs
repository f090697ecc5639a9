//! What may be configured, in ticks, with ranges and defaults.

/// Ticks in one second of media time.
pub const TICKS_PER_SECOND: i64 = 90_000;

const SECOND: i64 = TICKS_PER_SECOND;
const HOUR: i64 = 3600 * SECOND;

/// Used for what is left out.
pub const DEFAULTS: Config = Config {
    evaluation_window: SECOND,
    signal_offset: 0,
    minimum: 30 * SECOND,
    maximum: 300 * SECOND,
};

/// What was written; `None` takes a default. Ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How long to wait after the first event for ones that happened earlier: 0 to 10 s.
    pub evaluation_window: Option<i64>,
    /// Start of the span relative to the first event: -60 to 60 s.
    pub signal_offset: Option<i64>,
    /// How long the gate stays open after the last event: 1 s to 1 h.
    pub minimum: Option<i64>,
    /// How long the gate stays open after the first event at most: 1 s to 1 h.
    pub maximum: Option<i64>,
}

/// Checked settings, in ticks. Made by [`Config::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    pub(crate) evaluation_window: i64,
    pub(crate) signal_offset: i64,
    pub(crate) minimum: i64,
    pub(crate) maximum: i64,
}

/// What is wrong with the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A duration lies outside of what is allowed.
    #[error("{name} is {} s; it may be {} to {} s", seconds(*ticks), seconds(*least), seconds(*most))]
    OutOfRange {
        /// Which one.
        name: &'static str,
        /// What it is.
        ticks: i64,
        /// The least allowed.
        least: i64,
        /// The most allowed.
        most: i64,
    },
    /// The hard limit would cut off the minimum.
    #[error(
        "maximumActivationTime ({} s) is shorter than minimumActivationTime ({} s); make it at least as long",
        seconds(*maximum), seconds(*minimum)
    )]
    MaximumBelowMinimum {
        /// Ticks.
        minimum: i64,
        /// Ticks.
        maximum: i64,
    },
    /// Every activation would be over before it begins.
    #[error(
        "activationSignalOffset ({} s) is not shorter than maximumActivationTime ({} s), so the gate would never \
         open; lower the offset or raise the maximum",
        seconds(*offset), seconds(*maximum)
    )]
    NeverOpens {
        /// Ticks.
        offset: i64,
        /// Ticks.
        maximum: i64,
    },
}

fn seconds(ticks: i64) -> f64 {
    ticks as f64 / TICKS_PER_SECOND as f64
}

impl Config {
    /// Checks the settings and fills in the defaults. A default yields to what is written: alone, a maximum below
    /// the default minimum lowers the minimum, and a minimum above the default maximum raises the maximum.
    ///
    /// # Errors
    /// Names the setting and what it may be.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        let minimum = settings
            .minimum
            .unwrap_or_else(|| DEFAULTS.minimum.min(settings.maximum.unwrap_or(DEFAULTS.maximum)));
        let config = Self {
            evaluation_window: settings.evaluation_window.unwrap_or(DEFAULTS.evaluation_window),
            signal_offset: settings.signal_offset.unwrap_or(DEFAULTS.signal_offset),
            minimum,
            maximum: settings.maximum.unwrap_or(DEFAULTS.maximum.max(minimum)),
        };
        config.check_ranges()?;
        config.check_together()?;
        Ok(config)
    }

    fn check_ranges(&self) -> Result<(), ConfigError> {
        for (name, ticks, least, most) in [
            (
                "activationEvaluationWindow",
                self.evaluation_window,
                0,
                10 * SECOND,
            ),
            (
                "activationSignalOffset",
                self.signal_offset,
                -60 * SECOND,
                60 * SECOND,
            ),
            ("maximumActivationTime", self.maximum, SECOND, HOUR),
            ("minimumActivationTime", self.minimum, SECOND, HOUR),
        ] {
            if !(least..=most).contains(&ticks) {
                return Err(ConfigError::OutOfRange {
                    name,
                    ticks,
                    least,
                    most,
                });
            }
        }
        Ok(())
    }

    fn check_together(&self) -> Result<(), ConfigError> {
        let Self {
            signal_offset: offset,
            minimum,
            maximum,
            ..
        } = *self;
        if maximum < minimum {
            return Err(ConfigError::MaximumBelowMinimum { minimum, maximum });
        }
        if offset >= maximum {
            return Err(ConfigError::NeverOpens { offset, maximum });
        }
        Ok(())
    }

    /// How far back in media time a span may begin when it is opened, in ticks: the offset, the window that was
    /// waited for, and as much again, since an event may be told that late.
    #[must_use]
    pub fn history(&self) -> u64 {
        (2 * self.evaluation_window - self.signal_offset)
            .max(0)
            .unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds_of(window: f64, offset: f64, minimum: f64, maximum: f64) -> Settings {
        let ticks = |s: f64| Some((s * SECOND as f64) as i64);
        Settings {
            evaluation_window: ticks(window),
            signal_offset: ticks(offset),
            minimum: ticks(minimum),
            maximum: ticks(maximum),
        }
    }

    #[test]
    fn nothing_written_means_the_defaults() {
        assert_eq!(Config::new(Settings::default()), Ok(DEFAULTS));
    }

    #[test]
    fn the_ends_of_each_range_are_allowed_and_what_lies_beyond_is_refused() {
        for (settings, ok) in [
            (seconds_of(0.0, -60.0, 1.0, 1.0), true),
            (seconds_of(10.0, 60.0, 3600.0, 3600.0), true),
            (seconds_of(10.1, 0.0, 1.0, 1.0), false),
            (seconds_of(-0.1, 0.0, 1.0, 1.0), false),
            (seconds_of(1.0, -60.1, 1.0, 1.0), false),
            (seconds_of(1.0, 60.1, 90.0, 90.0), false),
            (seconds_of(1.0, 0.0, 0.9, 1.0), false),
            (seconds_of(1.0, 0.0, 1.0, 3600.1), false),
        ] {
            assert_eq!(Config::new(settings).is_ok(), ok, "{settings:?}");
        }
    }

    #[test]
    fn a_default_yields_to_what_is_written() {
        let short = Config::new(Settings {
            maximum: Some(10 * SECOND),
            ..Settings::default()
        })
        .unwrap();
        assert_eq!((short.minimum, short.maximum), (10 * SECOND, 10 * SECOND));
        let long = Config::new(Settings {
            minimum: Some(600 * SECOND),
            ..Settings::default()
        })
        .unwrap();
        assert_eq!((long.minimum, long.maximum), (600 * SECOND, 600 * SECOND));
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused_in_words() {
        let error = Config::new(seconds_of(1.0, 0.0, 30.0, 20.0))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("maximumActivationTime (20 s) is shorter"),
            "{error}"
        );
        let error = Config::new(seconds_of(1.0, 5.0, 5.0, 5.0))
            .unwrap_err()
            .to_string();
        assert!(error.contains("never open"), "{error}");
    }

    #[test]
    fn history_covers_the_offset_and_the_window() {
        assert_eq!(
            Config::new(seconds_of(1.0, -5.0, 5.0, 5.0)).unwrap().history(),
            7 * 90_000
        );
        assert_eq!(Config::new(seconds_of(1.0, 4.0, 5.0, 5.0)).unwrap().history(), 0);
    }
}
