//! Who calls mydocker, and how it launches: the cases that a test has, and what is skipped.

use super::*;

/// An ordinary user that no machine knows by name.
pub const ORDINARY: u32 = 61_234;
pub const ORDINARY_GROUP: u32 = 777;

/// Who calls mydocker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Root,
    Ordinary,
}

/// One way of starting a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    pub caller: Caller,
    /// The value of `--launch`.
    pub launch: &'static str,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.caller, self.launch)
    }
}

/// Every way of starting a container that this machine has; if it is to be brief, one for each caller.
pub fn cases() -> Vec<Case> {
    let callers = callers();
    let is_alone = callers.len() == 1;
    let mut cases = Vec::new();
    for caller in callers {
        let is_second = caller == Caller::Ordinary && !is_alone;
        let launches = match brief_half() {
            None => &["in-process", "re-exec"][..],
            Some(half) if (half == 1) != is_second => &["in-process"],
            Some(_) => &["re-exec"],
        };
        cases.extend(launches.iter().map(|launch| Case { caller, launch }));
    }
    cases
}

/// One case for each caller, where it does not matter how a container is launched.
pub fn each_caller() -> Vec<Case> {
    let mut cases = cases();
    cases.dedup_by_key(|case| case.caller);
    cases
}

/// The cases of root; none, and said so, if the tests do not run as root.
pub fn root_cases() -> Vec<Case> {
    let cases: Vec<Case> = cases()
        .into_iter()
        .filter(|case| case.caller == Caller::Root)
        .collect();
    if cases.is_empty() {
        skip_root_only("it needs root");
    }
    cases
}

/// The cases of an ordinary user.
pub fn ordinary_cases() -> Vec<Case> {
    cases()
        .into_iter()
        .filter(|case| case.caller == Caller::Ordinary)
        .collect()
}

fn callers() -> Vec<Caller> {
    static CALLERS: OnceLock<Vec<Caller>> = OnceLock::new();
    CALLERS
        .get_or_init(|| {
            let mut callers = Vec::new();
            if nix::unistd::Uid::effective().is_root() {
                callers.push(Caller::Root);
                // A pool is root's alone: to all others it is the run without one.
                if Case::pools_directory().is_some() {
                    return callers;
                }
            }
            let mut unshare = Command::new("unshare");
            unshare.args(["--user", "--pid", "--fork", "true"]);
            as_caller(&mut unshare, Caller::Ordinary);
            match unshare.stderr(Stdio::null()).status() {
                Ok(status) if status.success() => callers.push(Caller::Ordinary),
                _ => skip("an ordinary user may not make user namespaces here"),
            }
            assert!(
                !callers.is_empty(),
                "neither root nor user namespaces: nothing can be tested"
            );
            callers
        })
        .clone()
}

pub(super) fn as_caller(command: &mut Command, caller: Caller) {
    if caller == Caller::Ordinary && nix::unistd::Uid::effective().is_root() {
        // Without supplementary groups: std drops them when it changes the user.
        command.uid(ORDINARY).gid(ORDINARY_GROUP);
    }
}

/// Says that something is not tested, and why. A failure where everything must be.
pub fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
    if std::env::var_os("MYDOCKER_MUST_RUN").is_some_and(|value| value == "1") {
        panic!("MYDOCKER_MUST_RUN=1, and this cannot run: {why}");
    }
}

/// Says that something is not tested because it takes root. That is no failure for
/// an ordinary user, who may run no more.
pub fn skip_root_only(why: &str) {
    if nix::unistd::Uid::effective().is_root() {
        return skip(why);
    }
    eprintln!("SKIPPED: {why}");
}
