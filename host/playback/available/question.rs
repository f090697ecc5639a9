//! What is asked about what there is, as requests write it.

use std::ops::Range;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use crate::media::{MediaTime, Ticks};

/// Months that may be asked for.
const MAX_MONTHS: i32 = 12;
/// Days that may be asked for.
const MAX_DAYS: i32 = 31;
/// The longest stretch whose moments may be asked for: 25 hours.
const MAX_FULL: Ticks = Ticks::from_secs(25 * 3600);

/// How exactly is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Years.
    Year,
    /// Months.
    Month,
    /// Days.
    Day,
    /// Moments.
    Full,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub(super) precision: Precision,
    /// Units from here to there, both included; or a stretch of time.
    pub(super) asked: Stretch,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stretch {
    /// The first days of the first and the last unit; none: that of the recording.
    Units(Option<Date>, Option<Date>),
    /// Moments.
    Moments(Range<MediaTime>),
}

/// Why a question makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// No such precision.
    #[error("`precision` must be `year`, `month`, `day` or `full`")]
    Precision,
    /// Both are needed.
    #[error(
        "`{name}` is missing\nhint: only with `precision=year` it may be left out; write it like `{example}`"
    )]
    Missing {
        /// Which.
        name: &'static str,
        /// How it is written.
        example: &'static str,
    },
    /// Written in another way.
    #[error("`{name}` is not written as this precision needs it\nhint: write it in UTC, like `{example}`")]
    Form {
        /// Which.
        name: &'static str,
        /// How it is written.
        example: &'static str,
    },
    /// The wrong way round.
    #[error("`endTime` is before `startTime`, or no later where it must be")]
    Reversed,
    /// Too long.
    #[error("that is more than {limit}\nhint: ask for less at a time, or with less precision")]
    TooLong {
        /// The most that may be asked for.
        limit: &'static str,
    },
}

impl Precision {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "year" => Some(Self::Year),
            "month" => Some(Self::Month),
            "day" => Some(Self::Day),
            "full" => Some(Self::Full),
            _ => None,
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Year => "2026",
            Self::Month => "2026-11",
            Self::Day => "2026-11-22",
            Self::Full => "2026-11-22T14:02:00Z",
        }
    }

    /// The first day of a unit.
    fn read(self, name: &'static str, text: &str) -> Result<Date, QuestionError> {
        let whole = match self {
            Self::Year => format!("{text}-01-01"),
            Self::Month => format!("{text}-01"),
            Self::Day | Self::Full => text.to_owned(),
        };
        let digits = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        let plain = text.len() == self.example().len() && text.bytes().all(digits);
        let date = whole.parse::<Date>().ok();
        // Written in the one way that it is written in an answer.
        let date = date.filter(|date| plain && self.write(*date) == text);
        date.ok_or(QuestionError::Form {
            name,
            example: self.example(),
        })
    }

    pub(super) fn write(self, date: Date) -> String {
        match self {
            Self::Year => format!("{:04}", date.year()),
            Self::Month => format!("{:04}-{:02}", date.year(), date.month()),
            Self::Day | Self::Full => date.to_string(),
        }
    }

    /// The first day of the next unit; none at the end of the calendar.
    pub(super) fn next(self, date: Date) -> Option<Date> {
        let span = match self {
            Self::Year => 1.year(),
            Self::Month => 1.month(),
            Self::Day | Self::Full => 1.day(),
        };
        date.checked_add(span).ok()
    }

    /// The first day of the unit that a day is in.
    pub(super) fn floor(self, date: Date) -> Date {
        match self {
            Self::Year => date.first_of_year(),
            Self::Month => date.first_of_month(),
            Self::Day | Self::Full => date,
        }
    }
}

impl Question {
    /// Reads what a request says.
    ///
    /// # Errors
    /// When it makes no sense, or asks for too much at once.
    pub fn read(
        precision: Option<&str>,
        start: Option<&str>,
        end: Option<&str>,
    ) -> Result<Self, QuestionError> {
        let precision = precision
            .and_then(Precision::parse)
            .ok_or(QuestionError::Precision)?;
        let asked = match precision {
            Precision::Full => Stretch::Moments(moments(start, end)?),
            _ => units(precision, start, end)?,
        };
        Ok(Self { precision, asked })
    }
}

fn needed<'a>(
    precision: Precision,
    name: &'static str,
    text: Option<&'a str>,
) -> Result<&'a str, QuestionError> {
    text.ok_or(QuestionError::Missing {
        name,
        example: precision.example(),
    })
}

fn units(precision: Precision, start: Option<&str>, end: Option<&str>) -> Result<Stretch, QuestionError> {
    let read = |name, text: Option<&str>| match (precision, text) {
        (Precision::Year, None) => Ok(None),
        (_, text) => precision.read(name, needed(precision, name, text)?).map(Some),
    };
    let (start, end) = (read("startTime", start)?, read("endTime", end)?);
    if let (Some(start), Some(end)) = (start, end) {
        if end < start {
            return Err(QuestionError::Reversed);
        }
        check_length(precision, start, end)?;
    }
    Ok(Stretch::Units(start, end))
}

fn check_length(precision: Precision, start: Date, end: Date) -> Result<(), QuestionError> {
    let months = |date: Date| i32::from(date.year()) * 12 + i32::from(date.month());
    let days = || start.until(end).map_or(i32::MAX, |span| span.get_days());
    match precision {
        Precision::Month if months(end) - months(start) >= MAX_MONTHS => {
            Err(QuestionError::TooLong { limit: "12 months" })
        }
        Precision::Day if days() >= MAX_DAYS => Err(QuestionError::TooLong { limit: "31 days" }),
        _ => Ok(()),
    }
}

fn moments(start: Option<&str>, end: Option<&str>) -> Result<Range<MediaTime>, QuestionError> {
    let read = |name, text| {
        let text = needed(Precision::Full, name, text)?;
        moment(text).ok_or(QuestionError::Form {
            name,
            example: Precision::Full.example(),
        })
    };
    let (start, end) = (read("startTime", start)?, read("endTime", end)?);
    if end <= start {
        return Err(QuestionError::Reversed);
    }
    if end.since(start).0 > MAX_FULL.0 {
        return Err(QuestionError::TooLong { limit: "25 hours" });
    }
    Ok(start..end)
}

/// `YYYY-MM-DDThh:mm:ss[.sss]Z` and nothing else.
fn moment(text: &str) -> Option<MediaTime> {
    let shape = b"0000-00-00T00:00:00";
    let (head, rest) = text.as_bytes().split_at_checked(shape.len())?;
    let alike = |(byte, wanted): (&u8, &u8)| match wanted {
        b'0' => byte.is_ascii_digit(),
        _ => byte == wanted,
    };
    let fraction = rest.strip_suffix(b"Z")?;
    let digits = fraction.strip_prefix(b".");
    let fraction = fraction.is_empty()
        || digits
            .is_some_and(|digits| (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit));
    let well_formed = fraction && head.iter().zip(shape).all(alike);
    let at = well_formed.then(|| text.parse::<Timestamp>().ok()).flatten()?;
    Some(MediaTime::from_timestamp(at))
}
