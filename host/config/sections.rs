//! The sections of the file, one function each: which settings there are, and what each may be.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use toml::de::DeTable;

use super::model::{
    EventsConfig, HostConfig, KeepFree, LimitsConfig, LogConfig, LogFormat, NetworkRules, PathsConfig,
    PolicyConfig, ServerConfig, TimeZone, TlsFiles, TokenConfig,
};
use super::network::Network;
use super::reader::{Item, Reader, Section, is_plain};
use super::{Warning, stores};
use crate::api::{Role, TlsReload};
use crate::topology::diagnostics::shown;
use crate::topology::{Code, Diagnostics, Secret};

/// Schemes of endpoints that a policy can name.
const SCHEMES: [&str; 5] = ["rtsp", "rtsps", "http", "https", "tcp"];

/// A shorter token can be guessed.
const LEAST_TOKEN_CHARS: usize = 24;
/// Letters of the name of a token or of a secret.
const MAX_NAME_CHARS: usize = 64;
/// From a year on, events belong into an archive.
const KEEP_DAYS: RangeInclusive<u32> = 1..=3650;
const KEEP_MIB: RangeInclusive<u32> = 16..=1 << 20;
/// The validator's own range.
const COMPONENT_MIB: RangeInclusive<u32> = 1..=4096;
const COMPONENT_TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
const COMPONENTS: RangeInclusive<u32> = 0..=256;
const GUEST_MIB: RangeInclusive<u32> = 1..=1 << 24;
const STORED: RangeInclusive<u32> = 1..=100_000;
const CONNECTIONS: RangeInclusive<u32> = 1..=10_000;
const DRAIN: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
const LARGEST_BYTES: u64 = 1 << 50;

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

fn tokens<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Vec<TokenConfig>> {
    let mut names = BTreeSet::new();
    reader.list(item, |reader, item| {
        let token = token(reader, item)?;
        if names.insert(token.name.clone()) {
            return Some(token);
        }
        let message = format!("there are two tokens with the name {}", shown(&token.name));
        reader.mistake(item, Code::PropertyDuplicate, message, None);
        None
    })
}

fn token<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<TokenConfig> {
    let mut section = reader.section(item)?;
    let name = section.required(reader, "name", item, |reader, item| {
        let name = reader.string(item)?;
        named(reader, name, item)?;
        Some(name.to_owned())
    });
    let both = section.has("secret") == section.has("sha256");
    let (mut secret, mut hash) = (None::<Secret>, None);
    section.set(reader, "secret", &mut secret, |reader, item| {
        token_secret(reader, item).map(Some)
    });
    section.set(reader, "sha256", &mut hash, |reader, item| {
        sha256(reader, item).map(Some)
    });
    if both {
        let message = format!("{} needs exactly one of `secret` and `sha256`", shown(&item.key));
        let hint = "`mediagraph config token` makes a token and the line for it";
        reader.mistake(item, Code::PropertyMissing, message, Some(hint));
    }
    let roles = [Role::Read, Role::Operate, Role::Admin].map(|role| (role.name(), role));
    let role = section.required(reader, "role", item, |reader, item| reader.word(item, &roles));
    let (mut instances, mut expires) = (None, None);
    section.set_some(reader, "instances", &mut instances, instance_pattern);
    section.set_some(reader, "expires", &mut expires, moment);
    section.finish(reader);
    Some(TokenConfig {
        name: name?,
        sha256: match &secret {
            Some(secret) => Sha256::digest(secret.expose().as_bytes()).into(),
            None => hash?,
        },
        secret,
        role: role?,
        instances,
        expires,
    })
}

fn token_secret<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Secret> {
    let secret = reader.secret(item)?;
    if secret.expose().chars().count() < LEAST_TOKEN_CHARS {
        let message = format!("a token needs at least {LEAST_TOKEN_CHARS} letters");
        let hint = "`mediagraph config token` makes one that cannot be guessed";
        reader.mistake(item, Code::PropertyValueOutOfRange, message, Some(hint));
        return None;
    }
    Some(secret)
}

fn sha256<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<[u8; 32]> {
    let text = item.value.get_ref().as_str();
    let hash = text.and_then(super::token::hash_of_hex);
    if hash.is_none() {
        // Not repeated: it may be the token itself.
        let message = format!(
            "{} must be the SHA-256 of the token: 64 hexadecimal digits",
            shown(&item.key)
        );
        let hint = "`mediagraph config token` makes a token and the line for it";
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
    }
    hash
}

fn instance_pattern<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<String> {
    let pattern = reader.string(item)?;
    let letters = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '*' | '?');
    if pattern.chars().all(letters) && pattern.len() <= MAX_NAME_CHARS {
        return Some(pattern.to_owned());
    }
    let message = format!("{} cannot match the name of an instance", shown(pattern));
    let hint = "names have letters, digits and dashes; `*` stands for any number of them, `?` for one";
    reader.mistake(item, Code::PropertyValueInvalidPattern, message, Some(hint));
    None
}

/// A moment, as TOML's own date or as a text.
fn moment<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Timestamp> {
    let written = match item.value.get_ref().as_datetime() {
        Some(moment) => moment.to_string(),
        None => item.value.get_ref().as_str().unwrap_or_default().to_owned(),
    };
    if let Ok(moment) = written.parse() {
        return Some(moment);
    }
    let message = format!("{} must be a moment with its zone", shown(&item.key));
    let hint = "write it like `2027-01-31T00:00:00Z`";
    reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
    None
}

/// The name of a token or of a secret.
fn named(reader: &mut Reader<'_>, name: &str, item: &Item<'_>) -> Option<()> {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= MAX_NAME_CHARS && name.chars().all(letters) {
        return Some(());
    }
    let message = format!(
        "the name of {} must have 1 to {MAX_NAME_CHARS} letters, digits, dots, dashes or underscores",
        shown(&item.key)
    );
    reader.mistake(item, Code::PropertyValueInvalidPattern, message, None);
    None
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

fn paths<'t>(reader: &mut Reader<'t>, mut section: Section<'t>, config: &mut PathsConfig) {
    section.table(reader, "map", |reader, section| {
        config.map = section.members(reader, |reader, named, item| {
            if is_plain(Path::new(named)) {
                return folder(reader, item);
            }
            let message = format!("{} must be an absolute path without `..`", shown(named));
            let hint = "write the folder that topologies name, such as `\"/var/media\" = \"/srv/clips\"`";
            reader.mistake(item, Code::PropertyValueInvalidPattern, message, Some(hint));
            None
        });
    });
    section.set(reader, "write_roots", &mut config.write_roots, folders);
    section.set(reader, "load_roots", &mut config.load_roots, folders);
    section.finish(reader);
}

fn folders<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Vec<std::path::PathBuf>> {
    reader.list(item, folder)
}

/// A folder that topologies may use.
fn folder<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<std::path::PathBuf> {
    let path = reader.path(item)?;
    if path.parent().is_none() {
        let message = "`/` would allow everything";
        let hint = "name the folders that are meant";
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
        return None;
    }
    if !path.is_dir() {
        let message = format!("there is no folder {}", shown(&path.display().to_string()));
        let hint = "it is made when something is recorded; a disk that is not mounted looks like this, too";
        reader.oddity(item, message, hint);
    }
    Some(path)
}

fn policy<'t>(reader: &mut Reader<'t>, mut section: Section<'t>, config: &mut PolicyConfig) {
    section.set(reader, "networks", &mut config.networks, rules);
    section.table(reader, "schemes", |reader, mut section| {
        for scheme in SCHEMES {
            if let Some(rules) = section.item(scheme).and_then(|item| rules(reader, &item)) {
                config.schemes.insert(scheme.to_owned(), rules);
            }
        }
        section.finish(reader);
    });
    section.set(
        reader,
        "max_component_memory_mib",
        &mut config.max_component_memory_mib,
        |reader, item| reader.number(item, COMPONENT_MIB),
    );
    section.set(
        reader,
        "max_component_timeout",
        &mut config.max_component_timeout,
        |reader, item| reader.duration(item, COMPONENT_TIMEOUT),
    );
    section.set(
        reader,
        "max_components",
        &mut config.max_components,
        |reader, item| reader.number(item, COMPONENTS),
    );
    section.set_some(
        reader,
        "max_guest_memory_mib",
        &mut config.max_guest_memory_mib,
        |reader, item| reader.number(item, GUEST_MIB),
    );
    section.finish(reader);
}

fn rules<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<NetworkRules> {
    let mut section = reader.section(item)?;
    let mut rules = NetworkRules::default();
    section.set(reader, "allow", &mut rules.allow, networks);
    section.set(reader, "deny", &mut rules.deny, networks);
    section.finish(reader);
    Some(rules)
}

fn networks<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Vec<Network>> {
    reader.list(item, |reader, item| {
        let text = reader.string(item)?;
        match text.parse() {
            Ok(network) => Some(network),
            Err(error) => {
                let message = format!("{} is not a network: {error}", shown(text));
                reader.mistake(item, Code::PropertyValueInvalid, message, None);
                None
            }
        }
    })
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

/// `"5%"`, `"10GiB"`, or both in a list: then the smaller one counts.
fn keep_free<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<KeepFree> {
    let mut reserve = KeepFree {
        percent: None,
        bytes: None,
    };
    let mut one = |reader: &mut Reader<'t>, item: &Item<'t>| {
        let text = reader.string(item)?;
        if let Some(percent) = percent(text) {
            reserve.percent = Some(percent);
        } else if let Some(bytes) = bytes(text) {
            reserve.bytes = Some(bytes);
        } else {
            let message = format!("{} is neither a share of the disk nor a size", shown(text));
            let hint = "write `5%`, `10GiB` or `500MiB`; of a list the smaller one counts";
            reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
            return None;
        }
        Some(())
    };
    if item.value.get_ref().is_array() {
        let elements = item.value.get_ref().as_array().map_or(0, |list| list.len());
        if reader.list(item, one)?.len() < elements {
            return None;
        }
    } else {
        one(reader, item)?;
    }
    if reserve.percent.is_none() && reserve.bytes.is_none() {
        let message = format!("{} says neither a share of the disk nor a size", shown(&item.key));
        let hint = "write `5%`, `10GiB` or `500MiB`";
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
        return None;
    }
    Some(reserve)
}

fn percent(text: &str) -> Option<u8> {
    let percent = text.strip_suffix('%')?.trim().parse().ok()?;
    (percent < 100).then_some(percent)
}

pub(super) fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let shift = match unit.trim() {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    let bytes = number.parse::<u64>().ok()?.checked_mul(1 << shift)?;
    (bytes <= LARGEST_BYTES).then_some(bytes)
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
