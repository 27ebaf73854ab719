/* SPDX-License-Identifier: Apache-2.0 */
/* A log as the vectors describe it (timestamps, and how many versions of one label exist as of each entry), and views of
 * it whose feed notes what an algorithm asks for. Beside it, what follows from the draft's text alone, written naively. */
#ifndef KT_CONFORMANCE_WORLD_H
#define KT_CONFORMANCE_WORLD_H

#include "algo/algo.h"
#include "conf.h"
#include "view/replay.h"

#define CONF_ASKED_MAX 1024
#define CONF_LOOKUPS_MAX (UINT8_MAX * 16)

struct conf_world {
  struct conf_case *c;
  const uint64_t *timestamps;
  size_t n;                /* entries */
  uint64_t *n_versions;    /* as of each entry; NULL: no lookups */
  struct kt_bytes *values; /* by version; NULL: not known */

  uint64_t asked[CONF_ASKED_MAX]; /* entries whose timestamp was asked for, in order */
  size_t n_asked;
  struct conf_series {
    uint64_t pos;
    size_t first;
    size_t n;
  } series[UINT8_MAX];
  size_t n_series;
  struct conf_lookup {
    uint32_t version;
    bool included;
  } lookups[CONF_LOOKUPS_MAX];
  size_t n_lookups;
};

struct conf_world *conf_world(struct conf_case *c, const uint64_t *timestamps, size_t n);
/* From entry_timestamps and mutations, for the label of the input. */
struct conf_world *conf_world_read(struct conf_case *c);
uint64_t conf_rightmost_ms(const struct conf_world *world);
/* A view that asks world; retained_size 0: nothing retained. */
struct kt_view conf_view(struct conf_world *world, const struct kt_config *config, uint64_t retained_size);
/* Keys without content for these versions, in any order, for a view that asks world. */
struct kt_label_keys conf_blank_keys(struct conf_case *c, const uint32_t *versions, size_t n);
/* The proof has exactly what was asked for, in that order. */
void conf_same_trace(const struct conf_world *world, const struct kt_view *view, const struct kt_combined_proof *proof);

/* Replay of a proof for a user who retained the tree of retained_size, of which only the timestamps are known: the view
 * is updated on return. */
struct kt_replay *conf_replay(const struct conf_world *world, const struct kt_config *config, uint64_t retained_size,
                              const struct kt_combined_proof *proof, enum kt_err *ret_err);
/* After the algorithm: everything consumed, timestamps those of the log, and as many roots and elements as follow;
 * without a retained tree also that the inclusion part leads to a root. KT_ERR_PROOF otherwise. */
enum kt_err conf_replay_end(const struct conf_world *world, struct kt_replay *replay, struct kt_hash *ret_root);

/* --- the draft's text, naively ---------------------------------------------------------------------------------------- */

/* Direct path of pos in the implicit binary search tree, root first, without pos; the count. */
size_t conf_naive_path(uint64_t size, uint64_t pos, uint64_t ret_path[static KT_IBST_DEPTH_MAX]);
/* Root, right child, right child's right child … */
size_t conf_naive_frontier(uint64_t size, uint64_t ret_frontier[static KT_IBST_DEPTH_MAX]);
/* Which entries are distinguished. */
bool *conf_naive_distinguished(struct conf_case *c, const uint64_t *timestamps, size_t n, uint64_t window);

/* --- parts of responses, as the files break them out ------------------------------------------------------------------ */

void conf_same_prefix_proof(struct conf_case *c, const json_t *object, const struct kt_prefix_proof *proof);
void conf_same_combined(struct conf_case *c, const json_t *object, const struct kt_combined_proof *proof);
/* Whole input, or KT_ERR_FORMAT. */
enum kt_err conf_read_prefix_proof(struct conf_case *c, struct kt_bytes encoded, struct kt_prefix_proof *ret_proof);
enum kt_err conf_read_combined(struct conf_case *c, struct kt_bytes encoded, struct kt_combined_proof *ret_proof);
struct kt_prefix_leaf *conf_leaves(struct conf_case *c, const json_t *object, const char *key, size_t *ret_n);
/* [{version, vrf_output, commitment?}] */
struct kt_label_keys conf_keys(struct conf_case *c, const json_t *object, const char *key);

#endif
