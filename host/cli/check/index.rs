//! `mediagraph check` without a path: the index of a stopped host against its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use serde_json::json;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::super::progress::Progress;
use super::super::table::{Cell, Paint, Table, clean};
use super::super::{Failure, Outcome, config, print};
use super::CheckArgs;
use crate::config::HostConfig;
use crate::media::{Clock, SystemClock};
use crate::recording::index::{FILE_NAME, Index};
use crate::recording::storage::Disk;
use crate::recording::store::{AssetStore, DirectoryStore, LOCAL};
use crate::recording::verify::audit::{Audit, Depth, Finding, Subject, audit};
use crate::recording::verify::rebuild::{OLD, Rebuilt, Sources, rebuild};
use crate::recording::verify::repair::repair;
use crate::state::{StateDir, StateError};

/// Findings that are printed for people; `--json` has all of them.
const MAX_ROWS: usize = 200;

/// How closely files are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DepthArg {
    /// Whether they are there, and nothing else is
    Presence,
    /// Their sizes, too
    #[default]
    Size,
    /// All of their bytes: SHA-256 and every sample
    Content,
}

impl From<DepthArg> for Depth {
    fn from(depth: DepthArg) -> Self {
        match depth {
            DepthArg::Presence => Self::Presence,
            DepthArg::Size => Self::Size,
            DepthArg::Content => Self::Content,
        }
    }
}

/// Checks, repairs or makes anew. Blocks; called within a tokio runtime.
pub(super) fn run(args: &CheckArgs, stop: &CancellationToken) -> Outcome {
    let dir = args
        .state_dir
        .clone()
        .unwrap_or_else(|| PathBuf::from("mediagraph-state"));
    let config = config::load(args.config.as_deref())?;
    let state = hold(&dir)?;
    let stores = stores(&state, &config)?;
    if args.rebuild {
        return make_anew(args, &state, &stores, stop);
    }
    let index = open(&state)?;
    let subject = Subject {
        index: &index,
        local: &state.assets(),
        caches: caches(&state, &index)?,
        stores: &stores,
        runtime: Handle::current(),
    };
    if let Some(damage) = index.damage().map_err(Failure::failed)? {
        return Err(Failure::failed(format!(
            "the index `{}` itself is damaged: {}\nhint: `mediagraph check --rebuild --state-dir {}` makes it anew from the media",
            index.path().display(),
            clean(&damage),
            dir.display()
        )));
    }
    let mut found = look(&subject, args.depth.into(), stop)?;
    if args.repair && !found.interrupted && !found.findings.is_empty() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let (root, host) = (state.cache(), state.host_id());
        repair(&subject, &index, &found.findings, &root, host, &clock).map_err(Failure::failed)?;
        let left = look(&subject, args.depth.into(), stop)?;
        found = compare(found, left);
    }
    tell(args, &found)?;
    outcome(args, &dir, &found)
}

/// The state directory, for this process alone.
fn hold(dir: &Path) -> Result<StateDir, Failure> {
    if !dir.join("format").exists() {
        return Err(Failure::failed(format!(
            "`{}` is no state directory\nhint: name it with `--state-dir DIR`; `mediagraph check FOLDER` reads one recording",
            dir.display()
        )));
    }
    StateDir::open(dir).map_err(|error| match error {
        StateError::InUse { path, holder } => Failure::failed(format!(
            "the state directory `{}` is in use by {holder}: its index changes while it is looked at\n\
             hint: stop that host first (`systemctl stop mediagraph`, or Ctrl-C) and start it again afterwards; \
             single recordings can be read at any time with `mediagraph check FOLDER`",
            path.display()
        )),
        error => Failure::failed(error),
    })
}

fn open(state: &StateDir) -> Result<Arc<Index>, Failure> {
    let path = state.path().join(FILE_NAME);
    if !path.exists() {
        return Err(Failure::failed(format!(
            "there is no index `{}`\nhint: `mediagraph check --rebuild` makes it from the media; a host makes it when it starts",
            path.display()
        )));
    }
    let index = Index::open(&path).map_err(|error| {
        Failure::failed(format!(
            "{error}\nhint: if it is damaged, `mediagraph check --rebuild` makes it anew from the media"
        ))
    })?;
    Ok(Arc::new(index))
}

type Stores = BTreeMap<String, Arc<dyn AssetStore>>;

fn stores(state: &StateDir, config: &HostConfig) -> Result<Stores, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let local: Arc<dyn AssetStore> = Arc::new(DirectoryStore::new(state.assets(), Arc::new(Disk)));
    let mut stores = BTreeMap::from([(LOCAL.to_owned(), local)]);
    for (name, settings) in &config.stores {
        stores.insert(name.clone(), settings.open(&clock).map_err(Failure::bad_config)?);
    }
    Ok(stores)
}

fn caches(state: &StateDir, index: &Index) -> Result<Vec<PathBuf>, Failure> {
    let places = index.places().map_err(Failure::failed)?;
    let mut caches: Vec<PathBuf> = places.into_iter().map(|place| place.path).collect();
    caches.push(state.cache());
    caches.sort();
    caches.dedup();
    Ok(caches)
}

fn look(subject: &Subject<'_>, depth: Depth, stop: &CancellationToken) -> Result<Audit, Failure> {
    let sizes = subject.index.sizes().map_err(Failure::failed)?;
    let total = sizes.iter().map(|size| size.segments).sum();
    let mut line = Progress::new("segments", total);
    let found = audit(subject, depth, &mut |done| {
        line.show(done);
        !stop.is_cancelled()
    });
    line.finish();
    found.map_err(Failure::failed)
}

/// What was found before, and whether it is so still; then what is new.
fn compare(before: Audit, mut after: Audit) -> Audit {
    let same = |one: &Finding, other: &Finding| {
        (&one.store, &one.asset, &one.file, one.problem)
            == (&other.store, &other.asset, &other.file, other.problem)
    };
    let mut findings = before.findings;
    for one in &mut findings {
        one.repaired = !after.interrupted && !after.findings.iter().any(|left| same(one, left));
    }
    after
        .findings
        .retain(|left| !findings.iter().any(|one| same(one, left)));
    findings.append(&mut after.findings);
    after.findings = findings;
    after
}

fn tell(args: &CheckArgs, found: &Audit) -> Outcome {
    if args.json {
        return print::stdout(&format!("{:#}\n", json!(found)));
    }
    let mut table = Table::new(&["STORE", "ASSET", "FILE", "PROBLEM", "STATE"]);
    for one in found.findings.iter().take(MAX_ROWS) {
        let problem = match one.detail.as_str() {
            "" => one.problem.text().to_owned(),
            detail => format!("{}: {detail}", one.problem.text()),
        };
        table.row([
            Cell::text(&one.store),
            Cell::text(&one.asset),
            Cell::text(&one.file),
            Cell::whole(&problem),
            Cell::text(if one.repaired { "repaired" } else { "found" }),
        ]);
    }
    if !table.is_empty() {
        print::stdout(&format!("{}\n", table.render(Paint::of_stdout())))?;
    }
    let more = found.findings.len().saturating_sub(MAX_ROWS) as u64 + found.more;
    if more > 0 {
        print::stdout(&format!("and {more} more; `--json` lists them\n"))?;
    }
    for (store, why) in &found.unreachable {
        print::stderr(&format!(
            "warning: the store `{}` was not looked at: {}\n",
            clean(store),
            clean(why)
        ));
    }
    print::stdout(&format!(
        "{} assets, {} segments, {} MiB: {}\n",
        found.assets,
        found.segments,
        found.bytes >> 20,
        verdict(found)
    ))
}

fn verdict(found: &Audit) -> String {
    let all = found.findings.len() as u64 + found.more;
    let repaired = found.findings.iter().filter(|one| one.repaired).count() as u64;
    match (all, repaired) {
        _ if found.interrupted => format!("interrupted, {all} problems so far"),
        (0, _) => "sound".to_owned(),
        (all, repaired) if all == repaired => format!("{all} problems, all repaired"),
        (all, 0) => format!("{all} problems"),
        (all, repaired) => format!("{all} problems, {repaired} repaired"),
    }
}

fn outcome(args: &CheckArgs, dir: &Path, found: &Audit) -> Outcome {
    if found.interrupted {
        return Err(Failure::failed("interrupted: not everything was looked at"));
    }
    let left = found.findings.iter().filter(|one| !one.repaired).count() as u64 + found.more;
    if left == 0 {
        return Ok(());
    }
    let hint = if args.repair {
        "hint: these need a person; a damaged segment can still be looked at with `mediagraph check FOLDER`"
            .to_owned()
    } else {
        format!(
            "hint: `mediagraph check --repair --state-dir {}` puts right what can be: what is gone becomes a gap, what is unknown is \
             taken in",
            dir.display()
        )
    };
    Err(Failure::failed(format!(
        "{left} problems between the index and the files\n{hint}"
    )))
}

fn make_anew(args: &CheckArgs, state: &StateDir, stores: &Stores, stop: &CancellationToken) -> Outcome {
    let mut line = Progress::new("segments", 0);
    let sources = Sources {
        state: state.path(),
        places: &args.cache,
        stores,
        runtime: Handle::current(),
    };
    let made = rebuild(&sources, &mut |done| {
        line.show(done);
        !stop.is_cancelled()
    });
    line.finish();
    let made = made.map_err(Failure::failed)?;
    if args.json {
        print::stdout(&format!("{:#}\n", json!(made)))?;
    } else {
        tell_made(&made)?;
    }
    if made.interrupted {
        return Err(Failure::failed("interrupted: the index is as it was"));
    }
    Ok(())
}

fn tell_made(made: &Rebuilt) -> Outcome {
    for one in &made.left_out {
        print::stderr(&format!("warning: left out: {}\n", clean(one)));
    }
    if made.interrupted {
        return Ok(());
    }
    let kept = if made.carried_over {
        format!(
            "who recorded, what is held and the causes of gaps come from the old index, which is `{OLD}` now"
        )
    } else {
        "there was no index that could be read: who recorded, what is held and the causes of gaps are not known".to_owned()
    };
    print::stdout(&format!(
        "the index is made anew: {} assets, {} segments\n{kept}\n",
        made.assets, made.segments
    ))
}
