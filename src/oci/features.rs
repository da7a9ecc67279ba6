//! `oci features`.

pub fn text() -> String {
    "{}\n".into()
}
