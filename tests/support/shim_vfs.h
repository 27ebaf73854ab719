/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite's own VFS with somebody in between, who is told of everything that changes a file and may make calls fail. For
 * the whole process: it becomes the default VFS. Not memory-mapped; the shared-memory index, which is not durable, is passed
 * through. Files are told apart by their names' last parts. */
#ifndef KT_TESTS_SHIM_VFS_H
#define KT_TESTS_SHIM_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shim_call {
  SHIM_OPEN,
  SHIM_READ,
  SHIM_WRITE,
  SHIM_TRUNCATE,
  SHIM_SYNC,
  SHIM_DELETE,
  SHIM_CALLS, /* how many there are */
};

struct shim_event {
  enum shim_call call;
  const char *name; /* of the file, without its folder */
  uint64_t offset;  /* WRITE; TRUNCATE: the new length */
  const uint8_t *data;
  size_t len;
};

/* Before the first database is opened. told, with ctx, is called after each WRITE, TRUNCATE, SYNC and DELETE that succeeded;
 * NULL: nobody is told. False when SQLite refuses. */
bool shim_vfs_install(void (*told)(void *ctx, const struct shim_event *event), void *ctx);

/* The nth call of a kind fails from here on, alone or with all that follow, as a full disk (WRITE, which is then done by
 * half: TRUNCATE), or as a device does (all others). nth 0: none. */
void shim_vfs_arm(enum shim_call call, uint64_t nth, bool for_good);
/* Whether one failed since. */
bool shim_vfs_disarm(void);

#endif
