/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* flags of clone */
#include "sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harden.h"

/* Rules about numbers that this architecture does not have are left out by libseccomp. */
#define CALL(name) SCMP_SYS(name)

/* --- lists ------------------------------------------------------------------------------------------------------------- */

/* Memory, time, threads' locks, open files, reading and writing: the smallest set that a program of ours lives on. */
static const int basic[] = {
  CALL(brk),          CALL(munmap),        CALL(mremap),         CALL(madvise),         CALL(mlock),
  CALL(munlock),      CALL(futex),         CALL(sched_yield),    CALL(restart_syscall), CALL(exit),
  CALL(exit_group),   CALL(rt_sigaction),  CALL(rt_sigprocmask), CALL(rt_sigreturn),    CALL(getpid),
  CALL(gettid),       CALL(getuid),        CALL(geteuid),        CALL(getgid),          CALL(getegid),
  CALL(getrandom),    CALL(clock_gettime), CALL(clock_getres),   CALL(clock_nanosleep), CALL(nanosleep),
  CALL(gettimeofday), CALL(time),          CALL(read),           CALL(readv),           CALL(pread64),
  CALL(write),        CALL(writev),        CALL(pwrite64),       CALL(close),           CALL(lseek),
  CALL(fcntl),        CALL(flock),         CALL(fsync),          CALL(fdatasync),       CALL(ftruncate),
  CALL(open),         CALL(openat),        CALL(stat),           CALL(fstat),           CALL(lstat),
  CALL(newfstatat),   CALL(statx),         CALL(access),         CALL(faccessat),       CALL(faccessat2),
  CALL(unlink),       CALL(unlinkat),      CALL(poll),           CALL(ppoll),           CALL(accept),
  CALL(accept4),      CALL(recvfrom),      CALL(sendto),         CALL(recvmsg),         CALL(sendmsg),
  CALL(shutdown),
};

/* What a log does besides: the database's files, connections of many clients, threads of an import, its signer's end. */
static const int serving[] = {
  CALL(rename),         CALL(renameat),
  CALL(renameat2),      CALL(link),
  CALL(linkat),         CALL(mkdir),
  CALL(mkdirat),        CALL(rmdir),
  CALL(chmod),          CALL(fchmod),
  CALL(fchmodat),       CALL(fchown),
  CALL(umask),          CALL(fallocate),
  CALL(fadvise64),      CALL(copy_file_range),
  CALL(readlink),       CALL(readlinkat),
  CALL(getcwd),         CALL(getdents64),
  CALL(setpriority),    CALL(statfs),
  CALL(fstatfs),        CALL(msync),
  CALL(epoll_create1),  CALL(epoll_ctl),
  CALL(epoll_wait),     CALL(epoll_pwait),
  CALL(select),         CALL(pselect6),
  CALL(eventfd2),       CALL(pipe2),
  CALL(sendfile),       CALL(setsockopt),
  CALL(getsockopt),     CALL(getsockname),
  CALL(getpeername),    CALL(rt_sigtimedwait),
  CALL(sigaltstack),    CALL(set_robust_list),
  CALL(rseq),           CALL(sched_getaffinity),
  CALL(sched_getparam), CALL(sched_getscheduler),
  CALL(getrusage),      CALL(sysinfo),
  CALL(uname),          CALL(wait4),
  CALL(waitid),
};

/* The connection to the Manager, and finding its address. */
static const int connecting[] = {
  CALL(connect),
  CALL(sendmmsg),
  CALL(recvmmsg),
};

/* Nothing of ours ever does these once it serves. */
static const int deadly[] = {
  CALL(execve),
  CALL(execveat),
  CALL(ptrace),
  CALL(process_vm_readv),
  CALL(process_vm_writev),
  CALL(pidfd_getfd),
  CALL(kcmp),
  CALL(bpf),
  CALL(userfaultfd),
  CALL(io_uring_setup),
  CALL(perf_event_open),
  CALL(init_module),
  CALL(finit_module),
  CALL(kexec_load),
  CALL(mount),
  CALL(pivot_root),
  CALL(chroot),
  CALL(unshare),
  CALL(setns),
  CALL(personality),
  CALL(add_key),
  CALL(keyctl),
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* --- building ------------------------------------------------------------------------------------------------------------ */

/* The rules of one filter; the first failure is kept, so that a list is added without a check at every line. */
struct rules {
  scmp_filter_ctx filter;
  int rc;
};

static void add(struct rules *rules, uint32_t action, int call, unsigned n, const struct scmp_arg_cmp *arguments)
{
  if (rules->rc == 0) {
    rules->rc = seccomp_rule_add_array(rules->filter, action, call, n, arguments);
  }
}

static void add_all(struct rules *rules, uint32_t action, const int *calls, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    add(rules, action, calls[i], 0, NULL);
  }
}

/* Allowed when the argument at index, under the mask, is this value. */
static void add_if(struct rules *rules, int call, unsigned index, uint64_t mask, uint64_t value)
{
  const struct scmp_arg_cmp argument = { .arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value };
  add(rules, SCMP_ACT_ALLOW, call, 1, &argument);
}

#define WHOLE UINT32_MAX /* of an int */

/* Calls that are harmless with some arguments only. */
static void add_careful(struct rules *rules)
{
  /* No code but what was loaded at the start. */
  add_if(rules, CALL(mmap), 2, PROT_EXEC, 0);
  add_if(rules, CALL(mprotect), 2, PROT_EXEC, 0);
  /* Signals to itself: that the log can sign no more, and abort. */
  add_if(rules, CALL(kill), 0, WHOLE, (uint64_t)getpid());
  add_if(rules, CALL(tgkill), 0, WHOLE, (uint64_t)getpid());
  add_if(rules, CALL(ioctl), 1, WHOLE, FIONBIO);
  add_if(rules, CALL(ioctl), 1, WHOLE, FIONREAD);
  add_if(rules, CALL(ioctl), 1, WHOLE, TCGETS);
  /* Asking for a limit, not setting one. */
  add_if(rules, CALL(prlimit64), 2, UINT64_MAX, 0);
  add(rules, SCMP_ACT_ALLOW, CALL(getrlimit), 0, NULL);
}

/* Threads, and no processes. */
static void add_threads(struct rules *rules)
{
  add_if(rules, CALL(clone), 0, CLONE_THREAD | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID, CLONE_THREAD);
  /* Its flags are in memory, where a filter cannot look: the C library goes back to clone. */
  add(rules, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0, NULL);
  add_if(rules, CALL(prctl), 0, WHOLE, PR_SET_NAME);
}

static void add_connecting(struct rules *rules)
{
  add_all(rules, SCMP_ACT_ALLOW, connecting, COUNT(connecting));
  add_if(rules, CALL(socket), 0, WHOLE, AF_UNIX);
  add_if(rules, CALL(socket), 0, WHOLE, AF_INET);
  add_if(rules, CALL(socket), 0, WHOLE, AF_INET6);
  add_if(rules, CALL(socketpair), 0, WHOLE, AF_UNIX);
  /* The resolver loads its parts when they are needed: from files, never from memory that can be written. */
  add_if(rules, CALL(mmap), 2, PROT_EXEC | PROT_WRITE, PROT_EXEC);
}

static void build(struct rules *rules, enum kt_sandbox sandbox)
{
  add_all(rules, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly));
  add_all(rules, SCMP_ACT_ALLOW, basic, COUNT(basic));
  add_careful(rules);
  if (sandbox != KT_SANDBOX_SIGNER) {
    add_all(rules, SCMP_ACT_ALLOW, serving, COUNT(serving));
    add_threads(rules);
  }
  if (sandbox == KT_SANDBOX_OPERATOR) {
    add_connecting(rules);
  }
}

/* --- entering -------------------------------------------------------------------------------------------------------------- */

bool kt_sandbox_is_built(void)
{
  return !KT_IS_SANITIZED;
}

enum kt_err kt_sandbox_enter(enum kt_sandbox sandbox, struct kt_error *error)
{
  if (!kt_sandbox_is_built()) {
    return KT_OK;
  }
  struct rules rules = { .filter = seccomp_init(SCMP_ACT_ERRNO(EPERM)) };
  if (rules.filter == NULL) {
    return kt_error_set(error, KT_ERR_MEMORY, "out of memory");
  }
  /* Threads run already: all of them, or none. */
  rules.rc = seccomp_attr_set(rules.filter, SCMP_FLTATR_CTL_TSYNC, 1);
  build(&rules, sandbox);
  if (rules.rc == 0) {
    rules.rc = seccomp_load(rules.filter);
  }
  seccomp_release(rules.filter);
  return rules.rc == 0 ? KT_OK
                       : kt_error_set(error, KT_ERR_UNSUPPORTED,
                                      "the kernel does not limit this process to the system calls it needs (seccomp: "
                                      "%s); --no-sandbox runs without that",
                                      strerror(-rules.rc));
}
