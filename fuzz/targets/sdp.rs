//! Any bytes as the description of what a camera offers, in a conversation that is sound otherwise.
#![no_main]

mod camera;

use camera::{Script, talk};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    talk(Script::Sound {
        sdp: bytes.to_vec(),
        media: Vec::new(),
    });
});
