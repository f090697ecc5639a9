//! Where an inference server is, and how to be let in.

use std::fmt;

use crate::nodes::sources::rtsp::target::Target;
use crate::topology::masked::MASK;

/// Shorter secrets are not looked for in texts: they would be found in ordinary words.
const MIN_HIDDEN_CHARS: usize = 4;

/// A header of every request.
#[derive(Clone)]
pub struct Header {
    /// Such as `Authorization`.
    pub name: String,
    /// Its value, which nobody is shown.
    pub value: String,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Header").field(&self.name).finish()
    }
}

/// An inference server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its URL, a user and a password, and how to connect safely.
    pub target: Target,
    /// What lets a request in, in place of a user and a password.
    pub header: Option<Header>,
}

impl Server {
    /// The URL as it may be shown.
    #[must_use]
    pub fn shown(&self) -> String {
        self.target.shown()
    }

    /// A text that the server or a library made, without what is not shown.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let hidden = self.target.hide(text);
        match &self.header {
            Some(header) if header.value.chars().count() >= MIN_HIDDEN_CHARS => {
                hidden.replace(&header.value, MASK)
            }
            _ => hidden,
        }
    }
}
