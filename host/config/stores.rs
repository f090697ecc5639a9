//! `[stores.NAME]` and `[recording]`: where recordings are kept for good.

use std::collections::BTreeMap;
use std::path::PathBuf;

use url::Url;

use super::reader::{Item, Reader, Section};
use crate::recording::store::azure::{AzureSettings, Credential};
use crate::recording::store::{LOCAL, StoreSettings};
use crate::topology::Code;
use crate::topology::diagnostics::shown;

/// Letters of the name of a store; it stands in names of folders.
const MAX_NAME_CHARS: usize = 32;
/// How Azure's own endpoints end.
const BLOB_HOST: &str = ".blob.core.";

#[derive(Clone, Copy)]
enum Kind {
    Directory,
    AzureBlob,
}

#[derive(Clone, Copy)]
enum Identity {
    Managed,
    Workload,
}

pub(super) fn stores<'t>(reader: &mut Reader<'t>, section: Section<'t>) -> BTreeMap<String, StoreSettings> {
    section.members(reader, |reader, name, item| {
        named(reader, name, item)?;
        store(reader, item)
    })
}

fn named(reader: &mut Reader<'_>, name: &str, item: &Item<'_>) -> Option<()> {
    let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if name == LOCAL {
        let message = format!("{} is the folder `assets` of the state directory", shown(LOCAL));
        let hint = "give this store another name";
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
        return None;
    }
    if !name.is_empty() && name.len() <= MAX_NAME_CHARS && name.chars().all(letters) {
        return Some(());
    }
    let message = format!(
        "the name of {} must have 1 to {MAX_NAME_CHARS} small letters, digits or dashes",
        shown(&item.key)
    );
    reader.mistake(item, Code::PropertyValueInvalidPattern, message, None);
    None
}

fn store<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<StoreSettings> {
    let mut section = reader.section(item)?;
    let kinds = [("directory", Kind::Directory), ("azure-blob", Kind::AzureBlob)];
    let kind = section.required(reader, "kind", item, |reader, item| reader.word(item, &kinds))?;
    match kind {
        Kind::Directory => directory(reader, section, item),
        Kind::AzureBlob => azure(reader, section, item).map(StoreSettings::AzureBlob),
    }
}

fn directory<'t>(
    reader: &mut Reader<'t>,
    mut section: Section<'t>,
    item: &Item<'t>,
) -> Option<StoreSettings> {
    let path = section.required(reader, "path", item, |reader, item| {
        let path = reader.path(item)?;
        if !path.is_dir() {
            let message = format!("there is no folder {}", shown(&path.display().to_string()));
            let hint =
                "it is made when something is recorded; a disk that is not mounted looks like this, too";
            reader.oddity(item, message, hint);
        }
        Some(path)
    });
    section.finish(reader);
    let path = path?;
    Some(StoreSettings::Directory { path })
}

fn azure<'t>(reader: &mut Reader<'t>, mut section: Section<'t>, item: &Item<'t>) -> Option<AzureSettings> {
    let container = section.required(reader, "container_url", item, container_url);
    let ways = ["account_key", "sas", "identity"];
    let given: Vec<&str> = ways.into_iter().filter(|way| section.has(way)).collect();
    if given.len() != 1 {
        let message = format!(
            "{} needs exactly one of `account_key`, `sas` and `identity`",
            shown(&item.key)
        );
        let hint = "on a machine of Azure `identity = \"managed\"` needs no secret at all";
        reader.mistake(item, Code::PropertyMissing, message, Some(hint));
    }
    let credential = credential(reader, &mut section, container.as_ref());
    let mut ca_file = None;
    section.set_some(reader, "ca_file", &mut ca_file, Reader::path);
    section.finish(reader);
    let settings = AzureSettings {
        container: container?,
        credential: credential?,
        ca_file,
    };
    // Keys that are none and files of authorities that cannot be read are told with their line.
    if let Err(error) = StoreSettings::AzureBlob(settings.clone()).check() {
        let told = error.to_string();
        let (message, hint) = told.split_once("\nhint: ").unwrap_or((&told, ""));
        reader.mistake(
            item,
            Code::PropertyValueInvalid,
            message,
            Some(hint).filter(|hint| !hint.is_empty()),
        );
        return None;
    }
    Some(settings)
}

/// What is pasted from a portal may end in a signature: then it is not repeated.
fn container_url<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Url> {
    let text = reader.string(item)?;
    let hint = "write it like `https://ACCOUNT.blob.core.windows.net/CONTAINER`; a signature goes into `sas`";
    let parsed = Url::parse(text).ok().filter(|url| {
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        let parts = url.path_segments().into_iter().flatten();
        web && plain && url.password().is_none() && parts.filter(|part| !part.is_empty()).count() > 0
    });
    if parsed.is_none() {
        let message = format!(
            "{} must be the URL of a container, without a query, a user or a password",
            shown(&item.key)
        );
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
    }
    parsed
}

fn credential<'t>(
    reader: &mut Reader<'t>,
    section: &mut Section<'t>,
    container: Option<&Url>,
) -> Option<Credential> {
    let (mut key, mut sas, mut identity) = (None, None, None);
    section.set_some(reader, "account_key", &mut key, Reader::secret);
    section.set_some(reader, "sas", &mut sas, Reader::secret);
    section.set_some(reader, "identity", &mut identity, |reader, item| {
        reader.word(
            item,
            &[("managed", Identity::Managed), ("workload", Identity::Workload)],
        )
    });
    let mut account = container.and_then(account_of);
    if section.has("account_key") {
        section.set_some(reader, "account", &mut account, text);
    }
    let (mut client_id, mut tenant_id, mut token_file): (_, _, Option<PathBuf>) = (None, None, None);
    if section.has("identity") {
        section.set_some(reader, "client_id", &mut client_id, text);
    }
    if matches!(identity, Some(Identity::Workload)) {
        section.set_some(reader, "tenant_id", &mut tenant_id, text);
        section.set_some(reader, "token_file", &mut token_file, Reader::path);
    }
    if let Some(key) = key {
        return Some(Credential::AccountKey {
            account: account?,
            key: key.expose().to_owned(),
        });
    }
    if let Some(sas) = sas {
        return Some(Credential::Sas(sas.expose().to_owned()));
    }
    match identity? {
        Identity::Managed => Some(Credential::ManagedIdentity { client_id }),
        Identity::Workload => Some(Credential::WorkloadIdentity {
            client_id,
            tenant_id,
            token_file,
        }),
    }
}

fn text<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<String> {
    reader.string(item).map(str::to_owned)
}

/// `ACCOUNT` of `https://ACCOUNT.blob.core.windows.net/CONTAINER`, or of `http://127.0.0.1:10000/ACCOUNT/CONTAINER`.
fn account_of(container: &Url) -> Option<String> {
    let host = container.host_str()?;
    let name = match host.split_once(BLOB_HOST) {
        Some((account, _)) => account,
        None => container.path_segments()?.next()?,
    };
    (!name.is_empty()).then(|| name.to_owned())
}

/// The store that sinks record to.
pub(super) fn recording<'t>(
    reader: &mut Reader<'t>,
    mut section: Section<'t>,
    store: &mut String,
    known: &[String],
) {
    section.set(reader, "store", store, |reader, item| {
        let name = reader.string(item)?;
        if name == LOCAL || known.iter().any(|one| one == name) {
            return Some(name.to_owned());
        }
        let message = format!("there is no store {}", shown(name));
        let hint = match known {
            [] => format!("write `{LOCAL}`, or describe it in `[stores.{name}]`"),
            known => format!("write `{LOCAL}` or one of `[stores]`: {}", known.join(", ")),
        };
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(&hint));
        None
    });
    section.finish(reader);
}
