/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a YAML text something is, for messages. The typed loader forgets places, so the text is parsed once more,
 * and only when there is something to report. Lines and columns count from 1. */
#ifndef KT_SERVER_YAML_WHERE_H
#define KT_SERVER_YAML_WHERE_H

#include <stdbool.h>

#include <kt/bytes.h>

struct kt_yaml_place {
  unsigned line;
  unsigned column;
};

/* The key in the top mapping, or in the mapping that `section` names there; section NULL: anywhere in these two levels.
 * False when there is no such key. */
bool kt_yaml_where(struct kt_bytes text, const char *section, const char *key, struct kt_yaml_place *ret_place);

/* True when the text is not well-formed, and where. */
bool kt_yaml_syntax(struct kt_bytes text, struct kt_yaml_place *ret_place);

#endif
