//! Rules for devices as a BPF program, which cgroup v2 asks (BPF_PROG_TYPE_CGROUP_DEVICE).
//!
//! The kernel gives it three words: what is to be done (above 16 bits of the kind of device), the major and the minor number.
//! For each exception there is a comparison of each of these that is not any; who has passed them all gets the exception's
//! answer, and the others go on with the next.

use super::rules::{Access, Devices, Rules};
use crate::sys::bpf::Instruction;

// The kernel's codes: a class, an operation, and where the second operand is.
const LOAD_WORD: u8 = 0x61;
const MOVE: u8 = 0xbc;
const MOVE_NUMBER: u8 = 0xb4;
const AND_NUMBER: u8 = 0x54;
const SHIFT_RIGHT: u8 = 0x74;
const JUMP_UNLESS: u8 = 0x5d;
const JUMP_UNLESS_NUMBER: u8 = 0x55;
const JUMP_IF_NUMBER: u8 = 0x15;
const EXIT: u8 = 0x95;

// Registers.
const ANSWER: u8 = 0;
/// What the program is called with, and later whatever.
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

// The kernel's numbers, BPF_DEVCG_*.
const BLOCK: u32 = 1;
const CHARACTER: u32 = 2;
const MAKE: u32 = 1;
const READ: u32 = 2;
const WRITE: u32 = 4;

fn instruction(code: u8, to: u8, from: u8, offset: i16, number: u32) -> Instruction {
    let [low, high] = offset.to_ne_bytes();
    let [a, b, c, d] = number.to_ne_bytes();
    // Two registers in a byte; on the processors that are little-endian, which ours are, the target's has the lower half.
    [code, from << 4 | to, low, high, a, b, c, d]
}

/// The end, with the answer.
fn answer(allow: bool) -> [Instruction; 2] {
    [
        instruction(MOVE_NUMBER, ANSWER, 0, 0, allow.into()),
        instruction(EXIT, 0, 0, 0, 0),
    ]
}

pub fn program(rules: &Rules) -> Vec<Instruction> {
    let mut program = vec![
        instruction(LOAD_WORD, KIND, CONTEXT, 0, 0),
        instruction(MOVE, ACCESS, KIND, 0, 0),
        instruction(AND_NUMBER, KIND, 0, 0, 0xffff),
        instruction(SHIFT_RIGHT, ACCESS, 0, 0, 16),
        instruction(LOAD_WORD, MAJOR, CONTEXT, 4, 0),
        instruction(LOAD_WORD, MINOR, CONTEXT, 8, 0),
    ];
    for (devices, access) in &rules.exceptions {
        program.extend(exception(*devices, *access, rules.allows));
    }
    program.extend(answer(rules.allows));
    program
}

/// An exception to what is allowed is met by each thing that is to be done, to what is forbidden only by all of them.
fn exception(devices: Devices, access: Access, allows: bool) -> Vec<Instruction> {
    let kind = if devices.is_character {
        CHARACTER
    } else {
        BLOCK
    };
    let of = |has: bool, number| if has { number } else { 0 };
    let mask = of(access.read, READ) | of(access.write, WRITE) | of(access.make, MAKE);
    // What is compared, and with how many instructions to pass over if it is not so; these are known in the end.
    let mut tests = vec![instruction(JUMP_UNLESS_NUMBER, KIND, 0, 0, kind)];
    if mask != READ | WRITE | MAKE {
        tests.extend([
            instruction(MOVE, CONTEXT, ACCESS, 0, 0),
            instruction(AND_NUMBER, CONTEXT, 0, 0, mask),
        ]);
        tests.push(match allows {
            false => instruction(JUMP_UNLESS, CONTEXT, ACCESS, 0, 0),
            true => instruction(JUMP_IF_NUMBER, CONTEXT, 0, 0, 0),
        });
    }
    for (register, number) in [(MAJOR, devices.major), (MINOR, devices.minor)] {
        tests.extend(number.map(|number| instruction(JUMP_UNLESS_NUMBER, register, 0, 0, number)));
    }
    tests.extend(answer(!allows));
    let end = tests.len();
    for (at, test) in tests.iter_mut().enumerate() {
        if matches!(test[0], JUMP_UNLESS | JUMP_UNLESS_NUMBER | JUMP_IF_NUMBER) {
            // From the next one on.
            let [low, high] = i16::try_from(end - at - 1).unwrap_or(0).to_ne_bytes();
            (test[2], test[3]) = (low, high);
        }
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::rules;
    use super::*;

    /// What the kernel would have the program answer.
    fn run(program: &[Instruction], context: [u32; 3]) -> u64 {
        let mut registers = [0u64; 6];
        let mut at = 0;
        loop {
            let [code, both, a, b, number @ ..] = program[at];
            let (to, from) = (usize::from(both & 15), usize::from(both >> 4));
            let (offset, number) = (i16::from_ne_bytes([a, b]), u32::from_ne_bytes(number));
            at += 1;
            let jumps = match code {
                LOAD_WORD => {
                    assert_eq!(from, usize::from(CONTEXT));
                    registers[to] = context[usize::try_from(offset).unwrap() / 4].into();
                    false
                }
                MOVE => {
                    registers[to] = registers[from];
                    false
                }
                MOVE_NUMBER => {
                    registers[to] = number.into();
                    false
                }
                AND_NUMBER => {
                    registers[to] &= u64::from(number);
                    false
                }
                SHIFT_RIGHT => {
                    registers[to] >>= number;
                    false
                }
                JUMP_UNLESS => registers[to] != registers[from],
                JUMP_UNLESS_NUMBER => registers[to] != u64::from(number),
                JUMP_IF_NUMBER => registers[to] == u64::from(number),
                EXIT => return registers[usize::from(ANSWER)],
                other => panic!("{other:#x}"),
            };
            if jumps {
                at += usize::try_from(offset).unwrap();
            }
        }
    }

    fn may(program: &[Instruction], kind: u32, access: u32, major: u32, minor: u32) -> bool {
        run(program, [kind | access << 16, major, minor]) == 1
    }

    #[test]
    fn what_is_not_allowed_is_forbidden() {
        let program =
            program(&rules(&["+c 1:3 rwm", "+c 136:* rw", "+b *:* m", "+c 1:5 r"]).unwrap());
        for (kind, access, major, minor, expected) in [
            (CHARACTER, READ | WRITE, 1, 3, true),
            (CHARACTER, READ | WRITE | MAKE, 1, 3, true),
            (BLOCK, READ, 1, 3, false),
            (CHARACTER, READ, 1, 4, false),
            (CHARACTER, READ, 2, 3, false),
            (CHARACTER, READ | WRITE, 136, 77, true),
            (CHARACTER, MAKE, 136, 77, false),
            (BLOCK, MAKE, 8, 0, true),
            (BLOCK, MAKE | READ, 8, 0, false),
            (CHARACTER, READ, 1, 5, true),
            (CHARACTER, READ | WRITE, 1, 5, false),
        ] {
            assert_eq!(
                may(&program, kind, access, major, minor),
                expected,
                "{kind} {access} {major}:{minor}"
            );
        }
    }

    #[test]
    fn what_is_not_forbidden_is_allowed() {
        let program = program(&rules(&["+", "-c 1:11 rwm", "-b 8:* w"]).unwrap());
        for (kind, access, major, minor, expected) in [
            (CHARACTER, READ, 1, 11, false),
            (CHARACTER, READ | WRITE | MAKE, 1, 11, false),
            (CHARACTER, READ, 1, 12, true),
            (BLOCK, READ, 8, 1, true),
            (BLOCK, WRITE, 8, 1, false),
            // A part of what is to be done is forbidden.
            (BLOCK, READ | WRITE, 8, 1, false),
            (BLOCK, WRITE, 9, 1, true),
        ] {
            assert_eq!(
                may(&program, kind, access, major, minor),
                expected,
                "{kind} {access} {major}:{minor}"
            );
        }
    }

    #[test]
    fn the_kernel_takes_it() {
        use crate::sys::{Errno, bpf};
        let most = rules(&["+c 1:3 rwm", "+c 136:* rw", "+b *:* m"]).unwrap();
        for rules in [Rules::default(), most, rules(&["+", "-c 1:11 r"]).unwrap()] {
            match bpf::load_device_program(&program(&rules)) {
                Ok(_) => {}
                Err(Errno::EPERM | Errno::ENOSYS) => {
                    eprintln!("skipped: no programs may be loaded here")
                }
                Err(errno) => panic!("{errno:?}"),
            }
        }
    }
}
