//! The programs that are tested and that the tests are made with, where every user can execute them.

use super::*;

/// mydocker and the probe, where every user can execute them.
struct Binaries {
    mydocker: PathBuf,
    probe: PathBuf,
}

fn binaries() -> &'static Binaries {
    static BINARIES: OnceLock<Binaries> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let named = std::env::var_os("MYDOCKER_BIN").map(PathBuf::from);
        let mydocker = named.unwrap_or_else(without_symbols);
        Binaries {
            mydocker: reachable(&mydocker),
            probe: example("probe"),
        }
    })
}

/// The build that belongs to these tests, less what only a debugger reads, which is four fifths of it: a mydocker that is linked
/// dynamically copies its own file before it starts a container with a root.
fn without_symbols() -> PathBuf {
    let file = Path::new(env!("CARGO_BIN_EXE_mydocker"));
    let modified = |file: &Path| std::fs::metadata(file).and_then(|facts| facts.modified());
    let build = modified(file).expect("the binaries have been built");
    // Of the same name, which is what its process is called.
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("without-symbols");
    let copy = place.join("mydocker");
    if modified(&copy).ok() != Some(build) {
        std::fs::create_dir_all(&place).expect("a directory");
        // Whole under another name first, as below.
        let making = place.join(std::process::id().to_string());
        let mut strip = Command::new("strip");
        let stripped = strip.arg("-o").arg(&making).arg(file).status();
        if !stripped.is_ok_and(|status| status.success()) {
            return file.into();
        }
        let made = std::fs::File::open(&making).expect("what strip has made");
        made.set_modified(build)
            .expect("the build's time of change");
        std::fs::rename(&making, &copy).expect("the copy's name");
    }
    copy
}

/// A program that is built beside the tests, where every user can execute it.
pub fn example(name: &str) -> PathBuf {
    let examples = Path::new(env!("CARGO_BIN_EXE_mydocker")).with_file_name("examples");
    let file = examples.join(name);
    assert!(
        file.exists(),
        "{} is missing: cargo build --examples",
        file.display()
    );
    reachable(&file)
}

/// `file`, or, if its directory is closed to others (a clone in root's home), a copy of it in a
/// temporary directory named after its time of change: the next run finds it there.
fn reachable(file: &Path) -> PathBuf {
    let open = |directory: &Path| {
        let facts = std::fs::metadata(directory).expect("a directory");
        facts.permissions().mode() & 0o001 != 0
    };
    let file = file.canonicalize().expect("the binaries have been built");
    if file.ancestors().skip(1).all(open) {
        return file;
    }
    let modified = std::fs::metadata(&file).and_then(|facts| facts.modified());
    let version = modified
        .expect("a time of change")
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time after 1970")
        .as_nanos();
    // Of the same name, which is what its process is called.
    let name = file.file_name().expect("a name");
    let place = std::env::temp_dir().join(format!("mydocker-for-tests-{version:x}"));
    let copy = place.join(name);
    if !copy.exists() {
        // Whole under another name first, for other test programs that run at the same time.
        std::fs::create_dir_all(&place).expect("a directory");
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).expect("open");
        let making = copy.with_extension(std::process::id().to_string());
        copy_program(&file, &making);
        std::fs::rename(&making, &copy).expect("the copy's name");
    }
    copy
}

/// Copies a program by another process. What this one has open for writing the children of its other threads
/// have too, until they execute theirs, and meanwhile no one can execute the copy (ETXTBSY).
pub fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status();
    assert!(
        status.expect("cp").success(),
        "{} cannot be copied",
        from.display()
    );
}

/// Writes a program, or a script, that is to be executed; for the same reason by another process.
pub fn write_program(to: impl AsRef<Path>, content: impl AsRef<[u8]>, mode: u32) {
    let to = to.as_ref();
    let source = to.with_extension("source");
    std::fs::write(&source, content).expect("a file");
    copy_program(&source, to);
    std::fs::remove_file(&source).expect("a file less");
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(mode)).expect("its mode");
}

pub fn mydocker() -> PathBuf {
    binaries().mydocker.clone()
}

/// The build that belongs to these tests, whatever MYDOCKER_BIN says.
pub fn own_build() -> PathBuf {
    reachable(Path::new(env!("CARGO_BIN_EXE_mydocker")))
}

pub fn probe() -> PathBuf {
    binaries().probe.clone()
}

/// The probe's path as an argument.
pub fn probe_name() -> String {
    probe().to_str().expect("a path of letters").to_owned()
}
