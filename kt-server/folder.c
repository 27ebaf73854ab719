/* SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_io.h"
#include "names.h"

bool kt_folder_is_empty(const char *dir)
{
  DIR *stream = opendir(dir);
  size_t n = 0;
  while (stream != NULL && readdir(stream) != NULL) {
    n++;
  }
  if (stream != NULL) {
    (void)closedir(stream);
  }
  return n == 2; /* "." and ".." */
}

enum kt_err kt_folder_make(const char *dir, bool *ret_made, struct kt_error *error)
{
  if (mkdir(dir, 0700) == 0) {
    *ret_made = true;
    return KT_OK;
  }
  if (errno != EEXIST) {
    return kt_error_set(error, KT_ERR_STORE, "%s: %s", dir, strerror(errno));
  }
  if (!kt_folder_is_empty(dir)) {
    return kt_error_set(error, KT_ERR_USAGE, "%s exists and is not an empty folder; nothing was changed", dir);
  }
  *ret_made = false;
  return KT_OK;
}

void kt_folder_remove_files(const char *dir, const char *const *names, size_t n)
{
  struct kt_path path;
  struct kt_error error;
  for (size_t i = 0; i < n; i++) {
    if (kt_path_join(dir, names[i], &path, &error) == KT_OK) {
      (void)unlink(path.s);
    }
  }
}

void kt_folder_remove(const char *dir, const char *const *names, size_t n, bool made)
{
  static const char *const beside_database[] = { KT_NAME_DATABASE "-wal", KT_NAME_DATABASE "-shm" };
  kt_folder_remove_files(dir, names, n);
  kt_folder_remove_files(dir, beside_database, sizeof beside_database / sizeof beside_database[0]);
  if (!kt_folder_is_empty(dir)) {
    kt_say("some files remain in %s; remove them before another try", dir);
  } else if (made) {
    (void)rmdir(dir);
  }
}

static bool is_there(const char *dir, const char *name)
{
  struct kt_path path;
  struct kt_error ignored;
  return kt_path_join(dir, name, &path, &ignored) == KT_OK && access(path.s, F_OK) == 0;
}

enum kt_err kt_folder_check_log(const char *dir, struct kt_error *error)
{
  struct kt_path path;
  enum kt_err err = kt_path_join(dir, KT_NAME_SETTINGS, &path, error);
  if (err != KT_OK || access(path.s, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
    return err; /* what else there is shows when it is read */
  }
  if (is_there(dir, KT_NAME_DATABASE) || is_there(dir, KT_NAME_OPERATOR_DATABASE)) {
    return kt_error_set(error, KT_ERR_ABSENT,
                        "%s is missing: a backup has it; another log's would do, with head-guard and the like as they "
                        "were here",
                        path.s);
  }
  return kt_error_set(error, KT_ERR_ABSENT, "%s: no log here (no " KT_NAME_SETTINGS "); kt-server init makes one", dir);
}

/* Where nobody can tell, the folder is neither marked nor not. */
enum kt_err kt_folder_is_marked(const char *dir, bool *ret_is_marked, struct kt_error *error)
{
  struct kt_path path;
  enum kt_err err = kt_path_join(dir, KT_NAME_READ_ONLY, &path, error);
  if (err != KT_OK) {
    return err;
  }
  *ret_is_marked = access(path.s, F_OK) == 0;
  if (!*ret_is_marked && errno != ENOENT) {
    return kt_error_set(error, KT_ERR_STORE, "%s: %s", path.s, strerror(errno));
  }
  return KT_OK;
}

enum kt_err kt_folder_check_mark(const char *dir, struct kt_error *error)
{
  bool is_marked = false;
  enum kt_err err = kt_folder_is_marked(dir, &is_marked, error);
  if (err != KT_OK || !is_marked) {
    return err;
  }
  return kt_error_set(error, KT_ERR_CONFLICT,
                      "%s is marked to be served read only; its file " KT_NAME_READ_ONLY " says why", dir);
}
