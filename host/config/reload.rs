//! Reading the configuration again while the host runs.
//!
//! Invariants: a file with a mistake changes nothing; what changes at once never touches a graph that runs; what needs
//! a restart is told, and stays as it was until then.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::ConfigError;
use super::model::HostConfig;

/// One setting, or a group of them that changes together.
struct Setting {
    name: &'static str,
    /// Whether it can change while the host runs.
    live: bool,
    same: fn(&HostConfig, &HostConfig) -> bool,
    /// Takes the value of another configuration.
    take: fn(&mut HostConfig, &HostConfig),
}

macro_rules! setting {
    ($name:literal, $live:expr, $($member:ident).+) => {
        Setting {
            name: $name,
            live: $live,
            same: |one, other| one.$($member).+ == other.$($member).+,
            take: |config, from| config.$($member).+.clone_from(&from.$($member).+),
        }
    };
}

const AT_ONCE: bool = true;
const AFTER_A_RESTART: bool = false;

const SETTINGS: &[Setting] = &[
    setting!("tokens", AT_ONCE, tokens),
    setting!("policy", AT_ONCE, policy),
    setting!("secrets", AT_ONCE, secrets),
    setting!("log.level", AT_ONCE, log.level),
    // Other contents of the same files are taken at once: `apply` reads them whenever it is called.
    setting!("server.tls", AFTER_A_RESTART, server.tls),
    setting!("server.listen", AFTER_A_RESTART, server.listen),
    setting!("server.behind_proxy", AFTER_A_RESTART, server.behind_proxy),
    setting!("server.allowed_hosts", AFTER_A_RESTART, server.allowed_hosts),
    setting!("server.allowed_origins", AFTER_A_RESTART, server.allowed_origins),
    setting!("events", AFTER_A_RESTART, events),
    setting!("paths", AFTER_A_RESTART, paths),
    setting!("limits", AFTER_A_RESTART, limits),
    setting!("log.format", AFTER_A_RESTART, log.format),
    setting!("stores", AFTER_A_RESTART, stores),
    setting!("recording", AFTER_A_RESTART, recording),
    setting!("models", AFTER_A_RESTART, models),
    setting!("keep_free", AFTER_A_RESTART, keep_free),
    setting!("retention", AFTER_A_RESTART, retention),
    setting!("time_zone", AFTER_A_RESTART, time_zone),
];

/// What differs between two configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Holds from now on.
    pub now: Vec<&'static str>,
    /// Holds after a restart.
    pub after_restart: Vec<&'static str>,
}

impl HostConfig {
    /// What differs in `new`, and what of it can change while the host runs.
    #[must_use]
    pub fn changes_to(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        for setting in SETTINGS.iter().filter(|setting| !(setting.same)(self, new)) {
            if setting.live {
                changes.now.push(setting.name);
            } else {
                changes.after_restart.push(setting.name);
            }
        }
        changes
    }

    /// `new`, but for what needs a restart.
    fn with_live_changes(&self, new: &Self) -> Self {
        let mut config = self.clone();
        for setting in SETTINGS.iter().filter(|setting| setting.live) {
            (setting.take)(&mut config, new);
        }
        config
    }
}

/// Why a configuration was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// It was not read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It was, but cannot be used.
    #[error("{0}")]
    Refused(String),
}

type Adjust = dyn Fn(&mut HostConfig) + Send + Sync;
type Apply = dyn Fn(&HostConfig) -> Result<(), String> + Send + Sync;

/// The configuration of a host that runs.
pub struct LiveConfig {
    path: Option<PathBuf>,
    adjust: Box<Adjust>,
    apply: Box<Apply>,
    current: Mutex<Arc<HostConfig>>,
}

impl std::fmt::Debug for LiveConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveConfig")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl LiveConfig {
    /// `config` was read from `path` and holds now. `adjust` puts what the command line said over what is read;
    /// `apply` hands tokens, policy, the log's level and the certificate to those who use them, and may be called
    /// with a configuration in which none of them is new (the certificate may have changed within its file).
    pub fn new(
        path: Option<PathBuf>,
        config: HostConfig,
        adjust: impl Fn(&mut HostConfig) + Send + Sync + 'static,
        apply: impl Fn(&HostConfig) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            path,
            adjust: Box::new(adjust),
            apply: Box::new(apply),
            current: Mutex::new(Arc::new(config)),
        }
    }

    /// What holds now.
    #[must_use]
    pub fn current(&self) -> Arc<HostConfig> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again and takes what can change while the host runs; the log says what did. Blocks on the disk.
    ///
    /// # Errors
    /// When the file has a mistake: then everything stays as it was, and the log says so, too.
    pub fn reload(&self) -> Result<Changes, ReloadError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = self.read().and_then(|new| {
            let changes = current.changes_to(&new);
            let live = current.with_live_changes(&new);
            (self.apply)(&live).map_err(ReloadError::Refused)?;
            *current = Arc::new(live);
            Ok(changes)
        });
        match &taken {
            Ok(changes) => tell(changes),
            Err(error) => {
                tracing::error!(%error, "The configuration was not read again: everything stays as it was");
            }
        }
        taken
    }

    fn read(&self) -> Result<HostConfig, ReloadError> {
        let (mut new, warnings) = HostConfig::load(self.path.as_deref())?;
        (self.adjust)(&mut new);
        let allowed = new.server.check_binding(new.tokens.len());
        allowed.map_err(|error| ReloadError::Refused(error.to_string()))?;
        for warning in warnings {
            let setting = warning.pointer;
            tracing::warn!(setting, line = warning.line, "{}", warning.message);
        }
        Ok(new)
    }
}

fn tell(changes: &Changes) {
    if changes.now.is_empty() && changes.after_restart.is_empty() {
        tracing::info!("The configuration was read again: nothing in it has changed");
        return;
    }
    if !changes.now.is_empty() {
        tracing::info!(
            settings = changes.now.join(", "),
            "The configuration was read again; this holds from now on"
        );
    }
    if !changes.after_restart.is_empty() {
        tracing::warn!(
            settings = changes.after_restart.join(", "),
            "The configuration was read again; this holds only after a restart"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn live(path: PathBuf) -> (LiveConfig, Arc<AtomicUsize>) {
        let applied = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&applied);
        let (config, _) = HostConfig::load(Some(&path)).unwrap();
        let apply = move |config: &HostConfig| {
            count.fetch_add(1, Ordering::SeqCst);
            match config.log.level.as_str() {
                "trace" => Err("no".to_owned()),
                _ => Ok(()),
            }
        };
        (LiveConfig::new(Some(path), config, |_| {}, apply), applied)
    }

    #[test]
    fn what_can_change_does_and_what_needs_a_restart_is_told_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mediagraph.toml");
        std::fs::write(&path, "").unwrap();
        let (live, applied) = live(path.clone());
        assert_eq!(live.reload().unwrap(), Changes::default());

        let text = "[log]\nlevel = 'debug'\n[limits]\nmax_instances = 7\n[server]\nlisten = '127.0.0.1:1'\n";
        std::fs::write(&path, text).unwrap();
        let changes = live.reload().unwrap();
        assert_eq!(changes.now, ["log.level"]);
        assert_eq!(changes.after_restart, ["server.listen", "limits"]);
        assert_eq!(live.current().log.level, "debug");
        assert_eq!(live.current().limits.max_instances, 5000);
        // Not yet restarted, so it is told again.
        assert_eq!(live.reload().unwrap().after_restart, ["server.listen", "limits"]);
        assert_eq!(applied.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_mistake_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mediagraph.toml");
        std::fs::write(&path, "[log]\nlevel = 'debug'\n").unwrap();
        let (live, applied) = live(path.clone());
        for wrong in [
            "[log]\nlevel = 'error'\n[limits]\nmax_instances = 0\n",
            "[log]\nlevel = 'error'\n[server]\nlisten = '0.0.0.0:8090'\n",
            "this is not TOML",
        ] {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(live.reload(), Err(ReloadError::Config(_))), "{wrong}");
        }
        assert_eq!(applied.load(Ordering::SeqCst), 0);
        std::fs::write(&path, "[log]\nlevel = 'trace'\n").unwrap();
        assert!(matches!(live.reload(), Err(ReloadError::Refused(_))));
        assert_eq!(live.current().log.level, "debug");
        std::fs::remove_file(&path).unwrap();
        assert!(live.reload().is_err());
        assert_eq!(live.current().log.level, "debug");
    }

    #[test]
    fn every_setting_is_told_apart() {
        // What `to_json` shows and no setting knows would change in silence.
        let shown = HostConfig::default().to_json();
        for name in shown.as_object().unwrap().keys() {
            let known = |setting: &&Setting| setting.name.split('.').next() == Some(name);
            assert!(SETTINGS.iter().any(|setting| known(&setting)), "{name}");
        }
    }
}
