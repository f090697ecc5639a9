//! How much must change.

/// How easily motion is seen. Pixels and grey levels are those of a 320x180 picture with 255 levels.
///
/// | | least contrast | least changed area | as a share of the picture | for example |
/// |---|---|---|---|---|
/// | low | 20 levels | 288 pixels | 0.5 % | a car in the middle of a yard |
/// | medium | 10 levels | 64 pixels | 0.11 % | a person of a tenth of the picture's height |
/// | high | 7 levels | 28 pixels | 0.05 % | a cat across the yard |
///
/// The contrast needed is higher where the picture is noisy: at least 3.5 standard deviations of the noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// Large and clear things only.
    Low,
    /// What a person would call motion at a glance.
    #[default]
    Medium,
    /// Small and faint things too.
    High,
}

impl Sensitivity {
    /// Reads `low`, `medium` or `high` in any casing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [("low", Self::Low), ("medium", Self::Medium), ("high", Self::High)]
            .into_iter()
            .find_map(|(name, value)| name.eq_ignore_ascii_case(text).then_some(value))
    }

    /// Least difference of a pixel to its background, in grey levels.
    pub(crate) fn contrast(self) -> f32 {
        match self {
            Self::Low => 20.0,
            Self::Medium => 10.0,
            Self::High => 7.0,
        }
    }

    /// Least number of changed pixels of a region in a picture of so many pixels.
    pub(crate) fn area(self, picture: usize) -> u32 {
        let parts_per_million = match self {
            Self::Low => 5000,
            Self::Medium => 1111,
            Self::High => 486,
        };
        u32::try_from(picture * parts_per_million / 1_000_000)
            .unwrap_or(u32::MAX)
            .max(4)
    }
}
