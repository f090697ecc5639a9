//! Printing: to a writer, and quietly when the reader has gone (`mediagraph list nodes | head`).

use std::io::{self, Write};

use serde::Serialize;

use super::failure::{Failure, Outcome};
use super::table::Paint;
use crate::text::spelled;

/// Writes to standard output, and nothing that came from outside and that a terminal would obey; a closed pipe is not an
/// error.
///
/// # Errors
/// When standard output cannot be written for another reason.
pub fn stdout(text: &str) -> Outcome {
    to(&mut io::stdout().lock(), &spelled(text))
}

/// Writes an answer to standard output: as JSON for programs, or as people read it.
///
/// # Errors
/// When it cannot be written.
pub fn answer<T: Serialize>(answer: &T, json: bool, text: impl FnOnce(&T, Paint) -> String) -> Outcome {
    if json {
        let json = serde_json::to_string_pretty(answer).map_err(Failure::failed)?;
        return stdout(&format!("{json}\n"));
    }
    stdout(&text(answer, Paint::of_stdout()))
}

/// Writes to standard error; what cannot be written there cannot be told anywhere.
pub fn stderr(text: &str) {
    let _ = to(&mut io::stderr().lock(), text);
}

/// Writes to any writer; a closed pipe is not an error.
///
/// # Errors
/// When it cannot be written for another reason.
pub fn to(writer: &mut dyn Write, text: &str) -> Outcome {
    let written = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write the output: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed(io::ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_quiet_and_a_full_disk_is_not() {
        assert!(to(&mut Closed(io::ErrorKind::BrokenPipe), "x").is_ok());
        assert!(to(&mut Closed(io::ErrorKind::StorageFull), "x").is_err());
    }
}
