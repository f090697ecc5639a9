//! Budgets, full disks and disks that are not the right ones.

use std::io::ErrorKind;

use bytes::Bytes;
use futures::FutureExt as _;

use super::bench::Bench;
use super::*;
use crate::media::Clock as _;
use crate::recording::cache::sink_folder;
use crate::recording::holds::NewHold;
use crate::recording::index::GapReason;
use crate::recording::store::LOCAL;

const MIB: u64 = 1 << 20;

/// Pictures of so many bytes each, five a second, a random access point every second.
pub(super) fn heavy(from_second: u64, seconds: u64, bytes: usize) -> Vec<Arc<AccessUnit>> {
    let format = video_format();
    let mut data = vec![0x5a; bytes];
    data[..4].copy_from_slice(&(bytes as u32 - 4).to_be_bytes());
    data[4] = 0x65;
    let data = Bytes::from(data);
    (0..seconds * 5)
        .map(|n| {
            let mut one = (*unit(&format, from_second * 90_000 + n * 18_000, n % 5 == 0)).clone();
            one.data = data.clone();
            Arc::new(one)
        })
        .collect()
}

fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                bytes_in(&entry.path())
            } else {
                entry.metadata().map_or(0, |found| found.len())
            }
        })
        .sum()
}

#[test]
fn a_cache_that_is_full_lets_the_oldest_go_and_the_gap_is_what_was_dropped() {
    let bench = Bench {
        budget: Some(4 * MIB),
        ..Bench::new()
    };
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    // 200 kB a second: 12 MB in all, three times the budget.
    for unit in heavy(0, 60, 40_000) {
        bench.clock.set_wall(unit.time.to_timestamp());
        if writer.push(&unit).unwrap() {
            writer.flush().unwrap();
            let there = bytes_in(&bench.sink());
            assert!(there <= 4 * MIB, "{there} bytes at {}", unit.time.iso());
        }
    }
    writer.close().unwrap();
    bench.index_and_files_agree(&cache);
    let rows = bench.rows(&cache);
    let kept: u64 = rows.iter().map(|row| row.bytes).sum();
    assert!(kept > 2 * MIB, "no more goes than has to: {kept}");
    let gaps = bench.gaps(&cache);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(
        (gaps[0].start, gaps[0].end, gaps[0].reason),
        (
            MediaTime::from_ticks(BASE),
            rows[0].name.start,
            GapReason::CacheFull
        )
    );
    let pictures: u64 = rows.iter().map(|row| row.video.samples).sum();
    assert_eq!(pictures + gaps[0].units, 300, "there, or a gap");
    let told = bench.heard.0.lock().unwrap();
    let told: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            RecordingEvent::Dropped { reason, units, .. } => Some((*reason, *units)),
            _ => None,
        })
        .collect();
    assert!(told.iter().all(|(reason, _)| *reason == GapReason::CacheFull));
    assert_eq!(told.iter().map(|(_, units)| units).sum::<u64>(), gaps[0].units);
}

#[test]
fn what_is_held_stays_in_a_full_cache_and_what_is_new_is_lost_with_that_reason() {
    let bench = Bench {
        budget: Some(2 * MIB),
        ..Bench::new()
    };
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &heavy(0, 6, 40_000));
    let everything = NewHold {
        start: None,
        end: None,
        reason: String::new(),
        who: String::new(),
        until: None,
    };
    let asset = cache.index().find_asset(LOCAL, "lobby").unwrap().unwrap();
    let hold = cache
        .holds()
        .place(&asset, everything, bench.clock.wall())
        .unwrap();
    // 200 kB a second: 12 MB in all, six times the budget.
    bench.feed(&mut writer, &heavy(6, 54, 40_000));
    assert!(cache.is_held_full());
    assert!(bytes_in(&bench.sink()) <= 2 * MIB);
    writer.close().unwrap();
    assert!(!cache.is_held_full(), "nobody records any more");
    bench.index_and_files_agree(&cache);
    let rows = bench.rows(&cache);
    assert_eq!(
        rows[0].name.start,
        MediaTime::from_ticks(BASE),
        "the oldest is there"
    );
    let gaps = bench.gaps(&cache);
    assert!(
        !gaps.is_empty() && gaps.iter().all(|gap| gap.reason == GapReason::HeldFull),
        "{gaps:?}"
    );
    let pictures: u64 = rows.iter().map(|row| row.video.samples).sum();
    let lost: u64 = gaps.iter().map(|gap| gap.units).sum();
    assert_eq!(pictures + lost, 300, "there, or a gap");
    cache.holds().release(&asset, hold.id).unwrap();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &heavy(60, 20, 40_000));
    assert!(!cache.is_held_full());
    writer.close().unwrap();
    assert_ne!(bench.rows(&cache)[0].name.start, MediaTime::from_ticks(BASE));
}

#[test]
fn an_open_segment_is_sealed_at_half_of_the_budget_and_one_fragment_too_large_is_a_gap() {
    let bench = Bench {
        budget: Some(MIB),
        ..Bench::new()
    };
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &heavy(0, 12, 20_000));
    bench.feed(&mut writer, &heavy(12, 4, 200_000));
    bench.feed(&mut writer, &heavy(16, 4, 20_000));
    writer.close().unwrap();
    let rows = bench.rows(&cache);
    assert!(rows.iter().all(|row| row.bytes <= MIB / 2), "{rows:?}");
    let gaps = bench.gaps(&cache);
    assert!(
        gaps.iter().all(|gap| gap.reason == GapReason::CacheFull),
        "{gaps:?}"
    );
    let lost: u64 = gaps.iter().map(|gap| gap.units).sum();
    assert_eq!(rows.iter().map(|row| row.video.samples).sum::<u64>() + lost, 100);
    assert!(bytes_in(&bench.sink()) <= MIB);
}

#[test]
fn a_full_disk_costs_the_oldest_segment_once_and_then_media_waits() {
    let bench = Bench::new();
    let storage = Failing::with(i64::MAX, ErrorKind::StorageFull);
    let cache = bench.try_cache(Arc::new(storage.clone())).unwrap();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 20, false));
    let before = bench.rows(&cache).len();
    storage.break_down(true);
    for unit in stream(90_000 * 20, 20, false) {
        bench.clock.set_wall(unit.time.to_timestamp());
        if writer.push(&unit).unwrap() {
            let error = writer.flush().unwrap_err();
            assert_eq!(error.reason(), "noSpace", "{error}");
        }
    }
    assert_eq!(bench.rows(&cache).len(), before - 1);
    let asked = cache.room_wanted().notified().now_or_never();
    assert!(asked.is_some(), "whoever lets recordings go is asked for room");
    storage.break_down(false);
    bench.feed(&mut writer, &stream(90_000 * 40, 4, false));
    writer.close().unwrap();
    let gaps = bench.gap_seconds(&cache);
    assert_eq!(gaps, [(0, 6, GapReason::CacheFull)], "what waited was written");
    assert_eq!(count(&bench.sound_report(), "video"), 38 * 25);
}

#[test]
fn a_disk_that_was_away_too_long_leaves_a_gap_of_its_own() {
    let bench = Bench::new();
    let storage = Failing::never();
    let cache = bench.try_cache(Arc::new(storage.clone())).unwrap();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &heavy(0, 10, 40_000));
    storage.break_down(true);
    // 100 MB, of which 64 MiB can wait.
    for unit in heavy(10, 100, 200_000) {
        bench.clock.set_wall(unit.time.to_timestamp());
        if writer.push(&unit).unwrap() {
            assert!(writer.flush().is_err());
        }
    }
    storage.break_down(false);
    bench.feed(&mut writer, &heavy(110, 10, 40_000));
    writer.close().unwrap();
    let gaps = bench.gaps(&cache);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].reason, GapReason::Disk);
    let rows = bench.rows(&cache);
    assert_eq!(
        rows.iter().map(|row| row.video.samples).sum::<u64>() + gaps[0].units,
        600
    );
    let covered = |at: MediaTime| rows.iter().any(|row| row.name.start <= at && at < row.end);
    assert!(!covered(gaps[0].start) && covered(gaps[0].end));
    bench.index_and_files_agree(&cache);
}

#[test]
fn a_disk_of_another_host_is_refused_and_nothing_is_written_to_it() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.root()).unwrap();
    std::fs::write(bench.root().join(".mediagraph-volume"), "other-123\n").unwrap();
    let error = bench.cache().open_asset(bench.spec()).unwrap_err();
    assert_eq!(error.reason(), "volume");
    let text = error.to_string();
    assert!(text.contains("another host") && text.contains("hint:"), "{text}");
    assert!(!bench.sink().exists());
}

#[test]
fn sinks_that_start_at_the_same_time_in_a_new_place_agree_on_its_id() {
    const SINKS: usize = 16;
    for _ in 0..8 {
        let bench = Bench::new();
        let storage = Failing::never();
        let cache = bench.try_cache(Arc::new(storage.clone())).unwrap();
        let start = std::sync::Barrier::new(SINKS);
        let open = |number: usize| {
            let mut spec = bench.spec();
            spec.name = format!("lobby{number}");
            spec.folder = sink_folder(&bench.folder.path().join("place"), &number.to_string(), "sink");
            start.wait();
            cache.open_asset(spec).unwrap().close().unwrap();
        };
        std::thread::scope(|scope| {
            for number in 0..SINKS {
                let open = &open;
                scope.spawn(move || open(number));
            }
        });
        let done = storage.take_done();
        let marked = done.iter().filter(|(operation, path)| {
            *operation == "rename" && path.file_name().unwrap() == ".mediagraph-volume"
        });
        assert_eq!(marked.count(), 1, "{done:?}");
    }
}

#[test]
fn what_a_power_cut_leaves_of_the_id_of_a_new_place_is_cleared_away_at_the_next_start() {
    let bench = Bench::new();
    let storage = Failing::never();
    let place = bench.folder.path().join("place");
    storage.refuse(Some(("rename", place.join(".mediagraph-volume"))));
    let mut spec = bench.spec();
    spec.folder = sink_folder(&place, "box", "sink");
    let cache = bench.try_cache(Arc::new(storage.clone())).unwrap();
    cache.open_asset(spec).unwrap_err();
    drop(cache);
    assert!(place.join(".mediagraph-volume.tmp").exists());
    drop(bench.cache());
    let left = std::fs::read_dir(&place).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, [".mediagraph-volume"]);
}

#[test]
fn a_disk_that_is_swapped_while_it_is_recorded_to_is_noticed_at_the_next_segment() {
    let bench = Bench::new();
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 4, false));
    let volume = bench.root().join(".mediagraph-volume");
    let right = std::fs::read(&volume).unwrap();
    std::fs::write(&volume, "box-swapped\n").unwrap();
    let mut refused = 0;
    for unit in stream(90_000 * 4, 10, false) {
        if writer.push(&unit).unwrap()
            && let Err(error) = writer.flush()
        {
            assert_eq!(error.reason(), "volume", "{error}");
            refused += 1;
        }
    }
    assert!(refused > 0);
    std::fs::write(&volume, right).unwrap();
    writer.close().unwrap();
    assert_eq!(count(&bench.sound_report(), "video"), 350, "media has waited");
}

#[test]
fn a_disk_that_is_not_mounted_is_refused_and_what_is_on_it_is_not_given_up() {
    let bench = Bench::new();
    // The state is in memory, the cache on the disk behind a link.
    let other = tempfile::tempdir().unwrap();
    let place = bench.folder.path().join("place");
    std::os::unix::fs::symlink(other.path(), &place).unwrap();
    let mut spec = bench.spec();
    spec.folder = crate::recording::cache::sink_folder(&place, "box", "sink");
    let mut writer = bench.cache().open_asset(spec.clone()).unwrap();
    bench.feed(&mut writer, &stream(0, 4, false));
    writer.close().unwrap();
    std::fs::remove_file(&place).unwrap();
    std::fs::create_dir(&place).unwrap();
    let cache = bench.cache();
    let error = cache.open_asset(spec.clone()).unwrap_err().to_string();
    assert!(error.contains("not mounted"), "{error}");
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0);
    assert_eq!((bench.rows(&cache).len(), bench.gaps(&cache).len()), (1, 0));
    drop(cache);
    std::fs::remove_dir(&place).unwrap();
    std::os::unix::fs::symlink(other.path(), &place).unwrap();
    bench.cache().open_asset(spec).unwrap().close().unwrap();
}

/// The folder of the cache as a disk that was pulled out, and one that comes back with what was on it then.
fn pull_out(bench: &Bench) -> std::path::PathBuf {
    let gone = bench.folder.path().join("gone");
    std::fs::rename(bench.root(), &gone).unwrap();
    gone
}

fn put_back_a_copy(bench: &Bench, gone: &Path) {
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(gone)
        .arg(bench.root())
        .status();
    assert!(copied.unwrap().success());
}

#[test]
fn a_disk_that_is_pulled_out_and_put_back_is_recorded_to_again_and_what_is_lost_is_a_gap() {
    let bench = Bench::new();
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    // A segment of six seconds, and four in the next.
    bench.feed(&mut writer, &heavy(0, 11, 20_000));
    let gone = pull_out(&bench);
    put_back_a_copy(&bench, &gone);
    // These go to the file that was open, which nobody sees any more.
    bench.feed(&mut writer, &heavy(11, 1, 20_000));
    bench.feed(&mut writer, &heavy(12, 20, 20_000));
    writer.close().unwrap();
    bench.index_and_files_agree(&cache);
    bench.sound_report();
    let rows = bench.rows(&cache);
    let gaps = bench.gaps(&cache);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].reason, GapReason::Disk);
    let covered = |at: MediaTime| rows.iter().any(|row| row.name.start <= at && at < row.end);
    assert!(!covered(gaps[0].start) && covered(gaps[0].end), "{gaps:?}");
    let last = rows.iter().map(|row| row.end).max().unwrap();
    assert!(
        last.since(MediaTime::from_ticks(BASE)).0 >= 31 * 90_000,
        "it goes on to the end"
    );
    let recorded: i64 = rows.iter().map(|row| row.end.since(row.name.start).0).sum();
    let lost = gaps[0].end.since(gaps[0].start).0;
    assert!(
        (recorded + lost - 32 * 90_000).abs() <= 90_000,
        "there, or a gap: {recorded} {lost}"
    );
}

#[test]
fn a_folder_that_somebody_takes_away_is_made_again() {
    let bench = Bench::new();
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &heavy(0, 11, 20_000));
    std::fs::remove_dir_all(bench.dir()).unwrap();
    bench.feed(&mut writer, &heavy(11, 20, 20_000));
    writer.close().unwrap();
    let rows = bench.rows(&cache);
    let there = rows
        .iter()
        .filter(|row| bench.dir().join(row.name.file(".m4s")).exists());
    assert!(there.count() >= 2, "{rows:?}");
    assert!(bench.gaps(&cache).iter().any(|gap| gap.reason == GapReason::Disk));
}

/// A disk says only once that it has lost what it was to write (`fsync(2)`, and what Linux does after it).
#[test]
fn what_a_disk_refused_to_sync_is_written_anew_before_it_counts() {
    let bench = Bench::new();
    let storage = Failing::never();
    let cache = bench.try_cache(Arc::new(storage.clone())).unwrap();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 4, true));
    let open = bench
        .files()
        .into_iter()
        .map(|(name, _)| name)
        .find(|name| name.ends_with(".m4s.part"))
        .unwrap();
    let path = bench.dir().join(&open);
    storage.refuse(Some(("sync", path.clone())));
    assert!(writer.close().is_err());
    storage.take_done();
    storage.refuse(None);
    writer.close().unwrap();
    let again = path.with_file_name(format!("{open}.tmp"));
    let done = storage.take_done();
    let synced = done.iter().position(|one| *one == ("sync", again.clone()));
    let sealed = done
        .iter()
        .position(|(what, path)| *what == "rename" && path.extension().is_some_and(|ending| ending == "m4s"));
    assert!(synced.is_some() && synced < sealed, "{done:?}");
    bench.index_and_files_agree(&cache);
    assert_eq!(count(&bench.sound_report(), "video"), 100);
}
