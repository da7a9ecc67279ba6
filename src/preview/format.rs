//! What kind of program a file is to the kernel, by how it begins.

use super::node::Node;
use crate::child::clue::{Beginning, Content, FirstLine};
use crate::sys::{MACHINE, MACHINE_OF_32_BITS, kernel};

/// Bytes in which a program's headers and the name of its loader are looked for.
pub const HEADERS: usize = 4096;

pub enum Format {
    /// ELF, of this machine.
    Program {
        loader: Option<Vec<u8>>,
    },
    Script {
        interpreter: Vec<u8>,
    },
    /// Nothing that the kernel executes.
    None,
    /// A look does not tell.
    Unknown,
}

pub fn of(node: &Node) -> Format {
    let Some(beginning) = node.beginning(HEADERS) else {
        return Format::Unknown;
    };
    let format = match Beginning::of(&beginning).content() {
        Content::Program => program(&beginning),
        Content::Script(FirstLine::Names(name)) => Format::Script {
            interpreter: name.to_vec(),
        },
        // Before that it is cut.
        Content::Script(FirstLine::IsTooLong) if kernel::version() < (5, 1) => Format::Unknown,
        Content::Script(_) | Content::Other => Format::None,
    };
    match format {
        // Someone may have taught the kernel more (binfmt_misc).
        Format::None if knows_others() => Format::Unknown,
        format => format,
    }
}

/// elf(5), of 64 bits. Those of 32 the kernel may be built to run.
fn program(bytes: &[u8]) -> Format {
    const PT_INTERP: u64 = 3;
    let number = |at: usize, size: usize| -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(size)?)?.iter().rev();
        Some(bytes.fold(0u64, |number, byte| number << 8 | u64::from(*byte)))
    };
    let is_small = bytes.get(4) == Some(&1);
    let (Some(kind), Some(machine)) = (number(16, 2), number(18, 2)) else {
        return Format::None;
    };
    let machine = u16::try_from(machine).unwrap_or_default();
    if is_small && [MACHINE, MACHINE_OF_32_BITS].contains(&machine) {
        return Format::Unknown;
    }
    if machine != MACHINE || ![2, 3].contains(&kind) {
        return Format::None;
    }
    let loader = || -> Option<Option<Vec<u8>>> {
        let at = |at: usize, size| usize::try_from(number(at, size)?).ok();
        let (headers, size, count) = (at(32, 8)?, at(54, 2)?, at(56, 2)?);
        for index in 0..count {
            let header = headers.checked_add(index.checked_mul(size)?)?;
            if number(header, 4)? == PT_INTERP {
                let start = at(header.checked_add(8)?, 8)?;
                let name = bytes.get(start..start.checked_add(at(header.checked_add(32)?, 8)?)?)?;
                return Some(Some(name.strip_suffix(b"\0")?.to_vec()));
            }
        }
        Some(None)
    };
    loader().map_or(Format::Unknown, |loader| Format::Program { loader })
}

/// Whether something is registered with binfmt_misc. If that cannot be seen: yes, where there is such a thing.
fn knows_others() -> bool {
    let Ok(entries) = std::fs::read_dir("/proc/sys/fs/binfmt_misc") else {
        return false;
    };
    let mut names = entries.flatten().map(|entry| entry.file_name());
    names.any(|name| name != "register" && name != "status")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_loader() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        let expected = !cfg!(target_feature = "crt-static");
        match program(&own[..HEADERS]) {
            Format::Program { loader } => assert_eq!(loader.is_some(), expected),
            _ => panic!("it runs"),
        }
        let mut other = own[..HEADERS].to_vec();
        other[18] = 8;
        assert!(matches!(program(&other), Format::None));
        assert!(matches!(program(b"\x7fELF"), Format::None));
    }
}
