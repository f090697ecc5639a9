//! Names with `*` and `?`.

/// A pattern for names: `*` stands for any letters, `?` for one. It must match the whole name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<char>);

impl Pattern {
    /// Any text is a pattern.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.chars().collect())
    }

    /// Whether the whole name matches. Takes at most the product of both lengths.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut letter) = (0, 0);
        // Where the last `*` was, and how far the name had come: there is never a need to go back further.
        let mut star: Option<(usize, usize)> = None;
        while letter < name.len() {
            match self.0.get(at) {
                Some('*') => {
                    star = Some((at, letter));
                    at += 1;
                }
                Some(wanted) if *wanted == '?' || Some(wanted) == name.get(letter) => {
                    at += 1;
                    letter += 1;
                }
                _ => match star.as_mut() {
                    Some((star_at, star_letter)) => {
                        *star_letter += 1;
                        (at, letter) = (*star_at + 1, *star_letter);
                    }
                    None => return false,
                },
            }
        }
        self.0.iter().skip(at).all(|rest| *rest == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names() {
        for (pattern, name, expected) in [
            ("site-a-*", "site-a-door", true),
            ("site-a-*", "site-a-", true),
            ("site-a-*", "xsite-a-door", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("?", "ä", true),
            ("?", "", false),
            ("*door", "door-door", true),
            ("*a*b", "aab", true),
            ("*a*b", "aabc", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_do_not_cost_exponential_time() {
        let pattern = Pattern::new(&"*a".repeat(200));
        assert!(!pattern.matches(&"a".repeat(199)));
        assert!(!Pattern::new(&format!("{}b", "*a".repeat(100))).matches(&"a".repeat(2000)));
    }
}
