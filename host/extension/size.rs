//! How big the parts of a component are, before anything is compiled: the time that the compiler takes for one
//! function grows faster than its size, and nothing can stop it once it has begun.
//!
//! Reads just as much of the binary format as that takes. What it does not understand it leaves to the compiler, which
//! refuses what is not valid.

use super::error::LoadProblem;
use super::limits::{MAX_FUNCTION_BYTES, MAX_FUNCTIONS};

/// `\0asm`, version, layer.
const PREAMBLE_BYTES: usize = 8;
/// Where the layer stands in it: 1 for components, 0 for modules.
const LAYER_AT: usize = 6;
/// Sections of a component that hold a module or a component.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;
/// The section of a module that holds its functions.
const CODE: u8 = 10;
/// Components within components.
const MAX_DEPTH: u32 = 100;

/// Refuses what has functions that are too big, or too many.
pub(super) fn check(component: &[u8]) -> Result<(), LoadProblem> {
    let mut found = Functions::default();
    // What cannot be read is not valid, and the compiler says it better.
    let _ = found.look_into(component, MAX_DEPTH);
    if found.biggest > MAX_FUNCTION_BYTES {
        return Err(LoadProblem::TooComplex(format!(
            "has a function of {} bytes, at most {MAX_FUNCTION_BYTES} are accepted\nhint: split it",
            found.biggest
        )));
    }
    if found.count > MAX_FUNCTIONS {
        return Err(LoadProblem::TooComplex(format!(
            "has {} functions, at most {MAX_FUNCTIONS} are accepted",
            found.count
        )));
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Functions {
    count: usize,
    biggest: usize,
}

impl Functions {
    fn look_into(&mut self, bytes: &[u8], depth: u32) -> Option<()> {
        let is_component = *bytes.get(LAYER_AT)? == 1;
        let mut rest = bytes.get(PREAMBLE_BYTES..)?;
        while let Some((id, behind)) = rest.split_first() {
            let (size, behind) = number(behind)?;
            let (section, behind) = behind.split_at_checked(size)?;
            match (is_component, *id) {
                (true, CORE_MODULE | COMPONENT) if depth > 0 => {
                    self.look_into(section, depth - 1);
                }
                (false, CODE) => self.code(section)?,
                _ => {}
            }
            rest = behind;
        }
        Some(())
    }

    fn code(&mut self, section: &[u8]) -> Option<()> {
        let (count, mut rest) = number(section)?;
        for _ in 0..count {
            let (size, behind) = number(rest)?;
            self.count += 1;
            self.biggest = self.biggest.max(size);
            rest = behind.get(size..)?;
        }
        Some(())
    }
}

/// An unsigned number of at most 32 bits, seven bits in each byte, and what stands behind it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<String> {
        check(&wat::parse_str(text).unwrap())
            .err()
            .map(|problem| problem.to_string())
    }

    #[test]
    fn a_function_that_is_too_big_is_found_however_deep_it_stands() {
        let module = |body: &str| format!("(core module (func) (func {body}))");
        let big = module(&"(drop (i32.const 1))".repeat(MAX_FUNCTION_BYTES / 3));
        assert!(refusal(&format!("(component {})", module("nop"))).is_none());
        for text in [
            format!("(component {big})"),
            format!("(component (component (component {big})))"),
        ] {
            assert!(refusal(&text).unwrap().contains("has a function of 104"));
        }
    }

    #[test]
    fn too_many_functions_are_counted_over_all_modules() {
        let module = format!("(core module {})", "(func)".repeat(MAX_FUNCTIONS / 2 + 1));
        assert!(refusal(&format!("(component {module})")).is_none());
        let text = refusal(&format!("(component {module} {module})")).unwrap();
        assert!(text.contains("has 200002 functions"), "{text}");
    }

    #[test]
    fn nonsense_is_left_to_the_compiler() {
        let good = wat::parse_str("(component (core module (func)))").unwrap();
        for end in 0..good.len() {
            assert!(check(&good[..end]).is_ok());
        }
        let mut bad = good;
        for at in 8..bad.len() {
            let before = std::mem::replace(&mut bad[at], 0xff);
            let _ = check(&bad);
            bad[at] = before;
        }
    }
}
