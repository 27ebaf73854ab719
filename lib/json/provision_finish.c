/* SPDX-License-Identifier: Apache-2.0 */
#include "json/provision.h"

#include <stdlib.h>
#include <string.h>

#include <kt/writer.h>
#include "crypto/hash.h"

/* First 16 bytes of SHA-256(label || name || keys), each with its length, so that the same input is the same device. */
static enum kt_err derive_id(struct kt_bytes label, const struct kt_device *device, struct kt_device_id *ret_id)
{
  static const char domain[] = "kt-provisioned-device/1";
  struct kt_writer w;
  struct kt_hash hash;
  kt_writer_init(&w, SIZE_MAX);
  kt_write_bytes(&w, domain, sizeof domain - 1);
  kt_write_opaque8(&w, label);
  kt_write_opaque8(&w, device->name);
  for (size_t i = 0; i < device->n_keys; i++) {
    kt_write_u16(&w, device->keys[i].algorithm);
    kt_write_opaque16(&w, device->keys[i].key);
  }
  enum kt_err err = w.err;
  if (err == KT_OK) {
    kt_sha256(w.buf, w.len, &hash);
    memcpy(ret_id->b, hash.b, sizeof ret_id->b);
  }
  kt_writer_release(&w);
  return err;
}

static int compare_devices(const void *a, const void *b)
{
  return memcmp(((const struct kt_device *)a)->id.b, ((const struct kt_device *)b)->id.b, KT_DEVICE_ID_LEN);
}

enum kt_err kt_provision_finish(struct kt_json_provision *provision, struct kt_device *devices, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    enum kt_err err = derive_id(provision->label, &devices[i], &devices[i].id);
    if (err != KT_OK) {
      return err;
    }
  }
  qsort(devices, n, sizeof *devices, compare_devices);
  for (size_t i = 1; i < n; i++) {
    if (compare_devices(&devices[i - 1], &devices[i]) == 0) {
      return KT_ERR_CONFLICT;
    }
  }
  provision->devices = devices;
  provision->n_devices = n;
  return KT_OK;
}
