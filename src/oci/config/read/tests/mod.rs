//! From text to types.

mod hostile;
mod linux;
mod process;
mod resources;

use super::super::*;
use super::*;

const SMALL: &str = r#"{"ociVersion":"1.2.0","root":{"path":"rootfs"}}"#;

/// A config with `more` members besides those that each has to have.
fn with(more: &str) -> Result<Config, String> {
    let text = format!(r#"{{"ociVersion":"1.2.0","root":{{"path":"rootfs"}},{more}}}"#);
    read(text.as_bytes()).map_err(|error| error.to_string())
}

fn with_process(more: &str) -> Result<Process, String> {
    let text = format!(r#"{{"args":["sh"],"cwd":"/",{more}}}"#);
    read_process(text.as_bytes()).map_err(|error| error.to_string())
}

fn with_linux(more: &str) -> Result<Linux, String> {
    with(&format!(r#""linux":{{{more}}}"#)).map(|config| config.linux)
}

fn strings_of(strings: &[&str]) -> Vec<CString> {
    let strings = strings.iter().copied();
    strings.map(|one| CString::new(one).unwrap()).collect()
}

#[test]
fn the_least_there_can_be() {
    let config = read(SMALL.as_bytes()).unwrap();
    assert_eq!(config.oci_version, "1.2.0");
    assert_eq!(config.root.path.as_c_str(), c"rootfs");
    assert!(config.process.is_none() && config.linux.seccomp.is_none());
    for missing in [
        (r#"{"root":{"path":"a"}}"#, "ociVersion: it is missing"),
        (r#"{"ociVersion":"1.0.0"}"#, "root: it is missing"),
        (
            r#"{"ociVersion":"1.0.0","root":null}"#,
            "root: it is missing",
        ),
        (
            r#"{"ociVersion":"1.0.0","root":{}}"#,
            "root.path: it is missing",
        ),
        ("", "line 1: it ends where a value should be"),
        ("null", "it is to be an object"),
    ] {
        let error = read(missing.0.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, format!("config.json: {}", missing.1));
    }
}

#[test]
fn versions() {
    let version = |version: &str| {
        let text = format!(r#"{{"ociVersion":"{version}","root":{{"path":"a"}}}}"#);
        read(text.as_bytes()).map_err(|error| error.to_string())
    };
    for good in [
        "1.0.0",
        "1.0.2-dev",
        "1.2.1",
        "1.3.0-rc.1+x-y",
        "1.999.0+dev",
    ] {
        assert_eq!(version(good).unwrap().oci_version, good);
    }
    for other in ["0.5.0", "2.0.0", "10.0.0"] {
        let error = version(other).unwrap_err();
        let known = "mydocker knows the versions 1.x";
        assert_eq!(error, format!("config.json: ociVersion: {other}: {known}"));
    }
    for none in [
        "1", "1.0", "1.0.0.0", "1.0.x", "1.0.0-", "v1.0.0", "1.0.0-ä", "01.0.0", "1..0", "1.0.0 ",
    ] {
        let error = version(none).unwrap_err();
        assert_eq!(
            error,
            format!("config.json: ociVersion: {none}: no version")
        );
    }
}

#[test]
fn mounts_hooks_and_names() {
    let config = with(
        r#""hostname":"h","domainname":"","annotations":{"a.b":"","c":"d"},
        "mounts":[{"destination":"proc","type":"proc","source":"","options":["ro","x"]},
            {"destination":"/a","source":"b","uidMappings":[{"containerID":0,"hostID":1,"size":2}],
             "gidMappings":[{"containerID":3,"hostID":4,"size":5}]}],
        "hooks":{"prestart":[{"path":"/a"}],"poststop":[{"path":"/b","args":["x","y"],"env":["E=1"],"timeout":3}],
            "createRuntime":[],"createContainer":null,"startContainer":[{"path":"/c"}],"poststart":[{"path":"/d"}]},
        "windows":{"a":[1.5,{"b":null}]}"#,
    );
    let config = config.unwrap();
    assert_eq!(config.hostname.as_deref(), Some(&b"h"[..]));
    assert_eq!(config.domain_name, None);
    let annotations = [("a.b", ""), ("c", "d")];
    let annotations = annotations.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(config.annotations, annotations);
    let proc = Mount {
        destination: c"/proc".into(),
        kind: Some(c"proc".into()),
        options: strings_of(&["ro", "x"]),
        ..Mount::default()
    };
    assert_eq!(config.mounts[0], proc);
    assert_eq!(config.mounts[1].source, Some(c"b".into()));
    let mapping = |container, host, count| IdMapping {
        container,
        host,
        count,
    };
    assert_eq!(config.mounts[1].user_mappings, [mapping(0, 1, 2)]);
    assert_eq!(config.mounts[1].group_mappings, [mapping(3, 4, 5)]);
    let hook = |path: &str| Hook {
        path: CString::new(path).unwrap(),
        arguments: strings_of(&[path]),
        environment: Vec::new(),
        timeout: None,
    };
    assert_eq!(config.hooks.prestart, [hook("/a")]);
    assert_eq!(config.hooks.start_container, [hook("/c")]);
    assert_eq!(config.hooks.poststart, [hook("/d")]);
    let last = Hook {
        arguments: strings_of(&["x", "y"]),
        environment: strings_of(&["E=1"]),
        timeout: Some(3),
        ..hook("/b")
    };
    assert_eq!(config.hooks.poststop, [last]);
    for (more, message) in [
        (r#""mounts":[{}]"#, "mounts[0].destination: it is missing"),
        (
            r#""mounts":[{"destination":""}]"#,
            "mounts[0].destination: it is empty",
        ),
        (
            r#""mounts":[{"destination":"/","uidMappings":[{"size":0}]}]"#,
            "mounts[0].uidMappings[0].size: 0: it is to be from 1 to 4294967295",
        ),
        (
            r#""hooks":{"prestart":[{"path":"a"}]}"#,
            "hooks.prestart[0].path: a: it is to be an absolute path",
        ),
        (
            r#""hooks":{"prestart":[{"path":"/a","timeout":0}]}"#,
            "hooks.prestart[0].timeout: 0: it is to be from 1 to 4294967295",
        ),
        (
            r#""annotations":{"a":1}"#,
            "annotations.a: it is to be a string",
        ),
        (r#""annotations":{"":""}"#, "annotations: a name is empty"),
    ] {
        let error = with(more).unwrap_err();
        assert_eq!(error, format!("config.json: {message}"));
    }
}
