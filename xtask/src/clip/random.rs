//! Numbers that look random and are the same on every run: SplitMix64.

/// A stream of numbers that its seed decides.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Nearly normal, mean 0, standard deviation 1: the sum of four uniform numbers.
    pub(crate) fn normal(&mut self) -> f32 {
        // Four uniform numbers of variance 1/12 add up to a standard deviation of the square root of 1/3.
        const SCALE: f32 = 1.732_050_8;
        let bits = self.next();
        let sum: f32 = (0..4)
            .map(|part| ((bits >> (part * 16)) & 0xFFFF) as f32 / 65_536.0)
            .sum();
        (sum - 2.0) * SCALE
    }

    /// From 0.0 up to, and without, 1.0.
    pub(crate) fn part(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Between two values.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.part()
    }

    /// From zero up to, and without, `bound`; zero when that is zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() as usize).checked_rem(bound).unwrap_or(0)
    }

    /// True in such a share of cases.
    pub(crate) fn chance(&mut self, share: f32) -> bool {
        self.part() < share
    }

    /// One of these, each as likely as the other.
    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, among: [T; N]) -> T {
        let at = self.below(N);
        among.get(at).copied().unwrap_or(among[0])
    }

    /// Another stream, which this one decides.
    pub(crate) fn branch(&mut self) -> Self {
        Self(self.next())
    }

    /// A number that a place decides, 0.0 to 1.0.
    pub(crate) fn at(seed: u64, x: i64, y: i64) -> f32 {
        let place = (x as u64).wrapping_mul(0x0001_F123_BB5F) ^ (y as u64).wrapping_mul(0x05_8F2D_3A9D);
        (Self(seed ^ place).next() >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// Smooth noise over the plane, 0.0 to 1.0, with features about `grain` pixels wide.
pub(crate) fn texture(seed: u64, x: f32, y: f32, grain: f32) -> f32 {
    let (gx, gy) = (x / grain, y / grain);
    let (x0, y0) = (gx.floor(), gy.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (fx, fy) = (ease(gx - x0), ease(gy - y0));
    let corner = |dx: i64, dy: i64| Random::at(seed, x0 as i64 + dx, y0 as i64 + dy);
    let upper = corner(0, 0) * (1.0 - fx) + corner(1, 0) * fx;
    let lower = corner(0, 1) * (1.0 - fx) + corner(1, 1) * fx;
    upper * (1.0 - fy) + lower * fy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_has_the_spread_it_promises() {
        let mut random = Random::new(1);
        let values: Vec<f32> = (0..20_000).map(|_| random.normal()).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.05, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.1, "variance {variance}");
    }

    #[test]
    fn what_is_drawn_stays_in_its_bounds() {
        let mut random = Random::new(3);
        for _ in 0..1000 {
            assert!((2.0..3.0).contains(&random.between(2.0, 3.0)));
            assert!(random.below(4) < 4);
            assert!([5, 6].contains(&random.pick([5, 6])));
        }
        assert_eq!(random.below(0), 0);
        assert_ne!(random.branch().part(), random.branch().part());
    }

    #[test]
    fn the_texture_stays_in_its_range_and_depends_on_the_seed() {
        let sample = |seed| {
            (0..100)
                .map(|i| texture(seed, i as f32 * 1.7, 3.0, 8.0))
                .collect::<Vec<_>>()
        };
        assert!(sample(1).iter().all(|value| (0.0..=1.0).contains(value)));
        assert_eq!(sample(1), sample(1));
        assert_ne!(sample(1), sample(2));
    }
}
