//! The figures that the project promises, and who measures them.

use super::criterion::{self, Comparison, Figure};
use super::{
    Measure, activation, analysis, drain, hot_swap, idle_instances, inference, kill9, many_cameras,
    method_latency, motion_quality, outage, playback, power_cut, recall, record_cost, replay_speed,
    thirty_days, trucks,
};

/// All measures.
pub(super) const MEASURES: [Measure; 30] = [
    Measure {
        name: "record-cost",
        what: "CPU time of recording one 1080p30 stream of 4 Mbit/s, compared with ffmpeg -c copy -f hls",
        unit: "ratio of CPU seconds",
        goal: 0.5,
        needs_corpus: true,
        run: record_cost::run,
    },
    Measure {
        name: "demo-recall",
        what: "movements of the demo's clip that were missed, and events without a movement",
        unit: "movements and events",
        goal: 0.0,
        needs_corpus: false,
        run: recall::run,
    },
    Measure {
        name: "trucks",
        what: "trucks of which a clip is recorded when trucks only are wanted, on drawn streets with much else",
        unit: "share of the trucks",
        goal: trucks::GOAL,
        needs_corpus: false,
        run: trucks::run,
    },
    Measure {
        name: "motion-vs-native",
        what: "CPU time of the motion detector as a component, compared with the same code built natively",
        unit: "ratio of CPU time per frame",
        goal: 2.0,
        needs_corpus: false,
        run: |_| criterion::ratio(&MOTION),
    },
    Measure {
        name: "motion-quality",
        what: "F1 of the time with motion on labelled clips, how far behind the better of ffmpeg's scene filter and \
               GStreamer's motioncells at the settings that are best for each clip; the worst clip",
        unit: "difference of F1",
        goal: 0.0,
        needs_corpus: false,
        run: motion_quality::run,
    },
    Measure {
        name: "frame-handover",
        what: "CPU time to hand a frame to a component, compared with one copy of its bytes; the worst of 1080p luma, \
               1080p I420 and 640x640 RGB",
        unit: "ratio of CPU time per frame",
        goal: 1.1,
        needs_corpus: false,
        run: |_| criterion::ratio(&HANDOVER),
    },
    Measure {
        name: "guest-call",
        what: "CPU time of a call of a component that asks for nothing and finds nothing",
        unit: "microseconds",
        goal: 1.0,
        needs_corpus: false,
        run: |_| criterion::figure(&GUEST_CALL),
    },
    Measure {
        name: "trap-recovery",
        what: "time from a call that traps to a new instance of the component that can be called",
        unit: "ms",
        goal: 1.0,
        needs_corpus: false,
        run: |_| criterion::figure(&TRAP_RECOVERY),
    },
    Measure {
        name: "cold-start",
        what: "time from the bytes of the motion detector, whose compiled code is on the disk, to a detector that can be \
               called",
        unit: "ms",
        goal: 2.0,
        needs_corpus: false,
        run: |_| criterion::figure(&COLD_START),
    },
    Measure {
        name: "hot-swap",
        what: "frames that a detector did not answer while its component was exchanged 200 times, at 25 frames a second",
        unit: "frames",
        goal: 200.0,
        needs_corpus: false,
        run: hot_swap::run,
    },
    Measure {
        name: "keyframe-analysis",
        what: "CPU time of analysing one 1080p30 camera with a keyframe every 2 s at 0.5 frames a second, compared with \
               decoding every frame; recording it besides is taken off both",
        unit: "ratio of CPU seconds",
        goal: 0.1,
        needs_corpus: false,
        run: analysis::keyframes,
    },
    Measure {
        name: "shared-decode",
        what: "CPU time of three detectors that answer at once, on one 1080p30 camera, compared with decoding it",
        unit: "decodes",
        goal: 1.1,
        needs_corpus: false,
        run: analysis::shared,
    },
    Measure {
        name: "activation",
        what: "time from the request to activate an instance to its first recorded frame, with a camera that begins with a \
               keyframe; the worst of ten",
        unit: "ms",
        goal: 200.0,
        needs_corpus: false,
        run: activation::run,
    },
    Measure {
        name: "method-latency",
        what: "time of GraphTopologySet and GraphInstanceSet with 1,000 instances stored, compared with one fsync of the \
               same bytes; the worse of both medians",
        unit: "ratio of times",
        goal: 3.0,
        needs_corpus: false,
        run: method_latency::run,
    },
    Measure {
        name: "idle-instances",
        what: "CPU time of 200 activated instances whose cameras are away; then 10 cameras come up",
        unit: "percent of a core",
        goal: 1.0,
        needs_corpus: false,
        run: idle_instances::run,
    },
    Measure {
        name: "kill9",
        what: "acknowledged segments that are lost or changed after 200 kill -9 at random instants, with 4 cameras",
        unit: "segments",
        goal: 0.0,
        needs_corpus: false,
        run: kill9::run,
    },
    Measure {
        name: "replay-speed",
        what: "time of replaying a 768x432 clip through motion detection and a gate, on one core",
        unit: "seconds per second of media",
        goal: replay_speed::GOAL,
        needs_corpus: false,
        run: replay_speed::run,
    },
    Measure {
        name: "power-cut",
        what: "acknowledged segments that are lost or changed when the file operations of a recorder are cut at 200 random \
               instants and only what was synced is sure to be left",
        unit: "segments",
        goal: 0.0,
        needs_corpus: false,
        run: power_cut::run,
    },
    Measure {
        name: "many-cameras",
        what: "CPU time per stream and minute of recording 16 and 64 cameras of 1080p30 and 4 Mbit/s, compared with \
               `ffmpeg -c copy` recording the same in the same run; the worse of both",
        unit: "ratio of CPU seconds",
        goal: 0.4,
        needs_corpus: false,
        run: many_cameras::run,
    },
    Measure {
        name: "thirty-days",
        what: "what ledger, index, disk and playlists do not agree on after thirty simulated days of rotation, retention, \
               restarts, crashes and a camera that comes and goes",
        unit: "disagreements",
        goal: 0.0,
        needs_corpus: false,
        run: thirty_days::run,
    },
    Measure {
        name: "outage",
        what: "fragments by which the gap that is shown differs from what was dropped, after an outage of the store of three \
               times what the cache holds",
        unit: "fragments",
        goal: 0.0,
        needs_corpus: false,
        run: outage::run,
    },
    Measure {
        name: "drain",
        what: "how fast a backlog of 15 MB segments goes up into Azurite, compared with a plain loop of PUTs with the same crate in the \
               same run; the median of the rounds",
        unit: "ratio of speeds",
        goal: 0.9,
        needs_corpus: false,
        run: drain::run,
    },
    Measure {
        name: "http-vs-extension",
        what: "how many times cheaper a frame of 640x640 is handed to a component than over HTTP to Python; besides CPU time of a \
               detection against HTTP and gRPC, and the time from a frame to its event",
        unit: "times cheaper",
        goal: inference::EXTENSION_GOAL,
        needs_corpus: true,
        run: inference::extension,
    },
    Measure {
        name: "inference-vs-onnxruntime",
        what: "time of one run of YOLOX-Nano on one thread with ONNX Runtime, compared with the same library in Python; besides \
               with what is built in",
        unit: "ratio of times",
        goal: inference::SPEED_GOAL,
        needs_corpus: true,
        run: inference::speed,
    },
    Measure {
        name: "yolox-agreement",
        what: "boxes of the object detector on a clip that a reference in Python has as well, and the reverse; the worse of \
               ONNX Runtime and what is built in",
        unit: "percent of boxes",
        goal: inference::AGREEMENT_GOAL,
        needs_corpus: true,
        run: inference::agreement,
    },
    Measure {
        name: "seek",
        what: "time from a seek to its first picture in a recording of a day of 250 kbit/s, in Chromium, p95; compared with the same \
               files served by nginx",
        unit: "ratio of times",
        goal: playback::SEEK_GOAL,
        needs_corpus: false,
        run: playback::seek,
    },
    Measure {
        name: "manifest",
        what: "time to answer with a manifest of a day (2,880 segments, 43,200 fragments) when the index knows a year; the slowest kind; \
               besides `availableMedia` of 25 hours",
        unit: "ms",
        goal: playback::MANIFEST_GOAL_MS,
        needs_corpus: false,
        run: playback::manifest,
    },
    Measure {
        name: "export",
        what: "speed of an export while it is made, compared with nginx serving the same bytes; the worse of a large and a small picture",
        unit: "ratio of speeds",
        goal: playback::EXPORT_GOAL,
        needs_corpus: false,
        run: playback::export,
    },
    Measure {
        name: "viewers",
        what: "pictures that four cameras sent and that are not in their recordings, while fifty viewers look",
        unit: "pictures",
        goal: 0.0,
        needs_corpus: false,
        run: playback::viewers,
    },
    Measure {
        name: "live-delay",
        what: "time from a camera's sending of a picture to that picture on the screen of Chromium, with a keyframe every second; the \
               slowest picture",
        unit: "ms",
        goal: playback::LIVE_DELAY_GOAL_MS,
        needs_corpus: false,
        run: playback::live_delay,
    },
];

/// Those whose value must not be below the goal; all others must not be above it.
pub(super) const AT_LEAST: [&str; 5] = [
    "drain",
    "export",
    "http-vs-extension",
    "trucks",
    "yolox-agreement",
];

const GUEST_CALL: Figure = Figure {
    function: "guest-call",
    unit_ns: 1e3,
    note: "with a frame of 320x180 that is not looked at; deadline, time-out, budget and checks in force",
};

const TRAP_RECOVERY: Figure = Figure {
    function: "trap-recovery",
    unit_ns: 1e6,
    note: "the call itself, the end of the old instance, the new one with its constructor and `input`",
};

const COLD_START: Figure = Figure {
    function: "cold-start",
    unit_ns: 1e6,
    note: "SHA-256 of the bytes, compiled code from the disk, `describe`, an instance with its constructor and `input`",
};

const MOTION: Comparison = Comparison {
    group: "motion",
    ours: "component",
    theirs: "native",
};

/// Small frames have a group of their own: there the call weighs as much as the copy.
const HANDOVER: Comparison = Comparison {
    group: "frame-handover",
    ours: "component",
    theirs: "memcpy",
};
