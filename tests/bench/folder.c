/* SPDX-License-Identifier: Apache-2.0 */
/* The log's folder on disk. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server.h"

typedef void (*visit_fn)(void *ctx, const char *path, const struct stat *info);

/* Every file and folder below, folders after what is in them. */
static void walk(const char *folder, void *ctx, visit_fn visit)
{
  DIR *dir = opendir(folder);
  if (dir == NULL) {
    bench_die("%s: %s", folder, strerror(errno));
  }
  for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
    char path[BENCH_PATH_SIZE];
    struct stat info;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
      continue;
    }
    bench_path(path, folder, entry->d_name);
    if (lstat(path, &info) != 0) {
      continue; /* gone meanwhile */
    }
    if (S_ISDIR(info.st_mode)) {
      walk(path, ctx, visit);
    }
    visit(ctx, path, &info);
  }
  (void)closedir(dir);
}

static void add_size(void *ctx, const char *path, const struct stat *info)
{
  uint64_t *total = ctx;
  (void)path;
  if (S_ISREG(info->st_mode)) {
    *total += (uint64_t)info->st_blocks * 512;
  }
}

uint64_t bench_folder_bytes(const char *folder)
{
  uint64_t total = 0;
  walk(folder, &total, add_size);
  return total;
}

static void remove_one(void *ctx, const char *path, const struct stat *info)
{
  (void)ctx;
  if ((S_ISDIR(info->st_mode) ? rmdir(path) : unlink(path)) != 0) {
    bench_die("%s: %s", path, strerror(errno));
  }
}

void bench_folder_remove(const char *folder)
{
  if (access(folder, F_OK) != 0) {
    return;
  }
  walk(folder, NULL, remove_one);
  (void)rmdir(folder);
}

/* --- settings ------------------------------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text, size_t len)
{
  FILE *file = fopen(path, "w");
  if (file == NULL || fwrite(text, 1, len, file) != len || fclose(file) != 0) {
    bench_die("%s: %s", path, strerror(errno));
  }
}

void bench_server_set(const char *folder, const char *key, const char *value)
{
  enum { TEXT_SIZE = 32768 };
  char path[BENCH_PATH_SIZE];
  char *text = bench_alloc(TEXT_SIZE, 2);
  size_t key_len = strlen(key);
  bool found = false;
  bench_path(path, folder, "kt-server.yaml");
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    bench_die("%s: %s", path, strerror(errno));
  }
  char line[1024];
  size_t len = 0;
  while (fgets(line, sizeof line, file) != NULL && len + sizeof line < TEXT_SIZE) {
    bool hit = strncmp(line, key, key_len) == 0 && line[key_len] == ':';
    int n = hit ? snprintf(text + len, TEXT_SIZE, "%s: %s\n", key, value) : snprintf(text + len, TEXT_SIZE, "%s", line);
    len += (size_t)n;
    found = found || hit;
  }
  (void)fclose(file);
  if (!found) {
    bench_die("%s: no key %s", path, key);
  }
  write_file(path, text, len);
  free(text);
}

unsigned bench_server_setting(const char *folder, const char *key)
{
  char path[BENCH_PATH_SIZE];
  char line[1024];
  size_t key_len = strlen(key);
  unsigned long value = 0;
  bench_path(path, folder, "kt-server.yaml");
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    bench_die("%s: %s", path, strerror(errno));
  }
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, key, key_len) == 0 && line[key_len] == ':') {
      value = strtoul(line + key_len + 1, NULL, 10);
    }
  }
  (void)fclose(file);
  return (unsigned)value;
}
