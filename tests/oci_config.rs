//! config.json of an OCI bundle, from outside: what a command sees of what is written there, and what is refused.

#![cfg(feature = "oci")]

mod common;

use common::tree::Tree;
use common::*;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::Path;

struct Bundle {
    tree: Tree,
    case: Case,
}

fn each(test: impl Fn(&Bundle)) {
    for case in cases() {
        let Some(tree) = Tree::new(case) else {
            continue;
        };
        std::fs::create_dir(tree.beside("store")).unwrap();
        tree.give(Path::new(&tree.beside("")));
        test(&Bundle { tree, case });
    }
}

impl Bundle {
    /// A container whose command is a shell's script.
    fn config(&self, script: &str) -> Value {
        let kinds = ["pid", "ipc", "uts", "mount"];
        let mut namespaces: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind})).collect();
        let mut linux = json!({});
        if self.case.caller == Caller::Ordinary {
            namespaces.push(json!({"type": "user"}));
            let (user, group) = (nix::unistd::Uid::effective(), nix::unistd::Gid::effective());
            let (user, group) = match user.is_root() {
                true => (ORDINARY, ORDINARY_GROUP),
                false => (user.as_raw(), group.as_raw()),
            };
            linux["uidMappings"] = json!([{"containerID": 0, "hostID": user, "size": 1}]);
            linux["gidMappings"] = json!([{"containerID": 0, "hostID": group, "size": 1}]);
        }
        linux["namespaces"] = json!(namespaces);
        json!({
            "ociVersion": "1.2.0",
            "root": {"path": "root"},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            ],
            "process": {
                "user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"],
                "args": ["sh", "-c", script], "noNewPrivileges": true,
            },
            "linux": linux,
        })
    }

    fn run_text(&self, text: &[u8]) -> Outcome {
        std::fs::write(self.tree.beside("config.json"), text).unwrap();
        let bundle = self.tree.beside("");
        self.oci(&["run", "--bundle", &bundle, &self.id()])
    }

    /// Its cgroups are named by it, and other tests have theirs.
    fn id(&self) -> String {
        let scratch = self.tree.beside("");
        let name = Path::new(&scratch).file_name().unwrap().to_str().unwrap();
        format!("config-{}-{name}", self.case.launch)
    }

    fn run(&self, config: &Value) -> Outcome {
        self.run_text(config.to_string().as_bytes())
    }

    fn oci(&self, words: &[&str]) -> Outcome {
        let store = self.tree.beside("store");
        let mut line: Vec<OsString> = vec![mydocker().into(), "oci".into()];
        line.extend(["--root", &store, "--launch", self.case.launch].map(OsString::from));
        line.extend(words.iter().map(OsString::from));
        finish(self.case.prepared(&line))
    }

    #[track_caller]
    fn refuses(&self, text: &[u8], message: &str) {
        let outcome = self.run_text(text);
        let said = outcome.stderr.trim_end();
        assert_eq!(outcome.code(), Some(1), "{}: {said}", self.case);
        assert!(said.ends_with(message), "{}: {said}", self.case);
        assert!(!said.contains('\n'), "{}: {said}", self.case);
        assert_eq!(self.oci(&["list", "-q"]).stdout, "", "{}", self.case);
    }
}

#[test]
fn a_command_sees_what_is_written() {
    each(|bundle| {
        let mut config = bundle.config(
            "pwd; umask; ulimit -n; echo $A-$B; read name </proc/sys/kernel/hostname; echo $name; \
             read score </proc/self/oom_score_adj; echo $score; (: >/file) || echo read-only; \
             while read name value; do case $name in NoNewPrivs:|CapBnd:|CapPrm:) echo $name $value;; esac; \
             done </proc/self/status; exit 7",
        );
        config["hostname"] = json!("a-name");
        config["root"]["readonly"] = json!(true);
        config["future"] = json!({"of": [1.5, null, {"a": 1e300}]});
        let process = &mut config["process"];
        process["cwd"] = json!("/bin");
        process["user"]["umask"] = json!(0o77);
        process["env"] = json!(["PATH=/bin", "A=first", "B=\u{e9}\n", "A=last"]);
        process["rlimits"] = json!([{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 78}]);
        process["oomScoreAdj"] = json!(500);
        process["capabilities"] =
            json!({"bounding": ["CAP_KILL", "CAP_OF_THE_FUTURE"], "permitted": ["CAP_KILL"]});
        let outcome = bundle.run(&config);
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        let expected = [
            "/bin",
            "0077",
            "77",
            "last-\u{e9}",
            "a-name",
            "500",
            "read-only",
            "CapPrm: 0000000000000020",
            "CapBnd: 0000000000000020",
            "NoNewPrivs: 1",
        ];
        assert_eq!(lines, expected, "{}: {}", bundle.case, outcome.stderr);
        assert_eq!(outcome.code(), Some(7), "{}", bundle.case);
    });
}

#[test]
fn a_filter_does_what_is_written() {
    each(|bundle| {
        let script = "kill -0 $$; echo $?; kill -CONT $$; echo $?; kill -URG $$; echo $?";
        let filter = |action: &str, arguments: Value| {
            let mut config = bundle.config(script);
            config["linux"]["seccomp"] = json!({
                "defaultAction": "SCMP_ACT_ALLOW",
                "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64"],
                "syscalls": [{"names": ["kill", "call_of_the_future"], "action": action, "args": arguments}],
            });
            config
        };
        // Two conditions on one argument: either will do.
        let either = json!([
            {"index": 1, "value": libc_cont(), "op": "SCMP_CMP_EQ"},
            {"index": 1, "value": 0, "op": "SCMP_CMP_EQ"},
        ]);
        let outcome = bundle.run(&filter("SCMP_ACT_ERRNO", either));
        assert_eq!(
            outcome.stdout, "1\n1\n0\n",
            "{}: {}",
            bundle.case, outcome.stderr
        );
        let refused = "Operation not permitted";
        assert!(outcome.stderr.contains(refused), "{}", outcome.stderr);
        let outcome = bundle.run(&filter("SCMP_ACT_KILL_PROCESS", json!([])));
        assert_eq!(outcome.code(), Some(128 + 31), "{}", bundle.case);
        assert_eq!(outcome.stdout, "", "{}", bundle.case);
    });
}

fn libc_cont() -> i32 {
    nix::sys::signal::Signal::SIGCONT as i32
}

#[test]
fn a_listener_is_handed_over() {
    each(|bundle| {
        let path = bundle.tree.beside("listener");
        let mut config = bundle.config("kill -0 $$; echo $?");
        config["annotations"] = json!({"a": "b"});
        config["linux"]["seccomp"] = json!({
            "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "said",
            "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_NOTIFY"}],
        });
        let text = config.to_string();
        // No one is there.
        bundle.refuses(text.as_bytes(), "no such file or directory (ENOENT)");
        let listener = UnixListener::bind(&path).unwrap();
        bundle.tree.give(Path::new(&path));
        let agent = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // The listener itself is thrown away: then no one decides, and the calls do not exist.
            let mut told = String::new();
            stream.read_to_string(&mut told).unwrap();
            told
        });
        let outcome = bundle.run_text(text.as_bytes());
        assert_eq!(outcome.stdout, "1\n", "{}: {}", bundle.case, outcome.stderr);
        let missing = "Function not implemented";
        assert!(outcome.stderr.contains(missing), "{}", outcome.stderr);
        let told: Value = serde_json::from_str(&agent.join().unwrap()).unwrap();
        assert_eq!(told["fds"], json!(["seccompFd"]));
        assert_eq!(told["metadata"], "said");
        assert_eq!(told["pid"], told["state"]["pid"]);
        assert_eq!(told["state"]["status"], "creating");
        assert_eq!(told["state"]["annotations"], json!({"a": "b"}));
    });
}

#[test]
fn hostile_texts_are_refused_with_their_place() {
    each(|bundle| {
        let good = bundle.config("echo never").to_string();
        let inner = &good[1..];
        let deep = |open: &str| format!("{{\"x\":{}", open.repeat(10_000));
        for (text, message) in [
            (deep("["), "it is nested too deeply"),
            (deep("{\"x\":"), "it is nested too deeply"),
            (
                format!("{{\"ociVersion\":\"1.0.0\",\n{inner}"),
                "line 2: ociVersion: it is there twice",
            ),
            (
                format!("{{\"x\":\"\\ud800\",{inner}"),
                "line 1: x: a bad \\u",
            ),
            (
                format!("{{\"x\":\"\\u0000\",{inner}"),
                "line 1: x: a bad \\u",
            ),
            (format!("{good}{good}"), "line 1: '{' after the end"),
            (
                good.replace("1.2.0", "2.0.0"),
                "config.json: ociVersion: 2.0.0: mydocker knows the versions 1.x",
            ),
            (
                good.replace("\"uid\":0", "\"uid\":4294967296"),
                "config.json: process.user.uid: 4294967296: it is to be from 0 to 4294967294",
            ),
            (
                good.replace("\"uid\":0", "\"uid\":1e3"),
                "config.json: process.user.uid: 1e3: it is to be a whole number",
            ),
            (
                good.replace(
                    "\"linux\":{",
                    "\"linux\":{\"resources\":{\"memory\":{\"limit\":\"1\"}},",
                ),
                "config.json: linux.resources.memory.limit: it is to be a whole number",
            ),
            (
                good.replace("\"linux\":{", "\"linux\":{\"intelRdt\":{\"closID\":\"a\"},"),
                "config.json: linux.intelRdt: mydocker does not have it",
            ),
            (
                good.replace(
                    "\"linux\":{",
                    "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_NOTIFY\"},",
                ),
                "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY: it cannot be the default action",
            ),
        ] {
            bundle.refuses(text.as_bytes(), message);
        }
        let place = good.find("never").unwrap();
        let mut bytes = good.clone().into_bytes();
        bytes[place] = 0xff;
        bundle.refuses(&bytes, "config.json: line 1: it is not UTF-8");
        let large = format!("{good}{}", " ".repeat(11 << 20));
        bundle.refuses(large.as_bytes(), "it is larger than 10485760 bytes");
        // None of that is in the way of what is right.
        let outcome = bundle.run_text(good.as_bytes());
        assert_eq!(outcome.stdout, "never\n", "{}", outcome.stderr);
    });
}

/// `cargo test --release --test oci_config -- --ignored --nocapture`
#[test]
#[ignore = "it measures, and only a release build is worth it"]
fn how_long_podmans_config_takes_to_parse() {
    const MARK: std::time::Duration = std::time::Duration::from_micros(150);
    let names: Vec<String> = (0..420).map(|number| format!("sys_call{number}")).collect();
    let variables: Vec<String> = (0..40)
        .map(|number| format!("VARIABLE_{number}=/usr/local/bin"))
        .collect();
    let mounts: Vec<Value> = (0..20)
        .map(|number| {
            json!({"destination": format!("/a/{number}"), "type": "bind", "source": format!("/var/lib/b/{number}"),
                "options": ["rprivate", "nosuid", "nodev", "rbind"]})
        })
        .collect();
    let masked: Vec<String> = (0..20).map(|number| format!("/proc/a{number}")).collect();
    let config = json!({
        "ociVersion": "1.0.2", "root": {"path": "/a"}, "mounts": mounts,
        "process": {"cwd": "/", "args": ["sh"], "env": variables},
        "linux": {"maskedPaths": masked, "seccomp": {"defaultAction": "SCMP_ACT_ERRNO",
            "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}]}},
    });
    let text = config.to_string();
    assert!(text.len() > 12_000, "{}", text.len());
    let mut times: Vec<_> = (0..1_000)
        .map(|_| {
            let start = std::time::Instant::now();
            mydocker::oci::config::read(text.as_bytes()).expect("a configuration");
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let median = times[times.len() / 2];
    println!("{} bytes: {median:?} of {MARK:?}", text.len());
    assert!(median < MARK, "{median:?}");
}
