//! Programs that attack, and what they take advantage of.

#![allow(dead_code)]

use crate::common::*;
use std::path::Path;
use std::process::Command;

/// Builds the program that attacks. `None`, and said so, without a C compiler.
pub fn attack(scratch: &Scratch) -> Option<String> {
    compiled(
        scratch,
        "attack",
        "-static -nostdlib -O1 -fno-stack-protector -fno-pie -no-pie -Wall -Werror -o",
    )
}

pub fn compiled(scratch: &Scratch, name: &str, flags: &str) -> Option<String> {
    let program = scratch.file(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/common/{name}.c"));
    let mut compiler = Command::new("gcc");
    compiler.args(flags.split(' ')).arg(&program).arg(source);
    match compiler.status() {
        Ok(status) => assert!(status.success(), "{compiler:?}"),
        Err(_) => {
            skip("there is no gcc");
            return None;
        }
    }
    Some(program)
}

/// The loader that a program names (PT_INTERP), which is absolute; none in a static one.
pub fn loader(program: &Path) -> Option<String> {
    let bytes = std::fs::read(program).unwrap();
    let start = bytes
        .windows(4)
        .position(|window| window == b"/lib" || window == b"/lib6")?;
    let name: Vec<u8> = bytes[start..]
        .iter()
        .copied()
        .take_while(|byte| *byte != 0)
        .collect();
    let name = String::from_utf8(name).ok()?;
    name.contains("/ld-").then_some(name)
}
