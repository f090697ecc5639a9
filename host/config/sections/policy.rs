//! What topologies may ask for: networks, and how much components may take.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::model::{NetworkRules, PolicyConfig};
use crate::config::network::Network;
use crate::config::reader::{Item, Reader, Section};
use crate::topology::Code;
use crate::topology::diagnostics::shown;

/// Schemes of endpoints that a policy can name.
const SCHEMES: [&str; 5] = ["rtsp", "rtsps", "http", "https", "tcp"];

/// The validator's own range.
const COMPONENT_MIB: RangeInclusive<u32> = 1..=4096;
const COMPONENT_TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
const COMPONENTS: RangeInclusive<u32> = 0..=256;
const GUEST_MIB: RangeInclusive<u32> = 1..=1 << 24;

pub(super) fn policy<'t>(reader: &mut Reader<'t>, mut section: Section<'t>, config: &mut PolicyConfig) {
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
