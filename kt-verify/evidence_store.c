/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include <kt/writer.h>
#include "output.h"

#define SUFFIX ".evidence"

struct kt_signed_head kt_evidence_signed_head(const struct kt_seen_head *head)
{
  return (struct kt_signed_head){ .config = head->config,
                                  .received_ms = head->seen_ms,
                                  .size = head->size,
                                  .root = head->root,
                                  .signature = head->signature };
}

void kt_evidence_of_heads(const struct kt_hash *log_id, const struct kt_seen_head *ours,
                          const struct kt_seen_head *theirs, struct kt_bytes consistency,
                          struct kt_evidence *ret_evidence)
{
  bool same = ours->size == theirs->size;
  bool inconsistent = !same && consistency.len > 0;
  bool swap = inconsistent && theirs->size < ours->size; /* the smaller one goes first */
  *ret_evidence = (struct kt_evidence){
    .kind = same           ? KT_EVIDENCE_FORK
            : inconsistent ? KT_EVIDENCE_INCONSISTENT
                           : KT_EVIDENCE_ROLLBACK,
    .log_id = *log_id,
    .first = kt_evidence_signed_head(swap ? theirs : ours),
    .second = kt_evidence_signed_head(swap ? ours : theirs),
    .consistency = consistency,
  };
}

void kt_evidence_id_text(const struct kt_evidence *evidence, char ret_id[static KT_EVIDENCE_ID_SIZE])
{
  uint8_t id[KT_EVIDENCE_ID_LEN];
  kt_evidence_id(evidence, id);
  kt_hex_encode((struct kt_bytes){ id, sizeof id }, ret_id);
}

/* --- JSON ----------------------------------------------------------------------------------------------------------- */

static json_t *head_to_json(const struct kt_signed_head *head)
{
  json_t *object = json_object();
  json_object_set_new(object, "size", json_integer((json_int_t)head->size));
  json_object_set_new(object, "root", kt_output_hex((struct kt_bytes){ head->root.b, KT_HASH_LEN }));
  json_object_set_new(object, "received_ms", json_integer((json_int_t)head->received_ms));
  return object;
}

static bool is_pair(const struct kt_evidence *evidence)
{
  return evidence->kind != KT_EVIDENCE_FAILED && evidence->kind != KT_EVIDENCE_ANSWER;
}

json_t *kt_evidence_to_json(const struct kt_evidence *evidence)
{
  char id[KT_EVIDENCE_ID_SIZE];
  json_t *object = json_object();
  json_t *heads = json_array();
  kt_evidence_id_text(evidence, id);
  json_object_set_new(object, "id", json_string(id));
  json_object_set_new(object, "kind", json_string(kt_evidence_kind_name(evidence->kind)));
  json_object_set_new(object, "log_id", kt_output_hex((struct kt_bytes){ evidence->log_id.b, KT_HASH_LEN }));
  if (is_pair(evidence) || evidence->has_retained) {
    json_array_append_new(heads, head_to_json(&evidence->first));
  }
  if (is_pair(evidence)) {
    json_array_append_new(heads, head_to_json(&evidence->second));
  } else if (evidence->kind == KT_EVIDENCE_FAILED) {
    json_object_set_new(object, "code", kt_output_text(evidence->failed.code));
    json_object_set_new(object, "received_ms", json_integer((json_int_t)evidence->failed.received_ms));
  } else {
    json_object_set_new(object, "label", kt_output_text(evidence->answer.label));
    json_object_set_new(object, "received_ms", json_integer((json_int_t)evidence->answer.received_ms));
  }
  json_object_set_new(object, "heads", heads);
  return object;
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

static bool write_all(int fd, const uint8_t *data, size_t len)
{
  while (len > 0) {
    ssize_t n = write(fd, data, len);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    data += n;
    len -= (size_t)n;
  }
  return true;
}

enum kt_err kt_evidence_write_file(const char *path, struct kt_bytes content)
{
  char temporary[KT_STATE_PATH_MAX + 8];
  /* A name that nobody can lay a link under: a person may write into a folder that others write into, too. */
  int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  if (n < 0 || (size_t)n >= sizeof temporary) {
    errno = ENAMETOOLONG;
    return KT_ERR_STORE;
  }
  int fd = mkstemp(temporary); /* mode 0600 */
  if (fd < 0) {
    return KT_ERR_STORE;
  }
  bool ok = write_all(fd, content.data, content.len) && fsync(fd) == 0;
  ok = close(fd) == 0 && ok && rename(temporary, path) == 0;
  if (!ok) {
    int saved_errno = errno;
    unlink(temporary);
    errno = saved_errno;
  }
  return ok ? KT_OK : KT_ERR_STORE;
}

enum kt_err kt_evidence_save(const char *home, const struct kt_evidence *evidence,
                             char ret_path[static KT_STATE_PATH_MAX])
{
  char id[KT_EVIDENCE_ID_SIZE];
  char path[KT_STATE_PATH_MAX];
  struct kt_writer w;
  kt_evidence_id_text(evidence, id);
  int n = snprintf(path, sizeof path, "%s/evidence", home);
  if (n < 0 || n > KT_STATE_PATH_MAX - 64 || (mkdir(path, 0700) != 0 && errno != EEXIST)) {
    return KT_ERR_STORE;
  }
  snprintf(path + n, sizeof path - (size_t)n, "/%s" SUFFIX, id);
  enum kt_err err = KT_OK;
  if (access(path, F_OK) != 0) {
    kt_writer_init(&w, KT_EVIDENCE_FILE_MAX);
    kt_evidence_write(&w, evidence);
    err = w.err == KT_OK ? kt_evidence_write_file(path, (struct kt_bytes){ w.buf, w.len }) : w.err;
    kt_writer_release(&w);
  }
  if (err == KT_OK) {
    memcpy(ret_path, path, sizeof path);
  }
  return err;
}

static enum kt_err read_all(int fd, size_t max, struct kt_arena *arena, struct kt_bytes *ret_content)
{
  struct stat status;
  if (fstat(fd, &status) != 0) {
    return KT_ERR_STORE;
  }
  if (!S_ISREG(status.st_mode) || status.st_size < 0 || (uint64_t)status.st_size > max) {
    return KT_ERR_FORMAT;
  }
  size_t size = (size_t)status.st_size;
  uint8_t *data = kt_arena_alloc(arena, 1, size);
  if (data == NULL) {
    return KT_ERR_MEMORY;
  }
  size_t len = 0;
  ssize_t n = 1;
  while (len < size && n > 0) {
    n = read(fd, data + len, size - len);
    len += n > 0 ? (size_t)n : 0;
  }
  if (n < 0) {
    return KT_ERR_STORE;
  }
  *ret_content = (struct kt_bytes){ data, len };
  return KT_OK;
}

enum kt_err kt_evidence_read_file(const char *path, size_t max, struct kt_arena *arena, struct kt_bytes *ret_content)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return KT_ERR_STORE;
  }
  enum kt_err err = read_all(fd, max, arena, ret_content);
  int saved = errno;
  close(fd);
  errno = saved;
  return err;
}

enum kt_err kt_evidence_load(const char *path, struct kt_arena *arena, struct kt_bytes *ret_file,
                             struct kt_evidence *ret_evidence)
{
  struct kt_bytes file;
  enum kt_err err = kt_evidence_read_file(path, KT_EVIDENCE_FILE_MAX, arena, &file);
  if (err == KT_OK) {
    err = kt_evidence_decode(file, ret_evidence);
  }
  if (err == KT_OK) {
    *ret_file = file;
  }
  return err;
}

/* Any id in this folder is a whole one: ID.evidence, written by kt_evidence_save. */
static bool is_match(const char *name, const char *prefix)
{
  size_t len = strlen(name);
  return len == KT_EVIDENCE_ID_SIZE - 1 + strlen(SUFFIX) &&
         strspn(name, "0123456789abcdef") == KT_EVIDENCE_ID_SIZE - 1 &&
         strcmp(name + KT_EVIDENCE_ID_SIZE - 1, SUFFIX) == 0 && strncmp(name, prefix, strlen(prefix)) == 0;
}

static int compare_paths(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum kt_err kt_evidence_find(const char *home, const char *prefix, size_t max, struct kt_arena *arena,
                             const char ***ret_paths, size_t *ret_n)
{
  char path[KT_STATE_PATH_MAX];
  size_t n = 0;
  const char **paths = kt_arena_alloc(arena, max, sizeof *paths);
  if (paths == NULL) {
    return KT_ERR_MEMORY;
  }
  snprintf(path, sizeof path, "%s/evidence", home);
  DIR *dir = opendir(path);
  if (dir == NULL && errno != ENOENT) {
    return KT_ERR_STORE;
  }
  for (struct dirent *entry = NULL; dir != NULL && n < max && (entry = readdir(dir)) != NULL;) {
    if (is_match(entry->d_name, prefix)) {
      int len = snprintf(path, sizeof path, "%s/evidence/%s", home, entry->d_name);
      paths[n] = len > 0 && (size_t)len < sizeof path ? kt_arena_copy(arena, path, (size_t)len + 1) : NULL;
      n += paths[n] != NULL;
    }
  }
  if (dir != NULL) {
    closedir(dir);
  }
  qsort(paths, n, sizeof *paths, compare_paths);
  *ret_paths = paths;
  *ret_n = n;
  return KT_OK;
}
