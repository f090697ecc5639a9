//! Which of the pictures that a camera sent are not in its recording.

/// Pictures that may be on their way when a recording ends: half a second of 30 a second.
const ON_THEIR_WAY: usize = 15;

/// What is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) sent: u64,
    pub(super) recorded: u64,
    /// Sent and not recorded, but for those that were on their way at the end.
    pub(super) missing: u64,
    /// Recorded, and not sent then.
    pub(super) foreign: u64,
}

/// Compares digests, both in the order in which the pictures were sent.
pub(super) fn find(sent: &[String], recorded: &[String]) -> Lost {
    let (mut at, mut missing, mut foreign) = (0, 0, 0);
    for picture in recorded {
        match sent
            .get(at..)
            .unwrap_or_default()
            .iter()
            .position(|one| one == picture)
        {
            Some(left_out) => {
                missing += left_out;
                at += left_out + 1;
            }
            None => foreign += 1,
        }
    }
    let rest = sent.len().saturating_sub(at);
    missing += rest.saturating_sub(ON_THEIR_WAY);
    Lost {
        sent: sent.len() as u64,
        recorded: recorded.len() as u64,
        missing: missing as u64,
        foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sent: &str, recorded: &str) -> (u64, u64) {
        let digests = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let lost = find(&digests(sent), &digests(recorded));
        (lost.missing, lost.foreign)
    }

    #[test]
    fn what_is_missing_in_the_middle_is_lost_and_the_end_was_on_its_way() {
        assert_eq!(of("abcdef", "abcdef"), (0, 0));
        assert_eq!(of("abcdef", "acf"), (3, 0));
        assert_eq!(of("abcdef", "cd"), (2, 0));
        assert_eq!(of("abcdabcd", "abcdabcd"), (0, 0));
    }

    #[test]
    fn too_much_at_the_end_is_lost_too_and_what_was_not_sent_is_foreign() {
        let sent = "a".repeat(ON_THEIR_WAY + 4);
        assert_eq!(of(&sent, "a"), (3, 0));
        assert_eq!(of("abc", "xabc"), (0, 1));
    }
}
