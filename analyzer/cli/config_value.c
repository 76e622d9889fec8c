/* Settings as TOML: what `aklint config` prints could be a configuration again. */
#include "config.h"
#include "paths.h"
#include "rules.h"

#include <string.h>

static void add_string(CliBuf *out, const char *text)
{
    cli_buf_putc(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7F)
            cli_buf_printf(out, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            cli_buf_printf(out, "\\%c", c);
        else
            cli_buf_putc(out, (char)c);
    }
    cli_buf_putc(out, '"');
}

static void add_list(CliBuf *out, const CliList *list)
{
    cli_buf_putc(out, '[');
    for (size_t i = 0; i < list->len; i++) {
        cli_buf_puts(out, i ? ", " : "");
        add_string(out, cli_list_text(list, i));
    }
    cli_buf_putc(out, ']');
}

static void add_globs(CliBuf *out, const CliList *globs)
{
    CliList texts = {0};

    for (size_t i = 0; i < globs->len; i++)
        cli_list_add(&texts, ((const CliGlob *)globs->items[i])->glob);
    add_list(out, &texts);
}

static void add_per_file(CliBuf *out, const CliList *globs)
{
    cli_buf_putc(out, '{');
    for (size_t i = 0; i < globs->len; i++) {
        const CliGlob *g = globs->items[i];
        cli_buf_puts(out, i ? ", " : " ");
        add_string(out, g->glob);
        cli_buf_puts(out, " = ");
        add_list(out, &g->selectors);
    }
    cli_buf_puts(out, globs->len ? " }" : "}");
}

static void add_levels(CliBuf *out, const CliSettings *s)
{
    const char *comma = " ";

    cli_buf_putc(out, '{');
    for (size_t i = 0; s->levels && i < ak_rule_count(); i++) {
        const AkRule *rule = ak_rule_at(i);
        if (s->levels[i] == ak_rule_level(rule))
            continue;
        cli_buf_printf(out, "%s%s = \"%s\"", comma, ak_rule_id(rule),
                       cli_level_word(s->levels[i]));
        comma = ", ";
    }
    cli_buf_puts(out, *comma == ',' ? " }" : "}");
}

static void add_pairs(CliBuf *out, const CliList *pairs)
{
    cli_buf_putc(out, '{');
    for (size_t i = 0; i + 1 < pairs->len; i += 2) {
        cli_buf_puts(out, i ? ", " : " ");
        add_string(out, cli_list_text(pairs, i));
        cli_buf_puts(out, " = ");
        add_string(out, cli_list_text(pairs, i + 1));
    }
    cli_buf_puts(out, pairs->len ? " }" : "}");
}

static void add_contexts(CliBuf *out, const CliList *globs)
{
    cli_buf_putc(out, '{');
    for (size_t i = 0; i < globs->len; i++) {
        const CliGlob *g = globs->items[i];
        cli_buf_puts(out, i ? ", " : " ");
        add_string(out, g->function ? cli_keep_format("%s:%s", g->glob, g->function) : g->glob);
        cli_buf_puts(out, " = ");
        add_string(out, cli_list_text(&g->selectors, 0));
    }
    cli_buf_puts(out, globs->len ? " }" : "}");
}

static void add_budgets(CliBuf *out, const AkBudgets *budgets)
{
    const char *comma = " ";

    cli_buf_putc(out, '{');
    if (budgets->statements)
        cli_buf_printf(out, " statements = %u", budgets->statements);
    if (budgets->statements)
        comma = ", ";
    if (budgets->loop_statements)
        cli_buf_printf(out, "%sloop-statements = %u", comma, budgets->loop_statements);
    cli_buf_puts(out, budgets->statements || budgets->loop_statements ? " }" : "}");
}

static void add_dialects(CliBuf *out, unsigned dialects)
{
    CliList words = {0};

    for (unsigned bit = 1; bit <= AK_DIALECT_TEMPORAL; bit <<= 1)
        if (dialects & bit)
            cli_list_add(&words, cli_dialect_word(bit));
    if (!words.len)
        cli_list_add(&words, "auto");
    add_list(out, &words);
}

void cli_config_value(const CliSettings *s, CliKey key, CliBuf *out)
{
    static const char *const all[] = {"ALL"};
    CliList everything = {0};

    switch (key) {
    case CLI_SELECT:
        cli_list_add(&everything, all[0]);
        add_list(out, s->origin[CLI_SELECT] ? &s->select : &everything);
        break;
    case CLI_IGNORE: add_list(out, &s->ignore); break;
    case CLI_LEVELS: add_levels(out, s); break;
    case CLI_PER_FILE_IGNORES: add_per_file(out, &s->per_file); break;
    case CLI_EXCLUDE: add_globs(out, &s->globs[0]); break;
    case CLI_EXTEND_EXCLUDE: add_globs(out, &s->globs[1]); break;
    case CLI_DIALECT: add_dialects(out, s->dialects); break;
    case CLI_ENTRY_POINTS: add_list(out, &s->entries); break;
    case CLI_IN_CONTEXTS: add_contexts(out, &s->contexts); break;
    case CLI_CALLS: add_pairs(out, &s->calls); break;
    case CLI_WRAPPERS: add_pairs(out, &s->wrappers); break;
    case CLI_BUDGETS: add_budgets(out, &s->budgets); break;
    case CLI_FOLLOW_PACKAGES: add_list(out, &s->follow); break;
    case CLI_FAIL_ON: add_string(out, cli_level_word(s->fail_on)); break;
    case CLI_MAX_BYTES:
        cli_buf_printf(out, "%zu", s->max_bytes ? s->max_bytes : 4u << 20);
        break;
    case CLI_PYTHON: add_string(out, s->python ? s->python : ""); break;
    case CLI_BASELINE: add_string(out, s->baseline ? s->baseline : ""); break;
    case CLI_EXTEND:
    case CLI_KEYS: break;
    }
}
