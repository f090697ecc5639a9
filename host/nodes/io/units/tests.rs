//! Queues that are full, behind or at their end: what the reader gets can always be decoded.

use super::*;
use crate::nodes::io::pace::{InFlight, Pace};

fn queue(tracks: Tracks) -> (UnitSender, UnitReceiver) {
    Pace::Live.units(tracks)
}

fn queue_for_analysis() -> (UnitSender, UnitReceiver) {
    Pace::Live.units_for_analysis()
}

#[tokio::test]
async fn in_replay_nothing_is_left_out_however_much_waits() {
    let in_flight = Arc::new(InFlight::default());
    let (sender, mut receiver) = Pace::Replay(Arc::clone(&in_flight)).units_for_analysis();
    for second in 0..9 {
        let large = AccessUnit {
            data: vec![0; MAX_QUEUED_BYTES / 4].into(),
            ..unit(f64::from(second), true)
        };
        assert_eq!(sender.push(item(large)), 0);
    }
    for _ in 0..9 {
        assert!(matches!(receiver.next().await, Some(MediaItem::Unit { .. })));
        assert!(futures::poll!(std::pin::pin!(in_flight.idle())).is_pending());
    }
    assert!(futures::poll!(std::pin::pin!(receiver.next())).is_pending());
    in_flight.idle().await;
}
use crate::nodes::testing::unit;

const BOTH: Tracks = Tracks {
    video: true,
    audio: true,
};

fn item(unit: AccessUnit) -> MediaItem {
    MediaItem::Unit {
        recording: CONTINUOUS,
        unit: Arc::new(unit),
    }
}

#[tokio::test]
async fn a_full_queue_leaves_out_whole_groups_and_says_so() {
    let (sender, mut receiver) = queue(BOTH);
    let big = |key| AccessUnit {
        data: vec![0; MAX_QUEUED_BYTES / 2 - 256].into(),
        ..unit(0.0, key)
    };
    assert_eq!(sender.push(item(big(true))), 0);
    assert_eq!(sender.push(item(big(false))), 0);
    assert_eq!(sender.push(item(big(false))), 1, "what is left out is told");
    assert_eq!(sender.push(item(big(true))), 1);
    receiver.next().await;
    assert_eq!(
        sender.push(item(big(false))),
        1,
        "there is room, but it depends on what was left out"
    );
    assert_eq!(sender.push(item(big(true))), 0);
    receiver.next().await;
    let Some(MediaItem::Unit { unit, .. }) = receiver.next().await else {
        panic!("a unit")
    };
    assert!(unit.random_access && unit.discontinuity);
    assert_eq!(sender.dropped(), 3);
}

#[tokio::test]
async fn a_reader_whose_recordings_end_with_the_camera_is_told_so_once() {
    let (mut sender, mut receiver) = queue(BOTH);
    sender.end_with_camera();
    sender.push(item(unit(0.0, true)));
    for _ in 0..3 {
        sender.push(MediaItem::Lost);
    }
    sender.push(item(unit(9.0, true)));
    drop(sender);
    let mut told = Vec::new();
    while let Some(item) = receiver.next().await {
        told.push(matches!(
            item,
            MediaItem::End {
                recording: CONTINUOUS
            }
        ));
    }
    assert_eq!(told, [false, true, false]);
}

#[tokio::test]
async fn each_recording_goes_on_at_its_own_key_frame_after_the_queue_was_full() {
    let (sender, mut receiver) = queue(BOTH);
    let of = |recording, seconds, key, bytes| MediaItem::Unit {
        recording,
        unit: Arc::new(AccessUnit {
            data: vec![0; bytes].into(),
            ..unit(seconds, key)
        }),
    };
    sender.push(of(1, 0.0, true, MAX_QUEUED_BYTES - 256));
    assert_eq!(
        sender.push(of(1, 0.1, false, 9)) + sender.push(of(2, 0.1, false, 9)),
        2
    );
    receiver.next().await;
    sender.push(of(1, 0.2, true, 9));
    sender.push(of(2, 0.2, false, 9));
    sender.push(of(2, 0.3, true, 9));
    drop(sender);
    let mut got = Vec::new();
    while let Some(MediaItem::Unit { recording, unit }) = receiver.next().await {
        got.push((recording, unit.time, unit.discontinuity));
    }
    use crate::nodes::testing::at;
    assert_eq!(got, [(1, at(0.2), true), (2, at(0.3), true)]);
}

#[tokio::test]
async fn analysis_that_is_far_behind_goes_on_at_the_next_key_frame() {
    let (sender, mut receiver) = queue_for_analysis();
    for second in 0..3 {
        assert_eq!(sender.push(item(unit(f64::from(second), second == 0))), 0);
    }
    assert_eq!(sender.push(item(unit(3.0, true))), 0, "near enough");
    assert_eq!(
        sender.push(item(unit(3.5, false))),
        0,
        "it depends on what is queued"
    );
    sender.push(MediaItem::Lost);
    assert_eq!(sender.push(item(unit(4.0, true))), 5);
    drop(sender);
    assert!(matches!(receiver.next().await, Some(MediaItem::Lost)));
    let Some(MediaItem::Unit { unit, .. }) = receiver.next().await else {
        panic!("a unit")
    };
    assert!(unit.discontinuity && unit.time == crate::nodes::testing::at(4.0));
    assert!(receiver.next().await.is_none());
}

#[tokio::test]
async fn recordings_of_nothing_do_not_fill_the_queue() {
    let (sender, mut receiver) = queue(BOTH);
    for recording in 1..1_000 {
        let start = MediaTime::MIN;
        sender.push(MediaItem::Begin { recording, start });
        sender.push(MediaItem::End { recording });
    }
    drop(sender);
    assert!(receiver.next().await.is_none());
}

#[tokio::test]
async fn the_queue_ends_when_its_writer_is_gone_and_it_is_empty() {
    let (sender, mut receiver) = queue(Tracks {
        video: false,
        audio: true,
    });
    sender.push(item(unit(0.0, true)));
    sender.push(MediaItem::Lost);
    drop(sender);
    assert!(
        matches!(receiver.next().await, Some(MediaItem::Lost)),
        "video was not wanted"
    );
    assert!(receiver.next().await.is_none());
}
