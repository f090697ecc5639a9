//! RTP packets: H.264 (RFC 6184, non-interleaved mode) and AAC (RFC 3640, AAC-hbr).

use crate::media::demux::nal;

/// Bytes of payload in a packet: with all headers below the 1500 bytes of Ethernet.
pub(super) const MAX_PAYLOAD: usize = 1400;
/// `nal_unit_type` of a fragment of a NAL unit (RFC 6184, section 5.8).
const FU_A: u8 = 28;

/// Counts and numbers the packets of one track in one session.
#[derive(Debug)]
pub(super) struct Sequencer {
    payload_type: u8,
    ssrc: u32,
    next: u16,
    /// Packets sent, as sender reports count them.
    pub(super) packets: u32,
    /// Bytes of payload sent, as sender reports count them.
    pub(super) octets: u32,
}

impl Sequencer {
    /// Starts at sequence number `first`.
    pub(super) fn new(payload_type: u8, ssrc: u32, first: u16) -> Self {
        Self {
            payload_type,
            ssrc,
            next: first,
            packets: 0,
            octets: 0,
        }
    }

    /// The source these packets come from.
    pub(super) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    fn packet(&mut self, timestamp: u32, marker: bool, payload: &[&[u8]]) -> Vec<u8> {
        let length: usize = payload.iter().map(|part| part.len()).sum();
        let mut packet = Vec::with_capacity(12 + length);
        packet.push(0x80);
        packet.push(self.payload_type | if marker { 0x80 } else { 0 });
        packet.extend_from_slice(&self.next.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        for part in payload {
            packet.extend_from_slice(part);
        }
        self.next = self.next.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(length).unwrap_or(0));
        packet
    }

    /// The packets of a picture: all of one time stamp, the marker on the last.
    pub(super) fn h264<'a>(&mut self, units: impl Iterator<Item = &'a [u8]>, timestamp: u32) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let mut units = units.peekable();
        while let Some(unit) = units.next() {
            let last = units.peek().is_none();
            if unit.len() <= MAX_PAYLOAD {
                packets.push(self.packet(timestamp, last, &[unit]));
            } else {
                self.fragments(unit, timestamp, last, &mut packets);
            }
        }
        packets
    }

    fn fragments(&mut self, unit: &[u8], timestamp: u32, last_unit: bool, packets: &mut Vec<Vec<u8>>) {
        let Some((header, body)) = unit.split_first() else {
            return;
        };
        let indicator = (header & 0xe0) | FU_A;
        let mut chunks = body.chunks(MAX_PAYLOAD - 2).enumerate().peekable();
        while let Some((index, chunk)) = chunks.next() {
            let end = chunks.peek().is_none();
            let start_bit = if index == 0 { 0x80 } else { 0 };
            let end_bit = if end { 0x40 } else { 0 };
            let head = [indicator, start_bit | end_bit | nal::kind(unit)];
            packets.push(self.packet(timestamp, end && last_unit, &[&head, chunk]));
        }
    }

    /// The packets of one AAC frame: a rule without exception has one; a frame above [`MAX_PAYLOAD`] is cut, each
    /// piece behind the whole frame's size (RFC 3640, section 3.2.3.2).
    pub(super) fn aac(&mut self, frame: &[u8], timestamp: u32) -> Vec<Vec<u8>> {
        // AU-headers-length in bits, then 13 bits of size and 3 bits of index.
        let size = u16::try_from(frame.len()).unwrap_or(u16::MAX) << 3;
        let [high, low] = size.to_be_bytes();
        let head = [0, 16, high, low];
        let mut packets = Vec::new();
        let mut chunks = frame.chunks(MAX_PAYLOAD - head.len()).peekable();
        while let Some(chunk) = chunks.next() {
            packets.push(self.packet(timestamp, chunks.peek().is_none(), &[&head, chunk]));
        }
        packets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_unit_is_cut_and_only_its_last_piece_is_marked() {
        let mut unit = vec![0x65];
        unit.extend((0..4000_u32).map(|n| n as u8));
        let mut sequencer = Sequencer::new(96, 7, u16::MAX);
        let packets = sequencer.h264([&[0x67, 1][..], &unit].into_iter(), 90_000);
        assert_eq!(packets.len(), 4);
        assert_eq!(packets[0][12..], [0x67, 1]);
        let mut again = vec![(packets[1][12] & 0xe0) | (packets[1][13] & 0x1f)];
        packets[1..]
            .iter()
            .for_each(|packet| again.extend_from_slice(&packet[14..]));
        assert_eq!(again, unit);
        let flags: Vec<u8> = packets[1..].iter().map(|packet| packet[13] & 0xc0).collect();
        assert_eq!(flags, [0x80, 0, 0x40]);
        let marks: Vec<bool> = packets.iter().map(|packet| packet[1] & 0x80 != 0).collect();
        assert_eq!(marks, [false, false, false, true]);
        let numbers: Vec<u16> = packets.iter().map(|p| u16::from_be_bytes([p[2], p[3]])).collect();
        assert_eq!(numbers, [u16::MAX, 0, 1, 2]);
        assert!(packets.iter().all(|packet| packet.len() <= 12 + MAX_PAYLOAD));
        assert_eq!(sequencer.packets, 4);
    }

    #[test]
    fn an_aac_frame_stands_behind_its_size() {
        let packets = Sequencer::new(97, 7, 0).aac(&[1, 2, 3], 5);
        assert_eq!(packets.len(), 1);
        assert_eq!(packets[0][12..], [0, 16, 0, 3 << 3, 1, 2, 3]);
        assert_eq!(packets[0][1], 97 | 0x80);
    }
}
