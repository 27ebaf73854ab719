/* SPDX-License-Identifier: Apache-2.0 */
/* ibst, binary-ladder, ladder-interpretation: arithmetic. */
#include <string.h>

#include "world.h"

static void same_child(struct conf_case *c, const json_t *node, const char *key, bool exists, uint64_t child)
{
  conf_require(c, json_object_get(node, key) != NULL, "a node's child is missing");
  conf_same_u64(c, exists, conf_has(node, key), "presence of a child");
  if (exists) {
    conf_same_u64(c, child, conf_u64(c, node, key), key);
  }
}

void conf_ibst(struct conf_case *c)
{
  uint64_t size = conf_u64(c, c->input, "size");
  conf_require(c, size > 0, "an empty tree has no root");
  conf_same_u64(c, kt_ibst_root(size), conf_u64(c, c->expect, "root"), "root");

  uint64_t frontier[KT_IBST_DEPTH_MAX];
  size_t n = kt_ibst_frontier(size, frontier);
  size_t n_wanted;
  const uint64_t *wanted = conf_u64s(c, c->expect, "frontier", &n_wanted);
  conf_same_u64(c, n, n_wanted, "length of the frontier");
  for (size_t i = 0; i < n; i++) {
    conf_same_u64(c, frontier[i], wanted[i], "frontier");
  }
  const json_t *nodes = conf_array(c, c->expect, "nodes");
  conf_same_u64(c, json_array_size(nodes), size <= 64 ? size : n, "number of nodes");
  for (size_t i = 0; i < json_array_size(nodes); i++) {
    const json_t *node = json_array_get(nodes, i);
    uint64_t pos = conf_u64(c, node, "index");
    uint64_t child = 0;
    bool exists = kt_ibst_left(pos, &child);
    same_child(c, node, "left", exists, child);
    exists = kt_ibst_right(pos, size, &child);
    same_child(c, node, "right", exists, child);
  }
}

static void same_versions(struct conf_case *c, const uint32_t *got, size_t n, const json_t *object, const char *key)
{
  size_t n_wanted;
  const uint32_t *wanted = conf_u32s(c, object, key, &n_wanted);
  conf_same_u64(c, n, n_wanted, "number of versions");
  for (size_t i = 0; i < n; i++) {
    conf_same_u64(c, got[i], wanted[i], key);
  }
}

void conf_binary_ladder(struct conf_case *c)
{
  const char *kind = conf_text(c, c->input, "kind");
  uint32_t versions[KT_LADDER_MAX];
  size_t n = 0;
  if (strcmp(kind, "base") == 0) {
    n = kt_ladder_base(conf_u32(c, c->input, "greatest"), versions);
  } else if (strcmp(kind, "search") == 0) {
    size_t n_left;
    size_t n_right;
    const uint32_t *left = conf_u32s(c, c->input, "left_inclusion", &n_left);
    const uint32_t *right = conf_u32s(c, c->input, "right_non_inclusion", &n_right);
    n = kt_ladder_search(conf_u32(c, c->input, "target"), conf_u32(c, c->input, "greatest"), left, n_left, right,
                         n_right, versions);
  } else if (strcmp(kind, "monitoring") == 0) {
    /* The draft's monitoring ladder leaves nothing out. */
    conf_require(c, json_array_size(json_object_get(c->input, "left_inclusion")) == 0,
                 "a monitoring ladder with omissions is not in the draft");
    n = kt_ladder_monitoring(conf_u32(c, c->input, "target"), versions);
  } else {
    conf_fail(c, "unknown kind \"%s\"", kind);
  }
  same_versions(c, versions, n, c->expect, "versions");
}

/* The ladder is run in a log of one entry that has the given greatest version. */
void conf_ladder_interpretation(struct conf_case *c)
{
  uint32_t target = conf_u32(c, c->input, "target");
  uint64_t n_versions = (uint64_t)conf_u32(c, c->input, "greatest") + 1;
  const uint64_t timestamp = 0;
  struct conf_world *world = conf_world(c, &timestamp, 1);
  world->n_versions = &n_versions;

  const struct kt_config config = { .suite = c->suite };
  struct kt_view view = conf_view(world, &config, 0);
  uint32_t versions[KT_LADDER_MAX];
  size_t n = kt_ladder_base(target, versions);
  struct kt_label_keys keys = conf_blank_keys(c, versions, n);
  enum kt_verdict verdict;
  conf_err(c, kt_search_ladder(&view, &keys, 0, target, NULL, &verdict), KT_OK, "search ladder");

  const json_t *results = conf_array(c, c->input, "results");
  uint32_t looked_up[KT_LADDER_MAX];
  for (size_t i = 0; i < world->n_lookups; i++) {
    looked_up[i] = world->lookups[i].version;
    conf_same_u64(c, world->lookups[i].included, json_is_true(json_array_get(results, i)), "outcome of a lookup");
  }
  same_versions(c, looked_up, world->n_lookups, c->input, "ladder");
  conf_same_u64(c, world->n_lookups, json_array_size(results), "number of results");
  if ((int64_t)verdict != conf_int(c, c->expect, "verdict")) {
    conf_fail(c, "verdict %d", (int)verdict);
  }
}
