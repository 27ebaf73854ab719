/* SPDX-License-Identifier: Apache-2.0 */
/* Tree proofs as the files break them out. */
#include "base/reader.h"
#include "world.h"

static struct kt_prefix_leaf read_leaf(struct conf_case *c, const json_t *object)
{
  return (struct kt_prefix_leaf){ .vrf_output = conf_hash(c, object, "vrf_output"),
                                  .commitment = conf_hash(c, object, "commitment") };
}

struct kt_prefix_leaf *conf_leaves(struct conf_case *c, const json_t *object, const char *key, size_t *ret_n)
{
  const json_t *array = conf_array(c, object, key);
  size_t n = json_array_size(array);
  struct kt_prefix_leaf *leaves = conf_alloc(c, n, sizeof *leaves);
  for (size_t i = 0; i < n; i++) {
    leaves[i] = read_leaf(c, json_array_get(array, i));
  }
  *ret_n = n;
  return leaves;
}

struct kt_label_keys conf_keys(struct conf_case *c, const json_t *object, const char *key)
{
  const json_t *array = conf_array(c, object, key);
  size_t n = json_array_size(array);
  uint32_t *versions = conf_alloc(c, n, sizeof *versions);
  for (size_t i = 0; i < n; i++) {
    versions[i] = conf_u32(c, json_array_get(array, i), "version");
  }
  struct kt_label_keys keys = conf_blank_keys(c, versions, n);
  for (size_t i = 0; i < n; i++) {
    const json_t *entry = json_array_get(array, i);
    struct kt_label_key *slot = kt_label_keys_find(&keys, versions[i]);
    slot->vrf_output = conf_hash(c, entry, "vrf_output");
    slot->has_commitment = conf_has(entry, "commitment");
    if (slot->has_commitment) {
      slot->commitment = conf_hash(c, entry, "commitment");
    }
  }
  return keys;
}

static void same_result(struct conf_case *c, const json_t *wanted, const struct kt_prefix_result *got)
{
  conf_same_u64(c, got->type, conf_u64(c, wanted, "result_type"), "result_type");
  conf_same_u64(c, got->depth, conf_u64(c, wanted, "depth"), "depth");
  conf_same_u64(c, got->type == KT_PREFIX_NON_INCLUSION_LEAF, conf_has(wanted, "leaf"), "presence of a leaf");
  if (conf_has(wanted, "leaf")) {
    const struct kt_prefix_leaf leaf = read_leaf(c, conf_object(c, wanted, "leaf"));
    conf_same_hash(c, &got->leaf.vrf_output, &leaf.vrf_output, "vrf_output of a leaf");
    conf_same_hash(c, &got->leaf.commitment, &leaf.commitment, "commitment of a leaf");
  }
}

void conf_same_prefix_proof(struct conf_case *c, const json_t *object, const struct kt_prefix_proof *proof)
{
  const json_t *results = conf_array(c, object, "results");
  conf_same_u64(c, proof->n_results, json_array_size(results), "number of results");
  for (size_t i = 0; i < proof->n_results; i++) {
    same_result(c, json_array_get(results, i), &proof->results[i]);
  }
  conf_same_hashes(c, proof->elements, proof->n_elements, object, "elements");
}

void conf_same_combined(struct conf_case *c, const json_t *object, const struct kt_combined_proof *proof)
{
  size_t n_timestamps;
  const uint64_t *timestamps = conf_u64s(c, object, "timestamps", &n_timestamps);
  const json_t *prefix_proofs = conf_array(c, object, "prefix_proofs");
  conf_same_u64(c, proof->n_timestamps, n_timestamps, "number of timestamps");
  for (size_t i = 0; i < n_timestamps; i++) {
    conf_same_u64(c, proof->timestamps[i], timestamps[i], "timestamps");
  }
  conf_same_u64(c, proof->n_prefix_proofs, json_array_size(prefix_proofs), "number of prefix_proofs");
  for (size_t i = 0; i < proof->n_prefix_proofs; i++) {
    const json_t *wanted = json_array_get(prefix_proofs, i);
    struct kt_writer w = conf_writer(c);
    kt_prefix_proof_write(&w, &proof->prefix_proofs[i]);
    conf_same_bytes(c, conf_written(c, &w), conf_hex(c, wanted, "encoding"), "encoding of a prefix proof");
    conf_same_prefix_proof(c, wanted, &proof->prefix_proofs[i]);
  }
  conf_same_hashes(c, proof->prefix_roots, proof->n_prefix_roots, object, "prefix_roots");
  conf_same_hashes(c, proof->inclusion.elements, proof->inclusion.n_elements, object, "inclusion");
}

enum kt_err conf_read_prefix_proof(struct conf_case *c, struct kt_bytes encoded, struct kt_prefix_proof *ret_proof)
{
  struct kt_reader r;
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_prefix_proof_read(&r, &c->arena, ret_proof);
  return kt_reader_end(&r);
}

enum kt_err conf_read_combined(struct conf_case *c, struct kt_bytes encoded, struct kt_combined_proof *ret_proof)
{
  struct kt_reader r;
  kt_reader_init(&r, encoded.data, encoded.len);
  kt_combined_proof_read(&r, &c->arena, ret_proof);
  return kt_reader_end(&r);
}
