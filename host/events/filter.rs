//! Which events somebody wants to see.

use super::Event;

/// A choice of events: those that fit everything that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The instance, as a pattern: `*` is any run of characters, `?` is one. Events of the host itself fit none.
    pub instance: Option<String>,
    /// A second such pattern: what the asker may see at all.
    pub within: Option<String>,
    /// How the type begins, such as `Microsoft.Media.Graph.Analytics`.
    pub event_type: Option<String>,
    /// The hub output.
    pub output: Option<String>,
}

impl Filter {
    /// Whether an event is one of them.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        let instance = event.instance();
        let fits = |pattern: &Option<String>| match (pattern, instance) {
            (None, _) => true,
            (Some(pattern), Some(instance)) => glob(pattern, instance),
            (Some(_), None) => false,
        };
        fits(&self.instance)
            && fits(&self.within)
            && (self.event_type.as_ref()).is_none_or(|prefix| event.event_type.starts_with(prefix.as_str()))
            && (self.output.as_ref()).is_none_or(|output| event.output.as_deref() == Some(output.as_str()))
    }
}

/// Whether `text` fits `pattern`, in which `*` is any run of characters and `?` is one. Takes at most the product of
/// their lengths.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and the first character after what it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&character) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == character => {
                p += 1;
                t += 1;
            }
            _ => match star {
                // The last star takes one more; those before it need not change.
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_and_a_question_mark_is_one_character() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("yard-*", "yard-12", true),
            ("yard-*", "yar", false),
            ("yard-?", "yard-1", true),
            ("yard-?", "yard-12", false),
            ("*-gate", "north-gate-gate", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("[a]", "a", false),
            ("Yard", "yard", false),
            ("?", "ä", true),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
