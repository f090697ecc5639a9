//! Installing components under names, and putting them into the graphs that run.
//!
//! Invariant: a name points to a version that every running node of that name could be started with. All of them are
//! started beside the ones that run first; only then the name is written, and only then do the nodes take them over.

use std::sync::Arc;

use futures::{StreamExt as _, stream};

use super::catalog::Phase;
use super::error::{ControlError, Detail, Kind, MODULE_VALIDATION};
use super::topologies::room;
use super::{Deleted, GraphHost, Shared};
use crate::extension::limits::MAX_NAME_BYTES;
use crate::extension::{Extension, HandOver, is_name, sha256};
use crate::graph::components::{Listed, MAX_INSTALLED, row};
use crate::graph::registry::ComponentRow;
use crate::graph::swap::{NotSwapped, Slot};
use crate::topology::diagnostics::shown;

/// Nodes whose next version is started at the same time.
const CONCURRENT_STARTS: usize = 8;
/// The detail code for a component that is in use.
const IN_USE: &str = "ExtensionInUse";

/// What installing a component came to.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Whether nothing had this name before.
    pub created: bool,
    /// What the name points to now.
    pub component: Listed,
    /// What it pointed to before, as SHA-256.
    pub previous: Option<String>,
    /// Nodes that take it over with their next frame: `INSTANCE/NODE`.
    pub swapped: Vec<String>,
}

/// A node that runs what a name points to.
struct User {
    instance: String,
    slot: Slot,
}

impl User {
    fn path(&self) -> String {
        format!("{}/{}", self.instance, self.slot.node())
    }
}

impl Shared {
    /// The nodes of running graphs whose component is what this name points to.
    fn users_of(&self, name: &str) -> Vec<User> {
        let catalog = self.catalog();
        let active = catalog.instances.values().filter_map(|entry| match &entry.phase {
            Phase::Active(instance) => Some((entry.row.name.clone(), instance.slots())),
            _ => None,
        });
        let users = active.flat_map(|(instance, slots)| {
            let named = slots.iter().filter(|slot| slot.is_named(name));
            named
                .map(|slot| User {
                    instance: instance.clone(),
                    slot: slot.clone(),
                })
                .collect::<Vec<_>>()
        });
        users.collect()
    }
}

impl GraphHost {
    /// All components that topologies can name, and who runs them.
    #[must_use]
    pub fn extension_list(&self) -> Vec<Listed> {
        let mut all = self.shared.environment.installed.list();
        for one in &mut all {
            one.used_by = self.shared.users_of(&one.name).iter().map(User::path).collect();
        }
        all
    }

    /// Lets a name point to a component, and puts it into all nodes of running graphs that use the name. `pin` is the
    /// SHA-256 that it must have.
    ///
    /// # Errors
    /// When it is no component, or a node that uses the name cannot do with it: then everything stays as it is.
    pub async fn extension_set(
        &self,
        name: &str,
        bytes: Vec<u8>,
        pin: Option<&str>,
    ) -> Result<Installation, ControlError> {
        check_name(name)?;
        // One at a time: what is started for one version must not be handed over after a newer one.
        let _turn = self.shared.installing.lock().await;
        let (name, pin) = (name.to_owned(), pin.map(str::to_owned));
        let (asked, bytes) = (name.clone(), Arc::new(bytes));
        let sent = Arc::clone(&bytes);
        let load = move |shared: &Arc<Shared>| load(shared, &asked, &sent, pin.as_deref());
        let extension = self.in_turn(&self.shared.checks, load).await?;
        let users = self.outdated(&name, &extension);
        let started = start_all(&name, users, &extension).await?;
        let (row, file) = (name.clone(), Arc::clone(&extension));
        let store = move |shared: &Arc<Shared>| store(shared, &row, &file, &bytes);
        let (before, component) = self.change(store).await?;
        let mut swapped = hand_over(started);
        // Those that were started with the version before while this went on.
        for user in self.outdated(&name, &extension) {
            match user.slot.prepare(&extension).await {
                Ok(ready) => swapped.extend(hand_over(vec![(user, ready)])),
                Err(why) => user.slot.refuse(&name, Some(&extension.sha256), &why),
            }
        }
        Ok(Installation {
            created: before.is_none(),
            previous: before.map(|before| before.sha256),
            component,
            swapped,
        })
    }

    /// Takes a name away.
    ///
    /// # Errors
    /// 409 while a node of a running graph uses it.
    pub async fn extension_remove(&self, name: &str) -> Result<Deleted, ControlError> {
        let _turn = self.shared.installing.lock().await;
        let name = name.to_owned();
        self.change(move |shared| remove(shared, &name)).await
    }

    /// The users of a name that run something else.
    fn outdated(&self, name: &str, extension: &Extension) -> Vec<User> {
        let mut users = self.shared.users_of(name);
        users.retain(|user| !user.slot.has(extension));
        users
    }
}

/// Whether a component may have this name.
///
/// # Errors
/// 400.
pub fn check_name(name: &str) -> Result<(), ControlError> {
    if is_name(name) && !name.contains('/') {
        return Ok(());
    }
    let message = format!("{} is not a name for a component", shown(name));
    let hint = format!(
        "lower-case letters, digits, `-` and `.`, beginning with a letter or digit, at most {MAX_NAME_BYTES} bytes"
    );
    let detail = Detail::new("ExtensionNameInvalid", message).at("$.Name");
    Err(ControlError::bad_request(detail.hint(hint)))
}

fn load(
    shared: &Shared,
    name: &str,
    bytes: &[u8],
    pin: Option<&str>,
) -> Result<Arc<Extension>, ControlError> {
    if let Some(wanted) = pin {
        let found = sha256(bytes);
        if !wanted.eq_ignore_ascii_case(&found) {
            let message = format!(
                "what was sent has the SHA-256 {found}, wanted is {}",
                shown(wanted)
            );
            let detail = Detail::new("ExtensionPinned", message);
            return Err(ControlError::bad_request(detail.hint(
                "nothing was changed: look whether the file is the one that was meant",
            )));
        }
    }
    let installed = &shared.environment.installed;
    if installed.find(name).is_none() {
        room(installed.names().len(), MAX_INSTALLED, "components")?;
    }
    let engine = shared.environment.engine.get().map_err(ControlError::internal)?;
    engine.load(bytes, name).map_err(|error| {
        let why = NotSwapped::from(error);
        for user in shared.users_of(name) {
            user.slot.refuse(name, None, &why);
        }
        ControlError::bad_request(split(MODULE_VALIDATION, &why.to_string()))
    })
}

/// A detail of a message that may have a hint.
fn split(code: &str, message: &str) -> Detail {
    match message.split_once("\nhint: ") {
        Some((message, hint)) => Detail::new(code, message).hint(hint),
        None => Detail::new(code, message),
    }
}

/// Starts a version for all nodes, or says which of them cannot do with it.
async fn start_all(
    name: &str,
    users: Vec<User>,
    extension: &Arc<Extension>,
) -> Result<Vec<(User, HandOver)>, ControlError> {
    let starting = users.into_iter().map(|user| async move {
        let started = user.slot.prepare(extension).await;
        (user, started)
    });
    let ended: Vec<_> = stream::iter(starting).buffered(CONCURRENT_STARTS).collect().await;
    let (mut ready, mut details) = (Vec::new(), Vec::new());
    for (user, started) in ended {
        match started {
            Ok(hand_over) => ready.push((user, hand_over)),
            Err(why) => {
                user.slot.refuse(name, Some(&extension.sha256), &why);
                let detail = split(MODULE_VALIDATION, &format!("node `{}`: {why}", user.path()));
                details.push(detail);
            }
        }
    }
    let Some(first) = details.first() else {
        return Ok(ready);
    };
    let message = format!(
        "{} is not put in, all nodes go on with the version before: {}",
        shown(name),
        first.message
    );
    Err(ControlError::with(Kind::BadRequest, message, details))
}

fn hand_over(started: Vec<(User, HandOver)>) -> Vec<String> {
    let handed = started.into_iter().map(|(user, hand_over)| {
        hand_over();
        user.path()
    });
    handed.collect()
}

fn store(
    shared: &Shared,
    name: &str,
    extension: &Extension,
    bytes: &[u8],
) -> Result<(Option<ComponentRow>, Listed), ControlError> {
    let installed = &shared.environment.installed;
    let before = installed.find(name);
    let row = row(name, extension, before.as_ref(), shared.now().iso());
    let mut registry = shared.registry();
    installed
        .set(&mut registry, row, bytes)
        .map_err(ControlError::internal)?;
    drop(registry);
    forget(shared, before.as_ref());
    tracing::info!(
        name,
        sha256 = extension.sha256,
        version = extension.version,
        "A component was installed"
    );
    let listed = installed.list().into_iter().find(|one| one.name == name);
    let listed = listed.ok_or_else(|| ControlError::internal("the component was not kept"))?;
    Ok((before, listed))
}

/// Removes the compiled code of what no name points to any more.
fn forget(shared: &Shared, gone: Option<&ComponentRow>) {
    let environment = &shared.environment;
    let Some(gone) = gone.filter(|gone| !environment.installed.has(&gone.sha256)) else {
        return;
    };
    if let (true, Ok(engine)) = (environment.engine.is_started(), environment.engine.get()) {
        engine.forget(&gone.sha256);
    }
}

fn remove(shared: &Shared, name: &str) -> Result<Deleted, ControlError> {
    let users: Vec<String> = shared.users_of(name).iter().map(User::path).collect();
    let installed = &shared.environment.installed;
    if installed.find(name).is_none() {
        return Ok(Deleted::NotThere);
    }
    if !users.is_empty() {
        let message = format!("the component {} is in use: {}", shown(name), users.join(", "));
        let detail = Detail::new(IN_USE, message.clone()).hint("deactivate these instances first");
        return Err(ControlError::with(Kind::Conflict, message, vec![detail]));
    }
    let mut registry = shared.registry();
    let gone = installed
        .remove(&mut registry, name)
        .map_err(ControlError::internal)?;
    drop(registry);
    forget(shared, gone.as_ref());
    tracing::info!(name, "A component was removed");
    Ok(Deleted::Yes)
}
