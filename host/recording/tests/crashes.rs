//! Whatever is cut off or refused, what was recorded is there or is a gap.

use super::bench::Bench;
use super::full::heavy;
use super::*;
use crate::media::Clock as _;
use crate::recording::asset::name::SegmentName;
use crate::recording::asset::scan;
use crate::recording::index::GapReason;

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// All of it, in the place of what is there: the index has absolute paths.
fn put_back(bench: &Bench, from: &Path) {
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(&path).unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
    }
    copy_dir(from, bench.folder.path());
}

/// Puts in order, twice: the second time changes nothing.
fn recovered(bench: &Bench) -> Arc<Cache> {
    let cache = bench.cache();
    let (files, gaps) = (bench.files(), bench.gaps(&cache));
    drop(cache);
    let cache = bench.cache();
    assert_eq!((bench.files(), bench.gaps(&cache)), (files, gaps));
    bench.index_and_files_agree(&cache);
    cache
}

#[test]
fn a_torn_tail_costs_only_the_fragments_that_are_torn() {
    let bench = Bench::new();
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 6, true));
    std::mem::forget(writer);
    let crashed = tempfile::tempdir_in("/dev/shm").unwrap();
    copy_dir(bench.folder.path(), crashed.path());
    let files = bench.files();
    let find = |ending: &str| files.iter().find(|(name, _)| name.ends_with(ending)).unwrap();
    let (video, audio) = (find(".m4s.part"), find(".audio.part"));
    for ((name, whole), track, other) in [(video, "video", "audio"), (audio, "audio", "video")] {
        let mut kept = Vec::new();
        for length in 0..=whole.len() {
            put_back(&bench, crashed.path());
            std::fs::write(bench.dir().join(name), &whole[..length]).unwrap();
            // Twice now and then only: there are thousands of bytes.
            let cache = if length % 16 == 0 {
                recovered(&bench)
            } else {
                bench.cache()
            };
            bench.index_and_files_agree(&cache);
            if bench.files().is_empty() {
                kept.push(0);
                assert_eq!((track, bench.gaps(&cache).len()), ("video", 1));
                continue;
            }
            let report = bench.sound_report();
            assert!(count(&report, other) > 0, "{track} cut at {length}");
            kept.push(count(&report, track));
            let end = bench.rows(&cache)[0].end;
            let gaps = bench.gaps(&cache);
            assert_eq!((gaps[0].start, gaps[0].reason), (end, GapReason::Crash));
            assert!(gaps[0].end.since(gaps[0].start) <= Ticks::from_secs(4));
        }
        assert!(kept.is_sorted());
        kept.dedup();
        assert_eq!(kept.len(), 3, "nothing, one fragment, two: {kept:?}");
    }
}

/// What a power cut leaves of a file that was not synced: its length, and zeros where a page did not reach the disk.
#[test]
fn a_page_that_did_not_reach_the_disk_costs_its_fragment_and_what_is_behind_it() {
    const PAGE: usize = 4096;
    let bench = Bench::new();
    let mut writer = bench.cache().open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &heavy(0, 6, 10_000));
    std::mem::forget(writer);
    let crashed = tempfile::tempdir_in("/dev/shm").unwrap();
    copy_dir(bench.folder.path(), crashed.path());
    let files = bench.files();
    let (name, whole) = files
        .iter()
        .find(|(name, _)| name.ends_with(".m4s.part"))
        .unwrap();
    let epoch = SegmentName::parse(name.strip_suffix(".m4s.part").unwrap())
        .unwrap()
        .epoch;
    let tracks = scan::tracks(&bench.dir(), &epoch).unwrap();
    let prefix = scan::valid_prefix(&bench.dir().join(name), TrackKind::Video, &tracks).unwrap();
    assert!(prefix.fragments.len() >= 2, "{}", prefix.fragments.len());
    assert_eq!(prefix.part.bytes, whole.len() as u64);
    let ends: Vec<u64> = prefix
        .fragments
        .iter()
        .scan(0, |end, one| {
            *end += one.bytes;
            Some(*end)
        })
        .collect();
    let mut pages: Vec<usize> = (0..whole.len()).step_by(PAGE).collect();
    // And of other places: blocks may be smaller than pages.
    pages.extend((0..whole.len() - PAGE).step_by(512 * 11));
    for page in pages {
        put_back(&bench, crashed.path());
        let mut damaged = whole.clone();
        let end = (page + PAGE).min(whole.len());
        damaged[page..end].fill(0);
        std::fs::write(bench.dir().join(name), &damaged).unwrap();
        let cache = recovered(&bench);
        let sound = ends.iter().take_while(|end| **end <= page as u64).count();
        let kept: u64 = bench.rows(&cache).iter().map(|row| row.video_fragments).sum();
        assert_eq!(
            kept,
            sound as u64,
            "the page at {page} of {} is zero",
            whole.len()
        );
        if kept > 0 {
            bench.sound_report();
        }
        assert_eq!(bench.gaps(&cache).last().unwrap().reason, GapReason::Crash);
    }
}

/// Some cameras fill their pictures up with zeros. Nothing of theirs is to go for that.
#[test]
fn a_camera_that_pads_its_pictures_loses_one_fragment_at_most_in_a_crash_as_every_other_does() {
    let bench = Bench::new();
    let padded: Vec<Arc<AccessUnit>> = heavy(0, 12, 10_000)
        .iter()
        .enumerate()
        .map(|(n, unit)| {
            let mut unit = AccessUnit::clone(unit);
            let mut data = unit.data.to_vec();
            // Of any length, and so of any place in the file.
            let padding = 100 + (n * 37) % 3000;
            let length = data.len();
            data[length - padding..].fill(0);
            unit.data = data.into();
            Arc::new(unit)
        })
        .collect();
    let mut writer = bench.cache().open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &padded);
    let written: u64 = bench
        .files()
        .iter()
        .filter(|(name, _)| name.ends_with(".part"))
        .count() as u64;
    assert_eq!(written, 1, "a segment is open");
    std::mem::forget(writer);
    let cache = recovered(&bench);
    let kept: u64 = bench.rows(&cache).iter().map(|row| row.video.samples).sum();
    // Of the last fragment, the first unit of the next was not seen.
    assert!(kept >= 60 - 3 * 5, "{kept} of 60");
    bench.sound_report();
}

/// Records 14 s; gives up where the disk does, as a crash there would.
fn record_until_cut_off(bench: &Bench, storage: &Failing) -> Option<()> {
    let cache = bench.try_cache(Arc::new(storage.clone())).ok()?;
    let mut writer = cache.open_asset(bench.spec()).ok()?;
    let mut cut_off = false;
    for unit in stream(0, 14, true) {
        bench.clock.set_wall(unit.time.to_timestamp());
        if writer.push(&unit).unwrap() && writer.flush().is_err() {
            cut_off = true;
            break;
        }
    }
    if cut_off || writer.close().is_err() {
        // A process that is gone cleans nothing up.
        std::mem::forget(writer);
    }
    Some(())
}

#[test]
fn wherever_a_crash_comes_recovery_loses_one_fragment_at_most_and_says_so() {
    for operation in 0.. {
        let bench = Bench::new();
        let storage = Failing::at(operation);
        let _ = record_until_cut_off(&bench, &storage);
        let cache = recovered(&bench);
        let end = bench.rows(&cache).last().map(|row| row.end);
        let reached = bench.clock.media();
        // Two fragments: the one that waits for its next picture, and the one whose write failed.
        let lost = reached.since(end.unwrap_or(MediaTime::from_ticks(BASE)));
        assert!(lost <= Ticks::from_secs(5), "{operation}: {lost:?}");
        if !bench.rows(&cache).is_empty() {
            bench.sound_report();
        }
        if !storage.has_failed() {
            assert!(operation > 30, "{operation}");
            break;
        }
    }
}

#[test]
fn after_a_crash_the_gap_reaches_to_where_the_recording_goes_on() {
    let bench = Bench::new();
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 9, true));
    std::mem::forget(writer);
    drop(cache);
    bench
        .clock
        .set_wall(MediaTime::from_ticks(BASE + 90_000 * 30).to_timestamp());
    drop(recovered(&bench));
    bench.record(&stream(90_000 * 40, 5, true));
    let cache = recovered(&bench);
    assert_eq!(bench.gap_seconds(&cache), [(8, 40, GapReason::Crash)]);
}

#[test]
fn what_a_crash_cuts_off_before_anything_is_on_the_disk_is_a_gap() {
    let bench = Bench::new();
    let mut writer = bench.cache().open_asset(bench.spec()).unwrap();
    writer.is_of_event();
    bench.feed(&mut writer, &stream(90_000 * 100, 1, false));
    assert!(bench.files().iter().all(|(name, _)| !name.ends_with(".part")));
    std::mem::forget(writer);
    bench
        .clock
        .set_wall(MediaTime::from_ticks(BASE + 90_000 * 200).to_timestamp());
    let cache = recovered(&bench);
    assert_eq!(bench.gap_seconds(&cache), [(100, 104, GapReason::Crash)]);
}

#[test]
fn a_writer_that_waits_for_its_camera_loses_nothing_in_a_crash() {
    let bench = Bench::new();
    let mut writer = bench.cache().open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 9, false));
    writer.pause().unwrap();
    std::mem::forget(writer);
    bench
        .clock
        .set_wall(MediaTime::from_ticks(BASE + 90_000 * 200).to_timestamp());
    let cache = recovered(&bench);
    assert_eq!(bench.gap_seconds(&cache), []);
}

#[test]
fn the_gap_of_a_crash_does_not_reach_to_the_next_recording_of_an_event() {
    let bench = Bench::new();
    let mut writer = bench.cache().open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 9, false));
    std::mem::forget(writer);
    let cache = recovered(&bench);
    let told = bench.gap_seconds(&cache);
    assert_eq!(told.len(), 1, "{told:?}");
    let (start, end, reason) = told[0];
    assert!(reason == GapReason::Crash && end - start <= 4, "{told:?}");
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    writer.is_of_event();
    bench.feed(&mut writer, &stream(90_000 * 600, 9, false));
    writer.close().unwrap();
    assert_eq!(
        bench.gap_seconds(&cache),
        told,
        "nothing was to be recorded in between"
    );
}

#[test]
fn whichever_operation_fails_the_asset_stays_sound_and_nothing_is_lost() {
    for operation in 0.. {
        let bench = Bench::new();
        let storage = Failing::at(operation);
        let open = || {
            bench
                .try_cache(Arc::new(storage.clone()))?
                .open_asset(bench.spec())
        };
        let mut writer = open().or_else(|_| open()).unwrap();
        for unit in stream(0, 14, true) {
            bench.clock.set_wall(unit.time.to_timestamp());
            if writer.push(&unit).unwrap()
                && let Err(error) = writer.flush()
            {
                assert!(error.to_string().contains("cache"), "{error}");
            }
        }
        let notices = writer.close().or_else(|_| writer.close()).unwrap();
        assert!(
            matches!(notices.last(), Some(Notice::Stopped { .. })),
            "{operation}: {notices:?}"
        );
        let report = bench.sound_report();
        assert_eq!(
            (count(&report, "video"), count(&report, "audio")),
            (350, 656),
            "{operation}"
        );
        let cache = recovered(&bench);
        assert!(bench.gaps(&cache).is_empty(), "{operation}");
        if !storage.has_failed() {
            assert!(operation > 30, "{operation}");
            break;
        }
    }
}

#[test]
fn a_writer_that_gives_up_leaves_a_gap_and_what_it_left_is_finished_later() {
    let bench = Bench::new();
    let storage = Failing::never();
    let cache = bench.try_cache(Arc::new(storage.clone())).unwrap();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 5, false));
    storage.break_down(true);
    for unit in stream(90_000 * 5, 5, false) {
        if writer.push(&unit).unwrap() {
            assert!(writer.flush().is_err());
        }
    }
    assert!(writer.close().is_err());
    writer.give_up();
    drop(writer);
    storage.break_down(false);
    assert!(!cache.is_open("local", "lobby"));
    let mut other = bench.spec();
    other.name = "yard".to_owned();
    cache.open_asset(other).unwrap().close().unwrap();
    assert_eq!(bench.gap_seconds(&cache), [(4, 10, GapReason::Disk)]);
    assert_eq!(count(&bench.sound_report(), "video"), 100);
    bench.index_and_files_agree(&cache);
}
