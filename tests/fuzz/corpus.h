/* SPDX-License-Identifier: Apache-2.0 */
/* The seeds of the fuzz targets, by what they are about. Everything is of an honest log and verified before it is
 * written; nothing is random. Functions end the program when anything does not succeed. */
#ifndef KT_TESTS_FUZZ_CORPUS_H
#define KT_TESTS_FUZZ_CORPUS_H

#include "fuzz.h"

#include <kt/writer.h>

#include "support/toy_scene.h"

/* FOLDER/target/name: the selector byte, unless it is negative, and the content. put_written releases the writer. */
void corpus_put(const char *target, const char *name, int selector, struct kt_bytes content);
void corpus_put_text(const char *target, const char *name, int selector, const char *text);
void corpus_put_written(const char *target, const char *name, int selector, struct kt_writer *w);

/* corpus_log.c: what a log says and signs. */
void corpus_put_scene(struct toy_log *log, size_t index);
void corpus_put_answers(const char *target, const char *mode, int first);
void corpus_put_log_answers(const struct toy_log *log, struct kt_arena *arena);
void corpus_put_audit_feed(struct toy_log *log, struct kt_arena *arena);
void corpus_put_manager_request(void);
void corpus_put_migrations(void);
void corpus_put_evidence(struct toy_log *log, struct kt_arena *arena);
void corpus_put_credentials(struct kt_arena *arena);

/* corpus_http.c: what a server is asked. */
void corpus_put_http(struct toy_log *log);

/* corpus_server.c: files and messages of a log's folder, and of an auditor's. */
void corpus_put_server(void);
void corpus_put_client(void);

/* corpus_account.c: what people make. */
void corpus_put_device_sets(struct kt_arena *arena);
void corpus_put_sas(void);
void corpus_put_codes(struct kt_arena *arena);
void corpus_put_texts(struct kt_arena *arena);

#endif
