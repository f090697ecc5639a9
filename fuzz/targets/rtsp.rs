//! Any bytes from a camera: as its answers when the first is even, and as its packets when it is odd. No panic, no endless
//! conversation, and nothing that is larger than a unit may be.
#![no_main]

mod camera;

use camera::{SDP, Script, talk};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    talk(if kind % 2 == 0 {
        Script::Raw(rest.to_vec())
    } else {
        Script::Sound {
            sdp: SDP.to_vec(),
            media: rest.to_vec(),
        }
    });
});
