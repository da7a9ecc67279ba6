//! The options that switch every protection off.

/// Everything off. (What else `--privileged` does concerns a root of the container's own.)
pub const OFF: [&str; 2] = ["--privileged", "--no-new-keyring"];

/// Everything off in a root of its own, but for the capabilities: with all of them mydocker runs from a sealed copy of
/// itself, which is no part of what they cost; and `--privileged` does more than to switch off.
pub const OFF_WITH_A_ROOT: [&str; 7] = [
    "--security-opt",
    "no-new-privileges=false",
    "--security-opt",
    "seccomp=unconfined",
    "--security-opt",
    "systempaths=unconfined",
    "--no-new-keyring",
];
