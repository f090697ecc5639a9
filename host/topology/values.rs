//! The scalar types that node configurations are made of, and the checks that need only the one value.
//!
//! Each type names its kind in its JSON Schema (`x-kind`); [`super::shape`] checks by that kind, so that a value
//! is checked even while other values of the same node are still missing.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use url::Url;

use super::diagnostics::{Code, Severity, shown};
use super::masked::masked;
use super::parameters::Bound;
use super::template::Pattern;
use crate::media::{Ticks, duration};

/// Letters that Azure Media Services does not allow in the name of an asset.
const NOT_IN_ASSET_NAMES: &[char] = &['<', '>', '%', '&', ':', '\\', '/', '?', '*', '+', '.', '\''];

/// Letters of a name, file name or path, with its date filled in.
const MAX_PATTERN_CHARS: usize = 260;
/// Bytes of a file's name: file systems take 255, of which a number, a date and `.mp4` may need some.
const MAX_FILE_NAME_BYTES: usize = 220;

/// How secrets are shown.
const REDACTED: &str = "***";

macro_rules! text_schema {
    ($type:ty, $kind:literal) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "x-kind": $kind})
            }
        }
    };
}

/// Text that is never shown: `Debug` and `Serialize` give `***`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself; for handing it to whom it is meant for, never for showing it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

text_schema!(Secret, "secret");

/// A stretch of time, written in ISO 8601 (`PT30S`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub Ticks);

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        duration::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

text_schema!(Duration, "duration");
text_schema!(Pattern, "assetName");

/// The URL of an endpoint. Shown without user, password and query, and not at all when a secret went into it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
    secret: bool,
}

impl Address {
    /// The URL as given; for connecting, never for showing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.url
    }

    /// Whether a secret went into it.
    #[must_use]
    pub fn holds_secret(&self) -> bool {
        self.secret
    }

    /// For logs and errors.
    #[must_use]
    pub fn redacted(&self) -> String {
        match Url::parse(&self.url) {
            Ok(url) if !self.secret => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                let shown = format!(
                    "{}://{}{port}{}",
                    url.scheme(),
                    url.host_str().unwrap_or(""),
                    url.path()
                );
                masked(&shown).into_owned()
            }
            _ => REDACTED.to_owned(),
        }
    }

    /// Whether the URL's scheme asks for TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        Url::parse(&self.url).is_ok_and(|url| matches!(url.scheme(), "rtsps" | "https"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.redacted())
    }
}

/// How [`super::shape`] hands on an address with a secret in it.
pub(super) const SECRET_MEMBER: &str = "$secret";

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenAddress {
    Open(String),
    Secret {
        #[serde(rename = "$secret")]
        url: String,
    },
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match WrittenAddress::deserialize(deserializer)? {
            WrittenAddress::Open(url) => Self { url, secret: false },
            WrittenAddress::Secret { url } => Self { url, secret: true },
        })
    }
}

text_schema!(Address, "address");

/// The URL of a camera.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct RtspAddress(pub Address);

impl fmt::Debug for RtspAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_schema!(RtspAddress, "rtspAddress");

/// What a kind of text is checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Literal,
    Raw,
    /// A list that somebody else looks at where it was written; only that it is a list is checked.
    InPlace,
    Secret,
    Duration,
    Address,
    RtspAddress,
    AssetName,
    FileName,
    FilePath,
    Directory,
}

/// What is wrong with a value.
pub(super) struct Problem {
    pub(super) severity: Severity,
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

fn problem(code: Code, message: impl Into<String>, hint: Option<&'static str>) -> Option<Problem> {
    Some(Problem {
        severity: Severity::Error,
        code,
        message: message.into(),
        hint,
    })
}

impl Kind {
    pub(super) fn of(schema: &Value) -> Self {
        match schema.get("x-kind").and_then(Value::as_str) {
            Some("literal") => Self::Literal,
            Some("raw") => Self::Raw,
            Some("inPlace") => Self::InPlace,
            Some("secret") => Self::Secret,
            Some("duration") => Self::Duration,
            Some("address") => Self::Address,
            Some("rtspAddress") => Self::RtspAddress,
            Some("assetName") => Self::AssetName,
            Some("fileName") => Self::FileName,
            Some("filePath") => Self::FilePath,
            Some("directory") => Self::Directory,
            _ => Self::Plain,
        }
    }

    pub(super) fn is_pattern(self) -> bool {
        matches!(self, Self::AssetName | Self::FileName | Self::FilePath)
    }

    pub(super) fn may_be_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Address | Self::RtspAddress)
    }

    /// Checks a value that is whole, but for dates in patterns.
    pub(super) fn check(self, bound: &Bound, schema: &Value) -> Option<Problem> {
        match self {
            Self::Plain | Self::Literal | Self::Raw | Self::InPlace | Self::Secret => None,
            Self::Duration => check_duration(&bound.text(), schema),
            Self::Address => check_address(&bound.text(), bound.secret, &["http", "https", "tcp"]),
            Self::RtspAddress => check_address(&bound.text(), bound.secret, &["rtsp", "rtsps"]),
            Self::AssetName => check_asset_name(&example(bound)),
            Self::FileName => check_file_name(&example(bound)),
            Self::FilePath => check_file_path(&bound.pattern()),
            Self::Directory => check_directory(&bound.text()),
        }
    }
}

// Any moment shows which letters a date will bring in.
fn example(bound: &Bound) -> String {
    bound.pattern().render(jiff::Timestamp::UNIX_EPOCH)
}

fn check_duration(text: &str, schema: &Value) -> Option<Problem> {
    let ticks = match duration::parse(text) {
        Ok(ticks) => ticks,
        Err(error) => {
            let message = format!("expected an ISO 8601 duration: {error}");
            return problem(
                Code::PropertyValueInvalid,
                message,
                Some("write it like `PT30S` or `-PT5S`"),
            );
        }
    };
    let bound = |name| schema.get(name).and_then(Value::as_i64).map(Ticks::from_secs);
    let (least, most) = (bound("x-min-seconds"), bound("x-max-seconds"));
    if least.is_some_and(|least| ticks < least) || most.is_some_and(|most| ticks > most) {
        let least = least.map(duration::format).unwrap_or_else(|| "any".to_owned());
        let most = most.map_or_else(
            || "up".to_owned(),
            |most| format!("to `{}`", duration::format(most)),
        );
        let message = format!("{} is out of range: from `{least}` {most}", shown(text));
        return problem(
            Code::PropertyValueOutOfRange,
            message,
            Some("give a duration within the range, such as `PT30S` for 30 seconds"),
        );
    }
    None
}

fn check_address(text: &str, secret: bool, schemes: &[&str]) -> Option<Problem> {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            let message = format!("not a URL: {error}");
            return problem(
                Code::PropertyValueInvalid,
                message,
                Some("write it like `rtsp://camera:554/path`"),
            );
        }
    };
    if !schemes.contains(&url.scheme()) {
        let rtsp = schemes.contains(&"rtsp");
        let code = if rtsp {
            Code::RtspEndpointUrlInvalidScheme
        } else {
            Code::PropertyValueInvalid
        };
        let scheme = if secret {
            "the scheme".to_owned()
        } else {
            shown(url.scheme())
        };
        let message = format!(
            "{scheme} is not a scheme for this URL; expected {}",
            super::diagnostics::one_of(schemes.iter().copied())
        );
        let hint = rtsp.then_some("write it like `rtsp://camera:554/path`");
        return problem(code, message, hint);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return problem(Code::PropertyValueInvalid, "the URL names no host", None);
    }
    (!url.username().is_empty() || url.password().is_some()).then(|| Problem {
        severity: Severity::Warning,
        code: Code::PropertyValueUnusual,
        message: "the user and password in the URL are not used".to_owned(),
        hint: Some("write them in `credentials`, where they are kept out of logs"),
    })
}

fn check_length(text: &str) -> Option<Problem> {
    let length = text.chars().count();
    (length == 0 || length > MAX_PATTERN_CHARS).then_some(())?;
    let message = format!("must have between 1 and {MAX_PATTERN_CHARS} letters, and has {length}");
    problem(Code::PropertyValueInvalidPattern, message, None)
}

fn check_asset_name(text: &str) -> Option<Problem> {
    if let Some(letter) = text
        .chars()
        .find(|c| NOT_IN_ASSET_NAMES.contains(c) || c.is_control())
    {
        let hint =
            (letter == '.').then_some("`${System.PreciseDateTime}` brings a `.`; use `${System.DateTime}`");
        let message = format!("an asset name must not hold {}", shown(&letter.to_string()));
        return problem(Code::PropertyValueInvalidPattern, message, hint);
    }
    check_length(text)
}

fn check_file_name(text: &str) -> Option<Problem> {
    if text.contains(['/', '\\']) || text.chars().any(char::is_control) || matches!(text, "." | "..") {
        let message = "a file name must not hold `/`, `\\` or control characters, nor be `.` or `..`";
        return problem(
            Code::PropertyValueInvalidPattern,
            message,
            Some("folders belong in `baseDirectoryPath`"),
        );
    }
    if text.starts_with('.') {
        let message = "a file name must not begin with `.`: such files are hidden, and the sink keeps its own records so";
        return problem(Code::PropertyValueInvalidPattern, message, None);
    }
    if text.len() > MAX_FILE_NAME_BYTES {
        let message = format!(
            "a file name must have at most {MAX_FILE_NAME_BYTES} bytes, and this has {}",
            text.len()
        );
        return problem(Code::PropertyValueInvalidPattern, message, None);
    }
    check_length(text)
}

fn check_file_path(pattern: &Pattern) -> Option<Problem> {
    match pattern.split_directory() {
        None => problem(
            Code::PropertyValueInvalidPattern,
            "must be an absolute path in which only the file name holds a date",
            Some("write it like `/var/media/clip-${System.DateTime}`"),
        ),
        Some((directory, name)) => {
            check_directory(&directory).or_else(|| check_file_name(&name.render(jiff::Timestamp::UNIX_EPOCH)))
        }
    }
}

fn check_directory(text: &str) -> Option<Problem> {
    if !text.starts_with('/') {
        return problem(
            Code::PropertyValueInvalid,
            "must be an absolute path",
            Some("start it with `/`"),
        );
    }
    if text.split('/').any(|step| step == "..") || text.chars().any(char::is_control) {
        return problem(
            Code::PropertyValueInvalid,
            "a path must not hold `..` or control characters",
            None,
        );
    }
    None
}
