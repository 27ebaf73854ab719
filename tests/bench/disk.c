/* SPDX-License-Identifier: Apache-2.0 */
/* What durability costs in the folder that is measured, without our code: a plain write, and a transaction of SQLite
 * with the settings that the log has (WAL, synchronous FULL). */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "primitives.h"

#define BLOCK_LEN 4096
#define ROW_LEN 3000 /* one page of the table */
#define RESTART_AT (64L << 20)

struct bench_disk {
  int fd;
  sqlite3 *db;
  sqlite3_stmt *insert;
  char sync_path[BENCH_PATH_SIZE];
  char commit_path[BENCH_PATH_SIZE];
};

static void check(const struct bench_disk *disk, int rc)
{
  if (rc != SQLITE_OK && rc != SQLITE_DONE) {
    bench_die("%s: %s", disk->commit_path, sqlite3_errmsg(disk->db));
  }
}

static void remove_files(const struct bench_disk *disk)
{
  char path[BENCH_PATH_SIZE + 8];
  static const char *const suffixes[] = { "", "-wal", "-shm" };
  (void)unlink(disk->sync_path);
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    size_t len = strlen(disk->commit_path);
    memcpy(path, disk->commit_path, len);
    memcpy(path + len, suffixes[i], strlen(suffixes[i]) + 1);
    (void)unlink(path);
  }
}

struct bench_disk *bench_disk_new(const char *folder)
{
  struct bench_disk *disk = bench_alloc(1, sizeof *disk);
  bench_path(disk->sync_path, folder, "sync.bench");
  bench_path(disk->commit_path, folder, "commit.bench");
  remove_files(disk);
  disk->fd = open(disk->sync_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (disk->fd < 0) {
    bench_die("%s: %s", disk->sync_path, strerror(errno));
  }
  check(disk, sqlite3_open(disk->commit_path, &disk->db));
  check(disk, sqlite3_exec(disk->db,
                           "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                           "CREATE TABLE t (row INTEGER PRIMARY KEY, data BLOB)",
                           NULL, NULL, NULL));
  check(disk, sqlite3_prepare_v2(disk->db, "INSERT INTO t (data) VALUES (zeroblob(?))", -1, &disk->insert, NULL));
  check(disk, sqlite3_bind_int(disk->insert, 1, ROW_LEN));
  return disk;
}

double bench_disk_sync_us(struct bench_disk *disk)
{
  static const uint8_t block[BLOCK_LEN];
  if (lseek(disk->fd, 0, SEEK_CUR) > RESTART_AT) {
    (void)lseek(disk->fd, 0, SEEK_SET);
  }
  uint64_t start = bench_now_ns();
  if (write(disk->fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(disk->fd) != 0) {
    bench_die("%s: %s", disk->sync_path, strerror(errno));
  }
  return bench_seconds_since(start) * 1e6;
}

double bench_disk_commit_us(struct bench_disk *disk)
{
  uint64_t start = bench_now_ns();
  check(disk, sqlite3_step(disk->insert));
  double us = bench_seconds_since(start) * 1e6;
  check(disk, sqlite3_reset(disk->insert));
  return us;
}

void bench_disk_free(struct bench_disk *disk)
{
  (void)close(disk->fd);
  (void)sqlite3_finalize(disk->insert);
  (void)sqlite3_close(disk->db);
  remove_files(disk);
  free(disk);
}
