//! Programs that really make such calls.

use super::*;

/// A program that makes one call by the gate of 32-bit programs, with registers of 64 bits.
#[cfg(target_arch = "x86_64")]
fn by_int_80(number: usize, arguments: &[u64]) -> Vec<u8> {
    let mut code = Vec::new();
    // mov of 64 bits to rax, rbx, rcx, rdx, rsi, rdi.
    let registers = [0xb8, 0xbb, 0xb9, 0xba, 0xbe, 0xbf];
    let values = std::iter::once(number as u64).chain(arguments.iter().copied());
    for (register, value) in registers.into_iter().zip(values) {
        code.extend([0x48, register]);
        code.extend(value.to_le_bytes());
    }
    // int 0x80
    code.extend([0xcd, 0x80]);
    exits_with_errno(code)
}

/// A 64-bit program cannot do by `int 0x80` what it may not do.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_other_gate_is_no_way_around() {
    let (eperm, enosys, ebadf, einval) = (1, 38, 9, 22);
    let high = 0x1234_5678_0000_0000;
    // A path in the program's first page, which is no path: the mode and the device are looked at first.
    let path = 0x40_0000;
    let scratch = Scratch::new();
    std::fs::set_permissions(
        scratch.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let any = scratch.file("any");
    write_program(&any, by_int_80(number("getppid"), &[]), 0o755);
    let outside = std::process::Command::new(&any).status().unwrap();
    if !outside.success() {
        skip("this kernel runs no 32-bit programs (IA32_EMULATION)");
        return;
    }
    for (index, (name, arguments, expected)) in [
        ("getppid", &[][..], 0),
        ("ioctl", &[99, 0x5412, path], eperm),
        ("ioctl", &[99, high | 0x5412, path], eperm),
        ("ioctl", &[99, 0x541c, path], eperm),
        ("ioctl", &[99, 0x5401, path], ebadf),
        ("mknod", &[path, 0o060600, 0xfe00], eperm),
        ("mknod", &[path, high | 0o060600, high | 0xfe00], eperm),
        ("mknod", &[path, 0o020600, 0x501], eperm),
        ("mknodat", &[99, path, 0o060600, 0xfe00], eperm),
        ("clone", &[0x1000_0011], eperm),
        ("clone", &[high | 0x1000_0011], eperm),
        ("clone3", &[path, 64], enosys),
        ("unshare", &[0x1000_0000], eperm),
        ("mount", &[path, path, path, 0, 0], eperm),
        ("umount", &[path], eperm),
        ("socket", &[40, 1, 0], eperm),
        ("socket", &[high | 38, 5, 0], eperm),
        ("socketcall", &[1, path], enosys),
        ("socketcall", &[high | 1, path], enosys),
        ("socketcall", &[99, path], einval),
        ("personality", &[0x0004_0000], eperm),
        ("personality", &[0xffff_ffff], 0),
        ("add_key", &[], eperm),
        ("vm86", &[], eperm),
        ("reboot", &[], eperm),
    ]
    .into_iter()
    .enumerate()
    {
        let file = scratch.file(&format!("call{index}"));
        write_program(&file, by_int_80(number(name), arguments), 0o755);
        for case in cases() {
            for options in [&[][..], &["--init"]] {
                let outcome = case.run(options, &[&file]);
                assert_eq!(
                    outcome.code(),
                    Some(expected),
                    "{case} {options:?} {name} {arguments:x?}: {outcome:?}"
                );
            }
        }
    }
}

/// A program for 32 bits, by the C compiler; `None` if this machine has none for it.
#[cfg(target_arch = "x86_64")]
fn compiled(scratch: &Scratch, name: &str, source: &str) -> Option<String> {
    std::fs::set_permissions(
        scratch.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let text = scratch.file(&format!("{name}.c"));
    let file = scratch.file(name);
    std::fs::write(&text, source).unwrap();
    let status = std::process::Command::new("gcc")
        .args(["-m32", "-static", "-O1", "-o", &file, &text])
        .stderr(std::process::Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        skip("gcc makes no 32-bit programs (Debian's gcc-multilib)");
        return None;
    }
    Some(file)
}

#[cfg(target_arch = "x86_64")]
#[test]
fn programs_run() {
    let scratch = Scratch::new();
    // What C libraries do for it: threads' memory, files, time, children, signals, System V's memory, pairs of sockets.
    let source = r#"
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/ipc.h>
        #include <sys/shm.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/wait.h>
        #include <time.h>
        #include <unistd.h>
        static volatile int caught;
        static void catch(int number) { caught = number; }
        #define NEED(number, is_so) if (!(is_so)) return number
        int main(void) {
            struct stat status; struct timespec now; int ends[2]; char letter = 0; int code;
            NEED(10, stat("/proc/self/exe", &status) == 0 && S_ISREG(status.st_mode));
            NEED(11, clock_gettime(CLOCK_MONOTONIC, &now) == 0);
            signal(SIGUSR1, catch);
            raise(SIGUSR1);
            NEED(12, caught == SIGUSR1);
            NEED(13, socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
            NEED(14, send(ends[0], "x", 1, 0) == 1 && recv(ends[1], &letter, 1, 0) == 1 && letter == 'x');
            int memory = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
            NEED(15, memory >= 0 && shmat(memory, 0, 0) != (void *)-1 && shmctl(memory, IPC_RMID, 0) == 0);
            pid_t child = fork();
            if (child == 0) _exit(3);
            NEED(16, waitpid(child, &code, 0) == child && WEXITSTATUS(code) == 3);
            NEED(17, unshare_refused());
            return 5;
        }
    "#;
    let source = source.replace("unshare_refused()", "unshare(CLONE_NEWNS) != 0");
    let source = format!("#define _GNU_SOURCE\n#include <sched.h>\n{source}");
    let Some(file) = compiled(&scratch, "program", &source) else {
        return;
    };
    if std::process::Command::new(&file).status().is_err() {
        skip("this kernel runs no 32-bit programs (IA32_EMULATION)");
        return;
    }
    let profile = scratch.file("profile");
    let write = |lists: Value| {
        let mut text = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["unshare"], "action": "SCMP_ACT_ERRNO"}]});
        text["archMap"] = lists;
        std::fs::write(&profile, text.to_string()).unwrap();
    };
    let option = format!("--security-opt=seccomp={profile}");
    write(json!([{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}]));
    for case in cases() {
        for options in [
            &[][..],
            &["--init"],
            &[&option],
            &["-u=7"],
            &["--cap-drop=ALL"],
        ] {
            let outcome = case.run(options, &[&file]);
            assert_eq!(outcome.code(), Some(5), "{case} {options:?}: {outcome:?}");
        }
    }
    // As before where the profile does not list them: their calls do not exist.
    write(json!([]));
    for case in cases() {
        let outcome = case.run(&[&option], &[&file]);
        assert_eq!(outcome.code(), Some(139), "{case}: {outcome:?}");
    }
}
