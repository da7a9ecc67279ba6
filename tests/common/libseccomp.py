# Compiles profiles in docker's format with libseccomp, as docker and runc do it: the former leaves out what does not
# count here (includes, excludes), the latter adds a rule for each name. Written from what they do, for the test
# seccomp_libseccomp/main.rs, which says what is asked and reads the answers: JSON both ways.

import json
import os
import signal
import sys

import seccomp
from seccomp import Arch, Arg, Attr, SyscallFilter

# libseccomp asks the running kernel which actions it has; these programs are not for it.
seccomp.set_api(6)

# Seconds, for what takes a millisecond.
PATIENCE = 2
# An exit code.
REFUSED = 3

OPERATIONS = {
    "SCMP_CMP_NE": seccomp.NE,
    "SCMP_CMP_LT": seccomp.LT,
    "SCMP_CMP_LE": seccomp.LE,
    "SCMP_CMP_EQ": seccomp.EQ,
    "SCMP_CMP_GE": seccomp.GE,
    "SCMP_CMP_GT": seccomp.GT,
    "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ,
}


def action(name, errno):
    errno = 1 if errno is None else errno
    return {
        "SCMP_ACT_ALLOW": seccomp.ALLOW,
        "SCMP_ACT_ERRNO": seccomp.ERRNO(errno),
        "SCMP_ACT_LOG": seccomp.LOG,
        "SCMP_ACT_TRAP": seccomp.TRAP,
        "SCMP_ACT_TRACE": seccomp.TRACE(errno),
        "SCMP_ACT_KILL": seccomp.KILL,
        "SCMP_ACT_KILL_THREAD": seccomp.KILL,
        "SCMP_ACT_KILL_PROCESS": seccomp.KILL_PROCESS,
    }[name]


def at_least(kernel, wanted):
    return tuple(kernel) >= tuple(int(part) for part in wanted.split("."))


def counts(entry, host):
    excludes = entry.get("excludes") or {}
    includes = entry.get("includes") or {}
    if host["architecture"] in excludes.get("arches", []):
        return False
    if any(name in host["capabilities"] for name in excludes.get("caps", [])):
        return False
    if "minKernel" in excludes and at_least(host["kernel"], excludes["minKernel"]):
        return False
    if includes.get("arches") and host["architecture"] not in includes["arches"]:
        return False
    if not all(name in host["capabilities"] for name in includes.get("caps", [])):
        return False
    if "minKernel" in includes and not at_least(host["kernel"], includes["minKernel"]):
        return False
    return True


def rule_of(condition):
    operation = OPERATIONS[condition["op"]]
    value, second = condition["value"], condition.get("valueTwo", 0)
    if operation == seccomp.MASKED_EQ:
        return Arg(condition["index"], operation, value, second)
    return Arg(condition["index"], operation, value)


# As profiles call an architecture and that of its 32-bit programs, and as libseccomp calls the latter.
ARCHITECTURES = {
    "amd64": ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "x86"),
    "arm64": ("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "arm"),
}


def lists_compat(profile, host):
    native, compat, _ = ARCHITECTURES[host["architecture"]]
    listed = list(profile.get("architectures") or [])
    for entry in profile.get("archMap") or []:
        if entry["architecture"] == native:
            listed += entry.get("subArchitectures") or []
    return compat in listed


def compiled(profile, calls, host):
    default = action(profile["defaultAction"], profile.get("defaultErrnoRet"))
    result = SyscallFilter(default)
    if lists_compat(profile, host):
        result.add_arch(Arch(ARCHITECTURES[host["architecture"]][2]))
    # What mydocker does with other architectures' calls, and with x32's: there are none.
    result.set_attr(Attr.ACT_BADARCH, seccomp.ERRNO(38))
    if len(calls) > 32:
        result.set_attr(Attr.CTL_OPTIMIZE, 2)
    for name, entry in calls:
        number = seccomp.resolve_syscall(Arch(), name)
        what = action(entry["action"], entry.get("errnoRet"))
        # -1: it knows no such name.
        if what == default or number == -1:
            continue
        conditions = [rule_of(condition) for condition in entry.get("args") or []]
        indices = [condition["index"] for condition in entry.get("args") or []]
        if len(set(indices)) < len(indices):
            for condition in conditions:
                result.add_rule(what, number, condition)
        else:
            result.add_rule(what, number, *conditions)
    return result


# By a process of its own: libseccomp has rules over which it never ends.
def answer(profile, host):
    calls, counted = [], []
    for index, entry in enumerate(profile["syscalls"]):
        if counts(entry, host):
            counted.append(index)
            names = [entry["name"]] if "name" in entry else entry["names"]
            calls += [(name, entry) for name in names]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)
        try:
            compiled(profile, calls, host).export_bpf(os.fdopen(writer, "wb"))
            os._exit(0)
        except (RuntimeError, ValueError):
            os._exit(REFUSED)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        program = file.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == -signal.SIGALRM:
        return {"refused": "it does not end"}
    if status == REFUSED:
        return {"refused": "it is refused"}
    if status != 0:
        sys.exit(f"{status} for {profile}")
    # What runc takes for the newest call that the profile knows of; it answers newer ones itself.
    newest = max([0] + [seccomp.resolve_syscall(Arch(), name) for name, _ in calls])
    return {"program": program.hex(), "counted": counted, "newest": newest}


request = json.load(sys.stdin)
known = {name: seccomp.resolve_syscall(Arch(), name) for name in request["names"]}
compat = Arch(ARCHITECTURES[request["host"]["architecture"]][2])
known_compat = {name: seccomp.resolve_syscall(compat, name) for name in request["compat_names"]}
answers = [answer(profile, request["host"]) for profile in request["profiles"]]
json.dump({"names": known, "compat_names": known_compat, "profiles": answers}, sys.stdout)
