//! Bounds how often a component is called because it asked to be.

use crate::extension::Cause;
use crate::media::{MediaTime, Ticks};

/// So many calls because of `wake` in [`SPAN`], without an observation between them; then it is not woken any more before
/// the next observation. A component that always wants to be woken at once must not be called for ever.
const MAX_WAKES: u32 = 100;

/// Of media time, so that the bound does not depend on how much media is looked at in one go.
const SPAN: Ticks = Ticks::from_secs(1);

/// Counts calls because of `wake`.
#[derive(Debug, Default)]
pub struct Wakes {
    since: MediaTime,
    count: u32,
}

impl Wakes {
    /// Counts a call; true when it is to be the last because of `wake` for now.
    pub fn too_often(&mut self, cause: &Cause) -> bool {
        let Cause::Elapsed(at) = *cause else {
            self.count = 0;
            return false;
        };
        if self.count == 0 || at.since(self.since) >= SPAN {
            (self.since, self.count) = (at, 0);
        }
        self.count += 1;
        self.count >= MAX_WAKES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::testing::at;

    fn calls(wakes: &mut Wakes, apart: f64) -> usize {
        let call = |number: &u32| !wakes.too_often(&Cause::Elapsed(at(f64::from(*number) * apart)));
        (0..1_000).take_while(call).count()
    }

    #[test]
    fn a_component_may_be_woken_at_every_picture_but_not_for_ever_at_the_same_moment() {
        let mut wakes = Wakes::default();
        assert_eq!(calls(&mut wakes, 0.02), 1_000);
        let mut wakes = Wakes::default();
        assert_eq!(calls(&mut wakes, 0.0), 99);
    }
}
