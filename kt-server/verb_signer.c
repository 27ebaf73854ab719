/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"
#include "signer.h"
#include "units.h"

/* Nobody may look into this process or find it in a core file. */
static void hide_memory(void)
{
  const struct rlimit none = { 0, 0 };
  (void)prctl(PR_SET_DUMPABLE, 0);
  (void)setrlimit(RLIMIT_CORE, &none);
}

/* The log at the other end says when this is over. */
static int serve_parent(const char *fd_text, const char *dir, bool guard_may_be_missing)
{
  uint64_t fd = 0;
  if (kt_number_parse(fd_text, &fd) != KT_OK || fd > 1023) {
    kt_say("--fd %s: not the number of an open socket", fd_text);
    return KT_EXIT_USAGE;
  }
  (void)signal(SIGINT, SIG_IGN);
  (void)signal(SIGTERM, SIG_IGN);
  (void)signal(SIGHUP, SIG_IGN);
  kt_signer_serve((int)fd, dir, guard_may_be_missing);
  return KT_EXIT_DONE;
}

/* One log after the other; SIGTERM may end it at any time. */
static int serve_all(const char *address, const char *dir, bool guard_may_be_missing)
{
  struct kt_listener listener;
  struct kt_error error;
  enum kt_err err = kt_signer_check(dir, &error);
  if (err == KT_OK) {
    err = kt_listen_open(address, dir, &listener, &error);
  }
  if (err != KT_OK) {
    return kt_report(err, &error);
  }
  (void)printf("listening on %s\n", listener.url);
  (void)fflush(stdout);
  struct pollfd wait = { .fd = listener.fd, .events = POLLIN };
  while (poll(&wait, 1, -1) >= 0 || errno == EINTR) {
    int fd = accept(listener.fd, NULL, NULL);
    if (fd >= 0) {
      kt_signer_serve(fd, dir, guard_may_be_missing);
      (void)close(fd);
    }
  }
  return KT_EXIT_UNDECIDED;
}

int kt_verb_signer(const struct kt_verb *verb, int argc, char **argv)
{
  const char *dir = NULL;
  const char *address = NULL;
  const char *fd = NULL;
  bool guard_may_be_missing = false;
  const struct kt_option options[] = { { "listen", &address, NULL },
                                       { "fd", &fd, NULL },
                                       { "accept-missing-guard", NULL, &guard_may_be_missing } };
  if (kt_cli_parse(verb, argc, argv, options, sizeof options / sizeof options[0], &dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  if ((address == NULL) == (fd == NULL) || (address != NULL && strncmp(address, "unix:", 5) != 0)) {
    kt_say("say where the log reaches the signer: --listen unix:PATH");
    return KT_EXIT_USAGE;
  }
  hide_memory();
  return fd != NULL ? serve_parent(fd, dir, guard_may_be_missing) : serve_all(address, dir, guard_may_be_missing);
}
