//! How often somebody wants to see a frame, and when a frame is due.
//!
//! Frames are due on the absolute grid of media time: at a rate of `r` a second the first one of each `1/r` seconds, so
//! that the same media always gives the same frames. A demand of several rates is met by the frames that are due to any of
//! them; so each of those who ask is given the very frames that it would be given alone.

use crate::media::{MediaTime, TICKS_PER_SECOND};

/// Which frames are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Demand {
    /// None.
    #[default]
    Nothing,
    /// Those that are due at one of these rates, in frames a second; distinct, rising, at least one.
    Rates(Vec<f64>),
    /// All.
    Everything,
}

impl Demand {
    /// At most so many frames a second; all of them without a rate.
    #[must_use]
    pub fn at_most(rate: Option<f64>) -> Self {
        rate.map_or(Self::Everything, |rate| Self::Rates(vec![rate]))
    }

    /// What both want.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
            (Self::Nothing, other) => other.clone(),
            (one, Self::Nothing) => one,
            (Self::Rates(mut rates), Self::Rates(others)) => {
                rates.extend(others);
                Self::of(rates)
            }
        }
    }

    /// What is left of it behind a filter that lets through so many frames a second.
    #[must_use]
    pub fn limited(&self, most: Option<f64>) -> Self {
        let Some(most) = most else { return self.clone() };
        match self {
            Self::Nothing => Self::Nothing,
            Self::Everything => Self::Rates(vec![most]),
            Self::Rates(rates) => Self::of(rates.iter().map(|rate| rate.min(most)).collect()),
        }
    }

    fn of(mut rates: Vec<f64>) -> Self {
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        Self::Rates(rates)
    }

    /// Each of the rates, in frames a second.
    #[must_use]
    pub fn rates(&self) -> &[f64] {
        match self {
            Self::Rates(rates) => rates,
            Self::Nothing | Self::Everything => &[],
        }
    }

    /// The highest rate, in frames a second; None where there is none, and when all frames are wanted.
    #[must_use]
    pub fn highest(&self) -> Option<f64> {
        self.rates().last().copied()
    }
}

/// What a consumer asks of whoever feeds it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// Of all frames.
    pub all: Demand,
    /// Of those of which some node upstream has said something, besides.
    pub annotated: Demand,
}

impl Asked {
    /// All frames, or all that are annotated.
    #[must_use]
    pub fn new(demand: Demand, only_annotated: bool) -> Self {
        if only_annotated {
            Self {
                annotated: demand,
                ..Self::default()
            }
        } else {
            Self {
                all: demand,
                ..Self::default()
            }
        }
    }

    /// What both ask.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self {
            all: self.all.and(&other.all),
            annotated: self.annotated.and(&other.annotated),
        }
    }

    /// See [`Demand::limited`].
    #[must_use]
    pub fn limited(&self, most: Option<f64>) -> Self {
        Self {
            all: self.all.limited(most),
            annotated: self.annotated.limited(most),
        }
    }
}

/// The part of the grid of a rate that a moment lies in.
#[must_use]
pub fn cell(time: MediaTime, rate: f64) -> i64 {
    (time.ticks() as f64 * rate / TICKS_PER_SECOND as f64).floor() as i64
}

/// Says of frames in the order of their times whether they are due.
#[derive(Clone, Debug, Default)]
pub struct Sampler {
    demand: Demand,
    /// For each rate, where on its grid the newest frame was.
    cells: Vec<Option<i64>>,
}

impl Sampler {
    /// For this demand.
    #[must_use]
    pub fn new(demand: Demand) -> Self {
        let cells = vec![None; demand.rates().len()];
        Self { demand, cells }
    }

    /// Changes the demand. A rate that stays goes on where it was.
    pub fn ask(&mut self, demand: &Demand) {
        if self.demand == *demand {
            return;
        }
        let known = |rate: &f64| {
            let at = self.demand.rates().iter().position(|known| known == rate)?;
            self.cells.get(at).copied().flatten()
        };
        self.cells = demand.rates().iter().map(known).collect();
        self.demand = demand.clone();
    }

    /// Whether the frame at this time is due.
    pub fn due(&mut self, time: MediaTime) -> bool {
        if matches!(self.demand, Demand::Everything) {
            return true;
        }
        let mut due = false;
        for (rate, last) in self.demand.rates().iter().zip(&mut self.cells) {
            let cell = Some(cell(time, *rate));
            due |= *last != cell;
            *last = cell;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::testing::at;

    fn due(sampler: &mut Sampler, times: &[f64]) -> Vec<bool> {
        times.iter().map(|time| sampler.due(at(*time))).collect()
    }

    #[test]
    fn frames_are_due_on_the_absolute_grid() {
        let mut sampler = Sampler::new(Demand::at_most(Some(2.0)));
        let due = due(&mut sampler, &[0.1, 0.2, 0.5, 0.9, 1.0, 1.4, 7.3]);
        assert_eq!(due, [true, false, true, false, true, false, true]);
    }

    #[test]
    fn whoever_asks_with_others_is_given_what_it_would_be_given_alone() {
        let times: Vec<f64> = (0..250).map(|picture| f64::from(picture) / 25.0).collect();
        let rates = [5.0, 7.0, 0.3];
        let all = rates.iter().fold(Demand::Nothing, |all, rate| {
            all.and(&Demand::at_most(Some(*rate)))
        });
        let mut together = Sampler::new(all);
        let passed: Vec<f64> = times
            .iter()
            .copied()
            .filter(|time| together.due(at(*time)))
            .collect();
        assert!(passed.len() < 130, "{}", passed.len());
        for rate in rates {
            let chosen = |times: &[f64]| -> Vec<f64> {
                let mut alone = Sampler::new(Demand::at_most(Some(rate)));
                times
                    .iter()
                    .copied()
                    .filter(|time| alone.due(at(*time)))
                    .collect()
            };
            assert_eq!(chosen(&times), chosen(&passed), "at {rate} a second");
        }
    }

    #[test]
    fn demands_add_up_and_filters_limit_them() {
        let two = Demand::at_most(Some(2.0)).and(&Demand::at_most(Some(5.0)));
        assert_eq!(two, Demand::Rates(vec![2.0, 5.0]));
        assert_eq!(two.highest(), Some(5.0));
        assert_eq!(two.limited(Some(3.0)), Demand::Rates(vec![2.0, 3.0]));
        assert_eq!(two.limited(Some(1.0)), Demand::Rates(vec![1.0]));
        assert_eq!(two.clone().and(&Demand::Everything), Demand::Everything);
        assert_eq!(Demand::Everything.limited(Some(4.0)), Demand::at_most(Some(4.0)));
        assert_eq!(Demand::Nothing.limited(Some(4.0)), Demand::Nothing);
        assert_eq!(Demand::Nothing.and(&two), two);
    }

    #[test]
    fn a_rate_that_stays_goes_on_where_it_was() {
        let mut sampler = Sampler::new(Demand::at_most(Some(1.0)));
        assert!(sampler.due(at(0.1)));
        sampler.ask(&Demand::Rates(vec![0.1, 1.0]));
        assert!(sampler.due(at(0.2)), "the new rate has had none");
        assert!(!sampler.due(at(0.3)));
        sampler.ask(&Demand::at_most(Some(1.0)));
        assert_eq!(due(&mut sampler, &[0.4, 1.0]), [false, true]);
        sampler.ask(&Demand::Nothing);
        assert!(!sampler.due(at(9.0)));
    }
}
