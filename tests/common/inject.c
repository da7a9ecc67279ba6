// Has another process make a system call: inject PID NUMBER [ARGUMENT...]. Prints what the call has returned.
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

int main(int count, char **words) {
  pid_t process = atoi(words[1]);
  if (ptrace(PTRACE_SEIZE, process, 0, 0) || ptrace(PTRACE_INTERRUPT, process, 0, 0)) {
    puts("not to be traced");
    return 0;
  }
  waitpid(process, NULL, __WALL);
  struct user_regs_struct before, registers;
  ptrace(PTRACE_GETREGS, process, 0, &before);
  registers = before;
  // It waits in a system call: back to that instruction, of two bytes.
  registers.rip -= 2;
  registers.orig_rax = -1;
  registers.rax = strtoul(words[2], NULL, 0);
  registers.rdi = count > 3 ? strtoul(words[3], NULL, 0) : 0;
  registers.rsi = count > 4 ? strtoul(words[4], NULL, 0) : 0;
  ptrace(PTRACE_SETREGS, process, 0, &registers);
  for (int stop = 0; stop < 2; stop++) { // before the call, and after it
    ptrace(PTRACE_SYSCALL, process, 0, 0);
    waitpid(process, NULL, __WALL);
  }
  ptrace(PTRACE_GETREGS, process, 0, &registers);
  printf("%lld\n", (long long)registers.rax);
  ptrace(PTRACE_SETREGS, process, 0, &before);
  ptrace(PTRACE_DETACH, process, 0, 0);
  return 0;
}
