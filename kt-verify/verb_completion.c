/* SPDX-License-Identifier: Apache-2.0 */
/* completion: a short script for the shell, which asks this program for candidates ("completion words -- WORD…", the
 * last one being typed) and gets one per line, a tab and a description after it; a line ":files" stands for file names.
 * The candidates come from the verb table, so that what is offered is what is accepted. */
#include <ctype.h>
#include <string.h>

#include "verbs.h"

#define CHOICE_MAX 32

struct completion {
  const struct kt_cli *cli;
  struct kt_output *out;
  const char *typed; /* the beginning of the word */
};

static void offer(const struct completion *completion, const char *word, size_t len, const char *help)
{
  size_t typed = strlen(completion->typed);
  if (typed <= len && strncmp(word, completion->typed, typed) == 0) {
    kt_output_data(completion->out, "%.*s\t%s\n", (int)len, word, help);
  }
}

static void offer_files(const struct completion *completion, const char *text)
{
  if (strstr(text, "FILE") != NULL || strstr(text, "DIR") != NULL) {
    kt_output_data(completion->out, ":files\n");
  }
}

/* The words to choose from in the text about arguments or a value: normal and strict of "LABEL normal|strict". */
static void offer_choices(const struct completion *completion, const char *text)
{
  bool among = false; /* a bar stands before the word */
  while (*text != '\0') {
    size_t len = strcspn(text, "| ");
    size_t lower = 0;
    while (lower < len && (islower((unsigned char)text[lower]) != 0 || (lower > 0 && text[lower] == '-'))) {
      lower++;
    }
    bool ends_at_bar = text[len] == '|';
    if (len > 1 && lower == len && (among || ends_at_bar)) {
      offer(completion, text, len, "");
    }
    among = ends_at_bar;
    text += text[len] != '\0' ? len + 1 : len;
  }
}

static void offer_options(const struct completion *completion, const struct kt_verb *verb)
{
  uint64_t mask = kt_cli_options(verb);
  for (enum kt_option i = 0; i < KT_OPTIONS; i++) {
    char word[CHOICE_MAX];
    if ((mask & KT_OPT_BIT(i)) != 0) {
      snprintf(word, sizeof word, "--%s", kt_cli_option_name(i));
      offer(completion, word, strlen(word), kt_cli_option_help(i));
    }
  }
}

/* First words of verbs, or the second words of those that begin with `group`. */
static void offer_verbs(const struct completion *completion, const char *group)
{
  const struct kt_cli *cli = completion->cli;
  size_t skip = group != NULL ? strlen(group) + 1 : 0;
  const char *last = "";
  for (size_t i = 0; i < cli->n_verbs; i++) {
    const struct kt_verb *verb = &cli->verbs[i];
    if (group != NULL && (strncmp(verb->name, group, skip - 1) != 0 || verb->name[skip - 1] != ' ')) {
      continue;
    }
    const char *word = verb->name + skip;
    size_t len = strcspn(word, " ");
    if (strncmp(word, last, len) != 0 || last[len] != ' ') { /* verbs of one group stand together */
      offer(completion, word, len, word[len] == '\0' ? verb->help : "…");
    }
    last = word;
  }
}

/* The option that the word names and that takes its value from the next word; KT_OPTIONS: none. */
static enum kt_option awaits_value(const char *word)
{
  enum kt_option i = 0;
  while (i < KT_OPTIONS && (kt_cli_option_value(i) == NULL || strncmp(word, "--", 2) != 0 ||
                            strcmp(word + 2, kt_cli_option_name(i)) != 0)) {
    i++;
  }
  return i;
}

static void offer_next(const struct completion *completion, const char *const *words, size_t n_words)
{
  const char *plain[KT_CLI_ARGS_MAX];
  size_t n_plain = 0;
  size_t n_taken = 0;
  enum kt_option open = KT_OPTIONS;
  for (size_t i = 0; i < n_words; i++) {
    if (open == KT_OPTIONS && words[i][0] != '-') {
      plain[n_plain++] = words[i];
    }
    open = open == KT_OPTIONS ? awaits_value(words[i]) : KT_OPTIONS;
  }
  if (open != KT_OPTIONS) {
    offer_choices(completion, kt_cli_option_value(open));
    offer_files(completion, kt_cli_option_value(open));
    return;
  }
  const struct kt_verb *verb = kt_cli_find_verb(completion->cli, plain, n_plain, &n_taken);
  if (completion->typed[0] == '-') {
    offer_options(completion, verb);
  } else if (verb != NULL) {
    offer_choices(completion, verb->arguments);
    offer_files(completion, verb->arguments);
  } else if (n_plain < 2) {
    offer_verbs(completion, n_plain == 0 ? NULL : plain[0]);
  }
}

static const struct {
  const char *shell;
  const char *script;
} scripts[] = {
  { "bash",
    "_kt_verify()\n"
    "{\n"
    "  local line words=(\"${COMP_WORDS[@]:1:COMP_CWORD}\")\n"
    "  COMPREPLY=()\n"
    "  while IFS= read -r line; do\n"
    "    if [ \"$line\" = :files ]; then\n"
    "      compopt -o filenames 2>/dev/null\n"
    "      while IFS= read -r line; do COMPREPLY+=(\"$line\"); done < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
    "    else\n"
    "      COMPREPLY+=(\"${line%%$'\\t'*}\")\n"
    "    fi\n"
    "  done < <(kt-verify completion words -- \"${words[@]}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _kt_verify kt-verify\n" },
  { "zsh", "#compdef kt-verify\n"
           "_kt_verify()\n"
           "{\n"
           "  local line\n"
           "  local -a offers\n"
           "  for line in \"${(@f)$(kt-verify completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
           "    case $line in\n"
           "    :files) _files ;;\n"
           "    ?*) offers+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
           "    esac\n"
           "  done\n"
           "  _describe kt-verify offers\n"
           "}\n"
           "if [ \"$funcstack[1]\" = _kt_verify ]; then _kt_verify \"$@\"; else compdef _kt_verify kt-verify; fi\n" },
  { "fish", "function __kt_verify_words\n"
            "  set -l typed (commandline -ct)\n"
            "  for line in (kt-verify completion words -- (commandline -opc)[2..-1] \"$typed\" 2>/dev/null)\n"
            "    if test \"$line\" = :files\n"
            "      __fish_complete_path \"$typed\"\n"
            "    else\n"
            "      echo $line\n"
            "    end\n"
            "  end\n"
            "end\n"
            "complete -c kt-verify -f -a '(__kt_verify_words)'\n" },
};

enum kt_exit kt_verb_completion(const struct kt_cli *cli, struct kt_output *out)
{
  if (strcmp(cli->args[0], "words") == 0) {
    if (cli->n_args > 1) {
      const struct completion completion = { .cli = cli, .out = out, .typed = cli->args[cli->n_args - 1] };
      offer_next(&completion, cli->args + 1, cli->n_args - 2);
    }
    return KT_EXIT_OK;
  }
  for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
    if (strcmp(cli->args[0], scripts[i].shell) == 0 && cli->n_args == 1) {
      kt_output_data(out, "%s", scripts[i].script);
      kt_output_set(out, "script", json_string(scripts[i].script));
      return KT_EXIT_OK;
    }
  }
  return kt_output_fail(out, KT_EXIT_USAGE, "shell", "%s: scripts are there for bash, zsh and fish", cli->args[0]);
}
