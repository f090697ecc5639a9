//! Debian's nginx as a server of static files: one process of this user, on the loopback, with a configuration of its own.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::measure::serve::{free_address, until};
use crate::process::Guard;

const START: Duration = Duration::from_secs(20);
/// Not everybody's path leads there.
const PROGRAM: &str = "/usr/sbin/nginx";
/// Folders that nginx wants to have, though it needs none of them for files.
const TEMPORARY: [&str; 5] = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/// A running nginx.
#[derive(Debug)]
pub(super) struct Nginx {
    _process: Guard,
    pub(super) address: SocketAddr,
}

impl Nginx {
    /// Serves what is below `root`; keeps its own files in `folder`.
    ///
    /// # Errors
    /// Without nginx, or when it does not listen.
    pub(super) fn start(folder: &Path, root: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let address = free_address()?;
        let file = folder.join("nginx.conf");
        std::fs::write(&file, configuration(folder, root, address))?;
        let log = std::fs::File::create(folder.join("log"))?;
        let mut command = Command::new(PROGRAM);
        command.arg("-p").arg(folder).arg("-c").arg(&file);
        command.args(["-e", "error.log"]);
        command.stdout(Stdio::from(log.try_clone()?)).stderr(log);
        let process = Guard::spawn("nginx", &mut command).context("hint: apt-get install nginx-light")?;
        let shown = format!("nginx; see the logs in {}", folder.display());
        until(&shown, START, || Ok(TcpStream::connect(address).ok()))?;
        Ok(Self {
            _process: process,
            address,
        })
    }
}

/// As Debian's, as far as it concerns files; without workers, so that it ends with its one process.
fn configuration(folder: &Path, root: &Path, address: SocketAddr) -> String {
    let (folder, root) = (folder.display(), root.display());
    let temporary: String = TEMPORARY
        .iter()
        .map(|name| format!("    {name}_temp_path \"{folder}/{name}\";\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid \"{folder}/nginx.pid\";\nerror_log \"{folder}/error.log\";\n\
         events {{ worker_connections 768; }}\n\
         http {{\n{temporary}    sendfile on;\n    tcp_nopush on;\n    access_log off;\n    \
         types {{ application/vnd.apple.mpegurl m3u8; video/mp4 mp4 m4s; text/javascript js; }}\n    \
         default_type application/json;\n    server {{ listen {address}; root \"{root}\"; }}\n}}\n"
    )
}
