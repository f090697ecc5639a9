use mediagraph::media::TrackKind;
use mediagraph::media::demux::MediaFile;

use super::clips::{PICTURES, clip};

/// Damaged copies of each clip.
const COPIES: usize = 400;

#[test]
fn clips_of_both_containers_have_the_same_samples() {
    let (mp4, mkv) = (
        MediaFile::open(&clip("reordered.mp4")).unwrap(),
        MediaFile::open(&clip("reordered.mkv")).unwrap(),
    );
    for file in [&mp4, &mkv] {
        let kinds: Vec<TrackKind> = file.tracks().iter().map(|track| track.kind()).collect();
        assert_eq!(kinds, [TrackKind::Video, TrackKind::Audio]);
        let video = &file.tracks()[0];
        assert_eq!(
            (video.samples.len(), video.format.width, video.format.height),
            (PICTURES, 320, 240)
        );
        assert_eq!(video.format.codec, mp4.tracks()[0].format.codec);
        assert!(video.samples.iter().all(|sample| sample.dts <= sample.pts));
        assert!(video.samples.is_sorted_by_key(|sample| sample.dts));
        assert_eq!(&video.format.sample_entry[4..8], b"avc1");
        assert_eq!(file.tracks()[1].format.sample_rate, 44_100);
    }
    for (track, samples) in mp4.tracks().iter().enumerate() {
        for index in 0..samples.samples.len() {
            assert_eq!(
                mp4.read_sample(track, index).unwrap(),
                mkv.read_sample(track, index).unwrap(),
                "{track} {index}"
            );
            assert_eq!(
                mp4.tracks()[track].samples[index].key,
                mkv.tracks()[track].samples[index].key
            );
        }
    }
}

#[test]
fn a_fragmented_file_has_the_samples_of_the_plain_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fragmented.mp4");
    let status = super::clips::tool("ffmpeg")
        .args([
            "-v",
            "error",
            "-i",
            clip("reordered.mp4").to_str().unwrap(),
            "-c",
            "copy",
        ])
        .args([
            "-movflags",
            "frag_keyframe+empty_moov+default_base_moof",
            path.to_str().unwrap(),
        ])
        .status()
        .unwrap();
    assert!(status.success());
    let (plain, fragmented) = (
        MediaFile::open(&clip("reordered.mp4")).unwrap(),
        MediaFile::open(&path).unwrap(),
    );
    for (track, of_plain) in plain.tracks().iter().enumerate() {
        let of_fragments = &fragmented.tracks()[track];
        assert_eq!(of_plain.samples.len(), of_fragments.samples.len());
        for index in 0..of_plain.samples.len() {
            assert_eq!(
                plain.read_sample(track, index).unwrap(),
                fragmented.read_sample(track, index).unwrap()
            );
            assert_eq!(
                of_plain.samples[index].key, of_fragments.samples[index].key,
                "{track} {index}"
            );
        }
    }
}

/// The same damage in every run: a linear congruential generator.
struct Damage(u64);

impl Damage {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

#[test]
fn a_damaged_file_is_an_error_or_plays_but_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["plain.mp4", "reordered.mkv"] {
        let whole = std::fs::read(clip(name)).unwrap();
        // Where the tables are: damage to the pictures themselves is nobody's business here.
        let tables = whole.windows(4).position(|word| word == b"moov").unwrap_or(0);
        let span = (whole.len() - tables).min(4096);
        let mut damage = Damage(7);
        let mut refused = 0;
        for copy in 0..COPIES {
            let mut bytes = whole.clone();
            for _ in 0..=damage.below(4) {
                let at = tables + damage.below(span);
                bytes[at] = damage.below(256) as u8;
            }
            if copy % 4 == 0 {
                bytes.truncate(damage.below(whole.len()));
            }
            let path = folder.path().join(name);
            std::fs::write(&path, &bytes).unwrap();
            match MediaFile::open(&path) {
                Ok(file) => {
                    for (track, found) in file.tracks().iter().enumerate() {
                        for index in 0..found.samples.len() {
                            let _ = file.read_sample(track, index);
                        }
                    }
                }
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 0, "{name}");
    }
}
