/* SPDX-License-Identifier: Apache-2.0 */
#include <kt/account_policy.h>

static bool is_set_of_the_label(const struct kt_set_judgement *judgement)
{
  return judgement->set_class != KT_SET_MALFORMED && judgement->set_class != KT_SET_WRONG_PLACE &&
         judgement->set_class != KT_SET_BAD_SIGNATURE;
}

enum kt_err kt_account_admit_next(const struct kt_account_state *state, const struct kt_hash *log_id,
                                  struct kt_bytes label, struct kt_bytes value, const struct kt_account_terms *terms,
                                  struct kt_arena *arena, struct kt_set_judgement *ret_judgement,
                                  struct kt_reason *reason)
{
  struct kt_set_judgement judgement;
  enum kt_err err = kt_account_judge(state, log_id, label, value, arena, &judgement);
  if (err != KT_OK) {
    return kt_fail(reason, err, "memory", "out of memory", "ours");
  }
  if (!terms->by_operator || !is_set_of_the_label(&judgement)) {
    err = kt_account_admit(&judgement, terms->registration, terms->has_token, reason);
  }
  if (err != KT_OK) {
    return err == KT_ERR_FORMAT || terms->by_operator ? KT_ERR_USAGE : err;
  }
  *ret_judgement = judgement;
  return KT_OK;
}
