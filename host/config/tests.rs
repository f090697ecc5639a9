//! The file as a whole: its defaults, its mistakes, and that no secret leaves it.

use std::collections::BTreeMap;

use super::*;

fn parse(text: &str) -> Result<HostConfig, Diagnostics> {
    let environment = BTreeMap::from([
        ("TOKEN", "a-token-that-is-long-enough-0123"),
        ("SHORT", "canary-short"),
        ("CAMERA", "canary-camera-password"),
        ("LINES", "canary\nline"),
        ("EMPTY", "\n"),
    ]);
    let look_up = move |name: &str| environment.get(name).map(|value| (*value).to_owned());
    HostConfig::parse(text, &look_up).map(|(config, _)| config)
}

fn mistakes(text: &str) -> Vec<Diagnostic> {
    parse(text).unwrap_err().diagnostics
}

fn mistake(text: &str) -> String {
    let found = mistakes(text);
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    let one = &found[0];
    format!("{} {}", one.message, one.hint.as_deref().unwrap_or_default())
}

#[test]
fn an_empty_file_and_the_commented_one_say_the_defaults() {
    assert_eq!(parse("").unwrap(), HostConfig::default());
    assert_eq!(parse(COMMENTED_DEFAULTS).unwrap(), HostConfig::default());
}

/// The settings that stand in the commented file with their defaults, taken out of their comments.
fn uncommented() -> String {
    let setting = |line: &str| {
        let rest = line.strip_prefix('#').unwrap_or(line);
        let commented = rest.starts_with(|letter: char| letter.is_ascii_lowercase());
        if commented {
            rest.to_owned()
        } else {
            line.to_owned()
        }
    };
    COMMENTED_DEFAULTS
        .lines()
        .map(|line| setting(line) + "\n")
        .collect()
}

#[test]
fn the_commented_file_names_every_default_and_its_value() {
    let text = uncommented();
    assert_eq!(parse(&text).unwrap(), HostConfig::default(), "{text}");
    let written: toml::Value = toml::from_str(&text).unwrap();
    let written = serde_json::to_value(&written).unwrap();
    fn compare(place: &str, shown: &serde_json::Value, written: &serde_json::Value) {
        match shown.as_object() {
            // Members of these have names of the user's choice.
            Some(members) if members.is_empty() => {}
            Some(members) => {
                for (name, shown) in members {
                    let member = format!("{place}.{name}");
                    compare(
                        &member,
                        shown,
                        written.get(name).unwrap_or(&serde_json::Value::Null),
                    );
                }
            }
            None if place == ".tokens" => assert!(written.is_null()),
            None => assert_eq!(shown, written, "{place}"),
        }
    }
    compare("", &HostConfig::default().to_json(), &written);
}

/// The examples of the commented file, taken out of their comments.
fn with_examples() -> String {
    let line = |line: &str| line.strip_prefix("#   ").unwrap_or(line).to_owned() + "\n";
    let text: String = COMMENTED_DEFAULTS.lines().map(line).collect();
    let start = text.find("# What stays free").unwrap();
    text[start..].to_owned()
}

#[test]
fn the_examples_of_the_commented_file_are_sound_but_for_what_they_refer_to() {
    let found = mistakes(&with_examples());
    let about: Vec<&str> = found.iter().map(|one| one.pointer.as_str()).collect();
    assert_eq!(
        about,
        [
            "server.tls",
            "tokens[0].secret",
            "paths.map.\"/var/media\"",
            "stores.archive.path",
            "stores.cloud",
            "models.files.objects",
            "secrets.camera"
        ],
        "{found:#?}"
    );
}

#[test]
fn mistakes_are_told_all_at_once_with_their_lines() {
    let text = "\
time_zone = 'Mars/Olympus'
[server]
listn = '127.0.0.1:1'
behind_proxy = 'yes'
[limits]
max_instances = 0
[policy.networks]
deny = ['10.1.2.3/8']
[log
";
    let found = mistakes(text);
    let places: Vec<Option<usize>> = found.iter().map(|one| one.line).collect();
    assert_eq!(places, [1, 3, 4, 6, 8, 9].map(Some), "{found:#?}");
    assert_eq!(found[1].hint.as_deref(), Some("did you mean `listen`?"));
    assert!(
        found[3].message.contains("from 1 to 100000, not `0`"),
        "{found:#?}"
    );
    assert!(found[4].message.contains("write `10.0.0.0/8`"), "{found:#?}");
    assert!(found[5].message.starts_with("this is not TOML: "), "{found:#?}");
}

#[test]
fn opening_the_host_to_others_needs_tokens_and_no_clear_text() {
    let token = "[[tokens]]\nname = 'a'\nsecret = '${env:TOKEN}'\nrole = 'read'\n";
    let open = "[server]\nlisten = '0.0.0.0:8090'\n";
    assert!(mistake(open).contains("no token is configured"));
    assert!(mistake(&format!("{open}{token}")).contains("in clear"));
    assert!(mistake("[server]\nbehind_proxy = true\n").contains("through the proxy"));
    let proxied = format!("{open}behind_proxy = true\n{token}");
    assert_eq!(parse(&proxied).unwrap().tokens.len(), 1);
    assert!(parse("[server]\nlisten = '[::1]:1'\n").is_ok());
}

#[test]
fn tokens_are_kept_as_hashes() {
    let hash = token::hash_in_hex("a-token-that-is-long-enough-0123");
    let text = format!(
        "[[tokens]]\nname = 'a'\nsecret = '${{env:TOKEN}}'\nrole = 'operate'\ninstances = 'gate-*'\n\
         expires = 2027-01-31T00:00:00+01:00\n[[tokens]]\nname = 'b'\nsha256 = '{hash}'\nrole = 'admin'\n"
    );
    let tokens = parse(&text).unwrap().tokens;
    assert_eq!(tokens[0].sha256, tokens[1].sha256);
    assert_eq!(tokens[0].expires, Some("2027-01-30T23:00:00Z".parse().unwrap()));
    assert!(tokens[0].role < tokens[1].role);
    for (wrong, says) in [
        (
            "name = 'a'\nrole = 'read'",
            "exactly one of `secret` and `sha256`",
        ),
        ("name = 'a'\nsecret = '${env:TOKEN}'", "has no `role`"),
        (
            "name = 'a'\nsecret = '${env:TOKEN}'\nrole = 'amin'",
            "did you mean `admin`?",
        ),
        (
            "name = 'a'\nsecret = '${env:SHORT}'\nrole = 'read'",
            "at least 24 letters",
        ),
        (
            "name = 'a'\nsecret = '${env:TOKEN}'\nrole = 'read'\ninstances = 'a b'",
            "cannot match",
        ),
        (
            "name = 'a'\nsecret = '${env:TOKEN}'\nrole = 'read'\nexpires = 2027-01-31",
            "with its zone",
        ),
    ] {
        let told = mistake(&format!("[[tokens]]\n{wrong}\n"));
        assert!(told.contains(says), "{wrong}: {told}");
    }
    let twice = "[[tokens]]\nname = 'a'\nsecret = '${env:TOKEN}'\nrole = 'read'\n".repeat(2);
    assert!(mistake(&twice).contains("two tokens with the name `a`"));
}

#[test]
fn a_secret_is_refused_where_it_is_written_and_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "canary-from-a-file\n").unwrap();
    let sound = format!(
        "[[tokens]]\nname = 'a'\nsecret = '${{env:TOKEN}}'\nrole = 'read'\n\
         [secrets]\none = '${{env:CAMERA}}'\ntwo = '${{file:{}}}'\n",
        file.display()
    );
    let config = parse(&sound).unwrap();
    assert_eq!(config.secrets["one"].expose(), "canary-camera-password");
    assert_eq!(config.secrets["two"].expose(), "canary-from-a-file");
    let hash = token::hash_in_hex("a-token-that-is-long-enough-0123");
    for text in [
        format!("{config:?}"),
        config.to_toml(),
        config.to_json().to_string(),
    ] {
        assert!(!text.contains("canary") && !text.contains(&hash), "{text}");
        assert!(text.contains("***"), "{text}");
    }

    for wrong in [
        "[secrets]\na = 'canary-1'",
        "[secrets]\na = ['canary-1']",
        "[secrets]\na = { b = 'canary-1' }",
        "secrets = 'canary-1'",
        "[secrets]\na = '${env:LINES}'",
        "[secrets]\na = '${env:EMPTY}'",
        "[secrets]\na = '${file:/not/there}'",
        "[secrets]\na = '${file:relative}'",
        "tokens = 'canary-1'",
        "tokens = ['canary-1']",
        "[[tokens]]\nname = 'a'\nrole = 'read'\nsecret = 'canary-1'",
        "[[tokens]]\nname = 'a'\nrole = 'read'\nsha256 = 'canary-1'",
        "[[tokens]]\nname = 'a'\nrole = 'read'\nsecret = '${env:SHORT}'",
        "[secrets]\na = 'canary-1",
        "[secrets]\na = canary-1",
        "[secrets]\na = \"canary-\\1\"",
        "[server]\ntls = { certificate = '/a', key = '-----BEGIN PRIVATE KEY-----canary-1' }",
        "[server.tls]\ncertificate = '/a'\nkey = '''\n-----BEGIN PRIVATE KEY-----\ncanary-1\n'''",
    ] {
        let told = format!("{:?}", parse(wrong).unwrap_err());
        assert!(!told.contains("canary"), "{wrong}\n{told}");
    }
    assert!(mistake("[secrets]\na = 'canary-1'").contains("${env:NAME}"));
}

#[test]
fn values_are_bounded_and_say_what_is_expected() {
    for (wrong, says) in [
        ("[server]\nlisten = 'localhost'", "an address and a port"),
        (
            "[server]\nallowed_hosts = ['https://a.example/']",
            "without scheme and port",
        ),
        ("[server]\nallowed_origins = ['*']", "write each origin whole"),
        (
            "[server]\nallowed_origins = ['https://*.example']",
            "write each origin whole",
        ),
        (
            "[server]\nallowed_origins = ['https://Desk.example:443/']",
            "`https://desk.example`",
        ),
        (
            "[server]\nallowed_origins = ['https://me:secret@desk.example']",
            "`https://desk.example`",
        ),
        ("[server]\nallowed_origins = ['desk.example']", "scheme and host"),
        ("[server]\nallowed_origins = ['null']", "scheme and host"),
        ("[server]\nallowed_origins = ['file:///x']", "scheme and host"),
        ("[server]\nallowed_origins = 'https://desk.example'", "a list"),
        ("[server]\ntls = { certificate = '/a' }", "has no `key`"),
        ("[paths]\nwrite_roots = ['clips']", "an absolute path"),
        ("[paths]\nwrite_roots = ['/']", "would allow everything"),
        ("[paths]\nload_roots = ['/a/../b']", "without `..`"),
        ("[paths.map]\n'var/media' = '/srv'", "must be an absolute path"),
        ("[policy]\nmax_component_memory_mib = 5000", "from 1 to 4096"),
        (
            "[policy]\nmax_component_timeout = 'PT2M'",
            "to `PT60S`, not `PT2M`",
        ),
        ("[policy.schemes.gopher]\ndeny = []", "expected `rtsp`, `rtsps`"),
        ("[log]\nlevel = 'loud=very=much'", "is not a filter"),
        ("[log]\nformat = 'xml'", "must be `text` or `json`, not `xml`"),
        ("[limits]\ndrain_timeout = '60s'", "such as `PT30S`"),
        ("keep_free = '5'", "neither a share"),
        ("keep_free = '100%'", "neither a share"),
        ("keep_free = []", "neither"),
        ("[retention]\n'*' = '30d'", "a table"),
        ("[retention]\n'*' = {}", "neither `keep` nor `max_size`"),
        ("[retention]\n'*' = { keep = '30' }", "such as `30d`"),
        ("[retention]\n'*' = { keep = '1mo' }", "such as `30d`"),
        ("[retention]\n'*' = { keep = '30m' }", "such as `30d`"),
        ("[retention]\n'*' = { max_size = '200' }", "such as `200GiB`"),
        (
            "[retention]\n'a/b*' = { keep = '1d' }",
            "cannot begin the name of an asset",
        ),
        (
            "[retention]\n'a.b' = { keep = '1d' }",
            "cannot be the name of an asset",
        ),
        ("[events]\nkeep_days = 0", "from 1 to 3650"),
        ("[events]\nkeep_mib = 1.5", "a whole number"),
        ("[events]\nfile = ''", "a text of 1 to"),
        ("colour = 'red'", "the configuration has no setting `colour`"),
    ] {
        let told = mistake(wrong);
        assert!(told.contains(says), "{wrong}: {told}");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    let text = "\
keep_free = '500MiB'
[retention]
'*' = { keep = '4w' }
'gate-*' = { keep = '72h', max_size = '200GiB' }
[policy.schemes.rtsp]
allow = ['192.168.0.0/16']
[paths.map]
'/var/media' = '/srv/clips'
[events.outputs]
out = '/var/log/out.jsonl'
";
    let config = parse(text).unwrap();
    let again = parse(&config.to_toml()).unwrap();
    assert_eq!(again, config);
    assert_eq!(config.keep_free.of(100 << 30), 500 << 20);
    let (_, limits) = config.retention.of("gate-1").unwrap();
    assert_eq!(limits.keep.unwrap().as_secs(), 72 * 3600);
    assert_eq!(limits.max_bytes, Some(200 << 30));
    assert_eq!(
        HostConfig::default().keep_free.of(100 << 30),
        (100 << 30) / 100 * 5
    );
    assert_eq!(HostConfig::default().keep_free.of(1 << 40), 10 << 30);
}

#[test]
fn pages_of_other_sites_need_tokens_on_loopback_too() {
    let origins = "[server]\nallowed_origins = ['https://desk.example', 'http://10.0.0.7:3000']\n";
    let told = mistake(origins);
    assert!(
        told.contains("`allowed_origins`") && told.contains("`[[tokens]]`"),
        "{told}"
    );
    let hash = "0".repeat(64);
    let token = format!("[[tokens]]\nname = 'desk'\nrole = 'read'\nsha256 = '{hash}'\n");
    let config = parse(&format!("{origins}{token}")).unwrap();
    assert_eq!(
        config.server.allowed_origins,
        ["https://desk.example", "http://10.0.0.7:3000"]
    );
    assert!(config.server.needs_tokens());
    assert!(!HostConfig::default().server.needs_tokens());
    let many: Vec<String> = (0..33)
        .map(|number| format!("'https://s{number}.example'"))
        .collect();
    let told = mistake(&format!(
        "[server]\nallowed_origins = [{}]\n{token}",
        many.join(", ")
    ));
    assert!(told.contains("more than 32"), "{told}");
}

#[test]
fn a_folder_that_is_not_there_is_a_warning() {
    let text = "[paths]\nwrite_roots = ['/not/there']\n";
    let (_, warnings) = HostConfig::parse(text, &|_| None).unwrap();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].line, Some(2));
}

#[test]
fn stores_are_described_whole_and_their_secrets_stay_secret() {
    let config = parse(
        "[stores.cloud]\nkind = 'azure-blob'\ncontainer_url = 'https://cams.blob.core.windows.net/recordings'\n\
         sas = '${env:CAMERA}'\n[stores.disk]\nkind = 'directory'\npath = '/tmp'\n[recording]\nstore = 'cloud'\n",
    )
    .unwrap();
    assert_eq!(config.recording.store, "cloud");
    assert_eq!(config.stores.len(), 2);
    let shown = format!("{config:?} {}", config.to_toml());
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("sas = \"***\""), "{shown}");
}

#[test]
fn mistakes_in_stores_say_what_to_do_and_repeat_no_secret() {
    let azure = |rest: &str| {
        let start = "[stores.cloud]\nkind = 'azure-blob'\n";
        mistake(&format!("{start}{rest}"))
    };
    let container = "container_url = 'https://cams.blob.core.windows.net/recordings'\n";
    let cases = [
        (
            azure(container),
            "exactly one of `account_key`, `sas` and `identity`",
        ),
        (
            azure(
                "container_url = 'https://c.blob.core.windows.net/r?sv=1&sig=canary'\nidentity = 'managed'\n",
            ),
            "a signature goes into `sas`",
        ),
        (
            azure(&format!("{container}account_key = 'canary'\n")),
            "must not hold the secret itself",
        ),
        (
            azure(&format!("{container}account_key = '${{env:CAMERA}}'\n")),
            "is no base64",
        ),
        (
            azure(&format!("{container}identity = 'manged'\n")),
            "did you mean `managed`?",
        ),
        (
            azure(&format!(
                "{container}identity = 'managed'\nca_file = '/nowhere.pem'\n"
            )),
            "`/nowhere.pem`",
        ),
        (
            mistake("[stores.local]\nkind = 'directory'\npath = '/tmp'\n"),
            "give this store another name",
        ),
        (
            mistake("[stores.Cloud]\nkind = 'directory'\npath = '/tmp'\n"),
            "small letters",
        ),
        (
            mistake("[recording]\nstore = 'clod'\n[stores.cloud]\nkind = 'directory'\npath = '/tmp'\n"),
            "write `local` or one of `[stores]`: cloud",
        ),
    ];
    for (told, expected) in cases {
        assert!(told.contains(expected), "{expected}\n{told}");
        assert!(!told.contains("canary"), "{told}");
    }
}

#[test]
fn models_have_names_and_a_library_may_be_meant() {
    use crate::inference::onnxruntime::Asked;

    let config =
        parse("[models]\nonnxruntime = 'off'\n[models.files]\ntrucks = '/srv/trucks.onnx'\n").unwrap();
    assert_eq!(config.models.onnxruntime, Asked::Off);
    assert_eq!(
        config.models.files["trucks"],
        std::path::Path::new("/srv/trucks.onnx")
    );
    let config = parse("[models]\nonnxruntime = '/opt/onnxruntime/lib'\n").unwrap();
    assert_eq!(
        config.models.onnxruntime,
        Asked::At("/opt/onnxruntime/lib".into())
    );
    for (text, part) in [
        ("[models]\nonnxruntime = 'lib/x.so'\n", "an absolute path"),
        ("[models.files]\nobjects = 'a.onnx'\n", "an absolute path"),
        ("[models]\nfile = 'a'\n", "has no setting `file`"),
    ] {
        let told = mistake(text);
        assert!(told.contains(part), "{told}");
    }
}
