/* aklint graph: a workflow as a picture, for Mermaid, for graphviz, or drawn by graphviz. */
#define _GNU_SOURCE
#include "commands.h"
#include "paths.h"
#include "process.h"
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return 2;
}

/* ---- Mermaid ---- */

/* Mermaid reads its own marks in labels; as entities they are text. */
static void add_mermaid_text(CliBuf *out, const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20)
            cli_buf_putc(out, ' ');
        else if (strchr("\"#<>&;[](){}|`", *text))
            cli_buf_printf(out, "#%d;", *text);
        else
            cli_buf_putc(out, *text);
    }
}

static void print_mermaid(const AkPicture *picture, CliBuf *out)
{
    static const struct {
        const char *open, *close;
    } shapes[] = {
        [AK_SHAPE_START] = {"([\"", "\"])"},  [AK_SHAPE_END] = {"([\"", "\"])"},
        [AK_SHAPE_ACTIVITY] = {"[\"", "\"]"}, [AK_SHAPE_TIMER] = {"((\"", "\"))"},
        [AK_SHAPE_CHILD] = {"[[\"", "\"]]"},  [AK_SHAPE_WAIT] = {">\"", "\"]"},
        [AK_SHAPE_CHOICE] = {"{\"", "\"}"},   [AK_SHAPE_LOOP] = {"{{\"", "\"}}"},
        [AK_SHAPE_TRY] = {"[/\"", "\"/]"},    [AK_SHAPE_COMMAND] = {"[\"", "\"]"},
        [AK_SHAPE_CALL] = {"[\"", "\"]"},
    };

    cli_buf_puts(out, "flowchart TD\n");
    for (size_t i = 0; i < picture->node_len; i++) {
        const AkPictureNode *node = &picture->nodes[i];
        cli_buf_printf(out, "    n%zu%s", i, shapes[node->shape].open);
        add_mermaid_text(out, node->label);
        cli_buf_printf(out, "%s\n", shapes[node->shape].close);
    }
    for (size_t i = 0; i < picture->edge_len; i++) {
        const AkPictureEdge *edge = &picture->edges[i];
        cli_buf_printf(out, "    n%u -->", edge->from);
        if (*edge->label) {
            cli_buf_puts(out, "|\"");
            add_mermaid_text(out, edge->label);
            cli_buf_puts(out, "\"|");
        }
        cli_buf_printf(out, " n%u\n", edge->to);
    }
}

/* ---- graphviz ---- */

static void add_dot_text(CliBuf *out, const char *text)
{
    cli_buf_putc(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            cli_buf_putc(out, '\\');
        cli_buf_putc(out, (unsigned char)*text < 0x20 ? ' ' : *text);
    }
    cli_buf_putc(out, '"');
}

static void print_dot(const AkPicture *picture, CliBuf *out)
{
    static const char *const shapes[] = {
        [AK_SHAPE_START] = "oval",        [AK_SHAPE_END] = "oval",
        [AK_SHAPE_ACTIVITY] = "box",      [AK_SHAPE_TIMER] = "circle",
        [AK_SHAPE_CHILD] = "box3d",       [AK_SHAPE_WAIT] = "cds",
        [AK_SHAPE_CHOICE] = "diamond",    [AK_SHAPE_LOOP] = "hexagon",
        [AK_SHAPE_TRY] = "parallelogram", [AK_SHAPE_COMMAND] = "note",
        [AK_SHAPE_CALL] = "component",
    };

    cli_buf_puts(out, "digraph workflow {\n    node [fontname=\"sans-serif\", fontsize=11];\n"
                      "    edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (size_t i = 0; i < picture->node_len; i++) {
        const AkPictureNode *node = &picture->nodes[i];
        cli_buf_printf(out, "    n%zu [shape=%s, label=", i, shapes[node->shape]);
        add_dot_text(out, node->label);
        cli_buf_printf(out, ", tooltip=");
        add_dot_text(out,
                     cli_keep_format("%s:%u", cli_survey_path(&node->place), node->place.line));
        cli_buf_puts(out, "];\n");
    }
    for (size_t i = 0; i < picture->edge_len; i++) {
        const AkPictureEdge *edge = &picture->edges[i];
        cli_buf_printf(out, "    n%u -> n%u", edge->from, edge->to);
        if (*edge->label) {
            cli_buf_puts(out, " [label=");
            add_dot_text(out, edge->label);
            cli_buf_putc(out, ']');
        }
        cli_buf_puts(out, ";\n");
    }
    cli_buf_puts(out, "}\n");
}

static const char *write_apart(const CliBuf *text)
{
    const char *folder = getenv("TMPDIR");
    char *path = cli_keep_format("%s/aklint-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    bool whole;

    if (!file)
        return NULL;
    whole = fwrite(text->data, 1, text->len, file) == text->len;
    return fclose(file) == 0 && whole ? path : NULL;
}

static int print_svg(const AkPicture *picture, CliBuf *out)
{
    CliBuf text = {0};
    const char *path;
    int status;

    print_dot(picture, &text);
    path = write_apart(&text);
    cli_buf_free(&text);
    if (!path)
        return fail("a file for graphviz cannot be written below TMPDIR");
    status = cli_process((const char *const[]){"dot", "-Tsvg", path, NULL}, out);
    unlink(path);
    if (status < 0 || status == 127)
        return fail("the program `dot` is not there: install graphviz, or take --format dot or "
                    "mermaid");
    return status ? fail("graphviz could not draw the picture") : 0;
}

/* ---- which one ---- */

typedef struct Found {
    AkCheck *check;
    size_t number, count;
    CliList names;
} Found;

static bool is_drawable(const AkStart *start)
{
    return start->contexts & AK_CTX_WORKFLOW;
}

/* "Order" and "Order.run" of "flow.py:Order.run"; a class stands for its run. */
static bool is_meant(const AkStart *start, const char *root)
{
    const char *colon = strrchr(root, ':'), *name = colon ? colon + 1 : root;
    size_t len = strlen(name);
    const char *file =
        colon ? cli_path_absolute(cli_keep_text(root, (size_t)(colon - root))) : NULL;

    if (file && strcmp(file, cli_path_absolute(cli_path_from_library(start->place.path))))
        return false;
    if (!strcmp(start->name, name))
        return true;
    return !strncmp(start->name, name, len) && start->name[len] == '.' &&
           !strncmp(start->text, "workflow ", 9) && !strstr(start->name + len, "__init__");
}

static void look(Found *found, const CliList *checks, const char *root)
{
    for (size_t c = 0; c < checks->len; c++) {
        const AkStart *starts;
        size_t len = ak_check_starts(checks->items[c], &starts);
        for (size_t i = 0; i < len; i++) {
            const AkStart *start = &starts[i];
            const char *name =
                cli_keep_format("%s:%s", cli_survey_path(&start->place), start->name);
            if (is_drawable(start) && !cli_list_has(&found->names, name))
                cli_list_add(&found->names, name);
            if (!is_drawable(start) || !is_meant(start, root))
                continue;
            found->check = checks->items[c];
            found->number = i;
            found->count++;
        }
    }
}

static int not_one(const Found *found, const char *root)
{
    if (found->count)
        fail(cli_keep_format("'%s' is the name of several; say which:", root));
    else
        fail(cli_keep_format("no workflow or entry point is called '%s'%s", root,
                             found->names.len ? "; there are:" : ""));
    for (size_t i = 0; i < found->names.len; i++)
        fprintf(stderr, "    %s\n", cli_list_text(&found->names, i));
    return 2;
}

static int draw(const CliRun *run, const char *root, const char *format)
{
    Found found = {0};
    AkPicture picture;
    CliBuf out = {0};
    int status = 0;

    look(&found, &run->checks, root);
    if (found.count != 1)
        return not_one(&found, root);
    if (ak_check_picture(found.check, found.number, &picture) < 0)
        return fail("out of memory");
    if (!strcmp(format, "svg"))
        status = print_svg(&picture, &out);
    else
        (!strcmp(format, "dot") ? print_dot : print_mermaid)(&picture, &out);
    if (status) {
        cli_buf_free(&out);
        return status;
    }
    return cli_survey_print(&out);
}

int cli_graph(const CliOptions *options)
{
    const char *format = options->format ? options->format : "mermaid", *root;
    CliList paths = {0};
    CliRun run;
    int status;

    if (strcmp(format, "mermaid") && strcmp(format, "dot") && strcmp(format, "svg"))
        return fail(cli_keep_format("--format is mermaid, dot or svg here, not '%s'", format));
    if (!options->words.len)
        return fail("graph of what? Order, Order.run or flow.py:on_event; `aklint contexts` "
                    "lists what starts");
    root = cli_list_text(&options->words, 0);
    for (size_t i = 1; i < options->words.len; i++)
        cli_list_add(&paths, cli_list_text(&options->words, i));
    status = cli_survey(&run, options, &paths);
    if (!status)
        status = draw(&run, root, format);
    cli_run_end(&run);
    return status;
}
