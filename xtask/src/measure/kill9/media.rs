//! What a camera sent, compared with what was recorded of it: how much a kill cost, and whether anything else is missing.
//!
//! The camera's ledger has one line per picture that it sent, session by session. Of each session the recording must hold an
//! uninterrupted run from its first picture on; what is missing behind that run was lost by the kill.

use std::collections::VecDeque;

use serde::Deserialize;

/// One line of the camera's ledger.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(in crate::measure) struct Sent {
    pub(in crate::measure) session: String,
    pub(super) kind: String,
    pub(super) rtp_timestamp: u32,
    pub(in crate::measure) sha256: String,
}

/// Ticks of RTP time in a second, of video.
const CLOCK: f64 = 90_000.0;

/// What became of what one camera sent between two kills.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Fate {
    /// Seconds at the end of a session that were not recorded; the longest.
    pub(super) lost_s: f64,
    /// Pictures that are missing before the end of a session.
    pub(super) missing: usize,
    /// Pictures that were recorded and that the camera did not send then.
    pub(super) foreign: usize,
    /// Pictures that were recorded.
    pub(super) recorded: usize,
}

/// Compares the lines of the ledger with the digests of what was recorded, both of the same stretch of time, in order.
pub(super) fn fate(sent: &[Sent], recorded: &[String]) -> Fate {
    let mut fate = Fate {
        recorded: recorded.len(),
        ..Fate::default()
    };
    let mut left: VecDeque<&String> = recorded.iter().collect();
    for session in sessions(sent) {
        // Where the recording of this session begins, if there is one.
        let begin = left
            .front()
            .and_then(|first| session.iter().position(|sent| &&sent.sha256 == first));
        let Some(begin) = begin else {
            fate.lost_s = fate.lost_s.max(seconds(session));
            continue;
        };
        let rest = session.get(begin..).unwrap_or_default();
        let run = rest
            .iter()
            .zip(&left)
            .take_while(|(sent, recorded)| sent.sha256 == ***recorded)
            .count();
        left.drain(..run);
        fate.missing += begin;
        fate.lost_s = fate.lost_s.max(seconds(rest.get(run..).unwrap_or_default()));
    }
    fate.foreign = left.len();
    fate
}

/// The video of each session.
fn sessions(sent: &[Sent]) -> impl Iterator<Item = &[Sent]> {
    sent.chunk_by(|a, b| a.session == b.session)
}

/// How long some pictures are.
fn seconds(pictures: &[Sent]) -> f64 {
    let (Some(first), Some(last)) = (pictures.first(), pictures.last()) else {
        return 0.0;
    };
    let span = f64::from(last.rtp_timestamp.wrapping_sub(first.rtp_timestamp)) / CLOCK;
    // The last picture is as long as the others on average; a single one is counted as none.
    match pictures.len() {
        0 | 1 => 0.0,
        count => span * count as f64 / (count - 1) as f64,
    }
}

/// The pictures among the lines of a ledger; a line that is not written to its end is left out.
pub(in crate::measure) fn pictures(ledger: &str) -> Vec<Sent> {
    let lines = ledger
        .lines()
        .filter_map(|line| serde_json::from_str::<Sent>(line).ok());
    lines.filter(|sent| sent.kind == "video").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures of 25 a second, named by one letter each.
    fn session(name: &str, pictures: &str) -> Vec<Sent> {
        let sent = |(index, picture): (usize, char)| Sent {
            session: name.to_owned(),
            kind: "video".to_owned(),
            // Beyond the turn of RTP time.
            rtp_timestamp: (u32::MAX - 7200).wrapping_add(index as u32 * 3600),
            sha256: picture.to_string(),
        };
        pictures.chars().enumerate().map(sent).collect()
    }

    fn of(sent: &[Vec<Sent>], recorded: &str) -> Fate {
        let recorded: Vec<String> = recorded.chars().map(String::from).collect();
        fate(&sent.concat(), &recorded)
    }

    #[test]
    fn what_is_missing_at_the_end_of_a_session_was_lost_by_the_kill() {
        let all = of(&[session("1", "abcdef")], "abcdef");
        assert_eq!((all.lost_s, all.missing, all.foreign), (0.0, 0, 0));
        let cut = of(&[session("1", "abcdef")], "abc");
        assert!((cut.lost_s - 0.12).abs() < 1e-9, "{cut:?}");
        assert_eq!((cut.missing, cut.foreign, cut.recorded), (0, 0, 3));
    }

    #[test]
    fn a_session_of_which_nothing_was_recorded_is_lost_whole() {
        let fate = of(&[session("1", "abcde"), session("2", "abc")], "abc");
        // The same clip begins anew: the pictures count for the first session that has them.
        assert!((fate.lost_s - 0.12).abs() < 1e-9, "{fate:?}");
        assert!((of(&[session("1", "abcde")], "").lost_s - 0.2).abs() < 1e-9);
    }

    #[test]
    fn a_hole_is_no_loss_of_the_kill() {
        let fate = of(&[session("1", "abcdef")], "abdef");
        assert_eq!(fate.foreign, 3, "{fate:?}");
        assert_eq!(of(&[session("1", "abcdef")], "cdef").missing, 2);
        assert_eq!(of(&[session("1", "abc")], "xyz").foreign, 3);
    }

    #[test]
    fn a_line_that_is_cut_off_and_sound_are_left_out() {
        let line = |kind: &str| {
            format!(r#"{{"session":"1","kind":"{kind}","rtp_timestamp":1,"sha256":"a","index":0}}"#)
        };
        let text = format!("{}\n{}\n{}", line("video"), line("audio"), &line("video")[..40]);
        assert_eq!(pictures(&text).len(), 1);
    }
}
