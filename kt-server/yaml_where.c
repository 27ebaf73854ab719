/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_where.h"

#include <string.h>
#include <yaml.h>

static bool load(struct kt_bytes text, yaml_document_t *ret_document, struct kt_yaml_place *ret_trouble)
{
  yaml_parser_t parser;
  if (yaml_parser_initialize(&parser) == 0) {
    return false;
  }
  yaml_parser_set_input_string(&parser, text.data, text.len);
  bool loaded = yaml_parser_load(&parser, ret_document) != 0;
  if (!loaded) {
    *ret_trouble =
        (struct kt_yaml_place){ (unsigned)parser.problem_mark.line + 1, (unsigned)parser.problem_mark.column + 1 };
  }
  yaml_parser_delete(&parser);
  return loaded;
}

/* The last pair of `mapping` with this key: of two, the second is the one to complain about. */
static const yaml_node_pair_t *find(yaml_document_t *document, const yaml_node_t *mapping, const char *key)
{
  if (mapping == NULL || mapping->type != YAML_MAPPING_NODE) {
    return NULL;
  }
  const yaml_node_pair_t *found = NULL;
  for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top;
       pair++) {
    const yaml_node_t *node = yaml_document_get_node(document, pair->key);
    if (node != NULL && node->type == YAML_SCALAR_NODE && node->data.scalar.length == strlen(key) &&
        memcmp(node->data.scalar.value, key, node->data.scalar.length) == 0) {
      found = pair;
    }
  }
  return found;
}

static const yaml_node_pair_t *find_below(yaml_document_t *document, const yaml_node_t *mapping, const char *key)
{
  if (mapping == NULL || mapping->type != YAML_MAPPING_NODE) {
    return NULL;
  }
  for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top;
       pair++) {
    const yaml_node_pair_t *found = find(document, yaml_document_get_node(document, pair->value), key);
    if (found != NULL) {
      return found;
    }
  }
  return NULL;
}

bool kt_yaml_where(struct kt_bytes text, const char *section, const char *key, struct kt_yaml_place *ret_place)
{
  yaml_document_t document;
  struct kt_yaml_place trouble;
  if (!load(text, &document, &trouble)) {
    return false;
  }
  const yaml_node_t *root = yaml_document_get_root_node(&document);
  const yaml_node_pair_t *pair = find(&document, root, section != NULL ? section : key);
  if (section != NULL && pair != NULL) {
    pair = find(&document, yaml_document_get_node(&document, pair->value), key);
  } else if (pair == NULL) {
    pair = find_below(&document, root, key);
  }
  if (pair != NULL) {
    yaml_mark_t mark = yaml_document_get_node(&document, pair->key)->start_mark;
    *ret_place = (struct kt_yaml_place){ (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
  }
  yaml_document_delete(&document);
  return pair != NULL;
}

bool kt_yaml_syntax(struct kt_bytes text, struct kt_yaml_place *ret_place)
{
  yaml_document_t document;
  struct kt_yaml_place place;
  if (!load(text, &document, &place)) {
    *ret_place = place;
    return true;
  }
  yaml_document_delete(&document);
  return false;
}
