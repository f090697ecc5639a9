//! What players show of a file beside its media: a title, a date and a comment, as iTunes writes them (`udta`, `meta`, `ilst`), which is
//! what everybody reads.

use super::Mp4Error;

/// The longest text, in bytes.
const MAX_TEXT: usize = 64 << 10;
/// `data` holds UTF-8.
const UTF8: [u8; 4] = [0, 0, 0, 1];

/// A whole `udta` box.
///
/// # Errors
/// When a text is too long.
pub fn notes(title: &str, date: &str, comment: &str) -> Result<Vec<u8>, Mp4Error> {
    let mut items = Vec::new();
    for (kind, text) in [(b"\xa9nam", title), (b"\xa9day", date), (b"\xa9cmt", comment)] {
        if text.len() > MAX_TEXT {
            return Err(Mp4Error::Write(format!(
                "a note of {} bytes is too long",
                text.len()
            )));
        }
        // Type, locale, text.
        let data = whole(b"data", &[&UTF8, &[0; 4], text.as_bytes()])?;
        items.extend(whole(kind, &[&data])?);
    }
    // Version and flags, predefined, `mdir` by `appl`, nothing more, an empty name.
    let handler = whole(b"hdlr", &[&[0; 8], b"mdirappl", &[0; 9]])?;
    let list = whole(b"ilst", &[&items])?;
    let meta = whole(b"meta", &[&[0; 4], &handler, &list])?;
    whole(b"udta", &[&meta])
}

fn whole(kind: &[u8; 4], parts: &[&[u8]]) -> Result<Vec<u8>, Mp4Error> {
    let length = parts
        .iter()
        .map(|part| part.len())
        .sum::<usize>()
        .saturating_add(8);
    let size = u32::try_from(length).map_err(|_| Mp4Error::Write(format!("{length} bytes are too many")))?;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(kind);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_hold_one_another_to_the_byte() {
        let bytes = notes("Lobby", "2026-11-22", "nothing is missing").unwrap();
        assert_eq!(
            u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize,
            bytes.len()
        );
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for wanted in [
            "udta",
            "meta",
            "hdlr",
            "mdirappl",
            "ilst",
            "Lobby",
            "2026-11-22",
            "nothing is missing",
        ] {
            assert!(text.contains(wanted), "{wanted}");
        }
        assert!(notes(&"x".repeat(MAX_TEXT + 1), "", "").is_err());
    }
}
