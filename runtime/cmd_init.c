/* ak init: a small project that passes the gate, with tests. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle.h"
#include "commands.h"
#include "exit_codes.h"

static const char manifest[] = "version: v1\n"
                               "\n"
                               "project:\n"
                               "  name: %s\n"
                               "\n"
                               "  triggers:\n"
                               "    - name: hello\n"
                               "      type: webhook\n"
                               "      call: program.py:on_hello\n";

static const char program[] =
    "\"\"\"Greets whoever calls the webhook, at once and a little later.\"\"\"\n"
    "import time\n"
    "\n"
    "\n"
    "def greeting(name):\n"
    "    return f\"Hello, {name}!\"\n"
    "\n"
    "\n"
    "def on_hello(event):\n"
    "    form = event.data.get(\"body\", {}).get(\"form\") or {}  # of curl -d name=Ada\n"
    "    name = form.get(\"name\", \"world\")\n"
    "    print(greeting(name))\n"
    "    time.sleep(5)  # recorded: a crash in between costs nothing\n"
    "    print(f\"Still here, {name}.\")\n"
    "    return greeting(name)\n";

static const char test[] =
    "\"\"\"python3 -m unittest\"\"\"\n"
    "import unittest\n"
    "\n"
    "import program\n"
    "\n"
    "\n"
    "class Greeting(unittest.TestCase):\n"
    "    def test_names_the_caller(self):\n"
    "        self.assertEqual(program.greeting(\"Ada\"), \"Hello, Ada!\")\n"
    "\n"
    "\n"
    "if __name__ == \"__main__\":\n"
    "    unittest.main()\n";

static const char test_case[] = "Hello, Ada!\n"
                                "Still here, Ada.\n"
                                "\n"
                                "-- program.py:on_hello --\n"
                                "-- event.json --\n"
                                "{\"body\": {\"form\": {\"name\": \"Ada\"}}}\n"
                                "-- return.txt --\n"
                                "'Hello, Ada!'\n";

typedef struct File {
    const char *name, *text;
} File;

static const File files[] = {{"autokitteh.yaml", manifest},
                             {"program.py", program},
                             {"test_program.py", test},
                             {"cases/hello.txtar", test_case}};
enum { FILES = sizeof files / sizeof *files };

/* The folder's name, made a symbol. */
static void project_name(const char *dir, char *name, size_t size)
{
    const char *base = strrchr(dir, '/');

    base = base ? base + 1 : dir;
    snprintf(name, size, "%s%.100s", isdigit((unsigned char)*base) || !*base ? "p" : "", base);
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) || (unsigned char)*name >= 0x80)
            *name = '_';
}

static int write_file(const char *dir, const File *file, const char *name)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/%s", dir, file->name);
    if (ak_make_parents(path) < 0)
        return -1;
    FILE *to = fopen(path, "wxe");
    if (!to)
        return -1;
    for (const char *at = file->text, *hole; *at; at = hole + 2) {
        hole = strstr(at, "%s");
        if (!hole) {
            fputs(at, to);
            break;
        }
        fprintf(to, "%.*s%s", (int)(hole - at), at, name);
    }
    return ak_file_end(to);
}

static void print_json(const char *name)
{
    printf("{\"project\": \"%s\", \"files\": [", name);
    for (size_t i = 0; i < FILES; i++)
        printf("%s\"%s\"", i ? ", " : "", files[i].name);
    puts("]}");
}

static int init(const AkArgs *args)
{
    const char *given = ak_args_operand(args, 0);
    char dir[PATH_MAX], name[256], path[PATH_MAX + 64];

    if (!given)
        given = ".";
    if (ak_make_dirs(given) < 0 || !realpath(given, dir))
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", given, strerror(errno));
    for (size_t i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i].name);
        if (access(path, F_OK) == 0)
            return ak_say_error(AK_EXIT_REFUSED, "%s is there already; nothing was written",
                                path);
    }
    project_name(dir, name, sizeof name);
    for (size_t i = 0; i < FILES; i++)
        if (write_file(dir, &files[i], name))
            return ak_say_error(AK_EXIT_FAILED, "%s/%s: %s", dir, files[i].name,
                                strerror(errno));
    if (ak_args_json(args))
        print_json(name);
    else
        printf("In %s there are now autokitteh.yaml, program.py, its unit test and a case.\n\n"
               "  ak test %s\n"
               "  ak deploy %s\n"
               "  ak serve                                      # and beside it:\n"
               "  curl -d name=Ada \"$(ak trigger url hello)\"\n"
               "  ak session log last\n",
               given, given, given);
    return AK_EXIT_OK;
}

const AkCmd ak_cmd_init = {
    .name = "init",
    .operands = "[DIR]",
    .summary = "make a small project that passes the gate, with tests",
    .max_operands = 1,
    .run = init,
};
