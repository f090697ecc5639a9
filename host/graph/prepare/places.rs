//! Where a graph meets the world: the camera that a source connects to, the place that a sink records to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use retina::client::Credentials as RtspCredentials;
use url::Url;

use super::{Environment, Place, Prepared, one};
use crate::graph::Recordings;
use crate::media::Clock;
use crate::nodes::endpoint::{CertificateSource, Credentials, Endpoint};
use crate::nodes::sinks::asset::run::AssetOpener;
use crate::nodes::sinks::file::DEFAULT_FILE_LENGTH;
use crate::nodes::sinks::file::run::FileOpener;
use crate::nodes::sinks::recorder::Opener;
use crate::nodes::sinks::told::ToldOpener;
use crate::nodes::sources::rtsp::target::Target;
use crate::nodes::sources::rtsp::tls::{CameraTls, TlsOptions};
use crate::nodes::{AssetSink, FileSink, RtspSource};
use crate::recording::cache::sink_folder;
use crate::recording::storage::{Disk, Storage};

pub(super) fn target(source: &RtspSource) -> Prepared<Target> {
    let address = source.endpoint.url();
    let mut url =
        Url::parse(address.0.expose()).map_err(|error| one(format!("the URL cannot be read: {error}")))?;
    let tls = if address.0.is_secure() || source.endpoint.tls().is_some() {
        Some(CameraTls::new(tls_options(&source.endpoint)).map_err(one)?)
    } else {
        None
    };
    // Credentials in the URL are ignored, as the original did (validation has warned); they must not reach a log.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    let credentials = match source.endpoint.credentials() {
        Some(Credentials::UsernamePassword(given)) => Some(RtspCredentials {
            username: given.username.expose().to_owned(),
            password: given.password.expose().to_owned(),
        }),
        Some(Credentials::HttpHeader(_)) => {
            return Err(one(
                "an RTSP camera takes a user name and a password, not an HTTP header",
            ));
        }
        None => None,
    };
    Ok(Target {
        url,
        credentials,
        tls,
        secret: address.0.holds_secret(),
    })
}

/// What the topology says; a URL that asks for TLS at an unsecured endpoint gets all checks.
pub(super) fn tls_options<A>(endpoint: &Endpoint<A>) -> TlsOptions<'_> {
    let Some(endpoint) = endpoint.tls() else {
        return TlsOptions::default();
    };
    let trusted = endpoint.trusted_certificates.as_ref();
    TlsOptions {
        trusted: trusted.map(|CertificateSource::Pem(list)| list.certificates.as_slice()),
        ignore_hostname: endpoint.validation_options.ignore_hostname,
        ignore_signature: endpoint.validation_options.ignore_signature,
    }
}

pub(super) fn asset_opener(
    instance: &str,
    name: &str,
    sink: &AssetSink,
    environment: &Environment,
) -> Prepared<Arc<dyn Opener>> {
    let clock = clock_of(name, environment);
    let Some(recordings) = &environment.recordings else {
        return Ok(Arc::new(ToldOpener::asset(sink, clock)));
    };
    let root = cache_root(sink, recordings, environment)?;
    Ok(Arc::new(AssetOpener {
        pattern: sink.asset_name_pattern.clone(),
        cache: Arc::clone(recordings.cache()),
        store: recordings.store().to_owned(),
        owner: format!("{instance}/{name}"),
        folder: sink_folder(&root, instance, name),
        budget: sink
            .local_media_cache_maximum_size_mib
            .map(|mib| u64::from(mib) << 20),
        segment_length: sink.segment_length.0,
        clock,
        wording: sink.wording.clone(),
    }))
}

/// Where the topology says; a relative path, which names no place, counts as none.
fn cache_root(sink: &AssetSink, recordings: &Recordings, environment: &Environment) -> Prepared<PathBuf> {
    let named = sink.local_media_cache_path.as_deref();
    match named.filter(|path| Path::new(path).is_absolute()) {
        Some(path) => environment.state.map(path).map_err(one),
        None => Ok(recordings.cache().root().to_owned()),
    }
}

pub(super) fn file_opener(
    place: Place<'_>,
    sink: &FileSink,
    environment: &Environment,
) -> Prepared<Arc<dyn Opener>> {
    let (directory, pattern) = sink
        .location()
        .ok_or_else(|| one("the sink does not say where its files go"))?;
    let clock = clock_of(place.name, environment);
    if environment.recordings.is_none() {
        return Ok(Arc::new(ToldOpener::file(&directory, pattern, clock)));
    }
    let length = sink
        .segment_length
        .or(place.endless.then_some(DEFAULT_FILE_LENGTH));
    Ok(Arc::new(FileOpener {
        pattern,
        directory: environment.state.map(&directory).map_err(one)?,
        owner: owner(place),
        segment_length: length.map(|length| length.0),
        maximum_size_mib: sink.maximum_size_mib.map(u64::from),
        clock,
        storage: disk(),
    }))
}

/// Two instances of a topology may write to one folder, and each counts its own files.
fn owner(place: Place<'_>) -> String {
    let known = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    let letters = place
        .instance
        .chars()
        .chain("_".chars())
        .chain(place.name.chars());
    letters
        .map(|letter| if known(letter) { letter } else { '-' })
        .collect()
}

fn clock_of(node: &str, environment: &Environment) -> Arc<dyn Clock> {
    let clock = &environment.clock;
    clock.of_node(node).unwrap_or_else(|| Arc::clone(clock))
}

fn disk() -> Arc<dyn Storage> {
    Arc::new(Disk)
}
