//! What of a running host can change: tokens, policy, secrets, the log's level, the certificate.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::api::{Check, Process, SharedAuth, SigningKey, TlsReload, Token};
use crate::cli::logging::LogHandle;
use crate::config::HostConfig;
use crate::config::policy::HostPolicy;
use crate::config::reload::LiveConfig;
use crate::graph::host::GraphHost;
use crate::service;
use crate::topology::Secrets;

/// Who is told of a new configuration.
#[derive(Debug)]
pub(super) struct Holders {
    pub(super) auth: SharedAuth,
    pub(super) policy: Arc<HostPolicy>,
    pub(super) secrets: Secrets,
    pub(super) tls: Option<Arc<TlsReload>>,
    pub(super) logs: LogHandle,
}

impl Holders {
    fn apply(&self, config: &HostConfig) -> Result<(), String> {
        // First what may fail, so that it is all or nothing.
        if let Some(tls) = &self.tls {
            tls.reload().map_err(|error| error.to_string())?;
        }
        self.auth.replace(tokens(config), config.server.needs_tokens());
        self.policy.replace(config.policy.clone());
        self.secrets.replace(config.secrets.clone());
        self.logs.configure(&config.log.level);
        Ok(())
    }
}

/// The tokens of a configuration, as the interface wants them.
pub(super) fn tokens(config: &HostConfig) -> Vec<Token> {
    let tokens = config.tokens.iter().map(|one| Token {
        name: one.name.clone(),
        sha256: one.sha256,
        role: one.role,
        instances: one.instances.clone(),
        expires: one.expires,
        // That takes the token itself: of some the configuration holds the hash alone.
        signing: one
            .secret
            .as_ref()
            .map(|secret| SigningKey::new(secret.expose().as_bytes())),
    });
    tokens.collect()
}

/// The running host, as far as it can change.
#[derive(Debug)]
pub(super) struct Live {
    config: Arc<LiveConfig>,
    host: GraphHost,
}

impl Live {
    /// `listen` is what the command line says of the address: that stays.
    pub(super) fn new(
        path: Option<PathBuf>,
        listen: Option<SocketAddr>,
        config: HostConfig,
        holders: Holders,
        host: GraphHost,
    ) -> Self {
        let adjust = move |config: &mut HostConfig| {
            if let Some(listen) = listen {
                config.server.listen = listen;
            }
        };
        let apply = move |config: &HostConfig| holders.apply(config);
        Self {
            config: Arc::new(LiveConfig::new(path, config, adjust, apply)),
            host,
        }
    }
}

impl Process for Live {
    fn reload(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        let config = Arc::clone(&self.config);
        async move {
            service::reloading();
            let reloaded = tokio::task::spawn_blocking(move || config.reload()).await;
            service::ready(&super::summary(&self.host));
            let changes = reloaded
                .map_err(|error| error.to_string())?
                .map_err(|error| error.to_string())?;
            let now = changes
                .now
                .iter()
                .map(|setting| format!("`{setting}` holds from now on"));
            let later = changes.after_restart.iter();
            let later = later.map(|setting| format!("`{setting}` holds only after a restart"));
            Ok(now.chain(later).collect())
        }
        .boxed()
    }

    fn checks(&self) -> BoxFuture<'_, Vec<Check>> {
        let host = self.host.clone();
        async move {
            let error = host.check().await.err().map(|error| error.to_string());
            vec![Check {
                name: "registry",
                error,
            }]
        }
        .boxed()
    }
}
