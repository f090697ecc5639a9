//! `mediagraph playback link`: addresses for players that cannot send a token.

use jiff::{Span, SpanRelativeTo, Unit};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::foreign;
use crate::cli::client::{Client, Request};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::print;
use crate::cli::site::{self, Site};

/// What a player is to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// A playlist of HLS
    Hls,
    /// A manifest of DASH
    Dash,
    /// A file
    Mp4,
}

#[derive(Debug, clap::Args)]
pub(super) struct LinkArgs {
    /// The recording
    asset: String,
    /// From when on; a date, or a moment such as `2026-11-21 14:02`. Without it and `--until` the newest 4 hours
    #[arg(long, visible_alias = "from", value_name = "TIME")]
    since: Option<String>,
    /// Until when, at most 24 hours later; without it as far as is recorded, and more as it is recorded
    #[arg(long, visible_alias = "to", value_name = "TIME", requires = "since")]
    until: Option<String>,
    /// Of times that are given without an offset, such as `Europe/Berlin`; the host's without
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
    /// The store that it belongs to, when several have one of this name
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
    /// How long the link counts, up to an hour, such as `30m`; 10 minutes without
    #[arg(long = "for", value_name = "LENGTH")]
    lifetime: Option<String>,
    /// What the player is to be given
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = Form::Hls)]
    form: Form,
    /// Print all addresses as JSON
    #[arg(long)]
    json: bool,
}

/// What a host gives; the addresses are below its own.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    expires: String,
    start_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    hls: String,
    dash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    frame: String,
}

/// As the host reads it.
fn lifetime(text: &str) -> Result<String, Failure> {
    let span = text.parse::<Span>();
    let seconds = span.and_then(|span| span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())));
    let seconds = seconds.map_err(|error| {
        Failure::usage(format!(
            "`--for {text}` is no length of time: {error}\nhint: write `30m` or `PT30M`"
        ))
    })?;
    Ok(format!("PT{seconds}S"))
}

pub(super) async fn make(client: &Client, args: &LinkArgs) -> Outcome {
    let site = Site::of_host(client, args.time_zone.as_deref()).await?;
    let read = |text: Option<&str>| {
        let moment = text.map(|text| site.since(text)).transpose()?;
        Ok::<_, Failure>(moment.map(|moment| moment.to_string()))
    };
    let wanted = json!({
        "startTime": read(args.since.as_deref())?,
        "endTime": read(args.until.as_deref())?,
        "lifetime": args.lifetime.as_deref().map(lifetime).transpose()?,
    });
    let request = Request::new(Method::POST, &["assets", &args.asset, "links"])
        .query("store", args.store.as_deref())
        .json(wanted.to_string().into_bytes());
    let reply = client.expect("make a link to the recording", request).await?;
    let mut link: Link = serde_json::from_value(reply.json()?).map_err(|_| foreign())?;
    for address in [&mut link.hls, &mut link.dash, &mut link.frame]
        .into_iter()
        .chain(&mut link.file)
    {
        *address = client.address_of(address);
    }
    tell(&link, args, &site)
}

/// The address alone on standard output, for a player's command line.
fn tell(link: &Link, args: &LinkArgs, site: &Site) -> Outcome {
    if args.json {
        return print::answer(link, true, |_, _| String::new());
    }
    let address = match args.form {
        Form::Hls => &link.hls,
        Form::Dash => &link.dash,
        Form::Mp4 => link.file.as_ref().ok_or_else(|| {
            Failure::usage(
                "what is being recorded makes no file yet\nhint: say with `--until` where the file is to end",
            )
        })?,
    };
    print::stderr(&format!(
        "whoever has this address may play it until {}\n",
        site::shown(&link.expires, &site.zone)
    ));
    print::stdout(&format!("{address}\n"))
}
