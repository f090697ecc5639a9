//! `mediagraph probe`: what is wrong with a camera.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use retina::client::Credentials;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Failure, Outcome, print};
use crate::media::SystemClock;
use crate::nodes::reach::Anywhere;
use crate::nodes::sources::rtsp::connect::Caller;
use crate::nodes::sources::rtsp::probe::{Probe, State, Step};
use crate::nodes::sources::rtsp::target::Target;
use crate::nodes::sources::rtsp::tls::{CameraTls, TlsOptions};

/// Bytes of a file with a password or with certificates.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// A camera may take this long to end the session.
const HANG_UP_TIMEOUT: Duration = Duration::from_secs(2);

/// Find out what is wrong with a camera
///
/// Walks through the conversation of an RTSP source step by step, looks at what the camera sends, and says of each step
/// whether it worked and what to do if it did not. Passwords are never shown.
///
/// Exit codes: 0 when the camera can be used, 1 when not, 2 for a wrong command line.
#[derive(Debug, clap::Args)]
pub struct ProbeArgs {
    /// The camera, such as `rtsp://10.0.0.7/stream1` or `rtsps://camera.example/live`
    url: String,
    /// The user to log in as
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The file whose first line is the password
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// How long to look at media
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// How many seconds each answer may take
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// Connect with TLS although the URL says `rtsp`
    #[arg(long)]
    tls: bool,
    /// The file of certificates (PEM) to trust instead of this host's authorities
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Take a certificate for another host
    #[arg(long)]
    ignore_hostname: bool,
    /// Take a certificate that nobody vouches for
    #[arg(long)]
    ignore_signature: bool,
    /// Report as JSON, at the end
    #[arg(long)]
    json: bool,
}

/// Walks until the end, or until `stop`.
pub async fn run(args: ProbeArgs, stop: CancellationToken) -> Outcome {
    let (target, odd) = target(&args)?;
    let shown = target.shown();
    let probe = Probe {
        target,
        watch: Duration::from_secs(args.seconds),
        patience: Duration::from_secs(args.timeout),
    };
    let caller = Caller::new(Arc::new(SystemClock::new()), Arc::new(Anywhere));
    let mut steps: Vec<Step> = Vec::new();
    let mut told = |step: Step| {
        if !args.json {
            let _ = print::stdout(&line(&step));
        }
        steps.push(step);
    };
    if !args.json {
        print::stdout(&format!("{shown}\n"))?;
    }
    odd.into_iter().for_each(&mut told);
    let usable = tokio::select! {
        usable = probe.run(&caller, &mut told) => usable,
        () = stop.cancelled() => return Err(Failure::failed("interrupted")),
    };
    // A camera that does not answer is not waited for.
    let _ = tokio::time::timeout(HANG_UP_TIMEOUT, caller.hang_up()).await;
    if args.json {
        let report = json!({"url": shown, "usable": usable, "steps": steps});
        print::stdout(&format!("{report:#}\n"))?;
    }
    conclusion(&steps, usable, args.json)
}

fn conclusion(steps: &[Step], usable: bool, json: bool) -> Outcome {
    let warnings = steps.iter().filter(|step| step.state == State::Warning).count();
    if !usable {
        let failed = steps.last().map_or("nothing", |step| step.step);
        return Err(Failure::failed(format!(
            "the camera cannot be used: `{failed}` failed"
        )));
    }
    if json {
        return Ok(());
    }
    let warnings = match warnings {
        0 => String::new(),
        1 => " (1 warning)".to_owned(),
        count => format!(" ({count} warnings)"),
    };
    print::stdout(&format!("the camera can be used{warnings}\n"))
}

fn line(step: &Step) -> String {
    let state = match step.state {
        State::Ok => "ok",
        State::Warning => "warning",
        State::Failed => "failed",
    };
    let hint = step.hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!("{:21}hint: {hint}\n", ""));
    format!("  {:9} {state:8} {}\n{hint}", step.step, step.detail)
}

/// The camera, and what is odd about the way it was named.
fn target(args: &ProbeArgs) -> Result<(Target, Option<Step>), Failure> {
    let mut url = Url::parse(&args.url).map_err(|error| {
        Failure::usage(format!(
            "the URL cannot be read: {error}\nhint: write `rtsp://HOST/PATH`"
        ))
    })?;
    if !matches!(url.scheme(), "rtsp" | "rtsps") || url.host_str().is_none_or(str::is_empty) {
        return Err(Failure::usage(
            "a camera's URL begins with `rtsp://HOST` or `rtsps://HOST`",
        ));
    }
    let odd = (!url.username().is_empty() || url.password().is_some()).then(|| Step {
        step: "url",
        state: State::Warning,
        detail: "the login in the URL is left out, as graphs do".to_owned(),
        hint: Some(
            "give `--username` and `--password-file` here, and `credentials` in a topology".to_owned(),
        ),
    });
    // What cannot have credentials has none.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    let tls = if args.tls || url.scheme() == "rtsps" {
        Some(tls(args)?)
    } else {
        None
    };
    let password = args.password_file.as_deref().map(password).transpose()?;
    let credentials = args.username.clone().map(|username| Credentials {
        username,
        password: password.unwrap_or_default(),
    });
    let target = Target {
        url,
        credentials,
        tls,
        secret: false,
    };
    Ok((target, odd))
}

fn tls(args: &ProbeArgs) -> Result<CameraTls, Failure> {
    let trusted = args
        .ca
        .as_deref()
        .map(|path| read(path).map(|text| [text]))
        .transpose()?;
    let options = TlsOptions {
        trusted: trusted.as_ref().map(<[String; 1]>::as_slice),
        ignore_hostname: args.ignore_hostname,
        ignore_signature: args.ignore_signature,
    };
    CameraTls::new(options).map_err(Failure::failed)
}

fn password(path: &Path) -> Result<String, Failure> {
    let text = read(path)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("cannot read `{}`: {error}", path.display()));
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_FILE_BYTES {
        return Err(failed(std::io::Error::other("it is too large")));
    }
    std::fs::read_to_string(path).map_err(failed)
}
