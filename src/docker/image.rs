//! Words that only make sense where there are images, which mydocker has none of: by root, without `--rootfs`, the
//! command that follows `busybox` would be run on the host's files.

use super::RunArgs;
use std::os::unix::ffi::OsStrExt;

/// What root is told whose command was typed as if there were images.
pub const WARNING: &str = "the container sees the host's files, and may change all of them; there are no images: \
                           --rootfs DIR gives it other files";

/// For a command that was not found, and may have been meant as UPPER.
const NOT_FOUND_AND_NO_UPPER: &str = "not found in the container; a directory for the writes of --overlay has to be \
                                      there and is written --overlay=UPPER";

/// What was typed that makes sense with an image alone, if the container has the caller's files.
#[cold]
#[inline(never)]
pub fn typed_for_one(arguments: &RunArgs) -> Option<&[u8]> {
    let command = arguments.command.first().map(|word| word.as_bytes());
    let image = command.filter(|word| is_named(word));
    let typed = image.or(arguments.rm.then_some(b"--rm"));
    typed.filter(|_| arguments.rootfs.is_empty())
}

/// Whether the command of a container that has the caller's files reads as the name of an image.
pub fn is_for_one(arguments: &RunArgs) -> bool {
    let command = arguments.command.first();
    arguments.rootfs.is_empty() && command.is_some_and(|word| is_named(word.as_bytes()))
}

/// Why the command was not found, if it followed `--overlay` and does not look like an image.
#[cold]
#[inline(never)]
pub fn meant_as_upper(arguments: &RunArgs) -> Option<&'static str> {
    let command = arguments.command.first();
    let is_image = command.is_some_and(|word| is_named(word.as_bytes()));
    (arguments.overlay_then_command && !is_image).then_some(NOT_FOUND_AND_NO_UPPER)
}

/// Images that many know. Some of them are commands as well; what is said is true then too.
const KNOWN: [&[u8]; 30] = [
    b"almalinux",
    b"alpine",
    b"amazonlinux",
    b"archlinux",
    b"busybox",
    b"centos",
    b"debian",
    b"docker",
    b"fedora",
    b"golang",
    b"hello-world",
    b"httpd",
    b"mariadb",
    b"memcached",
    b"mongo",
    b"mysql",
    b"nginx",
    b"node",
    b"openjdk",
    b"php",
    b"postgres",
    b"python",
    b"rabbitmq",
    b"redis",
    b"rockylinux",
    b"ruby",
    b"rust",
    b"traefik",
    b"ubuntu",
    b"wordpress",
];

/// Whether `word` reads as the name of an image: a well-known one, with or without what stands before it (a registry,
/// an owner) and behind it, or any with a tag or a digest. A path that begins with `/` or `.` is none.
pub fn is_named(word: &[u8]) -> bool {
    if matches!(word.first(), None | Some(b'/' | b'.')) {
        return false;
    }
    let last = word.rsplit(|byte| *byte == b'/').next().unwrap_or(word);
    let end = last.iter().position(|byte| matches!(byte, b':' | b'@'));
    let (name, rest) = last.split_at(end.unwrap_or(last.len()));
    let is_tagged = rest.len() > 1 && is_name(name) && rest.iter().skip(1).all(is_of_tag);
    is_tagged || rest.is_empty() && KNOWN.contains(&name)
}

/// Whether `word`, which is no command that is there, was most likely meant as the name of an image: any that could be
/// one and is not just one word, which is a misspelt command as often.
#[cold]
#[inline(never)]
pub fn is_meant(word: &[u8]) -> bool {
    let is_part = |part: &[u8]| !part.is_empty() && part.iter().all(is_of_tag);
    let begins_a_path = matches!(word.first(), None | Some(b'/' | b'.'));
    let is_url = word.windows(3).any(|letters| letters == b"://");
    let has_owner = word.contains(&b'/') && word.split(|byte| *byte == b'/').all(is_part);
    is_named(word) || is_url || has_owner && !begins_a_path
}

/// The letters of images' names, which are small.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(byte))
}

fn is_of_tag(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.:@".contains(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line before it has the operation, the object and the errno, and is to have at most 200 characters in all.
    #[test]
    fn the_hint_fits_a_line() {
        assert!(NOT_FOUND_AND_NO_UPPER.len() <= 125);
    }

    #[test]
    fn images_and_commands() {
        for image in [
            "busybox",
            "alpine:3.20",
            "alpine@sha256:0123456789abcdef",
            "library/debian",
            "docker.io/library/python:3",
            "ghcr.io/someone/thing:latest",
            "localhost:5000/ubuntu",
            "myapp:v2",
        ] {
            assert!(is_named(image.as_bytes()), "{image}");
        }
        for command in [
            "",
            "sh",
            "bash",
            "python3",
            "/usr/bin/python",
            "./busybox",
            "../node",
            "make",
            "a:",
            ":a",
            "[",
            "bin/tool",
            "Alpine",
            "host: x",
        ] {
            assert!(!is_named(command.as_bytes()), "{command}");
        }
    }

    #[test]
    fn what_is_not_there_was_meant_as_an_image() {
        for image in [
            "alpine",
            "a/b:tag",
            "bitnami/valkey",
            "quay.io/someone/thing",
            "localhost:5000/thing",
            "docker://thing",
        ] {
            assert!(is_meant(image.as_bytes()), "{image}");
        }
        for command in [
            "",
            "sh",
            "/bin/thing",
            "./thing",
            "../bin/thing",
            "bin/",
            "a//b",
        ] {
            assert!(!is_meant(command.as_bytes()), "{command}");
        }
    }
}
