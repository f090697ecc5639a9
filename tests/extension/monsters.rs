//! Components that are too big, or made to be slow to compile. They are refused by name, or loaded within the time that
//! one component may take; others are loaded beside them.

use std::fmt::Write as _;

use mediagraph::extension::limits::MAX_FUNCTION_BYTES;

use crate::fixture::{self, DETECT};
use crate::host::{engine, refusal, still_works};

/// A custom section of this name and length, which means nothing.
fn padding(bytes: usize) -> Vec<u8> {
    fn number(mut value: usize, out: &mut Vec<u8>) {
        while value > 0x7f {
            out.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
    let mut section = vec![0];
    number(bytes + 2, &mut section);
    section.extend([1, b'x']);
    section.resize(section.len() + bytes, 0);
    section
}

#[tokio::test]
async fn fifty_megabytes_that_mean_nothing_are_loaded() {
    let mut bytes = fixture::detector().bytes();
    bytes.extend(padding(50 << 20));
    let loaded = engine().load(&bytes, "padded.wasm").unwrap();
    assert_eq!((loaded.bytes, loaded.name.as_str()), (bytes.len(), "test"));
    still_works().await;
}

#[tokio::test]
async fn a_function_of_a_million_blocks_is_refused_before_it_is_compiled() {
    let mut monster = fixture::detector();
    let mut blocks = String::with_capacity(16 << 20);
    for _ in 0..1_000_000 {
        blocks.push_str("(block)");
    }
    monster.extra = format!("(func $monster {blocks})");
    let text = refusal(&monster.bytes());
    assert!(
        text.contains("has a function of 300"),
        "{}",
        &text[..text.len().min(300)]
    );
    assert!(
        text.contains(&format!("at most {MAX_FUNCTION_BYTES} are accepted")),
        "{text}"
    );
    still_works().await;
}

/// As deep as the format allows, and as big as a function may be.
#[tokio::test]
async fn a_function_that_is_only_just_accepted_compiles_in_time() {
    let mut big = fixture::detector();
    let mut body = String::new();
    // Each is six bytes: a block, a branch out of it that depends on a local, its end.
    for _ in 0..20_000 {
        write!(body, "(block (br_if 0 (local.get 0)))").unwrap();
    }
    big.extra = format!("(func $big (param i32) {body})");
    big.act = format!("(call $big (i32.const 1)) {DETECT}");
    let bytes = big.bytes();
    // Refused if it took longer than `COMPILE_TIMEOUT`.
    engine().load(&bytes, "big.wasm").unwrap();
    still_works().await;
}

#[tokio::test]
async fn two_who_want_the_same_component_compile_it_once() {
    let mut one = fixture::detector();
    one.summary = "wanted by many".into();
    let bytes = one.bytes();
    let loaders: Vec<_> = (0..8)
        .map(|_| {
            let bytes = bytes.clone();
            std::thread::spawn(move || engine().load(&bytes, "one.wasm").unwrap().sha256.clone())
        })
        .collect();
    let mut hashes: Vec<_> = loaders.into_iter().map(|loader| loader.join().unwrap()).collect();
    hashes.dedup();
    assert_eq!(hashes.len(), 1);
}
