//! Names of manifests as Live Video Analytics has them: `manifest(format=m3u8-cmaf,startTime=...,endTime=...).m3u8`.

/// What a name asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// In which form.
    pub format: Format,
    /// From when on, as it is written.
    pub start: Option<String>,
    /// Until when, as it is written.
    pub end: Option<String>,
}

/// Forms of manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// HLS.
    Hls,
    /// DASH.
    Dash,
}

/// Why a name is none of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Another name.
    #[error(
        "there is nothing of this name\nhint: `manifest(format=m3u8-cmaf)`, `manifest(format=mpd-time-cmaf)` or `availableMedia`"
    )]
    Name,
    /// What stands in the parentheses.
    #[error("a manifest has no filter `{0}`\nhint: it has `format`, `startTime` and `endTime`, each once")]
    Filter(String),
    /// No such form.
    #[error("a manifest has no format `{0}`\nhint: `m3u8-cmaf` is HLS, `mpd-time-cmaf` is DASH")]
    Format(String),
    /// The ending says something else than the filter.
    #[error("the name ends like one format and asks for another")]
    Ending,
}

/// Media is CMAF whichever of its forms is asked for: players of the older ones play it.
const FORMATS: [(&str, Format); 5] = [
    ("m3u8-cmaf", Format::Hls),
    ("m3u8-aapl", Format::Hls),
    ("m3u8-aapl-v3", Format::Hls),
    ("mpd-time-cmaf", Format::Dash),
    ("mpd-time-csf", Format::Dash),
];
/// Characters of what is wrong that are repeated.
const MAX_SHOWN: usize = 40;

impl Manifest {
    /// Reads a name.
    ///
    /// # Errors
    /// When it is none of a manifest.
    pub fn parse(name: &str) -> Result<Self, ManifestError> {
        let rest = name.strip_prefix("manifest").ok_or(ManifestError::Name)?;
        let (rest, ending) = match (rest.strip_suffix(".m3u8"), rest.strip_suffix(".mpd")) {
            (Some(rest), _) => (rest, Some(Format::Hls)),
            (_, Some(rest)) => (rest, Some(Format::Dash)),
            _ => (rest, None),
        };
        let inside = match rest {
            "" => "",
            rest => rest
                .strip_prefix('(')
                .and_then(|rest| rest.strip_suffix(')'))
                .ok_or(ManifestError::Name)?,
        };
        let (mut format, mut start, mut end) = (None, None, None);
        for filter in inside
            .split(',')
            .map(str::trim)
            .filter(|filter| !filter.is_empty())
        {
            let (key, value) = filter.split_once('=').ok_or_else(|| unknown(filter))?;
            let known = match key.trim() {
                "format" => &mut format,
                "startTime" => &mut start,
                "endTime" => &mut end,
                _ => return Err(unknown(filter)),
            };
            if known.replace(value.trim().to_owned()).is_some() {
                return Err(unknown(filter));
            }
        }
        let format = format.as_deref().map(format_of).transpose()?;
        match (format, ending) {
            (Some(format), Some(ending)) if format != ending => Err(ManifestError::Ending),
            (format, ending) => Ok(Self {
                format: format.or(ending).unwrap_or(Format::Hls),
                start,
                end,
            }),
        }
    }
}

fn format_of(text: &str) -> Result<Format, ManifestError> {
    let known = FORMATS.iter().find(|(name, _)| *name == text);
    known
        .map(|(_, format)| *format)
        .ok_or_else(|| ManifestError::Format(shown(text)))
}

fn unknown(filter: &str) -> ManifestError {
    ManifestError::Filter(shown(filter))
}

fn shown(text: &str) -> String {
    text.escape_debug().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_media_services_are_read() {
        for (name, format, start, end) in [
            ("manifest", Format::Hls, None, None),
            ("manifest.mpd", Format::Dash, None, None),
            ("manifest()", Format::Hls, None, None),
            ("manifest(format=m3u8-aapl).m3u8", Format::Hls, None, None),
            ("manifest(format=mpd-time-csf).mpd", Format::Dash, None, None),
            ("manifest(format=mpd-time-cmaf)", Format::Dash, None, None),
            (
                "manifest(format=m3u8-cmaf,startTime=2026-11-22T14:02:00Z, endTime=2026-11-22T14:07:00.5Z).m3u8",
                Format::Hls,
                Some("2026-11-22T14:02:00Z"),
                Some("2026-11-22T14:07:00.5Z"),
            ),
        ] {
            let read = Manifest::parse(name).unwrap();
            assert_eq!(
                (read.format, read.start.as_deref(), read.end.as_deref()),
                (format, start, end),
                "{name}"
            );
        }
    }

    #[test]
    fn absurd_names_are_refused() {
        let parse = |name: &str| Manifest::parse(name).unwrap_err();
        for name in [
            "",
            "manifesto",
            "manifest(",
            "manifest)",
            "manifest(format=m3u8-cmaf",
            "x",
            "../manifest",
        ] {
            assert_eq!(parse(name), ManifestError::Name, "{name}");
        }
        for name in [
            "manifest(x)",
            "manifest(a=b)",
            "manifest(startTime=1,startTime=2)",
        ] {
            assert!(matches!(parse(name), ManifestError::Filter(_)), "{name}");
        }
        assert!(matches!(parse("manifest(format=avi)"), ManifestError::Format(_)));
        assert_eq!(parse("manifest(format=m3u8-cmaf).mpd"), ManifestError::Ending);
        let long = format!("manifest(format={})", "\u{1b}".repeat(1000));
        assert!(parse(&long).to_string().len() < 300);
    }
}
