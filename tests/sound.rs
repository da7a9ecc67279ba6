//! `sys` cannot be misused from safe code: programs that try do not compile. Each is compiled against the library as this
//! test was, beside one that does as it should.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The library that this test is linked with: the newest one beside it.
fn library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = std::fs::read_dir(test.parent().unwrap()).unwrap();
    let libraries = built.map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libmydocker-") && name.ends_with(".rlib")
    });
    libraries
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap())
        .expect("a library beside the test")
}

/// What the compiler says of a program with this in its `main`.
fn compile(name: &str, body: &str) -> Result<(), String> {
    let library = library();
    let directory = std::env::temp_dir();
    let file = |kind: &str| {
        let name = format!("mydocker-sound-{}-{name}.{kind}", std::process::id());
        directory.join(name)
    };
    let (source, made) = (file("rs"), file("rmeta"));
    let program = format!(
        "#![forbid(unsafe_code)]
        #![allow(unused)]
        use mydocker::sys::clone::{{self, Memory, NewNamespaces}};
        use mydocker::sys::descriptor::{{self, ChildDescriptor}};
        use mydocker::sys::in_child::InChild;
        use mydocker::sys::{{close_range, process}};
        use std::os::fd::{{AsFd, BorrowedFd, OwnedFd}};
        fn open() -> descriptor::Undropped {{
            descriptor::open_undropped(c\"/dev/null\", 0).unwrap()
        }}
        fn main() {{ {body} }}"
    );
    std::fs::write(&source, program).unwrap();
    let beside = |path: &Path| path.parent().unwrap().display().to_string();
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "bin",
            "--emit",
            "metadata",
        ])
        .arg("-L")
        .arg(format!("dependency={}", beside(&library)))
        .arg("--extern")
        .arg(format!("mydocker={}", library.display()))
        .arg("-o")
        .arg(&made)
        .arg(&source)
        .output()
        .expect("rustc");
    let _ = std::fs::remove_file(&source);
    let _ = std::fs::remove_file(&made);
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Why a program must not compile, by the compiler's code for it.
fn is_refused(name: &str, code: &str, body: &str) {
    let said = compile(name, body).expect_err(&format!("{name} compiles"));
    assert!(said.contains(&format!("error[{code}]")), "{name}: {said}");
    assert_eq!(said.matches("error[").count(), 1, "{name}: {said}");
}

const ENDS: &str = "|child: InChild, number: &i32| -> ! { process::exit(*number) }";

#[test]
fn what_is_right_compiles() {
    let spawned =
        format!("clone::spawn(NewNamespaces::UTS, Memory::Shared, None, {ENDS}, &7).unwrap();");
    for (name, body) in [
        ("owned", "let file: OwnedFd = descriptor::own(open());"),
        (
            "closed",
            "let file = open(); file.as_fd(); descriptor::close(file);",
        ),
        (
            "lent",
            "let file = descriptor::own(open()); ChildDescriptor::of(file.as_fd()).as_fd();",
        ),
        ("spawned", &spawned),
    ] {
        if let Err(said) = compile(name, body) {
            panic!("{name}: {said}");
        }
    }
}

#[test]
fn no_descriptor_is_owned_twice() {
    is_refused(
        "own_twice",
        "E0382",
        "let file = open(); descriptor::own(file); descriptor::own(file);",
    );
    is_refused(
        "own_and_close",
        "E0382",
        "let file = open(); descriptor::own(file); descriptor::close(file);",
    );
    is_refused(
        "own_what_a_child_has",
        "E0308",
        "let file = descriptor::own(open()); descriptor::own(ChildDescriptor::of(file.as_fd()));",
    );
    is_refused(
        "own_what_is_borrowed",
        "E0308",
        "let file = descriptor::own(open()); descriptor::own(file.as_fd());",
    );
    is_refused(
        "own_a_standard_stream",
        "E0308",
        "descriptor::own(descriptor::standard(1));",
    );
}

#[test]
fn no_descriptor_is_closed_that_is_someones_own() {
    is_refused(
        "close_what_is_borrowed",
        "E0308",
        "let file = descriptor::own(open()); descriptor::close(file.as_fd());",
    );
    is_refused(
        "close_a_childs_in_the_parent",
        "E0061",
        "let file = descriptor::own(open()); ChildDescriptor::of(file.as_fd()).close();",
    );
    is_refused(
        "close_all_in_the_parent",
        "E0061",
        "close_range::close_from(3, &[]);",
    );
    is_refused(
        "replace_in_the_parent",
        "E0061",
        "let file = open(); descriptor::duplicate_to(file.as_fd(), 7);",
    );
    is_refused(
        "be_a_child_by_saying_so",
        "E0423",
        "let child = InChild(());",
    );
    is_refused(
        "outlive_the_owner",
        "E0505",
        "let file = descriptor::own(open()); let child = ChildDescriptor::of(file.as_fd()); drop(file); child.as_fd();",
    );
}

#[test]
fn parent_and_child_do_not_run_at_once_in_one_memory() {
    is_refused(
        "flags_of_clone",
        "E0308",
        &format!("clone::spawn(0x100, Memory::Shared, None, {ENDS}, &7);"),
    );
    is_refused(
        "namespaces_of_flags",
        "E0423",
        &format!("clone::spawn(NewNamespaces(0x100), Memory::Copied, None, {ENDS}, &7);"),
    );
    is_refused(
        "a_child_that_returns",
        "E0308",
        "clone::spawn(NewNamespaces::NONE, Memory::Shared, None, |_, _: &i32| {}, &7);",
    );
    is_refused(
        "a_child_that_changes_what_is_borrowed",
        "E0308",
        "let mut number = 7;
         clone::spawn(NewNamespaces::NONE, Memory::Shared, None, |_, _: &i32| { number = 8; process::exit(0) }, &7);",
    );
}
