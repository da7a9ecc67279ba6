//! mydocker's default filter of system calls, for the others: as the kernel's instructions for the equal floor, as
//! an OCI profile for the runtimes that take one.

use mydocker::seccomp::{Host, default_filter};
use mydocker::spec::security::DEFAULT_CAPABILITIES;
use mydocker::sys::seccomp::Instruction;
use serde_json::{Value, json};
use std::borrow::Cow;
use syscalls::Sysno;

/// What a filter answers for a call that is allowed (linux/seccomp.h).
const ALLOW: u32 = 0x7fff_0000;

/// Calls whose arguments the filter looks at.
const CHECKED: [Sysno; 3] = [Sysno::clone, Sysno::socket, Sysno::personality];

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

/// The same as `linux.seccomp` of a config.json. (But for ioctl and mknod: what mydocker refuses of them docker allows, and
/// libseccomp's rules for one call are alternatives, which cannot say "neither".)
pub fn profile() -> Value {
    let filter = default();
    let allowed = |call: &Sysno| answer(&filter, *call as u32) == Some(ALLOW);
    let names: Vec<&str> = (0..512)
        .filter_map(Sysno::new)
        .filter(|call| allowed(call) && !CHECKED.contains(call))
        .map(|call| call.name())
        .collect();
    let rule = |call: Sysno, argument: Value| json!({ "names": [call.name()], "action": "SCMP_ACT_ALLOW", "args": [argument] });
    let mut rules = vec![
        json!({ "names": names, "action": "SCMP_ACT_ALLOW" }),
        rule(
            Sysno::clone,
            json!({ "index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": NAMESPACES, "valueTwo": 0 }),
        ),
        rule(
            Sysno::socket,
            json!({ "index": 0, "op": "SCMP_CMP_NE", "value": AF_VSOCK }),
        ),
        json!({ "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38 }),
    ];
    rules.extend(PERSONALITIES.map(|personality| {
        let argument = json!({ "index": 0, "op": "SCMP_CMP_EQ", "value": personality });
        rule(Sysno::personality, argument)
    }));
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": [if cfg!(target_arch = "aarch64") { "SCMP_ARCH_AARCH64" } else { "SCMP_ARCH_X86_64" }],
        "syscalls": rules,
    })
}

/// What the filter returns for a call of this architecture whose arguments are 0, as the kernel runs it. `None` for
/// an instruction that our filter does not have.
fn answer(filter: &[Instruction], number: u32) -> Option<u32> {
    // The number, the architecture, and zeros.
    const ARCHITECTURE: u32 = if cfg!(target_arch = "aarch64") {
        0xc000_00b7
    } else {
        0xc000_003e
    };
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let instruction = filter.get(at)?;
        let value = instruction.value;
        at += 1;
        let holds = match instruction.code {
            0x06 => return Some(value),
            0x20 => {
                accumulator = match value {
                    0 => number,
                    4 => ARCHITECTURE,
                    _ => 0,
                };
                continue;
            }
            0x54 => {
                accumulator &= value;
                continue;
            }
            0x05 => {
                at += value as usize;
                continue;
            }
            0x15 => accumulator == value,
            0x25 => accumulator > value,
            0x35 => accumulator >= value,
            _ => return None,
        };
        at += usize::from(if holds {
            instruction.jump_true
        } else {
            instruction.jump_false
        });
    }
}
