//! The host's last word over a topology: where it may connect to, and how much its components may use.
//!
//! Invariant: every refusal names the rule that it follows from, as it is called in the configuration.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use url::{Host, Url};

use super::model::{NetworkRules, PolicyConfig};
use super::network::{Network, plain};
use crate::extension::Limits;
use crate::graph::host::error::MODULE_VALIDATION;
use crate::graph::host::{Detail, Policy};
use crate::media::{Ticks, duration};
use crate::nodes::processors::extension::Limits as Asked;
use crate::nodes::reach::Reach;
use crate::nodes::{Config, Graph};
use crate::topology::Address;

/// Networks that are refused unless an `allow` names them, or a part of them, itself: what answers there trusts
/// everyone on the machine, and hands out its credentials.
const REFUSED: &[(Network, &str)] = &[
    (
        Network::v4(Ipv4Addr::new(169, 254, 0, 0), 16),
        "link-local addresses, and the metadata of clouds",
    ),
    (
        Network::v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
        "link-local addresses",
    ),
    (
        Network::v6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128),
        "the metadata of a cloud",
    ),
    (
        Network::v6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128),
        "the metadata of a cloud",
    ),
    (
        Network::v4(Ipv4Addr::new(100, 100, 100, 200), 32),
        "the metadata of a cloud",
    ),
    (
        Network::v4(Ipv4Addr::new(168, 63, 129, 16), 32),
        "the metadata of a cloud",
    ),
    (
        Network::v4(Ipv4Addr::new(192, 0, 0, 192), 32),
        "the metadata of a cloud",
    ),
    // Connecting to it reaches this machine, whatever the lists say of 127.0.0.0/8.
    (
        Network::v4(Ipv4Addr::UNSPECIFIED, 8),
        "addresses that mean no machine",
    ),
    (
        Network::v6(Ipv6Addr::UNSPECIFIED, 128),
        "addresses that mean no machine",
    ),
    (
        Network::v4(Ipv4Addr::new(224, 0, 0, 0), 4),
        "addresses of many machines at once",
    ),
    (
        Network::v6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
        "addresses of many machines at once",
    ),
    (
        Network::v4(Ipv4Addr::BROADCAST, 32),
        "addresses of many machines at once",
    ),
];

/// The policy of a host. It can be replaced while the host runs: what is checked from then on follows the new one.
#[derive(Debug, Default)]
pub struct HostPolicy(RwLock<Arc<PolicyConfig>>);

impl HostPolicy {
    /// As it is configured.
    #[must_use]
    pub fn new(config: PolicyConfig) -> Self {
        Self(RwLock::new(Arc::new(config)))
    }

    /// Takes another configuration.
    pub fn replace(&self, config: PolicyConfig) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    fn config(&self) -> Arc<PolicyConfig> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reach for HostPolicy {
    fn refusal(&self, address: IpAddr, scheme: &str) -> Option<String> {
        let config = self.config();
        let (rules, name) = match config.schemes.get(scheme) {
            Some(rules) => (rules, format!("policy.schemes.{scheme}")),
            None => (&config.networks, "policy.networks".to_owned()),
        };
        refusal(rules, &name, address)
    }
}

/// The memory that the components of a graph may come to, in MiB.
fn guest_memory_mib(graph: &Graph) -> u64 {
    let components = graph.nodes.iter().filter_map(|node| component(&node.config));
    components.map(|asked| u64::from(asked.limits().memory_mib)).sum()
}

fn refusal(rules: &NetworkRules, name: &str, address: IpAddr) -> Option<String> {
    let address = plain(address);
    let of = |networks: &[Network]| {
        let networks = networks.iter().filter(|network| network.contains(address));
        networks.max_by_key(|network| network.prefix()).copied()
    };
    if let Some(network) = of(&rules.deny) {
        return Some(format!("`{name}.deny` holds `{network}`"));
    }
    let allowed = of(&rules.allow);
    let special = REFUSED.iter().find(|(network, _)| network.contains(address));
    if let Some((network, what)) = special
        && allowed.is_none_or(|allowed| allowed.prefix() < network.prefix())
    {
        return Some(format!(
            "{what} are refused unless `{name}.allow` names `{network}`, or a part of it, itself"
        ));
    }
    if allowed.is_none() && !rules.allow.is_empty() {
        return Some(format!("`{name}.allow` does not hold it"));
    }
    None
}

/// A node's component, and what it asks for.
struct Component<'a> {
    asked: Option<&'a Asked>,
}

impl Component<'_> {
    fn limits(&self) -> Limits {
        let defaults = Limits::default();
        let asked = self.asked;
        Limits {
            memory_mib: asked
                .and_then(|asked| asked.memory_mib)
                .unwrap_or(defaults.memory_mib),
            call_timeout: asked
                .and_then(|asked| asked.timeout)
                .map_or(defaults.call_timeout, |timeout| timeout.0.to_duration()),
            ..defaults
        }
    }
}

fn component(config: &Config) -> Option<Component<'_>> {
    match config {
        Config::Motion(_) | Config::SignalGate(_) => Some(Component { asked: None }),
        Config::Gate(gate) => Some(Component {
            asked: Some(&gate.limits),
        }),
        Config::Extension(extension) => Some(Component {
            asked: Some(&extension.limits),
        }),
        _ => None,
    }
}

fn address(config: &Config) -> Option<&Address> {
    match config {
        Config::RtspSource(source) => Some(&source.endpoint.url().0),
        Config::HttpExtension(extension) => Some(extension.endpoint.url()),
        Config::GrpcExtension(extension) => Some(extension.endpoint.url()),
        Config::VisionExtension(extension) => Some(extension.endpoint.url()),
        _ => None,
    }
}

/// Scheme and host of a URL whose host is an address and not a name, in any of the ways to write one.
fn literal(address: &Address) -> Option<(String, IpAddr)> {
    let url = Url::parse(address.expose()).ok()?;
    let ip = match Host::parse(url.host_str()?).ok()? {
        Host::Ipv4(v4) => IpAddr::V4(v4),
        Host::Ipv6(v6) => IpAddr::V6(v6),
        Host::Domain(_) => return None,
    };
    Some((url.scheme().to_owned(), ip))
}

fn detail(node: &str, message: impl std::fmt::Display, hint: &str) -> Detail {
    Detail::new(MODULE_VALIDATION, format!("node `{node}`: {message}")).hint(hint)
}

impl Policy for HostPolicy {
    fn check(&self, graph: &Graph) -> Vec<Detail> {
        let config = self.config();
        let mut details = Vec::new();
        for node in &graph.nodes {
            details.extend(self.check_address(&node.name, &node.config));
            // What the host's own components need is known.
            if let Some(component) = component(&node.config).filter(|component| component.asked.is_some()) {
                details.extend(check_component(&config, &node.name, &component.limits()));
            }
        }
        let components = graph
            .nodes
            .iter()
            .filter(|node| component(&node.config).is_some());
        let components = components.count();
        if components > usize::try_from(config.max_components).unwrap_or(usize::MAX) {
            let message = format!(
                "the graph has {components} components, which is more than the policy allows: `policy.max_components` is {}",
                config.max_components
            );
            details.push(Detail::new(MODULE_VALIDATION, message).hint("share the work among several graphs"));
        }
        details.extend(check_memory(&config, graph));
        details
    }

    fn max_guest_memory_mib(&self) -> Option<u64> {
        self.config().max_guest_memory_mib.map(u64::from)
    }
}

/// A graph that could not run even alone.
fn check_memory(config: &PolicyConfig, graph: &Graph) -> Option<Detail> {
    let (asked, most) = (guest_memory_mib(graph), config.max_guest_memory_mib?);
    if asked <= u64::from(most) {
        return None;
    }
    let message = format!(
        "the components of this graph may use {asked} MiB, which is more than the policy allows for all graphs together: \
         `policy.max_guest_memory_mib` is {most}"
    );
    let hint = "give the components less with `limits.memoryMiB`";
    Some(Detail::new(MODULE_VALIDATION, message).hint(hint))
}

impl HostPolicy {
    fn check_address(&self, node: &str, config: &Config) -> Option<Detail> {
        let (scheme, ip) = literal(address(config)?)?;
        let why = self.refusal(ip, &scheme)?;
        let message = format!("the policy of this host refuses connections to the address of its URL: {why}");
        let hint = "use another address, or let the owner of the host change the policy";
        Some(detail(node, message, hint))
    }
}

fn check_component(config: &PolicyConfig, node: &str, limits: &Limits) -> Vec<Detail> {
    let mut details = Vec::new();
    let most = config.max_component_memory_mib;
    if limits.memory_mib > most {
        let message = format!(
            "its component may use {} MiB, which is more than the policy allows: `policy.max_component_memory_mib` is {most}",
            limits.memory_mib
        );
        let hint = format!("give it `\"limits\": {{\"memoryMiB\": {most}}}`");
        details.push(detail(node, message, &hint));
    }
    let most = config.max_component_timeout;
    if limits.call_timeout > most {
        let message = format!(
            "its component may take `{}` for one call, which is more than the policy allows: `policy.max_component_timeout` is `{}`",
            iso(limits.call_timeout),
            iso(most)
        );
        let hint = format!("give it `\"limits\": {{\"timeout\": \"{}\"}}`", iso(most));
        details.push(detail(node, message, &hint));
    }
    details
}

pub(super) fn iso(duration: Duration) -> String {
    duration::format(Ticks::from_duration(duration))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::nodes::TABLE;
    use crate::topology::{Bindings, TopologyDoc, resolve};

    fn rules(allow: &[&str], deny: &[&str]) -> NetworkRules {
        let networks = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        NetworkRules {
            allow: networks(allow),
            deny: networks(deny),
        }
    }

    fn policy(networks: NetworkRules) -> HostPolicy {
        HostPolicy::new(PolicyConfig {
            networks,
            ..PolicyConfig::default()
        })
    }

    fn allows(policy: &HostPolicy, address: &str) -> bool {
        policy.refusal(address.parse().unwrap(), "rtsp").is_none()
    }

    #[test]
    fn metadata_and_link_local_addresses_are_refused_unless_they_are_named() {
        let default = policy(NetworkRules::default());
        for address in [
            "169.254.169.254",
            "169.254.1.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!allows(&default, address), "{address}");
            assert!(
                !allows(&policy(rules(&["0.0.0.0/0", "::/0"], &[])), address),
                "{address}"
            );
        }
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "::1",
            "fd00::1",
            "8.8.8.8",
        ] {
            assert!(allows(&default, address), "{address}");
        }
        let named = policy(rules(&["169.254.7.0/24", "0.0.0.0/0"], &[]));
        assert!(allows(&named, "169.254.7.9"));
        assert!(!allows(&named, "169.254.169.254"));
        assert!(allows(&named, "10.0.0.1"));
    }

    #[test]
    fn what_is_denied_stays_denied_and_what_is_not_allowed_is_not_allowed() {
        let policy = policy(rules(&["192.168.0.0/16"], &["192.168.1.1"]));
        assert!(allows(&policy, "192.168.1.2"));
        let deny = policy.refusal("192.168.1.1".parse().unwrap(), "rtsp").unwrap();
        assert!(
            deny.contains("`policy.networks.deny` holds `192.168.1.1/32`"),
            "{deny}"
        );
        let allow = policy.refusal("10.0.0.1".parse().unwrap(), "rtsp").unwrap();
        assert!(allow.contains("`policy.networks.allow`"), "{allow}");
    }

    #[test]
    fn a_scheme_has_rules_of_its_own_and_a_new_policy_holds_at_once() {
        let mut config = PolicyConfig::default();
        config
            .schemes
            .insert("http".to_owned(), rules(&[], &["10.0.0.0/8"]));
        let policy = HostPolicy::new(config);
        let address = "10.0.0.1".parse().unwrap();
        assert!(policy.refusal(address, "rtsp").is_none());
        assert!(policy.refusal(address, "http").is_some());
        policy.replace(PolicyConfig::default());
        assert!(policy.refusal(address, "http").is_none());
    }

    fn graph(url: &str, limits: Value) -> Graph {
        let topology = json!({
            "@apiVersion": "2.0", "name": "t", "properties": {
                "sources": [{"@type": "#Microsoft.Media.MediaGraphRtspSource", "name": "camera", "endpoint":
                    {"@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": url}}],
                "processors": [{"@type": "#MediaGraph.ExtensionProcessor", "name": "detector",
                    "inputs": [{"nodeName": "camera"}], "extension": {"name": "motion-detector"}, "limits": limits}],
                "sinks": [{"@type": "#Microsoft.Media.MediaGraphIoTHubMessageSink", "name": "hub",
                    "inputs": [{"nodeName": "detector"}], "hubOutputName": "out"}]
            }
        });
        let doc = TopologyDoc::parse(topology.to_string().as_bytes()).unwrap();
        resolve(&doc, &Bindings::default(), "i", TABLE).unwrap()
    }

    fn messages(policy: &HostPolicy, graph: &Graph) -> Vec<String> {
        let details = policy.check(graph);
        assert!(details.iter().all(|detail| detail.hint.is_some()));
        details.into_iter().map(|detail| detail.message).collect()
    }

    #[test]
    fn literal_addresses_are_refused_however_they_are_written() {
        let policy = policy(NetworkRules::default());
        for host in [
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "[fe80::1]",
            "[::ffff:169.254.169.254]",
        ] {
            let found = messages(&policy, &graph(&format!("rtsp://{host}/stream"), json!({})));
            assert_eq!(found.len(), 1, "{host}: {found:?}");
            assert!(
                found[0].contains("node `camera`") && found[0].contains("`policy.networks.allow`"),
                "{found:?}"
            );
        }
        assert!(messages(&policy, &graph("rtsp://camera.example/stream", json!({}))).is_empty());
    }

    #[test]
    fn ceilings_name_their_rule() {
        let policy = HostPolicy::new(PolicyConfig {
            max_component_memory_mib: 100,
            max_component_timeout: Duration::from_secs(1),
            max_components: 0,
            max_guest_memory_mib: Some(50),
            ..PolicyConfig::default()
        });
        let limits = json!({"memoryMiB": 101, "timeout": "PT2S"});
        let found = messages(&policy, &graph("rtsp://camera.example/", limits));
        for rule in [
            "`policy.max_component_memory_mib` is 100",
            "`policy.max_component_timeout` is `PT1S`",
            "`policy.max_components` is 0",
            "`policy.max_guest_memory_mib` is 50",
        ] {
            assert!(
                found.iter().any(|message| message.contains(rule)),
                "{rule}: {found:#?}"
            );
        }
        assert_eq!(found.len(), 4);
    }
}
