//! The filter of system calls that the specification asks for.

use super::origin::Origin;
use crate::error::Error;
use crate::field::Field;
use crate::seccomp::{self, Host};
use crate::spec::{Filter, ProcessSpec};
use crate::sys::seccomp::Instruction;
use std::borrow::Cow;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Errors: a profile that cannot be read, or makes no sense.
pub fn filter(
    process: &ProcessSpec,
    kernel: (u32, u32),
    origin: &Origin<'_>,
) -> Result<Option<Cow<'static, [Instruction]>>, Error> {
    let host = Host {
        capabilities: process.capabilities.bounding,
        kernel,
    };
    match &process.filter {
        Filter::None => Ok(None),
        Filter::Default => Ok(Some(seccomp::default_filter(&host))),
        Filter::Profile(file) => profile(file, &host, origin).map(|filter| Some(filter.into())),
    }
}

#[cold]
#[inline(never)]
fn profile(file: &OsStr, host: &Host, origin: &Origin<'_>) -> Result<Vec<Instruction>, Error> {
    let operation = Field::SeccompProfile.between("", ":");
    let content = origin
        .file(file)
        .map_err(|errno| Error::new(operation.as_str(), file.as_bytes(), errno))?;
    let text = String::from_utf8_lossy(&content);
    seccomp::compile_profile(&text, host).map_err(|what| {
        let object = [
            operation.as_bytes(),
            b" ",
            file.as_bytes(),
            b": ",
            what.as_bytes(),
        ]
        .concat();
        Error::refused(object, "a profile has docker's format")
    })
}

/// The directories that count, for each processor, how often it was too hot, which tells what others compute. Docker hides them where a machine has them.
pub fn throttles() -> Vec<CString> {
    const PROCESSORS: &str = "/sys/devices/system/cpu";
    let first = Path::new(PROCESSORS).join("cpu0/thermal_throttle");
    if !first.exists() {
        return Vec::new();
    }
    listed_throttles(PROCESSORS)
}

#[cold]
#[inline(never)]
fn listed_throttles(processors: &str) -> Vec<CString> {
    let entries = std::fs::read_dir(processors)
        .into_iter()
        .flatten()
        .flatten();
    let numbered = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let number = name.strip_prefix("cpu")?;
        let is_one = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_one.then(|| {
            CString::new(format!("/sys/devices/system/cpu/{name}/thermal_throttle")).ok()
        })?
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::listed_throttles;

    #[test]
    fn processors_by_number() {
        let directory = std::env::temp_dir().join(format!("mydocker-cpu-{}", std::process::id()));
        for name in ["cpu0", "cpu11", "cpufreq", "cpu", "online"] {
            std::fs::create_dir_all(directory.join(name)).unwrap();
        }
        let mut found = listed_throttles(directory.to_str().unwrap());
        std::fs::remove_dir_all(&directory).unwrap();
        found.sort();
        let path = |name| format!("/sys/devices/system/cpu/{name}/thermal_throttle");
        let found: Vec<String> = found
            .into_iter()
            .map(|path| path.into_string().unwrap())
            .collect();
        assert_eq!(found, [path("cpu0"), path("cpu11")]);
    }
}
