//! What the wire table (`src/plan/wire/table.rs`) promises to who adds a step: that it does not compile until it comes
//! across. A small table is given to the compiler, right and then wrong in each way.

mod common;

use common::*;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The compiler of the cargo that runs this, which lies beside it.
fn compiler() -> PathBuf {
    if let Some(named) = std::env::var_os("RUSTC") {
        return named.into();
    }
    let cargo = std::env::var_os("CARGO").map(PathBuf::from);
    let beside = cargo.map(|cargo| cargo.with_file_name("rustc"));
    let found = beside.filter(|rustc| rustc.exists());
    found.unwrap_or_else(|| "rustc".into())
}

/// Types, and a table of them, as a library of its own.
struct Sample(Scratch);

impl Sample {
    fn new() -> Self {
        let directory = Scratch::new();
        let files = [
            ("table.rs", include_str!("../src/plan/wire/table.rs")),
            ("fields.rs", include_str!("../src/plan/wire/fields.rs")),
        ];
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        Self(directory)
    }

    /// `None`: there is no compiler.
    fn compile(&self, text: &str) -> Option<Output> {
        let head = "#![allow(dead_code, unused_imports)]\n\
            mod fields;\n\
            mod table;\n\
            use table::{Unread, Wire, table};\n";
        let file = self.0.path().join("sample.rs");
        std::fs::write(&file, [head, text].concat()).unwrap();
        let mut rustc = Command::new(compiler());
        rustc.args(["--edition=2024", "--crate-type=lib", "--emit=metadata"]);
        rustc.arg("--out-dir").arg(self.0.path()).arg(file);
        match rustc.output() {
            Ok(output) => Some(output),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                skip("rustc is neither beside cargo nor in PATH");
                None
            }
            Err(error) => panic!("{rustc:?}: {error}"),
        }
    }
}

const TYPES: &str = "
    pub enum Step { First, Second(u32, Vec<String>), Third { a: u8, b: Part } }
    pub struct Part { x: Option<u64>, y: [bool; 2] }
";
const STEP: &str = "table! { enum Step { 0 => First, 7 => Second(a, b), 2 => Third { a, b } } }\n";
const PART: &str = "table! { struct Part { x, y } }\n";

#[test]
fn what_is_forgotten_does_not_compile() {
    let sample = Sample::new();
    let types = TYPES.replace("String", "std::ffi::CString");
    let Some(right) = sample.compile(&[&types, STEP, PART].concat()) else {
        return;
    };
    assert!(right.status.success(), "{}", text(&right.stderr));

    let wrong = [
        ("a missing row", "7 => Second(a, b), ", "", "E0004"),
        ("a number twice", "7 =>", "2 =>", "E0081"),
        ("a number twice, not beside", "2 =>", "0 =>", "E0081"),
        (
            "a number too large",
            "7 =>",
            "300 =>",
            "literal out of range",
        ),
        ("no row of the number 0", "0 =>", "5 =>", "E0080"),
        (
            "a row too many",
            "0 => First",
            "0 => First, 1 => Fourth",
            "E0599",
        ),
        (
            "a missing field of a step",
            "Third { a, b }",
            "Third { a }",
            "E0063",
        ),
        (
            "a missing part of a step",
            "Second(a, b)",
            "Second(a)",
            "E0023",
        ),
        (
            "a missing field of a struct",
            "Part { x, y }",
            "Part { x }",
            "E0063",
        ),
    ];
    for (what, of, instead, expected) in wrong {
        let table = [STEP, PART].concat();
        let spoilt = table.replace(of, instead);
        assert_ne!(spoilt, table, "{what}");
        refused(&sample, what, &format!("{types}{spoilt}"), expected);
    }
    // A field of a type that has no row.
    refused(
        &sample,
        "a type without a row",
        &[&types, STEP].concat(),
        "E0277",
    );
    let table = [TYPES, STEP, PART].concat();
    refused(&sample, "a type that is not carried", &table, "E0277");
}

fn refused(sample: &Sample, what: &str, source: &str, expected: &str) {
    let output = sample.compile(source).expect("it has compiled before");
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{what} compiles");
    assert!(said.contains(expected), "{what}: {said}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
