/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the seeds of all fuzz targets: make_corpus FOLDER, usually tests/fuzz/corpus; with KT_TEST_SUITE=p256 those of
 * the targets of that suite. Requests, responses and proofs are those of an honest log, verified before they are
 * written. Nothing here is random: the same files come out every time. */
#include "corpus.h"

#include <errno.h>
#include <sys/stat.h>

#include "support/suite.h"

#define PATH_SIZE 4096

static const char *folder;

static void make_folder(const char *path)
{
  FUZZ_CHECK(mkdir(path, 0777) == 0 || errno == EEXIST);
}

/* FOLDER/target/name: the selector byte, unless it is negative, and the content. */
void corpus_put(const char *target, const char *name, int selector, struct kt_bytes content)
{
  char path[PATH_SIZE];
  FUZZ_CHECK(snprintf(path, sizeof path, "%s/%s", folder, target) < PATH_SIZE);
  make_folder(path);
  FUZZ_CHECK(snprintf(path, sizeof path, "%s/%s/%s", folder, target, name) < PATH_SIZE);
  FILE *file = fopen(path, "wb");
  FUZZ_CHECK(file != NULL);
  FUZZ_CHECK(selector < 0 || fputc(selector, file) == selector);
  FUZZ_CHECK(fwrite(content.data, 1, content.len, file) == content.len);
  FUZZ_CHECK(fclose(file) == 0);
}

void corpus_put_text(const char *target, const char *name, int selector, const char *text)
{
  corpus_put(target, name, selector, toy_label(text));
}

void corpus_put_written(const char *target, const char *name, int selector, struct kt_writer *w)
{
  FUZZ_CHECK(w->err == KT_OK);
  corpus_put(target, name, selector, (struct kt_bytes){ w->buf, w->len });
  kt_writer_release(w);
}

int main(int argc, char **argv)
{
  static struct toy_log log;
  struct kt_arena arena;
  if (argc != 2) {
    (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  folder = argv[1];
  make_folder(folder);
  if (test_suite()->id == KT_SUITE_P256) {
    corpus_put_answers("verify_p256", "contact", 0);
    corpus_put_answers("verify_p256", "auditing", 32);
    corpus_put_answers("verify_p256", "management", 64);
    return 0;
  }
  corpus_put_answers("verify", "auditing", 32);
  corpus_put_answers("verify", "management", 64);
  kt_arena_init(&arena, KT_ARENA_CAP_DEFAULT);
  toy_scene_log(&log);
  for (size_t i = 0; i < toy_scene_count(); i++) {
    corpus_put_scene(&log, i);
  }
  corpus_put_http(&log);
  corpus_put_server();
  corpus_put_client();
  corpus_put_log_answers(&log, &arena);
  corpus_put_audit_feed(&log, &arena);
  corpus_put_manager_request();
  corpus_put_migrations();
  corpus_put_evidence(&log, &arena);
  corpus_put_credentials(&arena);
  corpus_put_device_sets(&arena);
  corpus_put_sas();
  corpus_put_codes(&arena);
  corpus_put_texts(&arena);
  toy_log_release(&log);
  kt_arena_release(&arena);
  return 0;
}
