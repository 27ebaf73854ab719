/* SPDX-License-Identifier: Apache-2.0 */
/* A messenger that trusts no key server: libkt with a transport (libcurl) and a storage (files) of its own.
 *   messenger URL CONFIG HOME LABEL new DEVICE    make the account LABEL and publish its first device
 *   messenger URL CONFIG HOME LABEL check         did anybody touch the account? to be run now and then
 *   messenger URL CONFIG HOME LABEL send CONTACT  to the devices that CONTACT stands behind, or to none
 * CONFIG is the log's pinned configuration, HOME a folder of mode 0700. `send` only prints the keys it would use. What
 * the log says is verified first and then stored. Exit codes: 0, 1 unproven, 2 usage, 3 undecided, 4 alert, 5 absent. */
#include <curl/curl.h>
#include <errno.h>
#include <kt/client.h>
#include <kt/contact_judge.h>
#include <kt/owner_judge.h>
#include <kt/safety_number.h>
#include <kt/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* Of "account": OWN is the list of devices made here, LATEST the log's newest; SEED belongs into a key store. */
enum { SEED, OWN, LATEST, FOLLOWED, LOG, OWNER, N_ACCOUNT };
enum { CONTACT, PROMISES, LAST, N_CONTACT }; /* of "contact-LABEL"; LAST is the newest list that counted */

struct app {
  const char *url;
  struct kt_config config;
  struct kt_hash log_id;
  struct kt_bytes label, account[N_ACCOUNT];
  struct kt_account_state followed; /* FOLLOWED: who may publish for the label */
  struct kt_log_state log;          /* LOG: the newest head that was verified */
  struct kt_owner_state owner;      /* OWNER: up to where the label was monitored */
  struct kt_client client;          /* what a verification starts from: the above, the time, the arena, a reason */
  struct kt_arena arena;            /* all memory of one run */
  struct kt_reason reason;
  struct kt_writer w; /* the next request */
};

static void must(struct app *app, enum kt_err err, const char *what)
{
  if (err != KT_OK) {
    fprintf(stderr, "%s: %s\n", what, app->reason.text != NULL ? app->reason.text : kt_err_text(err));
    exit(err == KT_ERR_PROOF || err == KT_ERR_FORMAT ? 1 : err == KT_ERR_USAGE ? 2 : err == KT_ERR_ABSENT ? 5 : 3);
  }
}

static struct kt_bytes text(const char *text)
{
  return (struct kt_bytes){ (const uint8_t *)text, strlen(text) };
}

static struct kt_bytes finish(struct app *app)
{
  struct kt_bytes bytes = { kt_arena_copy(&app->arena, app->w.buf, app->w.len), app->w.len };
  must(app, bytes.data != NULL ? app->w.err : KT_ERR_MEMORY, "memory");
  app->w.len = 0;
  return bytes;
}

/* Storage: files of parts, each its length and its bytes. */
static bool parts_read(struct app *app, const char *name, struct kt_bytes *ret_parts, size_t n)
{
  FILE *file = fopen(name, "rb");
  must(app, file != NULL || errno == ENOENT ? KT_OK : KT_ERR_STORE, name);
  for (size_t i = 0; file != NULL && i < n; i++) {
    size_t len = 0;
    uint8_t *data = fread(&len, sizeof len, 1, file) == 1 ? kt_arena_alloc(&app->arena, 1, len) : NULL;
    must(app, data != NULL && fread(data, 1, len, file) == len ? KT_OK : KT_ERR_STORE, name);
    ret_parts[i] = (struct kt_bytes){ data, len };
  }
  return file != NULL && fclose(file) == 0;
}

/* The old file or the new one, whatever happens; after a power cut perhaps the old one, which was verified, too. */
static void parts_write(struct app *app, const char *name, const struct kt_bytes *parts, size_t n)
{
  char fresh[KT_LABEL_MAX + 16];
  (void)snprintf(fresh, sizeof fresh, "%s.new", name);
  FILE *file = fopen(fresh, "wb");
  for (size_t i = 0; file != NULL && i < n; i++) {
    (void)fwrite(&parts[i].len, sizeof parts[i].len, 1, file);
    (void)fwrite(parts[i].data, 1, parts[i].len, file);
  }
  bool ok = file != NULL && fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0 && fclose(file) == 0;
  must(app, ok && rename(fresh, name) == 0 ? KT_OK : KT_ERR_STORE, name);
}

static void account_save(struct app *app, const struct kt_log_state *log, const struct kt_owner_state *owner)
{
  app->log = *log;
  app->owner = *owner;
  must(app, kt_account_state_encode(&app->followed, &app->arena, &app->account[FOLLOWED]), "account");
  kt_log_state_write(&app->w, &app->log);
  app->account[LOG] = finish(app);
  kt_owner_state_write(&app->w, &app->owner);
  app->account[OWNER] = finish(app);
  parts_write(app, "account", app->account, N_ACCOUNT);
}

static size_t receive(char *data, size_t size, size_t count, void *w)
{
  kt_write_bytes(w, data, size * count);
  return size * count;
}

/* Transport: the request that was written goes out, an answer comes back. */
static struct kt_bytes post(struct app *app, const char *path)
{
  char url[512];
  struct kt_bytes request = finish(app);
  (void)snprintf(url, sizeof url, "%s%s", app->url, path);
  CURL *curl = curl_easy_init();
  struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)request.data);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request.len);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &app->w);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L); /* a refusal proves nothing */
  CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  app->reason.text = code != CURLE_OK ? curl_easy_strerror(code) : NULL;
  must(app, code != CURLE_OK ? KT_ERR_STALE : KT_OK, url);
  app->client.now_ms = (uint64_t)time(NULL) * 1000;
  return finish(app);
}

/* An app shows an alert until the person settled it: kt/ledger.h. */
static int tell(struct kt_bytes label, const struct kt_alert *alerts, size_t n)
{
  int code = 0;
  for (size_t i = 0; i < n; i++) {
    printf("%s %s %.*s: %s\n", alerts[i].is_note ? "NOTE" : "ALERT", kt_alert_kind_name(alerts[i].kind), (int)label.len,
           (const char *)label.data, kt_alert_text(&alerts[i])->headline);
    code = kt_exit_code_worse(code, kt_alert_exit_code(alerts[i].kind, alerts[i].is_note));
  }
  return code;
}

/* Publish a list or, without one, fetch newer versions: are they the list made here, have they other devices? */
static int update_own(struct app *app, const struct kt_bytes *list, size_t n)
{
  int code = 0;
  struct kt_update_result new;
  struct kt_device_set own, before;
  struct kt_owner_verdict verdict;
  struct kt_hash own_value;
  must(app, kt_device_set_decode(app->account[OWN], &app->arena, &own), "account");
  struct kt_approved_device approved = { .id = own.devices[0].id };
  must(app, kt_device_keys_hash(&own.devices[0], &approved.keys), "account");
  kt_device_set_value_hash(app->account[OWN], &own_value);
  kt_request_update(&app->w, &app->log, app->label, &app->owner, list, n);
  must(app, kt_verify_update(&app->client, app->label, &app->owner, list, n, post(app, "/v1/update"), &new), "update");
  for (size_t i = 0; i < new.n_values; i++) {
    struct kt_logged_value logged = { app->log_id,  app->label,     new.values[i], new.first_version + (uint32_t)i,
                                      new.position, new.position_ms };
    struct kt_owner_knowledge known = { .state = app->followed, .has_key = true, .key = own.account_key };
    known.own_values = &own_value, known.n_own_values = 1, known.approved = &approved, known.n_approved = 1;
    known.previous = kt_device_set_decode(app->account[LATEST], &app->arena, &before) == KT_OK ? &before : NULL;
    must(app, kt_owner_judge(&known, &logged, &app->arena, &verdict), "account");
    code = kt_exit_code_worse(code, tell(app->label, verdict.alerts, verdict.n_alerts));
    app->followed = verdict.judgement.next;
    app->account[LATEST] = new.values[i];
  }
  account_save(app, &new.log, &new.owner);
  return code;
}

/* Owner monitoring follows distinguished entries; the search finds what is newer than the last of them. */
static int check_own(struct app *app)
{
  uint32_t known = 0;
  struct kt_search_result now;
  struct kt_owner_result end;
  struct kt_hash made, listed;
  const uint32_t *seen = kt_owner_greatest(&app->owner, &known) ? &known : NULL;
  kt_request_search(&app->w, &app->log, app->label, NULL);
  must(app, kt_verify_search(&app->client, app->label, NULL, seen, &app->owner.contact, post(app, "/v1/search"), &now),
       "account");
  app->log = now.log;
  int code = seen == NULL || now.version > known ? update_own(app, NULL, 0) : 0;
  kt_request_owner_monitor(&app->w, &app->log, app->label, &app->owner);
  must(app, kt_verify_owner_monitor(&app->client, &app->owner, post(app, "/v1/owner/monitor"), &end), "monitoring");
  account_save(app, &end.log, &end.owner);
  kt_device_set_value_hash(app->account[OWN], &made);
  kt_device_set_value_hash(app->account[LATEST], &listed);
  bool same = memcmp(&made, &listed, sizeof made) == 0; /* told in full once, and in short for as long as it lasts */
  printf("%s%s\n", same ? "account checked" : "ALERT: the log does not list your devices as you made the list",
         end.complete ? "" : "; checked in part: check again");
  return kt_exit_code_worse(same ? code : 4, end.complete ? code : 3);
}

/* secret: the seed of the account key, then a device's id and (a real one has a secret half) its public key. */
static int new_account(struct app *app, const char *name, uint8_t secret[80])
{
  struct kt_distinguished_result heads;
  struct kt_owner_result start;
  kt_request_distinguished(&app->w, &app->log, NULL);
  must(app, kt_verify_distinguished(&app->client, NULL, post(app, "/v1/distinguished"), &heads), "log");
  must(app, heads.n_heads > 0 ? KT_OK : KT_ERR_PROOF, "the log has no distinguished entry");
  app->log = heads.log;
  const uint64_t pos = heads.heads[0].size - 1;
  kt_request_owner_init(&app->w, &app->log, app->label, pos);
  must(app, kt_verify_owner_init(&app->client, app->label, pos, post(app, "/v1/owner/init"), &start), "label");
  must(app, getrandom(secret, 80, 0) == 80 ? KT_OK : KT_ERR_CRYPTO, "randomness");
  struct kt_device_key key = { KT_KEY_X25519, { secret + 48, 32 } };
  struct kt_device device = { .name = text(name), .added_ms = app->client.now_ms, .keys = &key, .n_keys = 1 };
  struct kt_device_set list = { .log_id = app->log_id, .label = app->label, .devices = &device, .n_devices = 1 };
  memcpy(device.id.b, secret + KT_ACCOUNT_SEED_LEN, KT_DEVICE_ID_LEN);
  must(app, kt_device_set_sign(&list, secret), "account key");
  must(app, kt_device_set_encode(&list, &app->arena, &app->account[OWN]), "list of devices");
  app->account[SEED] = (struct kt_bytes){ secret, KT_ACCOUNT_SEED_LEN };
  account_save(app, &start.log, &start.owner); /* and publish then: the app will know its own list again */
  return update_own(app, &app->account[OWN], 1);
}

static int send_to(struct app *app, const char *name)
{
  char file[KT_LABEL_MAX + 16], digits[KT_SAFETY_NUMBER_TEXT_SIZE], quoted[KT_TEXT_QUOTE_SIZE];
  struct kt_bytes part[N_CONTACT] = { 0 }, label = text(name);
  struct kt_contact_knowledge known = { 0 };
  struct kt_contact_result kept = { 0 };
  struct kt_search_result shown;
  struct kt_contact_verdict verdict;
  struct kt_device_set last;
  struct kt_account_key own;
  struct kt_hash print;
  struct kt_safety_number number;
  (void)snprintf(file, sizeof file, "contact-%s", name);
  if (parts_read(app, file, part, N_CONTACT)) {
    must(app, kt_contact_decode(part[CONTACT], &known.contact), file);
    must(app, kt_contact_state_decode(part[PROMISES], &app->arena, &kept.contact), file);
    known.last = kt_device_set_decode(part[LAST], &app->arena, &last) == KT_OK ? &last : NULL;
    kt_device_set_value_hash(part[LAST], &known.last_hash);
  }
  if (kept.contact.n_map > 0) { /* is what was looked up lately still in the log? */
    kt_request_contact(&app->w, &app->log, label, &kept.contact);
    must(app, kt_verify_contact(&app->client, &kept.contact, post(app, "/v1/contact-monitor"), &kept), name);
    app->log = kept.log;
  }
  kt_request_search(&app->w, &app->log, label, NULL);
  const uint32_t *seen = known.last != NULL ? &(uint32_t){ 0 } : NULL; /* a version that exists */
  must(app, kt_verify_search(&app->client, label, NULL, seen, &kept.contact, post(app, "/v1/search"), &shown), name);
  struct kt_logged_value value = { app->log_id, label, shown.value, shown.version, shown.terminal, shown.terminal_ms };
  must(app, kt_contact_judge(&known, &value, app->client.now_ms, &app->arena, &verdict), name);
  kt_contact_write(&app->w, &verdict.contact);
  part[CONTACT] = finish(app);
  kt_contact_state_write(&app->w, &shown.contact);
  part[PROMISES] = finish(app);
  part[LAST] = verdict.is_endorsed ? shown.value : part[LAST];
  parts_write(app, file, part, N_CONTACT); /* first: a promise without the head it was made under is only repeated */
  account_save(app, &shown.log, &app->owner);
  if (verdict.is_endorsed) {
    must(app, kt_account_key_from_seed(app->account[SEED].data, &own), "account key");
    kt_safety_number_compute(&own, app->label, &verdict.contact.key, label, &number);
    kt_safety_number_format(&number, digits);
    printf("%s contact, safety number to compare:\n%s\n", kt_contact_state_name(verdict.contact.state), digits);
  }
  for (size_t i = 0; verdict.is_endorsed && i < verdict.judgement.set.n_devices; i++) {
    const struct kt_device *device = &verdict.judgement.set.devices[i];
    must(app, kt_device_key_fingerprint(&device->keys[0], &print), "key");
    kt_text_quote(device->name, quoted, sizeof quoted); /* whoever added it chose the name */
    printf("encrypted to %s, key %02x%02x%02x%02x\n", quoted, print.b[0], print.b[1], print.b[2], print.b[3]);
  }
  return tell(label, verdict.alerts, verdict.n_alerts);
}

int main(int argc, char **argv)
{
  static struct app app; /* all zero: nothing is known */
  uint8_t pinned[KT_CONFIG_MAX], secret[80];
  const char *verb = argc < 6 ? "" : argv[5];
  FILE *file = argc == 6 + (strcmp(verb, "check") != 0) && !strchr(argv[argc - 1], '/') ? fopen(argv[2], "rb") : NULL;
  must(&app, file != NULL && chdir(argv[3]) == 0 ? kt_crypto_init() : KT_ERR_USAGE, "URL CONFIG HOME LABEL VERB");
  struct kt_bytes config = { pinned, fread(pinned, 1, sizeof pinned, file) };
  (void)fclose(file);
  must(&app, kt_config_decode(config, &app.config, &app.reason), argv[2]);
  kt_config_log_id(&app.config, &app.log_id);
  kt_arena_init(&app.arena, KT_ARENA_CAP_DEFAULT);
  kt_writer_init(&app.w, (size_t)16 << 20); /* the longest file, request, answer */
  app.url = argv[1], app.label = text(argv[4]);
  app.client = (struct kt_client){ .config = &app.config, .log = &app.log, .arena = &app.arena, .reason = &app.reason };
  bool has_account = parts_read(&app, "account", app.account, N_ACCOUNT);
  must(&app, has_account == (strcmp(verb, "new") == 0) ? KT_ERR_USAGE : KT_OK, "account");
  if (has_account) {
    must(&app, app.account[SEED].len == KT_ACCOUNT_SEED_LEN ? KT_OK : KT_ERR_STORE, "account");
    must(&app, kt_account_state_decode(app.account[FOLLOWED], &app.arena, &app.followed), "account");
    must(&app, kt_log_state_decode(app.account[LOG], &app.log), "account");
    must(&app, kt_owner_state_decode(app.account[OWNER], &app.arena, &app.owner), "account");
  }
  bool is_check = strcmp(verb, "check") == 0;
  int code = !has_account ? new_account(&app, argv[6], secret) : is_check ? check_own(&app) : send_to(&app, argv[6]);
  explicit_bzero((void *)app.account[SEED].data, KT_ACCOUNT_SEED_LEN);
  return code;
}
