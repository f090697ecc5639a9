//! Server-sent events, read from bytes as they come (WHATWG HTML, 9.2.6).

use super::super::Failure;

/// Bytes of one event; a host that sends more is not read further.
pub const MAX_EVENT_BYTES: usize = 4 << 20;

/// What stands in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An event.
    Message {
        /// Its data; lines are parted by line feeds.
        data: String,
    },
    /// A comment: the host is alive and has nothing to say.
    Comment,
}

/// Takes bytes and gives events.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    data: String,
    id: Option<String>,
    after_return: bool,
}

impl Parser {
    /// Takes the next bytes, wherever they are cut.
    ///
    /// # Errors
    /// When an event is longer than [`MAX_EVENT_BYTES`].
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        for byte in bytes {
            match byte {
                // CR LF is one end of a line.
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    items.extend(self.end_line());
                }
                _ => {
                    self.after_return = false;
                    self.line.push(*byte);
                }
            }
            if self.line.len() + self.data.len() > MAX_EVENT_BYTES {
                return Err(Failure::failed(format!(
                    "the host sent an event of more than {MAX_EVENT_BYTES} bytes"
                )));
            }
        }
        Ok(items)
    }

    /// The last id so far, to go on behind it later.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        self.id.clone()
    }

    fn end_line(&mut self) -> Option<Item> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => return Some(Item::Comment),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // The type of an event stands in its data, too.
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<Item> {
        let mut data = std::mem::take(&mut self.data);
        data.pop()?;
        Some(Item::Message { data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b": hello\n\nid: 7\nevent: a\ndata: {\"x\":1}\n\nid:8\r\ndata:one\r\ndata: two\r\n\r\n\ndata: cut";

    fn message(data: &str) -> Item {
        Item::Message {
            data: data.to_owned(),
        }
    }

    #[test]
    fn events_are_the_same_wherever_the_bytes_are_cut() {
        let wanted = vec![Item::Comment, message("{\"x\":1}"), message("one\ntwo")];
        for size in 1..STREAM.len() {
            let mut parser = Parser::default();
            let pieces = STREAM.chunks(size).map(|piece| parser.take(piece).unwrap());
            assert_eq!(pieces.flatten().collect::<Vec<_>>(), wanted, "{size}");
            assert_eq!(parser.id().as_deref(), Some("8"));
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = Parser::default();
        parser.take(b"data: ").unwrap();
        let piece = vec![b'x'; 1 << 20];
        let refused = (0..5).any(|_| parser.take(&piece).is_err());
        assert!(refused);
        let mut parser = Parser::default();
        // Short lines of one event that does not end.
        let lines = b"data: xxxxxxxxxx\n".repeat(MAX_EVENT_BYTES / 10);
        assert!(lines.chunks(1 << 16).any(|piece| parser.take(piece).is_err()));
    }
}
