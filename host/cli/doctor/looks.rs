//! What is looked at. Each look gives lines and never fails: what cannot be looked at is a line, too.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Line, models};
use crate::config::HostConfig;
use crate::media::{Clock, SteadyClock, SystemClock};
use crate::recording::capacity::{Rate, days, measure};
use crate::recording::index::{AssetSize, FILE_NAME, Index};
use crate::recording::retention::{Space, space};
use crate::recording::store::LOCAL;
use crate::state::{FORMAT, holder};

/// Media from the future by more than this means that the clock was wrong, then or now.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// What waits for its store for longer is worth a look.
const WAITS: SignedDuration = SignedDuration::from_hours(1);
/// Room for fewer days is worth a look where nothing says what may go.
const FEW_DAYS: f64 = 7.0;
/// No host ran before this version was made.
const EARLIEST: &str = "2026-01-01T00:00:00Z";
/// Files that a file system should still have room for.
const MIN_FREE_FILES: u64 = 10_000;

pub(super) fn all(state: &Path, config: &HostConfig) -> Vec<Line> {
    let clock = SystemClock::new();
    let now = clock.wall();
    let mut lines = vec![directory(state)];
    let room = space(existing(state));
    lines.push(disk(state, room.as_ref(), config));
    lines.push(clock_line(&clock));
    lines.push(decoder());
    lines.push(models::line(&config.models.onnxruntime));
    let path = state.join(FILE_NAME);
    if !path.exists() {
        lines.push(Line::ok("index", "nothing was recorded yet"));
        return lines;
    }
    match Index::open_to_read(&path) {
        Ok(index) => lines.extend(of_index(&index, state, config, room.ok(), now)),
        Err(error) => lines.push(unreadable(&error.to_string())),
    }
    lines
}

/// The folder, or the one that it will be made in.
fn existing(state: &Path) -> &Path {
    let there = state.ancestors().find(|path| path.exists());
    there.unwrap_or(Path::new("."))
}

fn directory(state: &Path) -> Line {
    let shown = state.display();
    match std::fs::read_to_string(state.join("format")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Line::warning(
            "state",
            format!("`{shown}` is no state directory yet"),
            "a host makes it when it starts; if there is another, name it with `--state-dir DIR`",
        ),
        Err(error) => Line::problem(
            "state",
            format!("`{shown}` cannot be read: {error}"),
            "run this as the user that runs mediagraph",
        ),
        Ok(found) if found.trim() != FORMAT.to_string() => Line::warning(
            "state",
            format!(
                "`{shown}` has format {}, this version writes {FORMAT}",
                found.trim()
            ),
            "the host brings an older one up to date when it starts; a newer one needs a newer mediagraph",
        ),
        Ok(_) => match holder(state) {
            Some(process) => Line::ok("state", format!("`{shown}`, in use by process {process}")),
            None => Line::ok("state", format!("`{shown}`, no host is running")),
        },
    }
}

fn disk(state: &Path, room: Result<&Space, &std::io::Error>, config: &HostConfig) -> Line {
    let space = match room {
        Ok(space) => space,
        Err(error) => {
            let message = format!("the disk of `{}` cannot be asked: {error}", state.display());
            return Line::problem("disk", message, "see whether it is mounted");
        }
    };
    let least = config.keep_free.of(space.total);
    let message = format!(
        "{} free of {}, {} shall stay free",
        size(space.free),
        size(space.total),
        size(least)
    );
    if space.free < least / 2 {
        return Line::problem(
            "disk",
            message,
            "make room: recordings stop when the disk is full",
        );
    }
    if space.free < least {
        let hint = "the oldest recordings go until there is room; see what else fills this disk";
        return Line::warning("disk", message, hint);
    }
    if space.free_files.is_some_and(|files| files < MIN_FREE_FILES) {
        let hint = "the file system has nearly no room for more files, whatever its size; remove small files, or make it anew with more inodes";
        return Line::problem("disk", message, hint);
    }
    Line::ok("disk", message)
}

fn clock_line(clock: &dyn Clock) -> Line {
    let now = clock.wall();
    let shown = format!("{now:.0}");
    if EARLIEST.parse().is_ok_and(|earliest: Timestamp| now < earliest) {
        let hint = "set it, and let NTP keep it: recordings carry its time";
        return Line::problem("clock", format!("{shown} cannot be right"), hint);
    }
    if SteadyClock::new(clock).known_to_be_wrong() {
        return Line::warning(
            "clock",
            format!("{shown}, and `systemd-timesyncd` has not set it yet"),
            "nothing goes for its age before it is set; `timedatectl timesync-status` says which server it asks",
        );
    }
    Line::ok("clock", shown)
}

fn decoder() -> Line {
    Line::ok(
        "decoder",
        "H.264 in memory-safe Rust, on the processor; H.265 is recorded without decoding",
    )
}

fn unreadable(error: &str) -> Line {
    let (message, hint) = error.split_once("\nhint: ").unwrap_or((error, ""));
    let hint = match hint {
        "" => "if it is damaged, stop the host and run `mediagraph check --rebuild`",
        hint => hint,
    };
    Line::problem("index", message, hint)
}

fn of_index(
    index: &Index,
    state: &Path,
    config: &HostConfig,
    room: Option<Space>,
    now: Timestamp,
) -> Vec<Line> {
    let read = || {
        let damage = index.damage()?;
        Ok::<_, crate::recording::index::IndexError>((damage, index.sizes()?, measure(index, now)?))
    };
    let (damage, sizes, rates) = match read() {
        Ok(read) => read,
        Err(error) => return vec![unreadable(&error.to_string())],
    };
    if let Some(damage) = damage {
        return vec![unreadable(&format!("the index is damaged: {damage}"))];
    }
    let mut lines = vec![index_line(&sizes, now)];
    lines.extend(stores(index, state, &sizes, now));
    lines.extend(rates.iter().map(rate));
    lines.extend(full(&sizes, &rates, room, config));
    lines
}

fn index_line(sizes: &[AssetSize], now: Timestamp) -> Line {
    let segments: u64 = sizes.iter().map(|size| size.segments).sum();
    let bytes: u64 = sizes.iter().map(|size| size.bytes).sum();
    let message = format!("{} recordings, {segments} segments, {}", sizes.len(), size(bytes));
    let newest = sizes.iter().filter_map(|size| size.last).max();
    if newest.is_some_and(|newest| newest.to_timestamp().duration_since(now) > AHEAD) {
        let hint = "the clock is, or was, wrong; what was recorded with a wrong clock goes late by its age";
        return Line::warning("index", format!("{message}; some of it is from the future"), hint);
    }
    Line::ok("index", message)
}

/// What each store has, and what waits for it.
fn stores(index: &Index, state: &Path, sizes: &[AssetSize], now: Timestamp) -> Vec<Line> {
    let mut names: Vec<&str> = sizes.iter().map(|size| size.asset.store.as_str()).collect();
    names.push(LOCAL);
    names.sort_unstable();
    names.dedup();
    let mut lines = Vec::new();
    for name in names {
        let Ok(backlog) = index.backlog(name) else {
            continue;
        };
        let waits = backlog
            .oldest
            .map(|oldest| now.duration_since(oldest.to_timestamp()));
        let message = match waits {
            None => format!("`{name}` has everything"),
            Some(age) => format!(
                "{} in {} segments wait for `{name}`, the oldest for {} min",
                size(backlog.bytes),
                backlog.segments,
                age.as_mins()
            ),
        };
        lines.push(if waits.is_some_and(|age| age > WAITS) {
            let hint = "see in `mediagraph alarms` and in the log why it takes nothing; what waits is safe in the cache until its budget is reached";
            Line::warning("store", message, hint)
        } else {
            Line::ok("store", message)
        });
    }
    let local = state.join("assets");
    if local.exists() && !local.is_dir() {
        let message = format!("`{}` is no folder", local.display());
        lines.push(Line::problem(
            "store",
            message,
            "move it away: the local store is a folder",
        ));
    }
    lines
}

fn rate(rate: &Rate) -> Line {
    let name = match rate.owner.as_str() {
        "" => "recordings of an unknown node",
        name => name,
    };
    Line::ok(
        "bit rate",
        format!(
            "{name}: {:.2} Mbit/s while it recorded in the last day, {} a day with its pauses",
            rate.bits / 1e6,
            size(rate.bytes_per_day)
        ),
    )
}

/// When the disk is full, and when what the configuration allows is reached.
fn full(sizes: &[AssetSize], rates: &[Rate], room: Option<Space>, config: &HostConfig) -> Vec<Line> {
    let growth: u64 = rates.iter().map(|rate| rate.bytes_per_day).sum();
    let mut lines = Vec::new();
    for (pattern, limits) in config.retention.iter() {
        let own = sizes.iter().filter(|size| {
            config
                .retention
                .of(&size.asset.name)
                .is_some_and(|rule| rule.0 == *pattern)
        });
        let (mut bytes, mut owners) = (0_u64, Vec::new());
        for size in own {
            bytes = bytes.saturating_add(size.bytes);
            owners.push(size.asset.owner.as_str());
        }
        let grows = rates.iter().filter(|rate| owners.contains(&rate.owner.as_str()));
        let grows: u64 = grows.map(|rate| rate.bytes_per_day).sum();
        let mut message = format!("`{pattern}` holds {}", size(bytes));
        if let Some(most) = limits.max_bytes {
            let when = days(most.saturating_sub(bytes), grows)
                .map_or_else(String::new, |days| format!(", reached in {days:.1} days"));
            message.push_str(&format!(", at most {}{when}", size(most)));
        }
        if let Some(keep) = limits.keep {
            message.push_str(&format!(", kept for {}", length(keep)));
        }
        lines.push(Line::ok("retention", message));
    }
    lines.extend(until_full(growth, room, config));
    lines
}

fn until_full(growth: u64, room: Option<Space>, config: &HostConfig) -> Option<Line> {
    let space = room?;
    let free = space.free.saturating_sub(config.keep_free.of(space.total));
    let Some(days) = days(free, growth) else {
        return Some(Line::ok(
            "days left",
            "nothing was recorded in the last day, so nothing can be said",
        ));
    };
    let message = format!(
        "{days:.1} days until the disk is full up to its reserve, at {} a day",
        size(growth)
    );
    if config.retention.is_empty() && days < FEW_DAYS {
        let hint = "then the oldest recordings go for new ones; a larger disk, or a lower bit rate, keeps more of them";
        return Some(Line::warning("days left", message, hint));
    }
    Some(Line::ok("days left", message))
}

fn length(keep: Duration) -> String {
    let hours = keep.as_secs() / 3600;
    if hours.is_multiple_of(24) {
        format!("{} days", hours / 24)
    } else {
        format!("{hours} hours")
    }
}

/// With one digit behind the point, in powers of 1024.
pub(in crate::cli) fn size(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| bytes >= 1 << shift) {
        Some((shift, unit)) => format!("{:.1} {unit}", bytes as f64 / f64::powi(2.0, shift)),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::State;

    #[test]
    fn a_disk_below_its_reserve_is_told_before_it_is_full() {
        let config = HostConfig::default();
        let look = |free: u64| {
            let space = Space {
                free,
                total: 100 << 30,
                free_files: None,
            };
            disk(Path::new("state"), Ok(&space), &config).state
        };
        assert_eq!(
            [look(6 << 30), look(4 << 30), look(1 << 30)],
            [State::Ok, State::Warning, State::Problem]
        );
    }

    #[test]
    fn few_days_are_a_warning_only_where_nothing_says_what_may_go() {
        let space = Some(Space {
            free: 105 << 30,
            total: 100 << 30,
            free_files: None,
        });
        let mut config = HostConfig::default();
        let line = until_full(50 << 30, space, &config).unwrap();
        assert_eq!(line.state, State::Warning);
        assert!(line.message.starts_with("2.0 days"), "{}", line.message);
        config.retention = crate::recording::retention::Rules::new([(
            crate::recording::retention::Pattern::parse("*"),
            crate::recording::retention::Limits::default(),
        )]);
        assert_eq!(until_full(50 << 30, space, &config).unwrap().state, State::Ok);
        assert_eq!(size(1_610_612_736), "1.5 GiB");
    }
}
