/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 2048
#define FILE_MAX ((size_t)256 << 20)

static const char *const names[RECORD_FILES] = RECORD_NAMES;

static void stop(const char *what)
{
  (void)fprintf(stderr, "kt-crash-images: %s\n", what);
  exit(2);
}

static void *need(void *memory)
{
  if (memory == NULL) {
    stop("out of memory");
  }
  return memory;
}

static void path_of(const char *folder, const char *name, char ret_path[static PATH_SIZE])
{
  if (snprintf(ret_path, PATH_SIZE, "%s/%s", folder, name) >= PATH_SIZE) {
    stop("the folder's path is too long");
  }
}

/* --- recording ---------------------------------------------------------------------------------------------------------- */

static void read_whole(FILE *file, struct record_file *ret_file)
{
  struct stat status;
  if (fstat(fileno(file), &status) != 0) {
    stop("a file of the log cannot be asked for its length");
  }
  ret_file->len = (size_t)status.st_size;
  ret_file->data = need(malloc(ret_file->len + 1));
  if (fread(ret_file->data, 1, ret_file->len, file) != ret_file->len) {
    stop("a file of the log cannot be read");
  }
}

void record_begin(struct record *record, const char *folder)
{
  *record = (struct record){ .is_on = true };
  for (size_t i = 0; i < RECORD_FILES; i++) {
    char path[PATH_SIZE];
    path_of(folder, names[i], path);
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
      read_whole(file, &record->before[i]);
      (void)fclose(file);
    }
  }
}

/* Doubled when it is a power of two. */
static void *grown(void *array, size_t n, size_t size)
{
  return (n & (n - 1)) == 0 ? need(realloc(array, (n == 0 ? 1 : 2 * n) * size)) : array;
}

void record_put(struct record *record, const struct shim_event *event)
{
  size_t file = 0;
  while (file < RECORD_FILES && strcmp(names[file], event->name) != 0) {
    file++;
  }
  if (!record->is_on || file == RECORD_FILES) {
    return;
  }
  record->ops = grown(record->ops, record->n_ops, sizeof *record->ops);
  struct record_op *op = &record->ops[record->n_ops++];
  *op = (struct record_op){ .call = event->call, .file = file, .offset = event->offset, .len = event->len };
  if (event->len > 0) {
    op->data = memcpy(need(malloc(event->len)), event->data, event->len);
  }
}

void record_mark(struct record *record, const struct record_mark *mark)
{
  record->marks = grown(record->marks, record->n_marks, sizeof *record->marks);
  record->marks[record->n_marks] = *mark;
  record->marks[record->n_marks++].n_ops = record->n_ops;
}

void record_release(struct record *record)
{
  for (size_t i = 0; i < record->n_ops; i++) {
    free(record->ops[i].data);
  }
  for (size_t i = 0; i < RECORD_FILES; i++) {
    free(record->before[i].data);
  }
  free(record->ops);
  free(record->marks);
  *record = (struct record){ .is_on = false };
}

/* --- images ------------------------------------------------------------------------------------------------------------- */

struct image {
  struct record_file file;
  size_t room;
  enum image_kind kind;
  uint64_t (*next)(void *ctx);
  void *ctx;
};

static void resize(struct image *image, size_t len)
{
  if (len > FILE_MAX) {
    stop("a recorded file is too large");
  }
  if (len > image->room) {
    image->room = 2 * len;
    image->file.data = need(realloc(image->file.data, image->room));
  }
  if (len > image->file.len) {
    memset(image->file.data + image->file.len, 0, len - image->file.len); /* a hole */
  }
  image->file.len = len;
}

static void put(struct image *image, uint64_t offset, const uint8_t *data, size_t len)
{
  const size_t end = (size_t)offset + len;
  if (len == 0) {
    return;
  }
  if (end > image->file.len) {
    resize(image, end);
  }
  memcpy(image->file.data + offset, data, len);
}

static bool survives(struct image *image)
{
  return image->kind == IMAGE_ALL || (image->kind == IMAGE_TORN && image->next(image->ctx) % 2 == 0);
}

/* A write that was not flushed, sector by sector. */
static void put_sectors(struct image *image, const struct record_op *op)
{
  for (size_t at = 0; at < op->len;) {
    const size_t in_sector = SECTOR - (size_t)((op->offset + at) % SECTOR);
    const size_t len = in_sector < op->len - at ? in_sector : op->len - at;
    if (survives(image)) {
      put(image, op->offset + at, op->data + at, len);
    }
    at += len;
  }
}

static void apply(struct image *image, const struct record_op *op, bool is_durable)
{
  switch (op->call) {
  case SHIM_WRITE:
    if (is_durable) {
      put(image, op->offset, op->data, op->len);
    } else {
      put_sectors(image, op);
    }
    break;
  case SHIM_TRUNCATE:
    if (is_durable || survives(image)) {
      resize(image, (size_t)op->offset);
    }
    break;
  case SHIM_DELETE:
    if (is_durable || survives(image)) {
      image->file.len = 0;
    }
    break;
  case SHIM_SYNC:
  case SHIM_OPEN:
  case SHIM_READ:
  case SHIM_CALLS: break;
  }
}

static void write_file(const char *folder, const char *name, const struct record_file *content)
{
  char path[PATH_SIZE];
  path_of(folder, name, path);
  (void)unlink(path);
  if (content->len == 0) {
    return;
  }
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(content->data, 1, content->len, file) != content->len || fclose(file) != 0) {
    stop("an image cannot be written");
  }
}

bool record_is_flushed(const struct record *record, size_t n_ops, size_t file)
{
  size_t last = n_ops;
  while (last > 0 && record->ops[last - 1].file != file) {
    last--;
  }
  return last == 0 || record->ops[last - 1].call == SHIM_SYNC;
}

void record_image(const struct record *record, size_t n_ops, enum image_kind kind, uint64_t (*next)(void *ctx),
                  void *ctx, const char *folder)
{
  for (size_t i = 0; i < RECORD_FILES; i++) {
    size_t n_durable = 0; /* operations up to the file's last flush */
    for (size_t k = 0; k < n_ops; k++) {
      if (record->ops[k].file == i && record->ops[k].call == SHIM_SYNC) {
        n_durable = k + 1;
      }
    }
    struct image image = { .kind = kind, .next = next, .ctx = ctx };
    put(&image, 0, record->before[i].data, record->before[i].len);
    for (size_t k = 0; k < n_ops; k++) {
      if (record->ops[k].file == i) {
        apply(&image, &record->ops[k], k < n_durable);
      }
    }
    write_file(folder, names[i], &image.file);
    free(image.file.data);
  }
  char path[PATH_SIZE];
  path_of(folder, "log.db-shm", path);
  (void)unlink(path); /* it is memory */
}
