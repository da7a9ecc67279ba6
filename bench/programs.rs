//! The programs that are measured and that measure: the floors and the command, which rustc makes
//! of `bench/programs`, and mydocker in its builds.

use crate::contestants::Contestant;
use crate::filter;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Programs {
    /// What runs in the containers.
    pub command: PathBuf,
    pub bare: PathBuf,
    pub equal: PathBuf,
    pub unprotected: PathBuf,
    /// mydocker as `cargo bench` has built it, for glibc.
    pub glibc: PathBuf,
    /// The static builds, or why there is none.
    pub musl: Result<PathBuf, String>,
    pub small: Result<PathBuf, String>,
    /// The small one that engines drive.
    pub oci: Result<PathBuf, String>,
}

/// Bytes of each program that contestants are made of.
pub fn sizes(contestants: &[Contestant]) -> Vec<(String, u64)> {
    let mut sizes: Vec<(String, u64)> = Vec::new();
    for contestant in contestants
        .iter()
        .filter(|contestant| contestant.trial.is_ok())
    {
        let Some(program) = contestant.program() else {
            continue;
        };
        let size = std::fs::metadata(program).map_or(0, |metadata| metadata.len());
        // Several contestants may be one program.
        if !sizes.iter().any(|(_, known)| *known == size) {
            sizes.push((contestant.name.clone(), size));
        }
    }
    sizes
}

const TARGET: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-musl"
} else {
    "x86_64-unknown-linux-musl"
};

pub fn build(scratch: &Path) -> Result<Programs, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Absolute: a contestant may start in another directory.
    let target = root.join("target");
    let filter = scratch.join(FILTER);
    std::fs::write(&filter, filter::bytes())
        .map_err(|error| format!("{}: {error}", filter.display()))?;
    eprintln!("building the floors and mydocker's static builds");
    Ok(Programs {
        command: bare_metal(root, "command", scratch)?,
        bare: bare_metal(root, "floor_bare", scratch)?,
        equal: bare_metal(root, "floor_equal", scratch)?,
        unprotected: bare_metal(root, "floor_unprotected", scratch)?,
        glibc: env!("CARGO_BIN_EXE_mydocker").into(),
        musl: cargo(&["build"], None, root, &target),
        small: small(root, &target.join("small"), &[]),
        oci: small(root, &target.join("small-oci"), &["--features", "oci"]),
    })
}

/// mydocker's default filter, which the equal floor loads too.
const FILTER: &str = "filter";

/// The build that the guide on the static binary gives for size, with the flags that it gives.
fn small(root: &Path, target: &Path, more: &[&str]) -> Result<PathBuf, String> {
    let flags = include_str!("../src/guide/static.md")
        .lines()
        .find_map(|line| {
            line.trim()
                .strip_prefix("RUSTFLAGS=\"")?
                .strip_suffix("\" \\")
        })
        .ok_or("the guide gives no flags for the small build")?;
    let parts = [
        "+nightly",
        "build",
        "-Zbuild-std=std,panic_abort",
        "-Zbuild-std-features=optimize_for_size",
        "--no-default-features",
    ];
    cargo(&[&parts, more].concat(), Some(flags), root, target)
}

fn cargo(
    words: &[&str],
    flags: Option<&str>,
    root: &Path,
    target: &Path,
) -> Result<PathBuf, String> {
    // The rustup proxy: the cargo that runs us knows no other toolchain.
    let mut command = Command::new("cargo");
    command
        .args(words)
        .args([
            "--quiet",
            "--release",
            "--bin",
            "mydocker",
            "--target",
            TARGET,
            "--target-dir",
        ])
        .arg(target)
        .current_dir(root);
    // What the cargo above us has set is for its own toolchain.
    for name in [
        "CARGO",
        "RUSTUP_TOOLCHAIN",
        "RUSTC",
        "RUSTDOC",
        "LD_LIBRARY_PATH",
        "RUSTFLAGS",
    ] {
        command.env_remove(name);
    }
    if let Some(flags) = flags {
        command.env("RUSTFLAGS", flags);
    }
    done(&mut command)?;
    Ok(target.join(TARGET).join("release/mydocker"))
}

/// Compiles a program that stands on nothing.
fn bare_metal(root: &Path, name: &str, directory: &Path) -> Result<PathBuf, String> {
    let source = root.join("bench/programs").join(name).with_extension("rs");
    let output = directory.join(name);
    let mut command = Command::new("rustc");
    command
        .args([
            "--edition",
            "2024",
            "-Copt-level=3",
            "-Cpanic=abort",
            "-Cstrip=symbols",
        ])
        .args([
            "-Crelocation-model=static",
            "-Clink-arg=-static",
            "-Clink-arg=-nostdlib",
        ])
        // In as few pages as the linker can be talked into: each costs a page fault.
        .args(["-Clink-arg=-nostartfiles", "-Clink-arg=-Wl,--build-id=none"])
        .args(["-Clink-arg=-Wl,-z,noseparate-code,-z,norelro", "-o"])
        .arg(&output)
        .arg(source)
        .env("MYDOCKER_FILTER", directory.join(FILTER));
    done(&mut command)?;
    Ok(output)
}

fn done(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said
        .lines()
        .find(|line| line.starts_with("error"))
        .unwrap_or("failed");
    Err(format!("{name}: {line}"))
}
