//! Reads what `strace -f -xx -v -o FILE` has written down: the calls that change files, in the order in which they took
//! effect.
//!
//! With `-xx` every string is hexadecimal, so that neither commas nor quotes can stand in one. A call that another
//! thread interrupted in the log takes effect when it ends; but syncing covers what was written before it *began*, and a
//! descriptor is free from the moment in which closing it begins.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::BufRead;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// What strace is asked to log: everything that changes files, and what it takes to know which file a descriptor is.
pub(super) const CALLS: &str = "open,openat,creat,close,close_range,dup,dup2,dup3,fcntl,lseek,write,writev,pwrite64,pwritev,\
    pwritev2,ftruncate,truncate,fallocate,copy_file_range,sendfile,rename,renameat,renameat2,link,linkat,unlink,unlinkat,\
    mkdir,mkdirat,rmdir,symlink,symlinkat,fsync,fdatasync,sync_file_range,sync,syncfs";

/// What strace prints as the directory of a path that counts from the working directory.
const WORKING_DIRECTORY: &str = "AT_FDCWD";

/// A path as a call names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The open directory that the path counts from.
    pub(super) from: Option<i32>,
    pub(super) path: PathBuf,
}

/// One call that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Open {
        place: Place,
        create: bool,
        truncate: bool,
        append: bool,
        fd: i32,
    },
    Close {
        first: i32,
        last: i32,
    },
    Duplicate {
        from: i32,
        to: i32,
    },
    Seek {
        fd: i32,
        position: u64,
    },
    /// At the descriptor's own position, unless `at` is given.
    Write {
        fd: i32,
        at: Option<u64>,
        data: Vec<u8>,
    },
    Truncate {
        fd: i32,
        length: u64,
    },
    /// Makes the file at least so long.
    Extend {
        fd: i32,
        length: u64,
    },
    /// From one descriptor's position to another's.
    Copy {
        from: i32,
        to: i32,
        length: u64,
    },
    Rename {
        from: Place,
        to: Place,
    },
    Link {
        from: Place,
        to: Place,
    },
    Remove {
        place: Place,
    },
    MakeDirectory {
        place: Place,
    },
    /// What was written before now, `SyncEnd` of the same thread will have brought to the disk.
    SyncBegin {
        thread: u32,
        fd: i32,
    },
    SyncEnd {
        thread: u32,
    },
}

/// Reads a whole log.
///
/// # Errors
/// When a line is of an unknown shape, or a call changes files in a way that nobody here knows.
pub(super) fn read(log: impl BufRead) -> Result<Vec<Call>> {
    let mut reader = Reader::default();
    let mut calls = Vec::new();
    for (number, line) in log.lines().enumerate() {
        let line = line?;
        let shown: String = line.chars().take(200).collect();
        reader
            .line(&line, &mut calls)
            .with_context(|| format!("line {} of the log: {shown}", number + 1))?;
    }
    Ok(calls)
}

#[derive(Debug, Default)]
struct Reader {
    /// What a thread has begun.
    begun: HashMap<u32, String>,
}

impl Reader {
    fn line(&mut self, line: &str, calls: &mut Vec<Call>) -> Result<()> {
        let (thread, text) = line
            .trim_start()
            .split_once(char::is_whitespace)
            .context("no thread")?;
        let thread: u32 = thread.parse().context("no number of a thread")?;
        let text = text.trim_start();
        if text.starts_with("+++") || text.starts_with("---") {
            return Ok(());
        }
        if let Some(begin) = text.strip_suffix("<unfinished ...>") {
            calls.extend(on_begin(thread, begin)?);
            self.begun.insert(thread, begin.to_owned());
            return Ok(());
        }
        if let Some(resumed) = text.strip_prefix("<... ") {
            let (_, rest) = resumed.split_once(" resumed>").context("no `resumed>`")?;
            // Attached in the middle of a call: its beginning was before the log.
            let Some(begin) = self.begun.remove(&thread) else {
                return Ok(());
            };
            return finished(thread, &format!("{begin}{rest}"), true, calls);
        }
        finished(thread, text, false, calls)
    }
}

/// What counts from the moment in which a call begins.
fn on_begin(thread: u32, begin: &str) -> Result<Option<Call>> {
    let Some((name, rest)) = begin.split_once('(') else {
        return Ok(None);
    };
    let arguments = arguments(rest.trim_end().trim_end_matches(','));
    Ok(match name {
        "fsync" | "fdatasync" => Some(Call::SyncBegin {
            thread,
            fd: number(&arguments, 0)?,
        }),
        "close" => Some(closed(number(&arguments, 0)?)),
        _ => None,
    })
}

fn closed(fd: i32) -> Call {
    Call::Close { first: fd, last: fd }
}

fn finished(thread: u32, text: &str, interrupted: bool, calls: &mut Vec<Call>) -> Result<()> {
    let (name, rest) = text.split_once('(').context("no call")?;
    let (inside, result) = rest.rsplit_once(" = ").context("no result")?;
    let inside = inside.trim_end().strip_suffix(')').context("no `)`")?;
    let result = result.split_whitespace().next().unwrap_or_default();
    let (name, arguments) = (name, arguments(inside));
    let failed = result.starts_with('-') || result == "?";
    match name {
        "fsync" | "fdatasync" => {
            if !interrupted {
                let fd = number(&arguments, 0)?;
                calls.push(Call::SyncBegin { thread, fd });
            }
            if !failed {
                calls.push(Call::SyncEnd { thread });
            }
            Ok(())
        }
        // The descriptor is gone even if closing it fails.
        "close" if !interrupted => {
            calls.push(closed(number(&arguments, 0)?));
            Ok(())
        }
        "close" => Ok(()),
        _ if failed => Ok(()),
        _ => {
            // Flags are printed as hexadecimal numbers.
            let read = match result.strip_prefix("0x") {
                Some(hex) => u64::from_str_radix(hex, 16),
                None => result.parse(),
            };
            let result = read.with_context(|| format!("the result `{result}`"))?;
            calls.extend(call(name, &arguments, result)?);
            Ok(())
        }
    }
}

fn call(name: &str, arguments: &[&str], result: u64) -> Result<Option<Call>> {
    let fd = || number(arguments, 0);
    let place = |at: usize| place_at(arguments, at);
    let plain = |at: usize| {
        Ok::<_, anyhow::Error>(Place {
            from: None,
            path: path(argument(arguments, at)?)?,
        })
    };
    Ok(Some(match name {
        "open" => open(plain(0)?, argument(arguments, 1)?, result)?,
        "openat" => open(place(0)?, argument(arguments, 2)?, result)?,
        "creat" => open(plain(0)?, "O_CREAT|O_TRUNC", result)?,
        "close_range" => Call::Close {
            first: fd()?,
            last: number(arguments, 1).unwrap_or(i32::MAX),
        },
        "dup" | "dup2" | "dup3" => Call::Duplicate {
            from: fd()?,
            to: i32::try_from(result)?,
        },
        "fcntl" if argument(arguments, 1)?.starts_with("F_DUPFD") => Call::Duplicate {
            from: fd()?,
            to: i32::try_from(result)?,
        },
        "lseek" => Call::Seek {
            fd: fd()?,
            position: result,
        },
        "write" | "writev" => written(fd()?, None, argument(arguments, 1)?, result)?,
        "pwrite64" => written(
            fd()?,
            Some(number(arguments, 3)?),
            argument(arguments, 1)?,
            result,
        )?,
        "pwritev" | "pwritev2" => {
            // -1 stands for the descriptor's own position.
            let at: i64 = number(arguments, 3)?;
            written(fd()?, u64::try_from(at).ok(), argument(arguments, 1)?, result)?
        }
        "ftruncate" => Call::Truncate {
            fd: fd()?,
            length: number(arguments, 1)?,
        },
        "fallocate" if argument(arguments, 1)? == "0" => Call::Extend {
            fd: fd()?,
            length: number::<u64>(arguments, 2)? + number::<u64>(arguments, 3)?,
        },
        "copy_file_range" if argument(arguments, 1)? == "NULL" && argument(arguments, 3)? == "NULL" => {
            copied(fd()?, number(arguments, 2)?, result)
        }
        "sendfile" if argument(arguments, 2)? == "NULL" => copied(number(arguments, 1)?, fd()?, result),
        "rename" => Call::Rename {
            from: plain(0)?,
            to: plain(1)?,
        },
        "renameat" | "renameat2" => Call::Rename {
            from: place(0)?,
            to: place(2)?,
        },
        "link" => Call::Link {
            from: plain(0)?,
            to: plain(1)?,
        },
        "linkat" => Call::Link {
            from: place(0)?,
            to: place(2)?,
        },
        "unlink" | "rmdir" => Call::Remove { place: plain(0)? },
        "unlinkat" => Call::Remove { place: place(0)? },
        "mkdir" => Call::MakeDirectory { place: plain(0)? },
        "mkdirat" => Call::MakeDirectory { place: place(0)? },
        // These ask for nothing that could be relied on, or change no file.
        "sync_file_range" | "fcntl" => return Ok(None),
        other => bail!("`{other}` is used in a way that is not understood"),
    }))
}

fn open(place: Place, flags: &str, result: u64) -> Result<Call> {
    let has = |flag: &str| flags.split('|').any(|one| one == flag);
    Ok(Call::Open {
        place,
        create: has("O_CREAT"),
        truncate: has("O_TRUNC"),
        append: has("O_APPEND"),
        fd: i32::try_from(result)?,
    })
}

fn copied(from: i32, to: i32, length: u64) -> Call {
    Call::Copy { from, to, length }
}

fn written(fd: i32, at: Option<u64>, text: &str, result: u64) -> Result<Call> {
    let mut data = bytes(text)?;
    let taken = usize::try_from(result)?;
    if data.len() < taken {
        bail!("the log holds {} of {taken} bytes", data.len());
    }
    data.truncate(taken);
    Ok(Call::Write { fd, at, data })
}

fn place_at(arguments: &[&str], at: usize) -> Result<Place> {
    let from = argument(arguments, at)?;
    Ok(Place {
        from: (from != WORKING_DIRECTORY)
            .then(|| from.parse())
            .transpose()
            .with_context(|| format!("the directory `{from}`"))?,
        path: path(argument(arguments, at + 1)?)?,
    })
}

fn path(text: &str) -> Result<PathBuf> {
    Ok(PathBuf::from(OsString::from_vec(bytes(text)?)))
}

fn argument<'a>(arguments: &[&'a str], at: usize) -> Result<&'a str> {
    arguments
        .get(at)
        .copied()
        .with_context(|| format!("no argument {at}"))
}

fn number<T: std::str::FromStr>(arguments: &[&str], at: usize) -> Result<T> {
    let text = argument(arguments, at)?;
    text.parse()
        .ok()
        .with_context(|| format!("argument {at} is `{text}`, no number"))
}

/// What stands between the commas that are in no bracket.
fn arguments(inside: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_i32, 0);
    for (at, character) in inside.char_indices() {
        match character {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(inside.get(from..at).unwrap_or_default().trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(inside.get(from..).unwrap_or_default().trim());
    parts
}

/// The bytes of every string in `text`, one behind the other.
fn bytes(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4);
    // What stands between quotes is every second part.
    for (index, part) in text.split('"').enumerate() {
        if index % 2 == 1 {
            for hex in part.split("\\x").skip(1) {
                bytes.push(u8::from_str_radix(hex, 16).with_context(|| format!("the byte `{hex}`"))?);
            }
        } else if part.starts_with("...") {
            bail!("strace has cut a string short");
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
