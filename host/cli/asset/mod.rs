//! `mediagraph asset`: what recordings there are; holding, releasing and deleting them.
//!
//! Of a running host over HTTP, of a stopped one in its state directory ([`offline`]). What people read of it is [`told`].

mod offline;
mod told;

use std::path::PathBuf;

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Request, ServerArgs};
use super::failure::{Failure, Outcome};
use super::site::Site;
use super::{playback, print};
use crate::playback::listing::Page;
use crate::recording::deletion::Deleted;
use crate::recording::holds::Hold;

/// How long a host may take to delete: a year of recording is a million segments.
const DELETE_LIMIT: std::time::Duration = std::time::Duration::from_secs(330);

/// List, hold, release and delete recordings
///
/// What is held is removed by nothing: neither for its age, nor for its size, nor because a disk or the cache is full. What is deleted is
/// a gap that says so. Who did it stands in the audit log: `mediagraph audit`.
///
/// TIME is a date, a moment such as `2026-11-21 14:02`, or a length such as `24h` or `7d`: so long ago.
#[derive(Debug, clap::Args)]
pub struct AssetArgs {
    #[command(subcommand)]
    what: What,
    /// Work in this state directory instead of asking a host. `list` works beside a running host; the others need that none runs
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "server")]
    state_dir: Option<PathBuf>,
    /// Of the times that are printed, and of those that are given without an offset, such as `Europe/Berlin`; the host's without
    #[arg(long, global = true, value_name = "NAME")]
    time_zone: Option<String>,
    /// Print the whole answer as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the recordings, or what is held of them
    List(ListArgs),
    /// Delete a recording, or a stretch of it
    ///
    /// Whole segments go, of some seconds to some minutes each: all that reach into the stretch. It is refused when a hold reaches into
    /// what would go. What is being recorded just now can be deleted when its segment is sealed.
    Delete(DeleteArgs),
    /// Hold a recording, or a stretch of it, so that nothing removes it
    Hold(HoldArgs),
    /// Release a hold
    Release(ReleaseArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// List what is held, by whom and why, instead of recordings
    #[arg(long)]
    holds: bool,
}

/// Which recording, and how much of it.
#[derive(Debug, clap::Args)]
struct Stretch {
    /// The recording
    asset: String,
    /// From when on; from the beginning without
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until when; without, to the end
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The store that it belongs to, when several have one of this name
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
}

#[derive(Debug, clap::Args)]
struct DeleteArgs {
    #[command(flatten)]
    stretch: Stretch,
    /// Delete everything of the recording; needed when neither `--from` nor `--to` is given
    #[arg(long, conflicts_with_all = ["from", "to"])]
    all: bool,
}

#[derive(Debug, clap::Args)]
struct HoldArgs {
    #[command(flatten)]
    stretch: Stretch,
    /// Why, for those who find it later
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// When the hold ends by itself: a date, or a moment; without, when somebody releases it
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

#[derive(Debug, clap::Args)]
struct ReleaseArgs {
    /// The recording
    asset: String,
    /// Which of its holds, as `mediagraph asset list --holds` numbers them
    #[arg(long, value_name = "NUMBER")]
    hold: i64,
    /// The store that it belongs to, when several have one of this name
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
}

/// What is asked for, with moments instead of texts.
#[derive(Debug)]
struct Asked {
    asset: String,
    store: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// All holds, as the host lists them.
#[derive(Debug, Default, serde::Serialize, Deserialize)]
struct Holds {
    value: Vec<Hold>,
}

/// Runs the command.
///
/// # Errors
/// When nobody can be asked, there is no such recording, or a hold is in the way.
pub async fn run(args: AssetArgs) -> Outcome {
    let (json, place) = (args.json, Place::of(&args)?);
    let site = place.site(args.time_zone.as_deref()).await?;
    let zone = &site.zone;
    match &args.what {
        What::List(list) if list.holds => print::answer(&place.holds().await?, json, |all, paint| {
            told::held(all, zone, paint)
        }),
        What::List(_) => print::answer(&place.assets().await?, json, |all, paint| {
            told::listed(all, zone, paint)
        }),
        What::Delete(delete) => {
            let whole = delete.stretch.from.is_none() && delete.stretch.to.is_none();
            if whole && !delete.all {
                return Err(Failure::usage(
                    "neither `--from` nor `--to` is given\nhint: `--all` deletes everything of the recording",
                ));
            }
            let asked = Asked::of(&delete.stretch, &site)?;
            print::answer(&place.delete(&asked).await?, json, |one, _| {
                told::deleted(one, zone)
            })
        }
        What::Hold(hold) => {
            let asked = Asked::of(&hold.stretch, &site)?;
            let until = hold.until.as_deref().map(|text| site.since(text)).transpose()?;
            let placed = place.hold(&asked, &hold.reason, until).await?;
            print::answer(&placed, json, |one, _| told::said("held", one, zone))
        }
        What::Release(release) => {
            let asked = Asked {
                asset: release.asset.clone(),
                store: release.store.clone(),
                from: None,
                to: None,
            };
            let released = place.release(&asked, release.hold).await?;
            print::answer(&released, json, |one, _| told::said("released", one, zone))
        }
    }
}

impl Asked {
    fn of(stretch: &Stretch, site: &Site) -> Result<Self, Failure> {
        let moment = |text: &Option<String>| text.as_deref().map(|text| site.since(text)).transpose();
        Ok(Self {
            asset: stretch.asset.clone(),
            store: stretch.store.clone(),
            from: moment(&stretch.from)?,
            to: moment(&stretch.to)?,
        })
    }
}

/// Where it is done.
enum Place {
    Host(Box<Client>),
    State(PathBuf),
}

impl Place {
    fn of(args: &AssetArgs) -> Result<Self, Failure> {
        Ok(match &args.state_dir {
            Some(state) => Self::State(state.clone()),
            None => Self::Host(Box::new(args.server.client()?)),
        })
    }

    async fn site(&self, zone: Option<&str>) -> Result<Site, Failure> {
        match self {
            Self::Host(client) => Site::of_host(client, zone).await,
            Self::State(_) => Site::offline(zone),
        }
    }

    async fn assets(&self) -> Result<Page, Failure> {
        match self {
            Self::Host(client) => playback::all_assets(client).await,
            Self::State(state) => offline::assets(state),
        }
    }

    async fn holds(&self) -> Result<Holds, Failure> {
        match self {
            Self::Host(client) => {
                let request = Request::get(&["api", "holds"]);
                read(&client.expect("list what is held", request).await?.json()?)
            }
            Self::State(state) => offline::holds(state),
        }
    }

    async fn delete(&self, asked: &Asked) -> Result<Deleted, Failure> {
        let client = match self {
            Self::Host(client) => client,
            Self::State(state) => return offline::delete(state, asked).await,
        };
        let (from, to) = (written(asked.from), written(asked.to));
        let request = Request::new(Method::DELETE, &["assets", &asked.asset])
            .query("startTime", from.as_deref())
            .query("endTime", to.as_deref())
            .query("store", asked.store.as_deref())
            .within(DELETE_LIMIT);
        read(&client.expect("delete the recording", request).await?.json()?)
    }

    async fn hold(&self, asked: &Asked, reason: &str, until: Option<Timestamp>) -> Result<Hold, Failure> {
        let client = match self {
            Self::Host(client) => client,
            Self::State(state) => return offline::hold(state, asked, reason, until),
        };
        let body = json!({
            "startTime": written(asked.from),
            "endTime": written(asked.to),
            "reason": reason,
            "until": written(until),
        });
        let request = Request::new(Method::POST, &["assets", &asked.asset, "holds"])
            .query("store", asked.store.as_deref())
            .json(body.to_string().into_bytes());
        read(&client.expect("hold the recording", request).await?.json()?)
    }

    async fn release(&self, asked: &Asked, hold: i64) -> Result<Hold, Failure> {
        let client = match self {
            Self::Host(client) => client,
            Self::State(state) => return offline::release(state, asked, hold),
        };
        let hold = hold.to_string();
        let request = Request::new(Method::DELETE, &["assets", &asked.asset, "holds", &hold])
            .query("store", asked.store.as_deref());
        read(&client.expect("release the hold", request).await?.json()?)
    }
}

fn written(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn read<T: for<'a> Deserialize<'a>>(answer: &serde_json::Value) -> Result<T, Failure> {
    T::deserialize(answer).map_err(|_| {
        Failure::failed(
            "the host's answer is not what was asked for\nhint: is it the same version of mediagraph?",
        )
    })
}
