//! Making tokens, and their hashes.

use sha2::{Digest, Sha256};

use crate::text::hex;

/// How every token of ours begins, so that people and scanners of leaked secrets know one when they see it.
const PREFIX: &str = "mgt_";

/// A new token: 244 random bits in two version 4 UUIDs, which come from the operating system.
#[must_use]
pub fn generate() -> String {
    let (one, two) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    format!("{PREFIX}{}{}", one.simple(), two.simple())
}

/// The SHA-256 of a token, in hexadecimal.
#[must_use]
pub fn hash_in_hex(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// 64 hexadecimal digits as bytes.
pub(super) fn hash_of_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (index, byte) in hash.iter_mut().enumerate() {
        let digits = text.get(2 * index..2 * index + 2)?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_cannot_be_guessed_and_its_hash_is_read_back() {
        let (one, two) = (generate(), generate());
        assert_ne!(one, two);
        assert_eq!(one.len(), PREFIX.len() + 64);
        let hash: [u8; 32] = Sha256::digest(one.as_bytes()).into();
        assert_eq!(hash_of_hex(&hash_in_hex(&one)), Some(hash));
        for wrong in ["", "+f", &"g".repeat(64), &"é".repeat(32), &"+1".repeat(32)] {
            assert_eq!(hash_of_hex(wrong), None, "{wrong}");
        }
    }
}
