//! What holds, for people and programs: every setting, defaults and all, and no secret.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::model::{HostConfig, KeepFree, LogFormat, NetworkRules, Rules, TokenConfig};
use super::policy::iso;
use crate::recording::store::StoreSettings;
use crate::recording::store::azure::Credential;

/// How secrets are shown.
const REDACTED: &str = "***";

impl HostConfig {
    /// What holds, as JSON; the members are those of the file, and what is absent has no member.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut all = Map::new();
        all.insert("keep_free".into(), keep_free(self.keep_free));
        all.insert("retention".into(), retention(&self.retention));
        all.insert("time_zone".into(), self.time_zone.name().into());
        all.insert("server".into(), self.server());
        let tokens: Vec<Value> = self.tokens.iter().map(token).collect();
        all.insert("tokens".into(), tokens.into());
        all.insert("events".into(), self.events());
        all.insert(
            "paths".into(),
            json!({
                "map": files(&self.paths.map),
                "write_roots": self.paths.write_roots.iter().map(|root| text(root)).collect::<Vec<_>>(),
                "load_roots": self.paths.load_roots.iter().map(|root| text(root)).collect::<Vec<_>>(),
            }),
        );
        all.insert("policy".into(), self.policy());
        let format = match self.log.format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        all.insert("log".into(), json!({"level": self.log.level, "format": format}));
        all.insert(
            "limits".into(),
            json!({
                "max_topologies": self.limits.max_topologies,
                "max_instances": self.limits.max_instances,
                "max_connections": self.limits.max_connections,
                "drain_timeout": iso(self.limits.drain_timeout),
            }),
        );
        all.insert("recording".into(), json!({"store": self.recording.store}));
        let stores: Map<String, Value> = self
            .stores
            .iter()
            .map(|(name, settings)| (name.clone(), store(settings)))
            .collect();
        all.insert("stores".into(), stores.into());
        all.insert(
            "models".into(),
            json!({
                "onnxruntime": self.models.onnxruntime.to_string(),
                "files": files(&self.models.files),
            }),
        );
        let secrets: Map<String, Value> = self
            .secrets
            .keys()
            .map(|name| (name.clone(), REDACTED.into()))
            .collect();
        all.insert("secrets".into(), secrets.into());
        Value::Object(all)
    }

    /// What holds, as a configuration file would say it.
    #[must_use]
    pub fn to_toml(&self) -> String {
        // Cannot fail: there are no nulls, and all names are texts.
        toml::to_string(&self.to_json()).unwrap_or_default()
    }

    fn server(&self) -> Value {
        let server = &self.server;
        let mut shown = json!({
            "listen": server.listen.to_string(),
            "behind_proxy": server.behind_proxy,
            "allowed_hosts": server.allowed_hosts,
            "allowed_origins": server.allowed_origins,
        });
        let tls = server
            .tls
            .as_ref()
            .map(|tls| json!({"certificate": text(&tls.certificate), "key": text(&tls.key)}));
        add(&mut shown, "tls", tls);
        shown
    }

    fn events(&self) -> Value {
        let events = &self.events;
        let mut shown = json!({
            "keep_days": events.keep_days,
            "keep_mib": events.keep_mib,
            "outputs": files(&events.outputs),
        });
        add(&mut shown, "file", events.file.as_deref().map(text));
        shown
    }

    fn policy(&self) -> Value {
        let policy = &self.policy;
        let schemes: Map<String, Value> = policy
            .schemes
            .iter()
            .map(|(scheme, of)| (scheme.clone(), rules(of)))
            .collect();
        let mut shown = json!({
            "max_component_memory_mib": policy.max_component_memory_mib,
            "max_component_timeout": iso(policy.max_component_timeout),
            "max_components": policy.max_components,
            "networks": rules(&policy.networks),
            "schemes": schemes,
        });
        add(
            &mut shown,
            "max_guest_memory_mib",
            policy.max_guest_memory_mib.map(Value::from),
        );
        shown
    }
}

fn store(settings: &StoreSettings) -> Value {
    let azure = match settings {
        StoreSettings::Directory { path } => return json!({"kind": settings.kind(), "path": text(path)}),
        StoreSettings::AzureBlob(azure) => azure,
    };
    let mut shown = json!({"kind": settings.kind(), "container_url": azure.container.as_str()});
    match &azure.credential {
        Credential::AccountKey { account, .. } => {
            add(&mut shown, "account", Some(account.clone().into()));
            add(&mut shown, "account_key", Some(REDACTED.into()));
        }
        Credential::Sas(_) => add(&mut shown, "sas", Some(REDACTED.into())),
        Credential::ManagedIdentity { client_id } => {
            add(&mut shown, "identity", Some("managed".into()));
            add(&mut shown, "client_id", client_id.clone().map(Value::from));
        }
        Credential::WorkloadIdentity {
            client_id,
            tenant_id,
            token_file,
        } => {
            add(&mut shown, "identity", Some("workload".into()));
            add(&mut shown, "client_id", client_id.clone().map(Value::from));
            add(&mut shown, "tenant_id", tenant_id.clone().map(Value::from));
            add(&mut shown, "token_file", token_file.as_deref().map(text));
        }
    }
    add(&mut shown, "ca_file", azure.ca_file.as_deref().map(text));
    shown
}

fn add(to: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (to.as_object_mut(), value) {
        object.insert(name.to_owned(), value);
    }
}

fn text(path: &Path) -> Value {
    path.display().to_string().into()
}

fn files(of: &BTreeMap<String, std::path::PathBuf>) -> Value {
    let files: Map<String, Value> = of.iter().map(|(name, path)| (name.clone(), text(path))).collect();
    files.into()
}

fn rules(of: &NetworkRules) -> Value {
    let list = |networks: &[super::network::Network]| -> Vec<String> {
        networks.iter().map(ToString::to_string).collect()
    };
    json!({"allow": list(&of.allow), "deny": list(&of.deny)})
}

fn token(token: &TokenConfig) -> Value {
    let mut shown = json!({"name": token.name, "sha256": REDACTED, "role": token.role.name()});
    add(&mut shown, "instances", token.instances.clone().map(Value::from));
    let expires = token.expires.map(|moment| moment.to_string().into());
    add(&mut shown, "expires", expires);
    shown
}

fn keep_free(of: KeepFree) -> Value {
    let percent = of.percent.map(|percent| format!("{percent}%"));
    percent.into_iter().chain(of.bytes.map(size)).collect()
}

/// In the largest unit that leaves no rest.
fn size(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let whole = |(shift, _): &(u32, &str)| bytes.is_multiple_of(1 << shift);
    let (shift, unit) = units.into_iter().find(whole).unwrap_or((10, "KiB"));
    format!("{}{unit}", bytes >> shift)
}

fn retention(rules: &Rules) -> Value {
    let shown = rules.iter().map(|(pattern, limits)| {
        let mut rule = Map::new();
        if let Some(keep) = limits.keep {
            rule.insert("keep".into(), length(keep).into());
        }
        if let Some(bytes) = limits.max_bytes {
            rule.insert("max_size".into(), size(bytes).into());
        }
        (pattern.to_string(), Value::Object(rule))
    });
    Value::Object(shown.collect())
}

/// In the largest unit that leaves no rest.
fn length(time: std::time::Duration) -> String {
    let hours = time.as_secs() / 3600;
    if hours.is_multiple_of(24) {
        format!("{}d", hours / 24)
    } else {
        format!("{hours}h")
    }
}
