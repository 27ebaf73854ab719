/* SPDX-License-Identifier: Apache-2.0 */
#include "donors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)64 << 20)

static const struct kt_config *config_of(const struct toy_questions *all, const struct toy_question *question)
{
  const bool is_credential = question->kind == TOY_ASKS_CREDENTIAL || question->kind == TOY_ASKS_CREDENTIAL_UPDATE;
  return is_credential ? &all->credential_log.config : &all->log.config;
}

void donors_put(const struct toy_questions *all, struct kt_writer *w)
{
  for (size_t i = 0; i < all->n; i++) {
    static struct part parts[PARTS_MAX];
    const struct toy_question *question = &all->questions[i];
    const size_t n = parts_find(config_of(all, question), question, parts);
    if (n == 0) {
      (void)fprintf(stderr, "kt-mutate: the parts of %s were not found\n", question->name);
      exit(2);
    }
    kt_write_opaque32(w, question->response);
    kt_write_count8(w, n);
    for (size_t k = 0; k < n; k++) {
      kt_write_u8(w, (uint8_t)parts[k].type);
      kt_write_u32(w, (uint32_t)parts[k].at);
      kt_write_u32(w, (uint32_t)parts[k].len);
    }
  }
}

static void read_donor(struct donors *donors, struct kt_reader *r)
{
  struct donor *donor = &donors->at[donors->n];
  donor->response = kt_read_opaque32(r, FILE_MAX);
  donor->n_parts = kt_read_count8(r, 1);
  for (size_t k = 0; k < donor->n_parts; k++) {
    struct part *part = &donor->parts[k % PARTS_MAX];
    part->type = (enum part_type)kt_read_u8(r);
    part->at = kt_read_u32(r);
    part->len = kt_read_u32(r);
    if (k >= PARTS_MAX || part->at > donor->response.len || part->len > donor->response.len - part->at) {
      kt_reader_fail(r, KT_ERR_FORMAT);
    }
  }
  donors->n += r->err == KT_OK ? 1 : 0;
}

void donors_read(struct donors *donors, const char *path)
{
  struct kt_reader r;
  size_t len = 0;
  FILE *file = fopen(path, "rb");
  uint8_t *content = kt_arena_alloc(&donors->arena, 1, (size_t)1 << 20);
  if (file != NULL && content != NULL) {
    len = fread(content, 1, (size_t)1 << 20, file);
    (void)fclose(file);
  }
  kt_reader_init(&r, content, len);
  while (r.left > 0 && donors->n < DONORS_MAX) {
    read_donor(donors, &r);
  }
  if (len == 0 || kt_reader_end(&r) != KT_OK) {
    (void)fprintf(stderr, "kt-mutate: %s is not a file of responses\n", path);
    exit(2);
  }
}

void donors_release(struct donors *donors)
{
  kt_arena_release(&donors->arena);
}
