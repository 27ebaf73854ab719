/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a device set that are hashed or signed as well as encoded: one writer for each. */
#ifndef KT_ACCOUNT_DEVICE_SET_BODY_H
#define KT_ACCOUNT_DEVICE_SET_BODY_H

#include <kt/device_set.h>

#include <kt/writer.h>

/* Everything above the signature. */
void kt_device_set_body_write(struct kt_writer *w, const struct kt_device_set *set);
/* DeviceKey keys<1..2^8-1>. */
void kt_device_keys_write(struct kt_writer *w, const struct kt_device *device);

#endif
