#!/usr/bin/env python3
"""Writes src/text_order.ld: the order in which the linker lays mydocker's functions, which is that of their first use.

    CARGO_PROFILE_RELEASE_STRIP=none ...        # the guide's small build (src/guide/static.md), with its symbols
    sudo bench/order.py target/x86_64-unknown-linux-musl/release/mydocker

A start executes some 350 of 3,300 functions, 95 of 880 KB. In the compiler's order they lie in 12 places of 64 KiB, which is as
much as the kernel maps at a page fault; in this order in two. So each start is executed step by step (ptrace(2)), a plain one first, and
each function is written down when it is first come to. A name's parts that change with the compiler are left out. What has
another name since, or is new, lies where the compiler puts it: the file may be old, and is best not.

x86_64 alone; the file is for every architecture. As root."""

import bisect
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../src/text_order.ld")

# The usual ones first: what several have in common lies where the first of them has it.
# (--rootfs and limits would be 400 functions more, and 3 or 4 page faults less of 72.)
STARTS = [[], ["--init"], ["-i"]]

# ptrace(2); the offset is that of rip in the kernel's struct user.
TRACEME, PEEKUSER, SINGLESTEP, DETACH, SETOPTIONS = 0, 3, 9, 17, 0x4200
FORKS, EXEC, EVENT_EXEC = 2 | 4 | 8, 16, 4
RIP = 16 * 8
# wait4(2)'s __WALL: children of any clone.
ALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def functions(program):
    """Start, end and name of each, by their addresses."""
    found = []
    lines = subprocess.check_output(["nm", "-n", "-S", program], text=True).splitlines()
    for line in lines:
        *numbers, kind, name = line.split()
        if kind not in "tTwW" or not numbers:
            continue
        start, *size = (int(number, 16) for number in numbers)
        # What is written in assembly has no size: it goes on to the next.
        if found and found[-1][1] is None:
            found[-1] = (found[-1][0], start, found[-1][2])
        found.append((start, start + size[0] if size else None, name))
    if not found:
        sys.exit(f"{program} has no symbols")
    return [function for function in found if function[1] is not None]


def trace(arguments, known, seen):
    """Executes a mydocker, and its children until they execute something else, step by step."""
    starts = [start for start, _, _ in known]
    first = os.fork()
    if first == 0:
        null = os.open("/dev/null", os.O_RDWR)
        for stream in 0, 1:
            os.dup2(null, stream)
        libc.ptrace(TRACEME, 0, None, None)
        os.execv(arguments[0], arguments)
    own = os.stat(arguments[0])
    traced, here, status = set(), range(0), 0
    while traced or first:
        pid, status = os.waitpid(-1, ALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            if pid in traced and os.WIFEXITED(status) and os.WEXITSTATUS(status) == 125:
                sys.exit(f"{' '.join(arguments)}: failed")
            traced.discard(pid)
            continue
        deliver, event = 0, status >> 16
        if first:
            libc.ptrace(SETOPTIONS, pid, None, FORKS | EXEC)
            first = None
        elif event == EVENT_EXEC and not os.path.samestat(os.stat(f"/proc/{pid}/exe"), own):
            libc.ptrace(DETACH, pid, None, None)
            traced.discard(pid)
            continue
        elif pid in traced and not event and os.WSTOPSIG(status) != signal.SIGTRAP:
            deliver = os.WSTOPSIG(status)
        traced.add(pid)
        place = libc.ptrace(PEEKUSER, pid, RIP, None)
        if place not in here:
            last = bisect.bisect_right(starts, place) - 1
            start, end, _ = known[last]
            if place in range(start, end):
                here = range(start, end)
                # By each of its names: functions with the same code are one, whose section has the name of either.
                for start, end, name in known[bisect.bisect_left(starts, start) : last + 1]:
                    seen.setdefault(name, end - start)
        libc.ptrace(SINGLESTEP, pid, None, deliver)


def sections(name):
    """Where the linker finds a function."""
    if not name.startswith("_R"):
        # The C library's: of its own name, or, in assembly, all that its file has.
        return [f"*(.text.{name})", f"*lib*:{name}.lo(.text)"]
    # The compiler's number of a piece that it has moved; which compiler's crate; and how far before something was named.
    name = re.sub(r"\.llvm\.[0-9]+$", "*", name)
    name = re.sub(r"(Cs|B)[0-9A-Za-z]*_", r"\1*_", name)
    return [f"*(.text*.{name})"]


def main():
    (program,) = sys.argv[1:]
    known, seen = functions(program), {}
    with tempfile.TemporaryDirectory() as scratch:
        own = os.path.join(scratch, "mydocker")
        shutil.copy(program, own)
        for options in STARTS:
            trace([own, "run", *options, "/bin/true"], known, seen)
            print(f"{len(seen)} functions, {sum(seen.values())} bytes, with {options}", file=sys.stderr)
    lines = ["*crt1.o(.text .text.*)"]
    for name in seen:
        # What the compiler has moved out of several functions has a number instead of a name, another one each time.
        if name.startswith("OUTLINED_FUNCTION"):
            continue
        lines += [line for line in sections(name) if line not in lines]
    with open(TARGET, "w") as file:
        file.write("/* The functions of a start in the order of their first use, by bench/order.py: src/guide/static.md. */\n")
        file.write("SECTIONS\n{\n  .text.in_order :\n  {\n")
        file.writelines(f"    {line}\n" for line in lines)
        file.write("  }\n}\nINSERT BEFORE .text;\n")


main()
