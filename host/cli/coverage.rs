//! `mediagraph coverage`: how much of the time was recorded, by camera and day, and why the rest is missing.

use std::path::{Path, PathBuf};

use super::client::{Request, ServerArgs};
use super::failure::{Failure, Outcome};
use super::print;
use super::site::{self, Site};
use super::table::{Cell, Paint, Table};
use crate::recording::coverage::{Coverage, CoverageError, Day, Question, coverage};
use crate::recording::holes::NOT_RECORDED;
use crate::recording::index::{FILE_NAME, GapReason, Index};

/// Say how much of the time was recorded, by camera and day, and why the rest is missing
///
/// Days are those of the time zone of the host's configuration. TIME is a length such as `7d` or `12h` (days begin at
/// midnight), `yesterday`, a date, or a moment such as `2026-11-21 14:02`; without an offset it is meant in that zone, too.
#[derive(Debug, clap::Args)]
pub struct CoverageArgs {
    /// From when on
    #[arg(long, value_name = "TIME", default_value = "7d")]
    since: String,
    /// Until when; now without
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only of this graph instance
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Print the whole answer as JSON
    #[arg(long)]
    json: bool,
    /// Read the index in this state directory instead of asking a host; works beside a running host
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    state_dir: Option<PathBuf>,
    /// With `--state-dir`: the time zone, such as `Europe/Berlin`; without, that of the configuration in `MEDIAGRAPH_CONFIG`, else UTC
    #[arg(long, value_name = "NAME", requires = "state_dir")]
    time_zone: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
///
/// # Errors
/// When the question makes no sense, or nobody can be asked.
pub async fn run(args: CoverageArgs) -> Outcome {
    let answer = match &args.state_dir {
        Some(dir) => offline(&args, dir),
        None => online(&args).await,
    }?;
    site::tell(&answer.notes);
    print::answer(&answer, args.json, text)
}

async fn online(args: &CoverageArgs) -> Result<Coverage, Failure> {
    let client = args.server.client()?;
    let request = Request::get(&["api", "coverage"])
        .query("since", Some(&args.since))
        .query("until", args.until.as_deref())
        .query("instance", args.instance.as_deref());
    let reply = client.expect("say what was recorded", request).await?;
    serde_json::from_value(reply.json()?).map_err(|_| {
        Failure::failed("the host's answer is no coverage\nhint: is it the same version of mediagraph?")
    })
}

fn offline(args: &CoverageArgs, state: &Path) -> Result<Coverage, Failure> {
    let site = Site::offline(args.time_zone.as_deref())?;
    let question = Question {
        since: site.since(&args.since)?,
        until: site.until(args.until.as_deref())?,
        instance: args.instance.clone(),
        zone: site.zone,
    };
    let index = Index::open_to_read(&state.join(FILE_NAME)).map_err(Failure::failed)?;
    coverage(&index, &question).map_err(|error| match error {
        CoverageError::Index(error) => Failure::failed(error),
        error => Failure::usage(error),
    })
}

/// As people read it.
fn text(answer: &Coverage, paint: Paint) -> String {
    let zone = site::zone_of(&answer.time_zone);
    let mut days = Table::new(&["INSTANCE", "NODE", "DAY", "RECORDED", "TIME", "MISSING", "MIB"]);
    let mut gaps = Table::new(&["INSTANCE", "NODE", "FROM", "TO", "LENGTH", "CAUSE"]);
    for camera in &answer.cameras {
        for day in &camera.days {
            days.row([
                Cell::text(&camera.instance),
                Cell::text(&camera.node),
                Cell::text(&day.date),
                Cell::right(&percent(day)),
                Cell::right(&length(day.recorded_seconds)),
                Cell::right(&length(day.missing_seconds)),
                Cell::number(Some(day.bytes >> 20)),
            ]);
            for gap in &day.gaps {
                gaps.row([
                    Cell::text(&camera.instance),
                    Cell::text(&camera.node),
                    Cell::text(&site::shown(&gap.start, &zone)),
                    Cell::text(&site::shown(&gap.end, &zone)),
                    Cell::right(&length(gap.seconds)),
                    Cell::text(&cause(&gap.cause)),
                ]);
            }
        }
    }
    if days.is_empty() {
        return format!(
            "nothing was recorded, and nothing is known to be missing, from {} to {}\n",
            site::shown(&answer.since, &zone),
            site::shown(&answer.until, &zone)
        );
    }
    let mut out = days.render(paint);
    if !gaps.is_empty() {
        out.push('\n');
        out.push_str(&gaps.render(paint));
    }
    let more: u64 = answer
        .cameras
        .iter()
        .flat_map(|camera| &camera.days)
        .map(|day| day.more_gaps)
        .sum();
    if more > 0 {
        out.push_str(&format!(
            "\nand {more} more gaps; ask for fewer days to see them\n"
        ));
    }
    out
}

/// Never rounded up to 100.
fn percent(day: &Day) -> String {
    let tenths = (day.percent * 10.0).floor() / 10.0;
    format!("{tenths:.1}%")
}

/// `1:02:03`.
fn length(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    if whole == 0 && seconds > 0.0 {
        return format!("{seconds:.1} s");
    }
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

fn cause(name: &str) -> String {
    if name == NOT_RECORDED {
        return "not recorded: inactive, a gate was closed, or not on the disk yet".to_owned();
    }
    format!("{name}: {}", GapReason::parse(name).text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::coverage::{Camera, DayGap};

    #[test]
    fn a_day_is_only_whole_when_nothing_is_missing() {
        let day = |percent| Day {
            percent,
            ..Day::default()
        };
        assert_eq!(percent(&day(100.0)), "100.0%");
        assert_eq!(percent(&day(99.99)), "99.9%");
        assert_eq!(length(3723.4), "1:02:03");
        assert_eq!(length(0.3), "0.3 s");
    }

    #[test]
    fn gaps_stand_below_the_days_with_their_causes() {
        let gap = DayGap {
            start: "2026-11-20T12:00:00.000Z".into(),
            end: "2026-11-20T12:00:30.000Z".into(),
            seconds: 30.0,
            cause: "cacheFull".into(),
        };
        let day = Day {
            date: "2026-11-20".into(),
            percent: 99.97,
            recorded_seconds: 86_370.0,
            missing_seconds: 30.0,
            gaps: vec![gap],
            ..Day::default()
        };
        let answer = Coverage {
            time_zone: "UTC".into(),
            cameras: vec![Camera {
                instance: "lobby".into(),
                node: "sink".into(),
                days: vec![day],
            }],
            ..Coverage::default()
        };
        let text = text(&answer, Paint::Plain);
        assert!(
            text.contains("lobby     sink  2026-11-20     99.9%  23:59:30  0:00:30    0\n"),
            "{text}"
        );
        assert!(
            text.contains(
                "2026-11-20 12:00:00+00:00  2026-11-20 12:00:30+00:00  0:00:30  cacheFull: the cache was full\n"
            ),
            "{text}"
        );
        let none = super::text(&Coverage::default(), Paint::Plain);
        assert!(none.starts_with("nothing was recorded"), "{none}");
    }
}
