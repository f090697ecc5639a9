//! What is left after handwritten calls.

use super::super::image::{Image, Survival, cut};
use super::*;
use crate::measure::chance::Chance;

fn place(path: &str) -> Place {
    Place {
        from: None,
        path: Path::new("/disk").join(path),
    }
}

fn open(path: &str, fd: i32) -> Call {
    Call::Open {
        place: place(path),
        create: true,
        truncate: false,
        append: false,
        fd,
    }
}

fn write(fd: i32, text: &str) -> Call {
    Call::Write {
        fd,
        at: None,
        data: text.as_bytes().to_vec(),
    }
}

fn sync(fd: i32) -> [Call; 2] {
    [Call::SyncBegin { thread: 1, fd }, Call::SyncEnd { thread: 1 }]
}

fn rename(from: &str, to: &str) -> Call {
    Call::Rename {
        from: place(from),
        to: place(to),
    }
}

fn sync_root() -> [Call; 3] {
    let [begin, end] = sync(99);
    [open("", 99), begin, end]
}

fn disk(calls: &[&[Call]]) -> Disk {
    let mut disk = Disk::new(Path::new("/disk"));
    for call in calls.iter().copied().flatten() {
        disk.apply(call).unwrap();
    }
    disk
}

/// Files only.
fn files(image: &Image) -> Vec<(String, String)> {
    let text = |content: &Vec<u8>| String::from_utf8_lossy(content).into_owned();
    image
        .0
        .iter()
        .filter_map(|(path, content)| Some((path.display().to_string(), text(content.as_ref()?))))
        .collect()
}

fn left(disk: &Disk) -> Vec<(String, String)> {
    files(&cut(disk, Survival::Synced, &mut Chance::new(1)).unwrap())
}

fn own(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

#[test]
fn a_file_needs_its_own_sync_and_that_of_its_directory() {
    let made = [open("a", 5), write(5, "text")];
    assert_eq!(left(&disk(&[&made])), []);
    assert_eq!(left(&disk(&[&made, &sync(5)])), [], "nobody finds it");
    assert_eq!(left(&disk(&[&made, &sync_root()])), own(&[("a", "")]));
    assert_eq!(
        left(&disk(&[&made, &sync(5), &sync_root()])),
        own(&[("a", "text")])
    );
}

#[test]
fn what_was_written_after_a_sync_began_is_not_covered_by_it() {
    let [begin, end] = sync(5);
    let calls = [open("a", 5), write(5, "one"), begin, write(5, "two"), end];
    let disk = disk(&[&calls, &sync_root()]);
    assert_eq!(left(&disk), own(&[("a", "one")]));
    assert_eq!(files(&Image::seen(&disk).unwrap()), own(&[("a", "onetwo")]));
}

#[test]
fn a_rename_replaces_and_is_lost_without_a_sync_of_the_directory() {
    let calls = [open("a", 5), write(5, "old")];
    let then = [open("a.tmp", 6), write(6, "new")];
    let renamed = [rename("a.tmp", "a")];
    let before = disk(&[&calls, &sync(5), &sync_root(), &then, &sync(6), &renamed]);
    assert_eq!(left(&before), own(&[("a", "old")]));
    let after = disk(&[
        &calls,
        &sync(5),
        &sync_root(),
        &then,
        &sync(6),
        &renamed,
        &sync_root(),
    ]);
    assert_eq!(left(&after), own(&[("a", "new")]));
}

#[test]
fn a_new_directory_is_lost_with_everything_in_it_until_its_parent_is_synced() {
    let made = [
        Call::MakeDirectory { place: place("d") },
        open("d/a", 5),
        write(5, "x"),
        open("d", 6),
    ];
    assert_eq!(left(&disk(&[&made, &sync(5), &sync(6)])), []);
    assert_eq!(
        left(&disk(&[&made, &sync(5), &sync(6), &sync_root()])),
        own(&[("d/a", "x")])
    );
}

#[test]
fn descriptors_that_were_duplicated_share_their_position_and_names_their_file() {
    let calls = [
        open("a", 5),
        Call::Duplicate { from: 5, to: 7 },
        write(5, "ab"),
        write(7, "cd"),
        Call::Close { first: 5, last: 5 },
        Call::Seek { fd: 7, position: 1 },
        write(7, "X"),
        Call::Link {
            from: place("a"),
            to: place("b"),
        },
        Call::Truncate { fd: 7, length: 3 },
        Call::Remove { place: place("a") },
        // Not open any more: another descriptor of the kernel's, such as a socket.
        write(5, "lost"),
    ];
    assert_eq!(
        files(&Image::seen(&disk(&[&calls])).unwrap()),
        own(&[("b", "aXc")])
    );
}

#[test]
fn a_file_may_be_filled_from_another_and_appended_to() {
    let appending = Call::Open {
        place: place("log"),
        create: true,
        truncate: false,
        append: true,
        fd: 6,
    };
    let calls = [
        open("a", 5),
        write(5, "abcd"),
        appending,
        write(6, "1"),
        Call::Seek { fd: 5, position: 1 },
        Call::Copy {
            from: 5,
            to: 6,
            length: 2,
        },
    ];
    assert_eq!(
        files(&Image::seen(&disk(&[&calls])).unwrap()),
        own(&[("a", "abcd"), ("log", "1bc")])
    );
}

#[test]
fn what_was_not_synced_may_survive_but_a_rename_is_never_seen_half_done() {
    let made = disk(&[
        &[open("a", 5), write(5, "text")],
        &sync(5),
        &sync_root(),
        &[rename("a", "b"), open("c", 6), write(6, &"y".repeat(10_000))],
    ]);
    let mut chance = Chance::new(7);
    let mut shapes = std::collections::BTreeSet::new();
    for survival in [Survival::Journal, Survival::Any] {
        for _ in 0..200 {
            let left = files(&cut(&made, survival, &mut chance).unwrap());
            let names: Vec<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
            let (a, b) = (names.contains(&"a"), names.contains(&"b"));
            assert!(a != b, "{names:?}");
            if survival == Survival::Journal && names.contains(&"c") {
                assert!(b, "a journal keeps the order: {names:?}");
            }
            shapes.insert(names.join(" "));
        }
    }
    assert_eq!(shapes.into_iter().collect::<Vec<_>>(), ["a", "a c", "b", "b c"]);
}

#[test]
fn an_image_that_is_written_reads_back() {
    let folder = std::env::temp_dir().join(format!("xtask-image-{}", std::process::id()));
    let made = disk(&[
        &[Call::MakeDirectory { place: place("d") }],
        &[open("d/a", 5), write(5, "text")],
    ]);
    let image = Image::seen(&made).unwrap();
    image.write(&folder).unwrap();
    assert_eq!(Image::read(&folder).unwrap(), image);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn calls_that_cannot_have_been_are_refused() {
    let mut disk = Disk::new(Path::new("/disk"));
    assert!(disk.apply(&rename("a", "b")).is_err());
    let elsewhere = Call::Remove {
        place: Place {
            from: None,
            path: "/elsewhere/a".into(),
        },
    };
    assert!(
        disk.apply(&elsewhere).is_ok(),
        "what is not on this disk does not count"
    );
}
