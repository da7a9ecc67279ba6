//! Which version this is, and of which specification.

/// The version of the runtime specification that is followed.
pub const SPECIFICATION: &str = "1.3.0";
/// The first that is understood.
pub const FIRST_SPECIFICATION: &str = "1.0.0";

/// As runc tells it: programs look for `version` and `spec:`.
pub fn text() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("mydocker-oci version {version}\ncommit: {version}\nspec: {SPECIFICATION}\n")
}
