//! RTCP packets of a sender (RFC 3550, section 6).

use jiff::Timestamp;

/// Seconds from the NTP epoch (1900) to the Unix epoch.
const NTP_TO_UNIX: u64 = 2_208_988_800;
const SENDER_REPORT: u8 = 200;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const CNAME: u8 = 1;

/// What a sender report says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    pub(super) ssrc: u32,
    /// UTC, and the RTP time stamp of that same moment.
    pub(super) wall: Timestamp,
    pub(super) timestamp: u32,
    pub(super) packets: u32,
    pub(super) octets: u32,
}

impl Report {
    /// A compound packet: sender report and CNAME, and BYE when the stream ends here.
    pub(super) fn compound(&self, cname: &str, bye: bool) -> Vec<u8> {
        let mut packet = vec![0x80, SENDER_REPORT, 0, 6];
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        packet.extend_from_slice(&ntp(self.wall).to_be_bytes());
        for word in [self.timestamp, self.packets, self.octets] {
            packet.extend_from_slice(&word.to_be_bytes());
        }
        self.describe(cname, &mut packet);
        if bye {
            packet.extend_from_slice(&[0x81, BYE, 0, 1]);
            packet.extend_from_slice(&self.ssrc.to_be_bytes());
        }
        packet
    }

    /// One chunk with one item, ended by at least one zero and filled up to 32 bits (section 6.5).
    fn describe(&self, cname: &str, packet: &mut Vec<u8>) {
        let name: Vec<u8> = cname.bytes().take(usize::from(u8::MAX)).collect();
        let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        let mut chunk = self.ssrc.to_be_bytes().to_vec();
        chunk.extend_from_slice(&[CNAME, length]);
        chunk.extend_from_slice(&name);
        chunk.push(0);
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        let words = u8::try_from(chunk.len() / 4).unwrap_or(u8::MAX);
        packet.extend_from_slice(&[0x81, SOURCE_DESCRIPTION, 0, words]);
        packet.extend_from_slice(&chunk);
    }
}

/// NTP format: seconds since 1900 in the upper 32 bits, their fraction in the lower ones.
fn ntp(wall: Timestamp) -> u64 {
    let nanos = wall.as_nanosecond().max(0);
    let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(0) + NTP_TO_UNIX;
    let fraction = u64::try_from(((nanos % 1_000_000_000) << 32) / 1_000_000_000).unwrap_or(0);
    (seconds << 32) | fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_carries_the_wall_clock() {
        let wall: Timestamp = "2026-01-01T00:00:00.5Z".parse().unwrap();
        let report = Report {
            ssrc: 1,
            wall,
            timestamp: 2,
            packets: 3,
            octets: 4,
        };
        let packet = report.compound("cam", true);
        assert_eq!(packet[1], SENDER_REPORT);
        let seconds = u32::from_be_bytes(packet[8..12].try_into().unwrap());
        assert_eq!(
            u64::from(seconds),
            u64::try_from(wall.as_second()).unwrap() + NTP_TO_UNIX
        );
        assert_eq!(packet[12..16], [0x80, 0, 0, 0]);
        assert_eq!(packet.len() % 4, 0);
        // Each packet's length field leads to the next, and the last to the end.
        let (mut at, mut kinds) = (0, Vec::new());
        while at < packet.len() {
            kinds.push(packet[at + 1]);
            at += 4 * (usize::from(u16::from_be_bytes([packet[at + 2], packet[at + 3]])) + 1);
        }
        assert_eq!(
            (at, kinds),
            (packet.len(), vec![SENDER_REPORT, SOURCE_DESCRIPTION, BYE])
        );
    }
}
