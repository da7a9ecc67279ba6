//! mydocker's default filter of system calls, for the others: as the kernel's instructions for the equal floor, as
//! an OCI profile for the runtimes that take one.

use mydocker::seccomp::{HERE, Host, default_filter, summary};
use mydocker::spec::DEFAULT_CAPABILITIES;
use mydocker::sys::seccomp::Instruction;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Calls whose arguments the profile looks at.
const CHECKED: [&str; 3] = ["clone", "socket", "personality"];

/// The flags of clone that make namespaces.
const NAMESPACES: u32 = 0x7e02_0000;
const AF_VSOCK: u32 = 40;
const PERSONALITIES: [u32; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

fn default() -> Cow<'static, [Instruction]> {
    default_filter(&Host {
        capabilities: DEFAULT_CAPABILITIES,
        // Any that the other runtimes run on.
        kernel: (6, 1),
    })
}

/// The kernel's `struct sock_filter`, one after the other.
pub fn bytes() -> Vec<u8> {
    let filter = default();
    let each = |instruction: &Instruction| {
        let [low, high] = instruction.code.to_ne_bytes();
        let [a, b, c, d] = instruction.value.to_ne_bytes();
        let (jump_true, jump_false) = (instruction.jump_true, instruction.jump_false);
        [low, high, jump_true, jump_false, a, b, c, d]
    };
    filter.iter().flat_map(each).collect()
}

/// mydocker's default filter as `linux.seccomp` of a config.json. (But for ioctl and mknod: what mydocker refuses of them docker allows, and
/// libseccomp's rules for one call are alternatives, which cannot say "neither".)
pub fn profile() -> Value {
    let filter = default();
    // Those of 32-bit programs too, which have some of their own.
    let mut names = Vec::new();
    for architecture in [Some(HERE.native), HERE.compat].into_iter().flatten() {
        let summary = summary(&filter, architecture);
        names.extend([summary.allowed, summary.looked_at].concat());
    }
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !CHECKED.contains(name));
    let rule = |call: &str, argument: Value| json!({ "names": [call], "action": "SCMP_ACT_ALLOW", "args": [argument] });
    let mut rules = vec![
        json!({ "names": names, "action": "SCMP_ACT_ALLOW" }),
        rule(
            "clone",
            json!({ "index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": NAMESPACES, "valueTwo": 0 }),
        ),
        rule(
            "socket",
            json!({ "index": 0, "op": "SCMP_CMP_NE", "value": AF_VSOCK }),
        ),
        json!({ "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38 }),
    ];
    rules.extend(PERSONALITIES.map(|personality| {
        let argument = json!({ "index": 0, "op": "SCMP_CMP_EQ", "value": personality });
        rule("personality", argument)
    }));
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": if cfg!(target_arch = "aarch64") {
            ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
        } else {
            ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
        },
        "syscalls": rules,
    })
}
