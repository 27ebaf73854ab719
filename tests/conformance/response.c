/* SPDX-License-Identifier: Apache-2.0 */
#include "response.h"

struct kt_client conf_client(struct conf_case *c, const struct kt_config *config, const struct conf_world *world)
{
  const struct kt_log_state *nothing = conf_alloc(c, 1, sizeof *nothing);
  return (struct kt_client){
    .config = config, .log = nothing, .now_ms = conf_rightmost_ms(world), .arena = &c->arena, .reason = &c->reason
  };
}

void conf_same_head(struct conf_case *c, const struct kt_config *config, const struct kt_full_tree_head *head)
{
  struct kt_writer w = conf_writer(c);
  kt_full_tree_head_write(&w, config, head);
  conf_same_bytes(c, conf_written(c, &w), conf_hex(c, c->expect, "full_tree_head"), "full_tree_head");
  conf_same_u64(c, head->type, KT_HEAD_UPDATED, "type of the head");
  conf_same_u64(c, head->tree_head.tree_size, conf_u64(c, c->expect, "tree_size"), "tree_size");
}

void conf_same_ladder(struct conf_case *c, const struct kt_config *config, const struct kt_ladder_step *steps, size_t n)
{
  const json_t *wanted = conf_array(c, c->expect, "binary_ladder");
  conf_same_u64(c, n, json_array_size(wanted), "length of the binary ladder");
  for (size_t i = 0; i < n; i++) {
    const json_t *step = json_array_get(wanted, i);
    conf_same_bytes(c, (struct kt_bytes){ steps[i].proof, config->suite->vrf_proof_len }, conf_hex(c, step, "proof"),
                    "VRF proof in the binary ladder");
    conf_same_u64(c, steps[i].has_commitment, conf_has(step, "commitment"), "presence of a commitment");
    if (steps[i].has_commitment) {
      const struct kt_hash commitment = conf_hash(c, step, "commitment");
      conf_same_hash(c, &steps[i].commitment, &commitment, "commitment in the binary ladder");
    }
  }
}
