//! What kind of file system a directory is on.
//!
//! SQLite's write-ahead log needs memory that all its users share, and locks that hold: file systems of other machines
//! promise neither, and lose databases without a word.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use rustix::fs::{major, minor, stat, statfs};

/// File systems of other machines, by the magic number of `statfs(2)`.
const NETWORK: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0102_1997, "9P"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x786f_4256, "a folder shared by VirtualBox"),
    (0xbacb_acbc, "a folder shared by VMware"),
];

/// Programs may offer anything as a file system, so what counts is which program it is.
const FUSE: u32 = 0x6573_5546;

/// Those that reach to other machines, by their type in `/proc/self/mountinfo`.
const NETWORK_FUSE: &[(&str, &str)] = &[
    ("fuse.sshfs", "sshfs"),
    ("fuse.rclone", "rclone"),
    ("fuse.s3fs", "s3fs"),
    ("fuse.goofys", "goofys"),
    ("fuse.gcsfuse", "gcsfuse"),
    ("fuse.blobfuse", "blobfuse"),
    ("fuse.blobfuse2", "blobfuse"),
    ("fuse.mount-s3", "mount-s3"),
    ("fuse.glusterfs", "GlusterFS"),
    ("fuse.ceph-fuse", "Ceph"),
    ("fuse.ceph", "Ceph"),
    ("fuse.davfs", "WebDAV"),
    ("fuse.davfs2", "WebDAV"),
    ("fuse.curlftpfs", "curlftpfs"),
    ("fuse.smbnetfs", "smbnetfs"),
    ("fuse.juicefs", "JuiceFS"),
    ("fuse.lizardfs", "LizardFS"),
    ("fuse.mfs", "MooseFS"),
    ("fuse.vmhgfs-fuse", "a folder shared by VMware"),
    ("fuse.portal", "a document portal"),
];

/// The name of the network file system that a directory is on; none when it is on this machine, or cannot be asked.
pub(super) fn network(path: &Path) -> Option<&'static str> {
    let magic = statfs(path).ok()?.f_type;
    // Magic numbers have 32 bits; the type that holds them differs by machine.
    let magic = magic as u32;
    if magic == FUSE {
        return network_fuse(&fuse_type(path)?);
    }
    named(magic)
}

fn named(magic: u32) -> Option<&'static str> {
    let found = NETWORK.iter().find(|(number, _)| *number == magic)?;
    Some(found.1)
}

fn network_fuse(kind: &str) -> Option<&'static str> {
    let found = NETWORK_FUSE.iter().find(|(name, _)| *name == kind)?;
    Some(found.1)
}

/// The type of the mount that a path is on, by its device number.
fn fuse_type(path: &Path) -> Option<String> {
    let device = stat(path).ok()?.st_dev;
    let device = format!("{}:{}", major(device), minor(device));
    let mounts = BufReader::new(File::open("/proc/self/mountinfo").ok()?);
    mounts
        .lines()
        .map_while(Result::ok)
        .find_map(|line| type_of(&line, &device))
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw` (proc_pid_mountinfo(5)).
fn type_of(line: &str, device: &str) -> Option<String> {
    let (fields, rest) = line.split_once(" - ")?;
    if fields.split(' ').nth(2)? != device {
        return None;
    }
    rest.split(' ').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_known_by_their_numbers() {
        assert_eq!(named(0x6969), Some("NFS"));
        assert_eq!(named(0xff53_4d42), Some("CIFS"));
        // ext4 and tmpfs.
        assert_eq!(named(0xef53), None);
        assert_eq!(named(0x0102_1994), None);
    }

    #[test]
    fn a_program_that_reaches_to_other_machines_is_told_from_one_that_does_not() {
        let line = "36 35 0:47 / /home/me/remote rw,nosuid master:1 - fuse.sshfs me@there:/ rw,user_id=1000";
        assert_eq!(type_of(line, "0:48"), None);
        let kind = type_of(line, "0:47").unwrap();
        assert_eq!(network_fuse(&kind), Some("sshfs"));
        assert_eq!(network_fuse("fuse.fuse-overlayfs"), None);
        assert_eq!(network_fuse("fuse.ntfs-3g"), None);
    }

    #[test]
    fn the_disk_that_tests_run_on_is_a_local_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(network(folder.path()), None);
    }
}
