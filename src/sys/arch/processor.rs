//! The processors that mydocker is built for.

/// One of them, as Rust names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    X86_64,
    Aarch64,
    Riscv64,
}
