//! The sections of the file, one function each: which settings there are, and what each may be.

mod disk;
mod models;
mod policy;
mod tokens;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::DeTable;

pub(super) use self::disk::bytes;
use self::disk::{keep_free, paths};
use self::policy::policy;
use self::tokens::{named, tokens};
use super::model::{
    EventsConfig, HostConfig, LimitsConfig, LogConfig, LogFormat, ServerConfig, TimeZone, TlsFiles,
};
use super::reader::{Item, Reader, Section};
use super::{Warning, stores};
use crate::api::TlsReload;
use crate::topology::diagnostics::shown;
use crate::topology::{Code, Diagnostics};

/// From a year on, events belong into an archive.
const KEEP_DAYS: RangeInclusive<u32> = 1..=3650;
const KEEP_MIB: RangeInclusive<u32> = 16..=1 << 20;
const STORED: RangeInclusive<u32> = 1..=100_000;
const CONNECTIONS: RangeInclusive<u32> = 1..=10_000;
/// Other web sites whose pages may ask.
const MAX_ORIGINS: usize = 32;
const DRAIN: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

pub(super) fn read(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(HostConfig, Vec<Warning>), Diagnostics> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader::new(text, environment);
    for error in &errors {
        reader.syntax(error);
    }
    let mut config = HostConfig::default();
    root(&mut reader, Section::root(table.get_ref()), &mut config);
    let mut out = reader.out;
    out.sort();
    if out.has_errors() {
        return Err(out);
    }
    let warnings = out.diagnostics;
    Ok((config, warnings))
}

fn root<'t>(reader: &mut Reader<'t>, mut root: Section<'t>, config: &mut HostConfig) {
    root.table(reader, "server", |reader, section| {
        server(reader, section, &mut config.server);
    });
    let listen = root.item("server");
    let written = root.item("tokens");
    root.set(reader, "tokens", &mut config.tokens, tokens);
    root.table(reader, "events", |reader, section| {
        events(reader, section, &mut config.events);
    });
    root.table(reader, "paths", |reader, section| {
        paths(reader, section, &mut config.paths);
    });
    root.table(reader, "policy", |reader, section| {
        policy(reader, section, &mut config.policy);
    });
    root.table(reader, "log", |reader, section| {
        log(reader, section, &mut config.log)
    });
    root.table(reader, "limits", |reader, section| {
        limits(reader, section, &mut config.limits);
    });
    storage(reader, &mut root, config);
    root.table(reader, "models", |reader, section| {
        models::models(reader, section, &mut config.models);
    });
    root.set(reader, "keep_free", &mut config.keep_free, keep_free);
    root.set(reader, "retention", &mut config.retention, super::retention::read);
    root.set(reader, "time_zone", &mut config.time_zone, time_zone);
    root.table(reader, "secrets", |reader, section| {
        config.secrets = section.members(reader, |reader, name, item| {
            named(reader, name, item)?;
            reader.secret(item)
        });
    });
    root.finish(reader);
    binding(reader, listen, written, config);
}

/// Where recordings go.
fn storage<'t>(reader: &mut Reader<'t>, root: &mut Section<'t>, config: &mut HostConfig) {
    // What is described with a mistake in it counts as there: one mistake is told once.
    let mut described = Vec::new();
    if let Some(item) = root.item("stores") {
        let table = item.value.get_ref().as_table();
        described.extend(
            table
                .into_iter()
                .flatten()
                .map(|(name, _)| name.get_ref().to_string()),
        );
    }
    root.table(reader, "stores", |reader, section| {
        config.stores = stores::stores(reader, section);
    });
    root.table(reader, "recording", |reader, section| {
        stores::recording(reader, section, &mut config.recording.store, &described);
    });
}

/// Whether the host may listen where it is told to, with the tokens that it has.
fn binding(
    reader: &mut Reader<'_>,
    listen: Option<Item<'_>>,
    written: Option<Item<'_>>,
    config: &HostConfig,
) {
    // A token with a mistake in it has been told already: here it counts.
    let tokens = written.and_then(|item| Some(item.value.get_ref().as_array()?.len()));
    if let Some(item) = listen
        && let Err(error) = config.server.check_binding(tokens.unwrap_or(0))
    {
        let told = error.to_string();
        let (message, hint) = told.split_once("\nhint: ").unwrap_or((&told, ""));
        reader.mistake(&item, Code::PropertyValueInvalid, message, Some(hint));
    }
}

fn server<'t>(reader: &mut Reader<'t>, mut section: Section<'t>, config: &mut ServerConfig) {
    section.set(reader, "listen", &mut config.listen, |reader, item| {
        reader.parsed::<SocketAddr>(
            item,
            "an address and a port such as `127.0.0.1:8090` or `[::]:8090`",
        )
    });
    section.set(reader, "behind_proxy", &mut config.behind_proxy, Reader::boolean);
    section.set(
        reader,
        "allowed_hosts",
        &mut config.allowed_hosts,
        |reader, item| reader.list(item, host_name),
    );
    section.set(reader, "allowed_origins", &mut config.allowed_origins, origins);
    section.set_some(reader, "tls", &mut config.tls, tls);
    section.finish(reader);
}

/// A name as it stands in a `Host` header, without a port.
fn host_name<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<String> {
    let name = reader.string(item)?;
    let address = name.parse::<std::net::IpAddr>().is_ok();
    let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.';
    if address || name.chars().all(letters) {
        return Some(name.to_ascii_lowercase());
    }
    let message = format!("{} is not the name of a host, or an address", shown(name));
    let hint = "write the name alone, without scheme and port, such as `cameras.example.org`";
    reader.mistake(item, Code::PropertyValueInvalidPattern, message, Some(hint));
    None
}

fn origins<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Vec<String>> {
    let origins = reader.list(item, origin)?;
    if origins.len() > MAX_ORIGINS {
        let message = format!("{} has more than {MAX_ORIGINS} elements", shown(&item.key));
        reader.mistake(item, Code::LimitExceeded, message, None);
        return None;
    }
    Some(origins)
}

/// The origin of a web site, exactly as browsers send it: they leave out a port that is usual, and write small letters.
fn origin<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<String> {
    let text = reader.string(item)?;
    let url = url::Url::parse(text).ok();
    let web = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let written = web.map(|url| url.origin().ascii_serialization());
    let pattern = text.contains('*');
    if !pattern && written.as_deref() == Some(text) {
        return written;
    }
    // What was written is not repeated: somebody may have put a password into it.
    let message = format!("{} is not the origin of a web site", shown(&item.key));
    let hint = match written {
        _ if pattern => "write each origin whole: a pattern lets in whoever can get such a name".to_owned(),
        Some(written) => format!("write it as browsers send it: `{written}`"),
        None => "write scheme and host, such as `https://desk.example.org`, and the port if it is not the usual one"
            .to_owned(),
    };
    reader.mistake(item, Code::PropertyValueInvalidPattern, message, Some(&hint));
    None
}

fn tls<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<TlsFiles> {
    let mut section = reader.section(item)?;
    let certificate = section.required(reader, "certificate", item, Reader::path);
    let key = section.required(reader, "key", item, Reader::path);
    section.finish(reader);
    let files = TlsFiles {
        certificate: certificate?,
        key: key?,
    };
    match TlsReload::open(&files.certificate, &files.key) {
        Ok(_) => Some(files),
        Err(error) => {
            let hint = "the user that runs mediagraph must be able to read both files, in PEM form";
            reader.mistake(item, Code::PropertyValueInvalid, error.to_string(), Some(hint));
            None
        }
    }
}

fn events<'t>(reader: &mut Reader<'t>, mut section: Section<'t>, config: &mut EventsConfig) {
    section.set_some(reader, "file", &mut config.file, Reader::path);
    section.table(reader, "outputs", |reader, section| {
        config.outputs = section.members(reader, |reader, _, item| reader.path(item));
    });
    section.set(reader, "keep_days", &mut config.keep_days, |reader, item| {
        reader.number(item, KEEP_DAYS)
    });
    section.set(reader, "keep_mib", &mut config.keep_mib, |reader, item| {
        reader.number(item, KEEP_MIB)
    });
    section.finish(reader);
}

fn log<'t>(reader: &mut Reader<'t>, mut section: Section<'t>, config: &mut LogConfig) {
    section.set(reader, "level", &mut config.level, |reader, item| {
        let text = reader.string(item)?;
        if tracing_subscriber::EnvFilter::try_new(text).is_ok() {
            return Some(text.to_owned());
        }
        let message = format!("{} is not a filter of log lines", shown(text));
        let hint =
            "write `error`, `warn`, `info`, `debug` or `trace`, or per module `info,mediagraph::nodes=debug`";
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
        None
    });
    section.set(reader, "format", &mut config.format, |reader, item| {
        reader.word(item, &[("text", LogFormat::Text), ("json", LogFormat::Json)])
    });
    section.finish(reader);
}

fn limits<'t>(reader: &mut Reader<'t>, mut section: Section<'t>, config: &mut LimitsConfig) {
    for (name, into, range) in [
        ("max_topologies", &mut config.max_topologies, STORED),
        ("max_instances", &mut config.max_instances, STORED),
        ("max_connections", &mut config.max_connections, CONNECTIONS),
    ] {
        section.set(reader, name, into, |reader, item| reader.number(item, range));
    }
    section.set(
        reader,
        "drain_timeout",
        &mut config.drain_timeout,
        |reader, item| reader.duration(item, DRAIN),
    );
    section.finish(reader);
}

fn time_zone<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<TimeZone> {
    let name = reader.string(item)?;
    if name == "UTC" {
        return Some(TimeZone::default());
    }
    match jiff::tz::TimeZone::get(name) {
        Ok(zone) => Some(TimeZone(zone)),
        Err(_) => {
            let message = format!("this machine knows no time zone {}", shown(name));
            let hint = "write a name such as `Europe/Berlin` (the package `tzdata` has them), or `UTC`";
            reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
            None
        }
    }
}
