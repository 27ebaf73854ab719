/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a program: system calls and allocations that fail on command, as the program and its libraries make them
 * through the C library. From the environment, once, before main:
 *   KT_FAIL_CALL   the call, by its name in the list below; without it nothing fails
 *   KT_FAIL_NTH    which one of them, 1 is the first
 *   KT_FAIL_ERRNO  what it fails with
 *   KT_FAIL_ON     anything: all that follow fail too
 *   KT_FAIL_VERB   only in a process whose first argument this is; children inherit the environment
 *   KT_FAIL_COUNTS a file, to which "CALL NUMBER" lines are appended at the end */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum call {
  CALL_OPEN,
  CALL_READ,
  CALL_PREAD,
  CALL_WRITE,
  CALL_PWRITE,
  CALL_FSYNC,
  CALL_FDATASYNC,
  CALL_FTRUNCATE,
  CALL_RENAME,
  CALL_UNLINK,
  CALL_FLOCK,
  CALL_FCNTL,
  CALL_MMAP,
  CALL_SOCKET,
  CALL_CONNECT,
  CALL_ACCEPT,
  CALL_RECV,
  CALL_SEND,
  CALL_POLL,
  CALL_EPOLL,
  CALL_THREAD,
  CALL_ALLOC,
  N_CALLS
};

static const char *const names[N_CALLS] = {
  "open",  "read", "pread",  "write",   "pwrite", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "flock",
  "fcntl", "mmap", "socket", "connect", "accept", "recv",  "send",      "poll",      "epoll",  "thread", "alloc",
};

static _Atomic unsigned long counts[N_CALLS];
static enum call failing = N_CALLS;
static unsigned long nth;
static int cause;
static bool goes_on;
static bool is_active;
static const char *report;

/* Code whose allocations count: the program's, and of the two libraries that it hands its data to. Others' (of the resolver,
 * of TLS) are not ours to answer for. */
#define RANGES_MAX 8
static struct {
  uintptr_t from;
  uintptr_t to;
} ranges[RANGES_MAX];
static size_t n_ranges;

static void find_code(void)
{
  char line[4096];
  char program[2048];
  ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
  FILE *file = fopen("/proc/self/maps", "r");
  program[len > 0 ? len : 0] = '\0';
  while (file != NULL && n_ranges < RANGES_MAX && fgets(line, sizeof line, file) != NULL) {
    bool is_ours =
        strstr(line, program) != NULL || strstr(line, "/libjansson") != NULL || strstr(line, "/libsqlite3") != NULL;
    if (is_ours && strstr(line, " r-xp ") != NULL) {
      char *end = NULL; /* "FROM-TO r-xp …" */
      ranges[n_ranges].from = strtoul(line, &end, 16);
      ranges[n_ranges++].to = strtoul(end + 1, NULL, 16);
    }
  }
  if (file != NULL) {
    (void)fclose(file);
  }
}

static bool is_ours(const void *caller)
{
  for (size_t i = 0; i < n_ranges; i++) {
    if ((uintptr_t)caller >= ranges[i].from && (uintptr_t)caller < ranges[i].to) {
      return true;
    }
  }
  return false;
}

static bool is_verb(const char *verb)
{
  char line[4096];
  FILE *file = fopen("/proc/self/cmdline", "r");
  size_t len = file != NULL ? fread(line, 1, sizeof line - 1, file) : 0;
  if (file != NULL) {
    (void)fclose(file);
  }
  line[len] = '\0';
  size_t first = strlen(line) + 1;
  return first < len && strcmp(line + first, verb) == 0;
}

static unsigned long number(const char *name)
{
  const char *text = getenv(name);
  return text != NULL ? strtoul(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
  const char *call = getenv("KT_FAIL_CALL");
  const char *verb = getenv("KT_FAIL_VERB");
  for (int i = 0; i < N_CALLS && call != NULL; i++) {
    if (strcmp(call, names[i]) == 0) {
      failing = (enum call)i;
    }
  }
  nth = number("KT_FAIL_NTH");
  cause = (int)number("KT_FAIL_ERRNO");
  goes_on = getenv("KT_FAIL_ON") != NULL;
  report = getenv("KT_FAIL_COUNTS");
  find_code();
  is_active = verb == NULL || is_verb(verb);
}

__attribute__((destructor)) static void end(void)
{
  bool wanted = is_active && report != NULL;
  is_active = false;
  FILE *file = wanted ? fopen(report, "a") : NULL;
  for (int i = 0; i < N_CALLS && file != NULL; i++) {
    (void)fprintf(file, "%s %lu\n", names[i], atomic_load(&counts[i]));
  }
  if (file != NULL) {
    (void)fclose(file);
  }
}

static bool fails(enum call call)
{
  if (!is_active) {
    return false;
  }
  unsigned long n = atomic_fetch_add(&counts[call], 1) + 1;
  if (call != failing || n < nth || (n > nth && !goes_on)) {
    return false;
  }
  errno = cause;
  return true;
}

/* The next definition of the function that this one hides. POSIX promises that the conversion is right. */
static void find(const char *name, void *ret_next)
{
  void *next = dlsym(RTLD_NEXT, name);
  memcpy(ret_next, &next, sizeof next);
}

// clang-format off
// NOLINTBEGIN(bugprone-macro-parentheses,clang-analyzer-valist.Uninitialized): types, and a list that va_start begins
#define HIDE(call, failed, result, name, parameters, arguments) \
  __attribute__((visibility("default"))) result name parameters \
  {                                                             \
    static result (*next) parameters;                           \
    if (fails(call)) {                                          \
      return failed;                                            \
    }                                                           \
    if (next == NULL) {                                         \
      find(#name, &next);                                       \
    }                                                           \
    return next arguments;                                      \
  }

HIDE(CALL_PREAD, -1, ssize_t, pread, (int fd, void *buf, size_t len, off_t at), (fd, buf, len, at))
HIDE(CALL_PREAD, -1, ssize_t, pread64, (int fd, void *buf, size_t len, off64_t at), (fd, buf, len, at))
HIDE(CALL_PWRITE, -1, ssize_t, pwrite, (int fd, const void *buf, size_t len, off_t at), (fd, buf, len, at))
HIDE(CALL_PWRITE, -1, ssize_t, pwrite64, (int fd, const void *buf, size_t len, off64_t at), (fd, buf, len, at))
HIDE(CALL_FSYNC, -1, int, fsync, (int fd), (fd))
HIDE(CALL_FDATASYNC, -1, int, fdatasync, (int fd), (fd))
HIDE(CALL_FTRUNCATE, -1, int, ftruncate, (int fd, off_t len), (fd, len))
HIDE(CALL_FTRUNCATE, -1, int, ftruncate64, (int fd, off64_t len), (fd, len))
HIDE(CALL_RENAME, -1, int, rename, (const char *from, const char *to), (from, to))
HIDE(CALL_UNLINK, -1, int, unlink, (const char *path), (path))
HIDE(CALL_FLOCK, -1, int, flock, (int fd, int operation), (fd, operation))
HIDE(CALL_MMAP, MAP_FAILED, void *, mmap, (void *at, size_t len, int prot, int flags, int fd, off_t from),
     (at, len, prot, flags, fd, from))
HIDE(CALL_MMAP, MAP_FAILED, void *, mmap64, (void *at, size_t len, int prot, int flags, int fd, off64_t from),
     (at, len, prot, flags, fd, from))
HIDE(CALL_SOCKET, -1, int, socket, (int domain, int type, int protocol), (domain, type, protocol))
HIDE(CALL_CONNECT, -1, int, connect, (int fd, __CONST_SOCKADDR_ARG address, socklen_t len), (fd, address, len))
HIDE(CALL_ACCEPT, -1, int, accept, (int fd, __SOCKADDR_ARG address, socklen_t *len), (fd, address, len))
HIDE(CALL_ACCEPT, -1, int, accept4, (int fd, __SOCKADDR_ARG address, socklen_t *len, int flags),
     (fd, address, len, flags))
HIDE(CALL_RECV, -1, ssize_t, recv, (int fd, void *buf, size_t len, int flags), (fd, buf, len, flags))
HIDE(CALL_RECV, -1, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
HIDE(CALL_SEND, -1, ssize_t, send, (int fd, const void *buf, size_t len, int flags), (fd, buf, len, flags))
HIDE(CALL_SEND, -1, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
HIDE(CALL_POLL, -1, int, poll, (struct pollfd *list, nfds_t n, int timeout_ms), (list, n, timeout_ms))
HIDE(CALL_EPOLL, -1, int, epoll_create1, (int flags), (flags))
HIDE(CALL_OPEN, NULL, FILE *, fopen, (const char *path, const char *mode), (path, mode))
HIDE(CALL_OPEN, NULL, FILE *, fopen64, (const char *path, const char *mode), (path, mode))
HIDE(CALL_THREAD, cause, int, pthread_create,
     (pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *ctx),
     (thread, attributes, start, ctx))

/* Those whose last argument may be missing: taken from where it would be, and handed on. */
#define HIDE_OPEN(name)                                                         \
  __attribute__((visibility("default"))) int name(const char *path, int flags, ...) \
  {                                                                             \
    static int (*next)(const char *path, int flags, ...);                       \
    va_list args;                                                               \
    if (fails(CALL_OPEN)) {                                                     \
      return -1;                                                                \
    }                                                                           \
    if (next == NULL) {                                                         \
      find(#name, &next);                                                       \
    }                                                                           \
    va_start(args, flags);                                                      \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0; \
    va_end(args);                                                               \
    return next(path, flags, mode);                                             \
  }

HIDE_OPEN(open)
HIDE_OPEN(open64)

/* The C library's own names, which need no look-up: that would allocate. */
// NOLINTBEGIN(bugprone-reserved-identifier)
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
// NOLINTEND(bugprone-reserved-identifier)

__attribute__((visibility("default"))) void *malloc(size_t size)
{
  return is_ours(__builtin_return_address(0)) && fails(CALL_ALLOC) ? NULL : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
  return is_ours(__builtin_return_address(0)) && fails(CALL_ALLOC) ? NULL : __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
  return is_ours(__builtin_return_address(0)) && fails(CALL_ALLOC) ? NULL : __libc_realloc(old, size);
}

/* Of files only: no disk stands behind what threads wake each other with. */
static bool is_file(int fd)
{
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

__attribute__((visibility("default"))) ssize_t read(int fd, void *buf, size_t len)
{
  static ssize_t (*next)(int fd, void *buf, size_t len);
  if (is_file(fd) && fails(CALL_READ)) {
    return -1;
  }
  if (next == NULL) {
    find("read", &next);
  }
  return next(fd, buf, len);
}

__attribute__((visibility("default"))) ssize_t write(int fd, const void *buf, size_t len)
{
  static ssize_t (*next)(int fd, const void *buf, size_t len);
  if (is_file(fd) && fails(CALL_WRITE)) {
    return -1;
  }
  if (next == NULL) {
    find("write", &next);
  }
  return next(fd, buf, len);
}

/* Only adding takes memory; taking away cannot fail. */
__attribute__((visibility("default"))) int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
  static int (*next)(int set, int operation, int fd, struct epoll_event *event);
  if (operation == EPOLL_CTL_ADD && fails(CALL_EPOLL)) {
    return -1;
  }
  if (next == NULL) {
    find("epoll_ctl", &next);
  }
  return next(set, operation, fd, event);
}

#define HIDE_FCNTL(name)                                                       \
  __attribute__((visibility("default"))) int name(int fd, int operation, ...)  \
  {                                                                            \
    static int (*next)(int fd, int operation, ...);                            \
    va_list args;                                                              \
    if (fails(CALL_FCNTL)) {                                                   \
      return -1;                                                               \
    }                                                                          \
    if (next == NULL) {                                                        \
      find(#name, &next);                                                      \
    }                                                                          \
    va_start(args, operation);                                                 \
    void *argument = va_arg(args, void *);                                     \
    va_end(args);                                                              \
    return next(fd, operation, argument);                                      \
  }

HIDE_FCNTL(fcntl)
HIDE_FCNTL(fcntl64)
// NOLINTEND(bugprone-macro-parentheses,clang-analyzer-valist.Uninitialized)
// clang-format on
