/* SPDX-License-Identifier: Apache-2.0 */
#include "shim_vfs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#define VFS_NAME "kt-shim"

struct shim_file {
  sqlite3_file base;
  const char *name; /* SQLite keeps it while the file is open; NULL: a temporary file */
  sqlite3_file *real;
  int last_errno; /* of a read that was made to fail; 0: none was */
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs shim_vfs;
static void (*told_)(void *ctx, const struct shim_event *event);
static void *told_ctx;

static _Atomic int armed_call;
static _Atomic uint64_t left; /* until one fails; 0: not armed */
static atomic_bool for_good_;
static atomic_bool has_failed;

void shim_vfs_arm(enum shim_call call, uint64_t nth, bool for_good)
{
  atomic_store(&has_failed, false);
  atomic_store(&for_good_, for_good);
  atomic_store(&armed_call, (int)call);
  atomic_store(&left, nth);
}

bool shim_vfs_disarm(void)
{
  atomic_store(&left, 0);
  return atomic_load(&has_failed);
}

static bool fails(enum shim_call call)
{
  const uint64_t n = atomic_load(&left);
  if (n == 0 || atomic_load(&armed_call) != (int)call) {
    return false;
  }
  if (n > 1) {
    atomic_store(&left, n - 1);
    return false;
  }
  atomic_store(&has_failed, true);
  if (!atomic_load(&for_good_)) {
    atomic_store(&left, 0);
  }
  return true;
}

static const char *last_part(const char *path)
{
  const char *slash = path != NULL ? strrchr(path, '/') : NULL;
  return slash != NULL ? slash + 1 : path;
}

static void tell(enum shim_call call, const char *name, uint64_t offset, const void *data, size_t len)
{
  if (told_ != NULL && name != NULL) {
    const struct shim_event event = { .call = call, .name = name, .offset = offset, .data = data, .len = len };
    told_(told_ctx, &event);
  }
}

/* --- files -------------------------------------------------------------------------------------------------------------- */

static sqlite3_file *real_of(sqlite3_file *file)
{
  return ((struct shim_file *)file)->real;
}

static int file_close(sqlite3_file *file)
{
  struct shim_file *f = (struct shim_file *)file;
  int rc = f->real->pMethods->xClose(f->real);
  free(f->real);
  f->real = NULL;
  return rc;
}

/* As SQLite's own VFS says it when a device fails. */
static int file_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
  struct shim_file *f = (struct shim_file *)file;
  if (fails(SHIM_READ)) {
    f->last_errno = EIO;
    return SQLITE_IOERR_CORRUPTFS;
  }
  return f->real->pMethods->xRead(f->real, data, len, offset);
}

static int file_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
  const struct shim_file *f = (const struct shim_file *)file;
  const bool full = fails(SHIM_WRITE);
  const int n = full ? len / 2 : len; /* a disk is full in the middle of a write */
  int rc = n > 0 ? f->real->pMethods->xWrite(f->real, data, n, offset) : SQLITE_OK;
  if (rc == SQLITE_OK) {
    tell(SHIM_WRITE, f->name, (uint64_t)offset, data, (size_t)n);
  }
  return full ? SQLITE_FULL : rc;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
  const struct shim_file *f = (const struct shim_file *)file;
  if (fails(SHIM_TRUNCATE)) {
    return SQLITE_IOERR_TRUNCATE;
  }
  int rc = f->real->pMethods->xTruncate(f->real, size);
  if (rc == SQLITE_OK) {
    tell(SHIM_TRUNCATE, f->name, (uint64_t)size, NULL, 0);
  }
  return rc;
}

static int file_sync(sqlite3_file *file, int flags)
{
  const struct shim_file *f = (const struct shim_file *)file;
  if (fails(SHIM_SYNC)) {
    return SQLITE_IOERR_FSYNC;
  }
  int rc = f->real->pMethods->xSync(f->real, flags);
  if (rc == SQLITE_OK) {
    tell(SHIM_SYNC, f->name, 0, NULL, 0);
  }
  return rc;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
  return real_of(file)->pMethods->xFileSize(real_of(file), ret_size);
}

static int file_lock(sqlite3_file *file, int level)
{
  return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_lock(sqlite3_file *file, int *ret_reserved)
{
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_reserved);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
  const struct shim_file *f = (const struct shim_file *)file;
  if (op == SQLITE_FCNTL_LAST_ERRNO && f->last_errno != 0) {
    *(int *)arg = f->last_errno;
    return SQLITE_OK;
  }
  return f->real->pMethods->xFileControl(f->real, op, arg);
}

static int file_sector_size(sqlite3_file *file)
{
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}

/* No promises that a recorded image would have to keep: sectors of a disk, nothing atomic beyond them. */
static int file_device(sqlite3_file *file)
{
  (void)file;
  return 0;
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret_map)
{
  return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, ret_map);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
  real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete_it)
{
  return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_it);
}

static const sqlite3_io_methods methods = {
  .iVersion = 2, /* without xFetch: nothing is memory-mapped */
  .xClose = file_close,
  .xRead = file_read,
  .xWrite = file_write,
  .xTruncate = file_truncate,
  .xSync = file_sync,
  .xFileSize = file_size,
  .xLock = file_lock,
  .xUnlock = file_unlock,
  .xCheckReservedLock = file_check_lock,
  .xFileControl = file_control,
  .xSectorSize = file_sector_size,
  .xDeviceCharacteristics = file_device,
  .xShmMap = file_shm_map,
  .xShmLock = file_shm_lock,
  .xShmBarrier = file_shm_barrier,
  .xShmUnmap = file_shm_unmap,
};

/* --- the VFS ------------------------------------------------------------------------------------------------------------ */

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *ret_flags)
{
  struct shim_file *f = (struct shim_file *)file;
  (void)vfs;
  *f = (struct shim_file){ .name = last_part(path) };
  if (fails(SHIM_OPEN)) {
    return SQLITE_CANTOPEN;
  }
  f->real = calloc(1, (size_t)real_vfs->szOsFile);
  if (f->real == NULL) {
    return SQLITE_NOMEM;
  }
  int rc = real_vfs->xOpen(real_vfs, path, f->real, flags, ret_flags);
  if (rc == SQLITE_OK) {
    f->base.pMethods = &methods;
  } else {
    free(f->real);
  }
  return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
  (void)vfs;
  if (fails(SHIM_DELETE)) {
    return SQLITE_IOERR_DELETE;
  }
  int rc = real_vfs->xDelete(real_vfs, path, sync_folder);
  if (rc == SQLITE_OK) {
    tell(SHIM_DELETE, last_part(path), 0, NULL, 0);
  }
  return rc;
}

bool shim_vfs_install(void (*told)(void *ctx, const struct shim_event *event), void *ctx)
{
  real_vfs = sqlite3_vfs_find(NULL);
  if (real_vfs == NULL) {
    return false;
  }
  told_ = told;
  told_ctx = ctx;
  shim_vfs = *real_vfs; /* what is not about files is the real one's own */
  shim_vfs.zName = VFS_NAME;
  shim_vfs.szOsFile = (int)sizeof(struct shim_file);
  shim_vfs.pNext = NULL;
  shim_vfs.xOpen = vfs_open;
  shim_vfs.xDelete = vfs_delete;
  return sqlite3_vfs_register(&shim_vfs, 1) == SQLITE_OK;
}
