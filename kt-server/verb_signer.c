/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "folder.h"
#include "listen.h"
#include "privileges.h"
#include "sandbox.h"
#include "signer.h"
#include "units.h"

struct request {
  const char *dir;
  const char *address; /* one of these two */
  const char *fd;
  const char *user;
  bool guard_may_be_missing;
  bool has_no_sandbox;
};

static enum kt_err restrict_calls(const struct request *request, struct kt_error *error)
{
  return request->has_no_sandbox ? KT_OK : kt_sandbox_enter(KT_SANDBOX_SIGNER, error);
}

/* The log at the other end says when this is over. */
static int serve_parent(const struct request *request)
{
  struct kt_error error;
  uint64_t fd = 0;
  if (kt_number_parse(request->fd, &fd) != KT_OK || fd > 1023) {
    kt_say("--fd %s: not the number of an open socket", request->fd);
    return KT_EXIT_USAGE;
  }
  enum kt_err err = restrict_calls(request, &error);
  if (err != KT_OK) {
    return kt_report(err, &error);
  }
  (void)signal(SIGINT, SIG_IGN);
  (void)signal(SIGTERM, SIG_IGN);
  (void)signal(SIGHUP, SIG_IGN);
  kt_signer_serve((int)fd, request->dir, request->guard_may_be_missing);
  return KT_EXIT_DONE;
}

static enum kt_err become(const char *name, struct kt_error *error)
{
  struct kt_user user;
  if (name == NULL) {
    return KT_OK;
  }
  enum kt_err err = kt_user_find(name, &user, error);
  return err == KT_OK ? kt_user_become(&user, error) : err;
}

/* One log after the other; SIGTERM may end it at any time. */
static int serve_all(const struct request *request)
{
  struct kt_listener listener;
  struct kt_error error;
  enum kt_err err = become(request->user, &error);
  if (err == KT_OK) {
    err = kt_folder_check_mark(request->dir, &error);
  }
  if (err == KT_OK) {
    err = kt_signer_check(request->dir, &error);
  }
  if (err == KT_OK) {
    err = kt_listen_open(request->address, request->dir, &listener, &error);
  }
  if (err == KT_OK) {
    err = restrict_calls(request, &error);
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
      kt_signer_serve(fd, request->dir, request->guard_may_be_missing);
      (void)close(fd);
    }
  }
  return KT_EXIT_UNDECIDED;
}

int kt_verb_signer(const struct kt_verb *verb, int argc, char **argv)
{
  struct request request = { .dir = NULL };
  const struct kt_option options[] = { { "listen", &request.address, NULL },
                                       { "fd", &request.fd, NULL },
                                       { "user", &request.user, NULL },
                                       { "accept-missing-guard", NULL, &request.guard_may_be_missing },
                                       { "no-sandbox", NULL, &request.has_no_sandbox } };
  if (kt_cli_parse(verb, argc, argv, options, sizeof options / sizeof options[0], &request.dir, 1) != KT_OK) {
    return KT_EXIT_USAGE;
  }
  const char *address = request.address;
  if ((address == NULL) == (request.fd == NULL) || (address != NULL && strncmp(address, "unix:", 5) != 0)) {
    kt_say("say where the log reaches the signer: --listen unix:PATH");
    return KT_EXIT_USAGE;
  }
  return request.fd != NULL ? serve_parent(&request) : serve_all(&request);
}
