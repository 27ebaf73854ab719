/* SPDX-License-Identifier: Apache-2.0 */
/* The value logged for a label: the whole list of an account's devices and public keys, signed by the account key
 * (docs/formats.md gives the bytes).
 *
 * A decoded set borrows names, keys and extensions from the input and has its arrays in the arena; both must outlive
 * it. Encoding checks the same rules as decoding, so what was encoded decodes. Times are Unix milliseconds and are
 * claims of whoever wrote the set. */
#ifndef KT_DEVICE_SET_H
#define KT_DEVICE_SET_H

#include <kt/account_key.h>
#include <kt/key_algorithm.h>

KT_API_BEGIN

struct kt_arena;

#define KT_DEVICE_SET_FORMAT 1
#define KT_DEVICE_ID_LEN 16
#define KT_DEVICE_KEY_MAX ((size_t)48 << 10)
#define KT_DEVICE_SET_MAX ((size_t)64 << 10)

struct kt_device_id {
  uint8_t b[KT_DEVICE_ID_LEN];
};

struct kt_device_key {
  uint16_t algorithm; /* enum kt_key_algorithm, or a number this build does not know */
  struct kt_bytes key;
};

struct kt_device {
  struct kt_device_id id;
  struct kt_bytes name; /* UTF-8, chosen by whoever added the device: show it, never decide by it */
  uint64_t added_ms;
  const struct kt_device_key *keys;
  size_t n_keys;
};

/* An earlier account key, or a recovery key, vouches for a new account key. */
struct kt_endorsement {
  struct kt_account_key key;
  uint8_t signature[KT_ACCOUNT_SIGNATURE_LEN];
};

/* Extension types; unknown ones are kept and ignored. */
enum kt_set_extension_type {
  /* In an unsigned set: the account key (33 bytes) that the operator names for this label. Only it may then claim the
   * label, and it may succeed an established key that was lost. */
  KT_SET_EXTENSION_OPERATOR_KEY = 1,
};

struct kt_set_extension {
  uint16_t type;
  struct kt_bytes data;
};

struct kt_device_set {
  struct kt_hash log_id;
  struct kt_bytes label;
  uint32_t seq;
  struct kt_hash previous;
  bool is_signed; /* account_key, endorsement and signature exist only then */
  struct kt_account_key account_key;
  const struct kt_device *devices; /* ascending by id, unique */
  size_t n_devices;
  const struct kt_account_key *recovery_keys;
  size_t n_recovery_keys;
  bool has_endorsement;
  struct kt_endorsement endorsement;
  const struct kt_set_extension *extensions;
  size_t n_extensions;
  uint8_t signature[KT_ACCOUNT_SIGNATURE_LEN];
};

/* KT_ERR_FORMAT, KT_ERR_LIMIT, KT_ERR_UNSUPPORTED (another format number) or KT_ERR_MEMORY. Signatures are not
 * checked here. */
KT_MUST_USE enum kt_err kt_device_set_decode(struct kt_bytes value, struct kt_arena *arena,
                                             struct kt_device_set *ret_set);
/* The bytes are in the arena. */
KT_MUST_USE enum kt_err kt_device_set_encode(const struct kt_device_set *set, struct kt_arena *arena,
                                             struct kt_bytes *ret_value);

/* Fill account_key, is_signed and signature; everything else must be final. On failure the set is unchanged. */
KT_MUST_USE enum kt_err kt_device_set_sign(struct kt_device_set *set,
                                           const uint8_t seed[KT_AT_LEAST KT_ACCOUNT_SEED_LEN]);
/* Does the signature belong to the account key in the set? That the key is the right one is for kt/account_policy.h
 * to say. KT_ERR_PROOF when not, or when the set is unsigned. */
KT_MUST_USE enum kt_err kt_device_set_verify(const struct kt_device_set *set);

/* SHA-256 of an encoded value: the next set's `previous`. */
void kt_device_set_value_hash(struct kt_bytes value, struct kt_hash *ret_hash);

/* The key an unsigned set names for the label; NULL when it names none. Points into the set's input. */
const uint8_t *kt_device_set_operator_key(const struct kt_device_set *set);

/* An endorsement speaks about one set, the one with this seq, of one label in one log, and about one succession,
 * predecessor to successor: it counts nowhere else, and not again when the predecessor has come back since. The seed is
 * that of the predecessor, or of one of its recovery keys. */
KT_MUST_USE enum kt_err kt_endorsement_make(const struct kt_hash *log_id, struct kt_bytes label, uint32_t seq,
                                            const struct kt_account_key *predecessor,
                                            const struct kt_account_key *successor,
                                            const uint8_t seed[KT_AT_LEAST KT_ACCOUNT_SEED_LEN],
                                            struct kt_endorsement *ret_endorsement);
/* Checks the signature for set's log, label, seq and account key; KT_ERR_PROOF when wrong or absent. */
KT_MUST_USE enum kt_err kt_endorsement_verify(const struct kt_device_set *set,
                                              const struct kt_account_key *predecessor);

/* SHA-256(uint16 algorithm || key). */
KT_MUST_USE enum kt_err kt_device_key_fingerprint(const struct kt_device_key *key, struct kt_hash *ret_fingerprint);
/* SHA-256 over all keys of a device as encoded: with the id, what an owner approves. */
KT_MUST_USE enum kt_err kt_device_keys_hash(const struct kt_device *device, struct kt_hash *ret_hash);

/* Resolve a DEVICE argument: hex digits that begin one device's id or the fingerprint of one of its keys. Names never
 * match. KT_ERR_USAGE: not 1 to 64 hex digits; KT_ERR_ABSENT: unknown; KT_ERR_CONFLICT: several devices match. */
KT_MUST_USE enum kt_err kt_device_set_find(const struct kt_device_set *set, const char *argument,
                                           const struct kt_device **ret_device);

KT_API_END

#endif
