use std::io::ErrorKind;

use super::copy::read;
use super::*;
use crate::media::Ticks;
use crate::recording::index::FILE_NAME as INDEX;
use crate::recording::index::tests::{Bench, at};
use crate::recording::storage::Disk;
use crate::recording::storage::failing::Failing;

const NOON: &str = "2026-11-20T12:00:00Z";

fn now() -> Timestamp {
    NOON.parse().unwrap()
}

fn second(seconds: i64) -> MediaTime {
    at(NOON).offset(Ticks::from_secs(seconds))
}

fn new_hold(from: i64, to: i64) -> NewHold {
    NewHold {
        start: Some(second(from)),
        end: Some(second(to)),
        reason: "case 12".into(),
        who: "boss".into(),
        until: None,
    }
}

/// The state directory of a host that starts again and again.
struct House {
    bench: Bench,
}

impl House {
    fn new() -> Self {
        Self { bench: Bench::new() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.bench.folder.path().join(name)
    }

    fn index(&self) -> Arc<Index> {
        Arc::new(Index::open(&self.path(INDEX)).unwrap())
    }

    fn start(&self) -> Holds {
        Holds::open(self.index(), Arc::new(Disk))
    }

    fn asset(&self) -> AssetRow {
        self.bench.index.asset_row(self.bench.asset).unwrap().unwrap()
    }

    fn copied(&self) -> Vec<HoldRow> {
        read(&self.path(FILE_NAME)).unwrap().unwrap()
    }

    /// As when the index is lost and made anew.
    fn lose_index(&self) {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.path(&format!("{INDEX}{ending}")));
        }
    }
}

#[test]
fn a_hold_stands_in_the_index_and_beside_it_and_survives_the_loss_of_either() {
    let house = House::new();
    let holds = house.start();
    assert!(!house.path(FILE_NAME).exists(), "nothing was ever held");
    let first = holds.place(&house.asset(), new_hold(0, 10), now()).unwrap();
    let forever = NewHold {
        start: None,
        end: None,
        until: Some("2027-01-01T00:00:00Z".parse().unwrap()),
        ..new_hold(0, 1)
    };
    let second = holds.place(&house.asset(), forever, now()).unwrap();
    let both = [first, second];
    assert_eq!(house.index().holds().unwrap(), both);
    assert_eq!(house.copied(), both);
    std::fs::remove_file(house.path(FILE_NAME)).unwrap();
    house.start();
    assert_eq!(house.copied(), both, "the index has them");
    drop(holds);
    house.lose_index();
    house.start();
    assert_eq!(house.index().holds().unwrap(), both, "the file has them");
}

#[test]
fn a_released_hold_is_gone_from_both_and_no_other_asset_can_release_it() {
    let house = House::new();
    let holds = house.start();
    let placed = holds.place(&house.asset(), new_hold(0, 10), now()).unwrap();
    let other = AssetRow {
        name: "yard".into(),
        ..house.asset()
    };
    let refused = holds.release(&other, placed.id).unwrap_err().to_string();
    assert!(
        refused.contains("`yard` has no hold 1") && refused.contains("hint:"),
        "{refused}"
    );
    assert_eq!(holds.release(&house.asset(), placed.id).unwrap(), placed);
    assert!(house.index().holds().unwrap().is_empty() && house.copied().is_empty());
    assert!(matches!(
        holds.release(&house.asset(), placed.id),
        Err(HoldError::Unknown { .. })
    ));
    house.start();
    assert!(house.index().holds().unwrap().is_empty());
}

#[test]
fn an_older_index_that_was_restored_gets_the_holds_that_came_since() {
    let house = House::new();
    let holds = house.start();
    let old = holds.place(&house.asset(), new_hold(0, 10), now()).unwrap();
    let copy = std::fs::read(house.path(FILE_NAME)).unwrap();
    let new = holds.place(&house.asset(), new_hold(20, 30), now()).unwrap();
    // The index as it was, with another hold under the number of the newer one.
    house.bench.index.end_holds(&[new.id]).unwrap();
    let other = HoldRow {
        start: second(40),
        end: second(50),
        ..new.clone()
    };
    house.bench.index.place_hold(&other).unwrap();
    house.start();
    let all = house.index().holds().unwrap();
    let ranges: Vec<_> = all.iter().map(HoldRow::range).collect();
    assert_eq!(ranges, [old.range(), other.range(), new.range()]);
    assert_eq!(house.copied(), all);
    std::fs::write(house.path(FILE_NAME), copy).unwrap();
    house.start();
    assert_eq!(house.copied(), all, "an older copy takes nothing away");
}

#[test]
fn a_disk_that_refuses_leaves_everything_as_it_was() {
    let house = House::new();
    let storage = Failing::never();
    let holds = Holds::open(house.index(), Arc::new(storage.clone()));
    let placed = holds.place(&house.asset(), new_hold(0, 10), now()).unwrap();
    let temporary = house.path(FILE_NAME).with_extension("tmp");
    storage.refuse(Some(("sync", temporary)));
    let error = holds.place(&house.asset(), new_hold(20, 30), now()).unwrap_err();
    assert!(matches!(error, HoldError::Recording(_)), "{error}");
    holds.release(&house.asset(), placed.id).unwrap_err();
    storage.refuse(None);
    assert_eq!(house.index().holds().unwrap(), std::slice::from_ref(&placed));
    house.start();
    assert_eq!(house.copied(), [placed]);
}

#[test]
fn a_copy_that_cannot_be_read_is_put_aside_and_written_anew() {
    let house = House::new();
    let placed = house
        .start()
        .place(&house.asset(), new_hold(0, 10), now())
        .unwrap();
    for text in ["{", "{\"layout\": 2, \"holds\": []}", "[]"] {
        std::fs::write(house.path(FILE_NAME), text).unwrap();
        assert_eq!(
            read(&house.path(FILE_NAME)).unwrap_err().kind(),
            ErrorKind::InvalidData
        );
        house.start();
        assert_eq!(house.copied(), std::slice::from_ref(&placed));
        assert_eq!(std::fs::read_to_string(house.path(DAMAGED)).unwrap(), text);
    }
}

#[test]
fn a_hold_ends_by_itself_when_its_time_is_over_and_others_do_not() {
    let house = House::new();
    let holds = house.start();
    let until = |text: &str| NewHold {
        until: Some(text.parse().unwrap()),
        ..new_hold(0, 10)
    };
    let short = holds
        .place(&house.asset(), until("2026-11-20T12:01:00Z"), now())
        .unwrap();
    let long = holds
        .place(&house.asset(), until("2026-11-21T12:00:00Z"), now())
        .unwrap();
    assert!(holds.expire(now()).unwrap().is_empty());
    let ended = holds.expire("2026-11-20T12:01:00Z".parse().unwrap()).unwrap();
    assert_eq!(ended, [short]);
    assert_eq!(house.index().holds().unwrap(), std::slice::from_ref(&long));
    assert_eq!(house.copied(), [long]);
}

#[test]
fn holds_that_make_no_sense_are_refused_and_there_are_not_too_many() {
    let house = House::new();
    let holds = house.start();
    let refused = |new: NewHold| holds.place(&house.asset(), new, now()).unwrap_err().to_string();
    assert!(refused(new_hold(10, 10)).contains("is not after"));
    let over = NewHold {
        until: Some(now()),
        ..new_hold(0, 10)
    };
    assert!(refused(over).contains("is over"));
    let long = NewHold {
        reason: "x".repeat(2 * MAX_REASON_BYTES),
        ..new_hold(0, 10)
    };
    let placed = holds.place(&house.asset(), long, now()).unwrap();
    assert!(placed.reason.len() <= MAX_REASON_BYTES + '…'.len_utf8());
    let id = |number: i64| HoldId(number);
    for number in 2..=MAX_HOLDS as i64 {
        let row = HoldRow {
            id: id(number),
            ..placed.clone()
        };
        house.bench.index.place_hold(&row).unwrap();
    }
    assert!(refused(new_hold(0, 10)).contains("1000 holds already"));
}

#[test]
fn what_is_told_of_a_hold_leaves_out_ends_that_it_does_not_have() {
    let house = House::new();
    let everything = NewHold {
        start: None,
        end: None,
        ..new_hold(0, 1)
    };
    let placed = house.start().place(&house.asset(), everything, now()).unwrap();
    let json = serde_json::to_value(Hold::from(&placed)).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"id": 1, "asset": "Lobby", "store": "local", "reason": "case 12", "who": "boss",
            "since": "2026-11-20T12:00:00.000Z"})
    );
}
