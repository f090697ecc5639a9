//! Handwritten logs.

use super::*;

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
}

fn log(lines: &[String]) -> Result<Vec<Call>> {
    read(lines.join("\n").as_bytes())
}

fn place(path: &str) -> Place {
    Place {
        from: None,
        path: path.into(),
    }
}

#[test]
fn a_file_is_opened_written_synced_renamed_and_closed() {
    let (part, whole) = (hex("/s/a.part"), hex("/s/a"));
    let calls = log(&[
        format!(r#"7  openat(AT_FDCWD, "{part}", O_WRONLY|O_CREAT|O_CLOEXEC, 0600) = 5"#),
        "7  lseek(5, 100, SEEK_SET)           = 100".into(),
        format!(
            r#"7  writev(5, [{{iov_base="{}", iov_len=2}}, {{iov_base="{}", iov_len=3}}], 2) = 4"#,
            hex("ab"),
            hex("cde")
        ),
        "7  fsync(5)                          = 0".into(),
        format!(r#"7  rename("{part}", "{whole}") = 0"#),
        "7  close(5)                          = 0".into(),
    ]);
    let wanted = [
        Call::Open {
            place: place("/s/a.part"),
            create: true,
            truncate: false,
            append: false,
            fd: 5,
        },
        Call::Seek { fd: 5, position: 100 },
        Call::Write {
            fd: 5,
            at: None,
            // As many as the call took.
            data: b"abcd".to_vec(),
        },
        Call::SyncBegin { thread: 7, fd: 5 },
        Call::SyncEnd { thread: 7 },
        Call::Rename {
            from: place("/s/a.part"),
            to: place("/s/a"),
        },
        closed(5),
    ];
    assert_eq!(calls.unwrap(), wanted);
}

#[test]
fn syncing_begins_before_and_ends_after_what_another_thread_does_meanwhile() {
    let calls = log(&[
        "7  fdatasync(5 <unfinished ...>".into(),
        format!(r#"8  pwrite64(5, "{}", 1, 4096) = 1"#, hex("x")),
        "7  <... fdatasync resumed>)          = 0".into(),
    ]);
    let wanted = [
        Call::SyncBegin { thread: 7, fd: 5 },
        Call::Write {
            fd: 5,
            at: Some(4096),
            data: b"x".to_vec(),
        },
        Call::SyncEnd { thread: 7 },
    ];
    assert_eq!(calls.unwrap(), wanted);
}

#[test]
fn a_descriptor_is_free_as_soon_as_closing_begins() {
    let calls = log(&[
        "7  close(5 <unfinished ...>".into(),
        format!(
            r#"8  openat(AT_FDCWD, "{}", O_RDONLY|O_CLOEXEC) = 5"#,
            hex("/s/b")
        ),
        "7  <... close resumed>)              = 0".into(),
    ])
    .unwrap();
    assert_eq!(calls[0], closed(5));
    assert!(matches!(calls[1], Call::Open { fd: 5, .. }));
    assert_eq!(calls.len(), 2);
}

#[test]
fn what_failed_did_nothing_and_a_failed_sync_kept_nothing() {
    let calls = log(&[
        format!(
            r#"7  unlink("{}") = -1 ENOENT (No such file or directory)"#,
            hex("/s/a")
        ),
        "7  fsync(5)  = -1 EIO (Input/output error)".into(),
        "7  write(5, \"\\x61\", 1) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)".into(),
        "7  fcntl(5, F_GETFD)  = 0x1 (flags FD_CLOEXEC)".into(),
        "7  --- SIGINT {si_signo=SIGINT, si_code=SI_USER} ---".into(),
        "7  +++ exited with 0 +++".into(),
    ]);
    assert_eq!(calls.unwrap(), [Call::SyncBegin { thread: 7, fd: 5 }]);
}

#[test]
fn a_path_may_count_from_an_open_directory() {
    let calls = log(&[format!(r#"7  unlinkat(9, "{}", AT_REMOVEDIR) = 0"#, hex("b"))]).unwrap();
    let place = Place {
        from: Some(9),
        path: "b".into(),
    };
    assert_eq!(calls, [Call::Remove { place }]);
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    let short = log(&[r#"7  write(5, "\x61"..., 2) = 2"#.into()]).unwrap_err();
    assert!(format!("{short:#}").contains("cut a string short"), "{short:#}");
    let unknown = log(&[
        "7  close(1) = 0".into(),
        "7  fallocate(5, FALLOC_FL_PUNCH_HOLE, 0, 9) = 0".into(),
    ]);
    let unknown = format!("{:#}", unknown.unwrap_err());
    assert!(
        unknown.starts_with("line 2 of the log") && unknown.contains("`fallocate`"),
        "{unknown}"
    );
}
