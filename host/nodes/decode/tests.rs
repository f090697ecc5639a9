use std::collections::VecDeque;

use tokio_util::task::TaskTracker;

use super::*;
use crate::media::{ManualClock, SystemClock};
use crate::nodes::io::demand::Asked;
use crate::nodes::io::frames::{Delivery, FrameReceiver};
use crate::nodes::io::pace::{InFlight, Pace};
use crate::nodes::io::units::{CONTINUOUS, UnitSender};
use crate::nodes::stats::NodeStatus;
use crate::nodes::testing::{at, context, picture, unit};

/// Gives each picture two pictures late, as streams with B-frames do.
#[derive(Debug, Default)]
struct Late(VecDeque<Picture>);

impl Decoder for Late {
    fn decode(&mut self, unit: &AccessUnit) -> Result<Vec<Picture>, DecodeError> {
        let seconds = unit.time.since(at(0.0)).0 as f64 / 90_000.0;
        self.0.push_back(picture(seconds));
        Ok(if self.0.len() > 2 {
            self.0.pop_front().into_iter().collect()
        } else {
            Vec::new()
        })
    }

    fn flush(&mut self) -> Vec<Picture> {
        self.0.drain(..).collect()
    }
}

struct Bench {
    sender: UnitSender,
    frames: FrameReceiver,
    context: NodeContext,
    running: tokio::task::JoinHandle<()>,
}

/// A stage at work for one consumer, which never leaves anything out.
fn bench(demand: Demand) -> Bench {
    let (context, _) = context(Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH)));
    let pace = Pace::Replay(Arc::new(InFlight::default()));
    let (sender, input) = pace.units_for_analysis();
    let (output, frames) = pace.frames(None, Asked::new(demand, false));
    let pool = AnalysisPool::new(Arc::new(SystemClock::new()), 1);
    let stage = DecodeStage::new(
        context.clone(),
        input,
        vec![output],
        Box::new(Late::default()),
        pool,
    );
    Bench {
        sender,
        frames,
        context,
        running: TaskTracker::new().spawn(stage.run()),
    }
}

impl Bench {
    /// Sends so many pictures, 25 a second, with a keyframe at each of these seconds.
    fn send(&self, pictures: std::ops::Range<u32>, keys: &[u32]) {
        for number in pictures {
            let key = number % 25 == 0 && keys.contains(&(number / 25));
            let unit = Arc::new(unit(f64::from(number) / 25.0, key));
            let recording = CONTINUOUS;
            self.sender.push(MediaItem::Unit { recording, unit });
        }
    }

    /// Ends it. Gives the times of all frames, checks that time never goes back, and says what was counted.
    async fn end(mut self) -> (Vec<MediaTime>, NodeStatus) {
        drop(self.sender);
        let (mut times, mut reached) = (Vec::new(), MediaTime::MIN);
        while let Some(delivery) = self.frames.next().await {
            let time = match delivery {
                Delivery::Progress(to) => to,
                Delivery::Frame(frame) => {
                    let time = frame.picture.time();
                    assert!(time > reached, "nothing more was to come up to {reached:?}");
                    times.push(time);
                    time
                }
            };
            reached = reached.max(time);
        }
        self.running.await.unwrap();
        let status = self.context.stats.status("camera", std::time::Duration::ZERO);
        (times, status)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keyframes_are_handed_on_at_once_though_the_decoder_holds_pictures_back() {
    let bench = bench(Demand::at_most(Some(0.5)));
    bench.send(0..500, &[0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    let (times, status) = bench.end().await;
    let last: Vec<MediaTime> = [10.0, 12.0, 14.0, 16.0, 18.0].map(at).to_vec();
    assert!(times.ends_with(&last), "{times:?}");
    assert_eq!(status.decoding, Some("keyframes"));
    assert_eq!(status.processed + status.skipped, 500);
    assert!(status.processed < 160, "{}", status.processed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_decoded_late_is_shown_to_nobody() {
    let bench = bench(Demand::at_most(Some(0.5)));
    // Keyframes every 2 s, and then none for 8 s.
    bench.send(0..500, &[0, 2, 4, 6, 8, 10, 12]);
    let (times, status) = bench.end().await;
    let gap = times.windows(2).map(|pair| pair[1].since(pair[0]).0).max();
    assert!(gap.unwrap() <= 3 * 90_000, "{times:?}");
    assert_eq!(status.decoding, Some("due"));
    // What was skipped before counts as skipped, what was caught up with as decoded.
    assert_eq!(status.processed + status.skipped, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_nobody_looks_at_is_not_decoded_and_still_tells_how_far_it_is() {
    let mut bench = bench(Demand::Nothing);
    bench.send(0..100, &[0, 2]);
    // Without this a gate would wait for a detector that is not given anything.
    while !matches!(bench.frames.next().await, Some(Delivery::Progress(to)) if to == at(99.0 / 25.0)) {}
    let (times, status) = bench.end().await;
    assert_eq!((times.len(), status.processed, status.skipped), (0, 0, 100));
}
