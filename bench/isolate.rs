//! isolate, a judge's sandbox: its boxes are made before what is measured, are numbered, and are used again and again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// As many boxes as no two runs at a time meet in, when the runs go round them.
const BOXES: u64 = 100;

/// Boxes with the command in each.
pub struct Isolate {
    program: PathBuf,
    made: u64,
}

impl Isolate {
    /// Errors: what isolate has said to the first box that it would not make.
    pub fn new(program: PathBuf, command: &Path) -> Result<Self, String> {
        let mut boxes = Self { program, made: 0 };
        for number in 0..BOXES {
            let said = boxes.called(number, "--init")?;
            boxes.made = number + 1;
            let place = Path::new(said.trim()).join("box/command");
            std::fs::copy(command, &place)
                .map_err(|error| format!("{}: {error}", place.display()))?;
        }
        Ok(boxes)
    }

    /// A run in the box of whatever number stands for `{}`.
    pub fn words(&self) -> Vec<OsString> {
        let words = ["--silent", "--box-id={}", "--run", "--", "/box/command"];
        let program = self.program.clone().into_os_string();
        [program]
            .into_iter()
            .chain(words.map(OsString::from))
            .collect()
    }

    /// The number of the box for this run, of all that there are.
    pub fn number(serial: u64) -> Vec<u8> {
        (serial % BOXES).to_string().into_bytes()
    }

    fn called(&self, number: u64, action: &str) -> Result<String, String> {
        let output = Command::new(&self.program)
            .arg(format!("--box-id={number}"))
            .arg(action)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("isolate: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("isolate {action}: {}", said.trim()))
    }
}

impl Drop for Isolate {
    fn drop(&mut self) {
        for number in 0..self.made {
            if let Err(why) = self.called(number, "--cleanup") {
                eprintln!("{why}");
            }
        }
    }
}
