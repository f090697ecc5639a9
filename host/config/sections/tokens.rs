//! Who may call: tokens, whose secrets stand in other files, and the names that tokens and secrets may have.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::api::Role;
use crate::config::model::TokenConfig;
use crate::config::reader::{Item, Reader};
use crate::config::token::hash_of_hex;
use crate::topology::diagnostics::shown;
use crate::topology::{Code, Secret};

/// A shorter token can be guessed.
const LEAST_TOKEN_CHARS: usize = 24;
/// Letters of the name of a token or of a secret.
const MAX_NAME_CHARS: usize = 64;

pub(super) fn tokens<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Vec<TokenConfig>> {
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
    let hash = text.and_then(hash_of_hex);
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
pub(super) fn named(reader: &mut Reader<'_>, name: &str, item: &Item<'_>) -> Option<()> {
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
