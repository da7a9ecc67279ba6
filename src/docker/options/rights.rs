//! What the command may do.

use super::{Needs, Reading, Row, Section, words};

pub const OPTIONS: &[Row] = &[
    Row {
        long: "cap-add",
        short: None,
        section: Section::Rights,
        needs: Needs::Nothing,
        reading: Reading::Many(words("NAME", &["ALL"]), |line| {
            &mut line.run.added_capabilities
        }),
        brief: "one more capability, or ALL",
        help: "Capabilities that are not among docker's 14: names with or without `CAP_`, several by commas, or `ALL`.",
        default: "docker's 14",
    },
    Row {
        long: "cap-drop",
        short: None,
        section: Section::Rights,
        needs: Needs::Nothing,
        reading: Reading::Many(words("NAME", &["ALL"]), |line| {
            &mut line.run.dropped_capabilities
        }),
        brief: "one capability less, or ALL",
        help: "Capabilities to be without, or `ALL`.",
        default: "",
    },
    Row {
        long: "security-opt",
        short: None,
        section: Section::Rights,
        needs: Needs::Nothing,
        reading: Reading::Many(
            words(
                "NAME=VALUE",
                &[
                    "no-new-privileges=false",
                    "proc-opts=hidepid=2",
                    "seccomp=unconfined",
                    "systempaths=unconfined",
                ],
            ),
            |line| &mut line.run.security_options,
        ),
        brief: "unlock one protection, or another filter",
        help: "`no-new-privileges=false` lets set-user-ID programs and file capabilities have their effect. \
               `seccomp=unconfined` filters no system calls, `seccomp=FILE` as a profile in docker's JSON format says. \
               `systempaths=unconfined` hides nothing of `/proc` and `/sys`, `proc-opts=hidepid=2` mounts `/proc` with \
               these options (both with `--rootfs`).",
        default: "all locked, and the filter allows what docker's does",
    },
    Row {
        long: "no-new-keyring",
        short: None,
        section: Section::Rights,
        needs: Needs::Nothing,
        reading: Reading::Switch(|line| &mut line.run.no_new_keyring),
        brief: "keep your session keyring",
        help: "Keep your session keyring.",
        default: "one of its own",
    },
    Row {
        long: "userns",
        short: None,
        section: Section::Rights,
        needs: Needs::Nothing,
        reading: Reading::One(words("auto|host|UID:COUNT", &["auto", "host"]), |line| {
            &mut line.run.user_namespace
        }),
        brief: "ids of its own: root inside is not root outside",
        help: "A user namespace with many ids, so that root inside is not root outside.",
        default: "of root `host`, of an ordinary user one id",
    },
    Row {
        long: "privileged",
        short: None,
        section: Section::Rights,
        needs: Needs::Nothing,
        reading: Reading::Switch(|line| &mut line.run.privileged),
        brief: "nothing of the host is kept from it",
        help: "All of these protections off: every capability that you have, no filter, nothing hidden, and with \
               `--rootfs` the host's devices.",
        default: "",
    },
];
