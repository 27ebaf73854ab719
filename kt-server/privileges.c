/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* setresuid, initgroups */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "harden.h"
#include "names.h"

enum kt_err kt_user_find(const char *name, struct kt_user *ret_user, struct kt_error *error)
{
  const struct passwd *found = getpwnam(name); /* NOLINT(concurrency-mt-unsafe): there are no threads yet */
  if (found == NULL) {
    return kt_error_set(error, KT_ERR_USAGE, "user %s: this machine has no such user", name);
  }
  if (found->pw_uid == 0 || found->pw_gid == 0) {
    return kt_error_set(error, KT_ERR_USAGE,
                        "user %s: that is root, or in root's group; name one that may do nothing else", name);
  }
  if (geteuid() != 0 && geteuid() != found->pw_uid) {
    return kt_error_set(error, KT_ERR_USAGE, "user %s: only a process that root started can become another user", name);
  }
  *ret_user = (struct kt_user){ .name = name, .uid = found->pw_uid, .gid = found->pw_gid };
  return KT_OK;
}

static bool is_only(const struct kt_user *user)
{
  uid_t uids[3];
  gid_t gids[3];
  if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 || getresgid(&gids[0], &gids[1], &gids[2]) != 0) {
    return false;
  }
  for (size_t i = 0; i < 3; i++) {
    if (uids[i] != user->uid || gids[i] != user->gid) {
      return false;
    }
  }
  return true;
}

/* Whoever takes over this process will try the same. */
static bool can_return(void)
{
  return setresuid((uid_t)-1, 0, (uid_t)-1) == 0 || setresgid((gid_t)-1, 0, (gid_t)-1) == 0;
}

enum kt_err kt_user_become(const struct kt_user *user, struct kt_error *error)
{
  if (geteuid() != 0) {
    return KT_OK; /* kt_user_find made sure of the rest */
  }
  /* Groups first: afterwards they could not be changed any more. */
  if (initgroups(user->name, user->gid) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
      setresuid(user->uid, user->uid, user->uid) != 0) {
    return kt_error_set(error, KT_ERR_STORE, "becoming user %s: %s", user->name, strerror(errno));
  }
  if (!is_only(user) || can_return()) {
    return kt_error_set(error, KT_ERR_STORE, "becoming user %s: the way back to root stays open on this machine",
                        user->name);
  }
  return kt_harden() ? KT_OK : kt_error_set(error, KT_ERR_STORE, "becoming user %s: %s", user->name, strerror(errno));
}

enum kt_err kt_user_check_folder(const char *dir, struct kt_error *error)
{
  struct kt_path path;
  const char *const names[] = { ".", KT_NAME_DATABASE, KT_NAME_DATABASE "-wal", KT_NAME_DATABASE "-shm", KT_NAME_LOCK };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    enum kt_err err = kt_path_join(dir, names[i], &path, error);
    if (err != KT_OK) {
      return err;
    }
    if (access(path.s, R_OK | W_OK) != 0 && errno != ENOENT) {
      return kt_error_set(error, KT_ERR_DENIED,
                          "%s: user %ju cannot keep a log there (%s); give that user the folder and all that is in it "
                          "(chown -R)",
                          path.s, (uintmax_t)geteuid(), strerror(errno));
    }
  }
  return KT_OK;
}
