/* How text is cut into blocks: each trap of Python's line structure by name. Every case runs
 * with both scanners. */
#include "blocks.h"
#include "blocks_text.h"
#include "source.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static AkArena *arena;
static AkSource source;
static AkBlock *blocks;
static size_t count;

static void set_up(void)
{
    arena = ak__arena_new();
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    ak__arena_free(arena);
}

static void must_tile(const AkBlock *list, size_t n, uint32_t start, uint32_t end)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(list[i].start, start);
        ck_assert_uint_gt(list[i].end, start);
        start = list[i].end;
    }
    ck_assert_uint_eq(start, end);
}

static void cut(const char *text)
{
    AkBlock *plain;
    ak__source_open(arena, &source, "flow.py", text, strlen(text));
    count = ak__blocks_cut(arena, source.text, source.len, &blocks);
    must_tile(blocks, count, 0, source.len);
    ck_assert_uint_eq(ak__blocks_cut_plain(arena, source.text, source.len, &plain), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_mem_eq(&blocks[i], &plain[i], sizeof *blocks);
}

/* One letter a block: its kind; '!' behind it when it is unsure. */
static const char *kinds_of(const AkBlock *list, size_t n)
{
    static const char letters[] = "sdcim?twFWDB#h";
    static char kinds[64];
    size_t at = 0;
    for (size_t i = 0; i < n && at + 2 < sizeof kinds; i++) {
        kinds[at++] = letters[list[i].kind];
        if (list[i].unsure)
            kinds[at++] = '!';
    }
    kinds[at] = 0;
    return kinds;
}

static const struct {
    const char *fact, *text, *kinds;
} cuts[] = {
    {"an empty file has no block", "", ""},
    {"a file of comments is one", "# a\n\n  # b\n", "B"},
    {"a file of blank lines is one", "\n\n \n", "B"},
    {"no newline at the end", "a = 1\nb = 2", "ss"},
    {"each kind of statement",
     "'doc'\nimport a\nfrom b import c\nx = 1\ndef f(): pass\nclass C: pass\nif x: pass\n"
     "try: pass\nfinally: pass\nwith x: pass\nfor x in y: pass\nwhile x: pass\n",
     "Diisdc?twFW"},
    {"async forms", "async def f():\n  x\nasync with a: b\nasync for a in b: c\n", "dwF"},
    {"async and its word may stand apart", "async  def f():\n x\nasync \\\n def g():\n x\n",
     "dd"},
    {"a docstring stands first", "'a' \"b\" # c\n'd'\n", "Ds"},
    {"a string that goes on is no docstring", "'a'.join(b)\n", "s"},
    {"bytes and f-strings are no docstring", "b'a'\n", "s"},
    {"two statements on a line are one block", "import a; x = 1\nimport b;\ny = 1; z = 2\n",
     "sis"},
    {"a semicolon in a comment is none", "import a  # b; c\n", "i"},
    {"comments above belong to the statement below", "a = 1\n# b\nb = 1\n", "ss"},
    {"main guards", "if __name__ == '__main__':\n  f()\n", "m"},
    {"main guards, turned and bracketed", "if(\"__main__\"==__name__) : f()\n", "m"},
    {"a main guard with an else runs on import too",
     "if __name__ == '__main__':\n  f()\nelse:\n  g()\n", "?"},
    {"more than a main guard", "if __name__ == '__main__' and x: f()\n", "?"},
    /* Line structure. */
    {"a form feed at the start of a line", "a = 1\n\fdef f():\n  x\n\f\nb = 2\n", "sds"},
    {"a form feed between def and name", "def\ff(): pass\nx = 1\n", "ds"},
    {"a form feed after blanks sets the column back", "if a:\n  b\n   \fx = 1\n", "?s"},
    {"blanks behind a form feed count", "if a:\n\f  b\nx = 1\n", "?s"},
    {"a form feed on a joined line begins nothing", "x = \\\n\fy\nz = 1\n", "ss"},
    {"a line of only a backslash: the next column decides", "\\\nx = 1\n\\\ny = 2\n", "ss"},
    {"a backslash before an indented body", "if a:\n\\\n  b\nc = 1\n", "?s"},
    {"blanks before a backslash are the indentation", "if a:\n  b\n  \\\nc\nd = 1\n", "?s"},
    {"else behind a lone backslash", "if a:\n  b\n\\\nelse:\n  c\nd = 1\n", "?s"},
    {"else behind a form feed", "if a:\n  b\n\f\nelse:\n  c\nd = 1\n", "?s"},
    {"a joined line at column 0", "x = 1 + \\\ny\nz = 1\n", "ss"},
    {"a joined line with CRLF", "x = 1 + \\\r\ny\r\nz = 1\r\n", "ss"},
    {"CRLF and blank lines", "def f():\r\n  a\r\n\r\n  b\r\n\r\nx = 1\r\n", "ds"},
    {"lone CRs", "a = 1\rdef f():\r  x\rb = 2\r", "sds"},
    {"a mark at the start",
     "\xef\xbb\xbf"
     "a = 1\nb = 2\n",
     "ss"},
    {"a comment at column 0 in a body", "def f():\n  a\n# b\n  c\nx = 1\n", "ds"},
    {"if x: y, then else", "if x: y\nelse: z\nw = 1\n", "?s"},
    {"elif, except, finally", "if a: b\nelif c: d\ntry:\n  a\nexcept(B): c\nfinally:d\n", "?t"},
    {"words that begin with a clause's", "if a: b\nelse_ = 1\nfinally1()\n", "?ss"},
    {"match, case and type as names", "match = 1\ncase = 2\ntype = 3\nmatch(case)\n", "ssss"},
    {"a match statement", "match a:\n  case [b]:\n    c\nx = 1\n", "ss"},
    {"identifiers beyond ASCII", "a = 1\n\xc3\xa9t\xc3\xa9 = 2\n", "ss"},
    /* Decorators. */
    {"comments and blank lines between decorators and def",
     "@a\n# b\n\n@c(\n1)\n\n# d\ndef f():\n  x\ny = 1\n", "ds"},
    {"a joined line inside a decorator", "@ \\\na\nclass C: pass\n", "c"},
    {"a decorated async def", "x = 1\n@a\nasync def f(): pass\n", "sd"},
    {"a decorator without its def", "@a\nx = 1\ny = 2\n", "s!ss"},
    {"a decorator at the end", "x = 1\n@a\n", "ss!"},
    /* Brackets. */
    {"text at column 0 in brackets",
     "x = [\na\nfor a in b\nif c\nelse d,\nlambda: 0,\n]\ny = (\n)\n", "ss"},
    {"brackets in comments and strings", "a = ')' # (\nb = 1\n", "ss"},
    {"an unclosed bracket ends at a def", "x = f(\ndef g():\n  y\nz = 1\n", "s!ds"},
    {"an unclosed bracket at the end", "a = 1\nx = f(\ny = 1\n", "ss!"},
    {"a stray closer", "a = 1)\nb = 2\n", "s!s"},
    /* Strings. */
    {"column 0 in a triple string", "x = '''\ndef f():\n'''\ny = \"\"\"\nz\n\"\"\"\n", "ss"},
    {"quotes in triple strings", "x = '''a'b''c\\'''\ny\n'''\nz = 1\n", "ss"},
    {"empty strings", "x = '' + \"\" + ''''''\ny = 1\n", "ss"},
    {"an escaped newline in a string", "x = 'a\\\nb'\ny = 1\n", "ss"},
    {"an escaped CRLF in a string", "x = 'a\\\r\nb'\r\ny = 1\r\n", "ss"},
    {"raw strings skip an escaped quote", "x = r'\\'' \ny = 1\n", "ss"},
    {"a string open at the line's end", "x = 'a\ny = 1\n", "s!s"},
    {"a triple string that never closes", "a = 1\nx = '''\ny = 1\n", "#!"},
    {"the same quotes in a field", "x = f'{a['b']}'\ny = 1\n", "ss"},
    {"quotes with brackets in a field", "x = f'{a[')']}' # '\ny = 1\n", "ss"},
    {"comments and newlines in a field", "x = f'{a # }'\n}'\ny = f'''{\nb\n}'''\nz = 1\n",
     "sss"},
    {"f-strings in f-strings", "x = f'{f'{f'{1}'}'}'\ny = 1\n", "ss"},
    {"doubled braces are text", "x = f'{{' + f'}}' + f'{{{a}}}'\ny = 1\n", "ss"},
    {"doubled braces in a specification open a field", "x = f'{a:{{'b'}}}'\ny = 1\n", "ss"},
    {"a backslash before a brace hides no field", "x = f'\\{a['b']}'\ny = 1\n", "ss"},
    {"named characters are no field", "x = f'\\N{LEFT CURLY BRACKET}'\ny = 1\n", "ss"},
    {"a raw \\N is a field", "x = rf'\\N{a['b']}'\ny = 1\n", "ss"},
    {"conversions and unequal", "x = f'{a!r:>{w}}{b!=c}'\ny = 1\n", "ss"},
    {"if\"x\" is no f-string", "x = 1 if\"{\" else 2\ny = 1\n", "ss"},
    {"a field that never closes: read as plain", "x = f'{' \ny = 1\n", "ss"},
    {"prefixes in capitals", "x = Rb'\\'' + F'{a['b']}'\ny = 1\n", "ss"},
    {"template strings", "x = t'{a['b']}'\ny = 1\n", "ss"},
};

START_TEST(text_is_cut)
{
    cut(cuts[_i].text);
    ck_assert_msg(strcmp(kinds_of(blocks, count), cuts[_i].kinds) == 0, "%s: %s, not %s",
                  cuts[_i].fact, kinds_of(blocks, count), cuts[_i].kinds);
}
END_TEST

START_TEST(a_block_knows_its_place_and_name)
{
    cut("'doc'\n# note\n\n@deco\nasync def f(a):\n    pass\n\nx = 1\n");
    ck_assert_uint_eq(count, 3);
    AkBlock f = blocks[1];
    ck_assert_uint_eq(f.start, 6);
    ck_assert_uint_eq(f.line, 2);
    ck_assert_uint_eq(f.code, 14);
    ck_assert(f.is_async && f.decorated && !f.unsure);
    ck_assert_mem_eq(source.text + f.name_start, "f", f.name_len);
    ck_assert_uint_eq(blocks[2].line, 8);
}
END_TEST

/* The same text after one step to the right must be cut the same: nothing depends on where the
 * 64 bytes of a step begin. */
START_TEST(every_alignment_cuts_the_same)
{
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        char text[400];
        for (uint32_t pad = 0; pad < 70; pad++) {
            if (cuts[i].text[0] == '\xef')
                continue;
            memset(text, '#', pad);
            if (pad)
                text[pad - 1] = '\n';
            strcpy(text + pad, cuts[i].text);
            cut(text);
            if (strlen(cuts[i].kinds) > 0)
                ck_assert_str_eq(kinds_of(blocks, count), cuts[i].kinds);
        }
    }
}
END_TEST

static const struct {
    const char *fact, *text; /* a statement, at `|` what follows it */
} statements[] = {
    {"a line", "x = 1\n|y\n"},
    {"a line of several", "x = 1; y = 2\n|z\n"},
    {"the last line", "x = 1|"},
    {"a body", "if x:\n  y\n\n  z\n|\nw\n"},
    {"clauses", "try:\n  x\nexcept A: y\nelse:\n  z\nfinally:\n  w\n|v\n"},
    {"decorators", "@a\n# b\n@c(\n1)\nasync def f():\n  x\n|@d\n"},
    {"inside of another", "  if x:\n\ty\n  else:\n        z\n|  w\n"},
    {"a dedent", "    if x:\n        y\n|  w\n"},
    {"tabs", "\tif x:\n\t\ty\n\telse:\n\t\tz\n|\tw\n"},
    {"comments below are not its own", "if x:\n  y\n|  # z\n\nw\n"},
    {"strings and brackets at column 0", "  x = '''\ny\n''' + [\n1]\n|  z\n"},
    {"a joined line", "  x = \\\n1\n|  \\\ny = 2\n"},
    {"a statement that is told by nothing", "match x:\n  case 1:\n    y\n|z\n"},
    {"deeper lines without a colon", "  x = 1\n|    y\n"},
    {"a decorator without a definition", "  @a\n|    def f(): pass\n"},
    {"a decorator of nothing", "  @\n|  x = 1\n"},
    {"a decorator before a line of another", "@a  for x in y:\n|    z\n"},
    {"a colon that is no header's", "x = {1:\n2}\n|  y\n"},
    {"a header with a comment", "if x:  # y\n  z\n|w\n"},
    {"an open bracket", "  x = f(1,\n  y)\n|  z\n"},
    {"one that never closes", "  x = f(1,\n      return\n  )\n|  y\n"},
    {"one that never closes, before a decorator", "  x = f(\n|  @a\n  def g(): pass\n"},
    {"one that never closes to the end", "  x = f(1,\n    y = 2\n|"},
    {"quotes that never close, before words", "  x = '''a\n  b\n|  return c\n"},
    {"quotes that never close", "  x = '''a\n  b\n|  def f(): pass\n"},
    {"a quote that is open at the line's end", "  x = 'a\n|  y = 2\n"},
};

START_TEST(a_statement_ends_before_the_next)
{
    char text[200];
    uint32_t patience = AK_PATIENCE;
    const char *border = strchr(statements[_i].text, '|');
    uint32_t want = (uint32_t)(border - statements[_i].text);
    memset(text, 0, sizeof text);
    memcpy(text, statements[_i].text, want);
    strcpy(text + want, border + 1);
    uint32_t end = ak__statement_end(text, (uint32_t)strlen(text), 0, &patience);
    ck_assert_msg(end == want, "%s: %u, not %u", statements[_i].fact, end, want);
}
END_TEST

START_TEST(statements_without_an_end_are_looked_at_so_often)
{
    static const char text[100] = "x = (\ndef f(): pass\n";
    uint32_t patience = 1;
    ck_assert_uint_eq(ak__statement_end(text, (uint32_t)strlen(text), 0, &patience), 6);
    ck_assert_uint_eq(patience, 0);
    ck_assert_uint_eq(ak__statement_end(text, (uint32_t)strlen(text), 0, &patience),
                      strlen(text));
}
END_TEST

static void add_word(char *to, const char *text, uint32_t start, uint32_t len)
{
    if (*to)
        strcat(to, " ");
    strncat(to, text + start, len);
}

static const struct {
    const char *fact, *text, *names; /* + nested, then the kind's letter */
} bindings[] = {
    {"assignments", "a = b, (c, *d), [e] = f = 1\n", "a= b= c= d= e= f="},
    {"attributes and subscripts bind nothing", "a.b = c[d] = e().f = g\n", ""},
    {"annotations", "a: int = 1\nb: List[str]\nc.d: int = 2\n", "a= b:"},
    {"augmented", "a += 1\nb[0] -= 1\nc //= d == e\n", "a+ c+"},
    {"comparisons bind nothing", "a == b\nc <= d\nf(e=1)\n", ""},
    {"a line of several", "a = 1; b = 2; import c\n", "a= b= ci"},
    {"definitions", "def f(a=1): b = 2\nclass C(D, m=E): x = 1\nasync def g(): y = 1\n",
     "fd Cc gd"},
    {"imports",
     "import a.b as c, d.e, f\nfrom . import (g as h,\n # x\n i,)\nfrom j import *\n",
     "ci di fi hi ii **"},
    {"nested", "if a:\n  b = 1\nelif c: d = 2\nelse:\n  import e\n", "+b= +d= +ei"},
    {"try", "try:\n  import a\nexcept B as c:\n  d = None\nexcept* E as f: pass\n",
     "+ai c= +d= f="},
    {"loops and with",
     "for a, (b, c[0]) in d: e = 1\nwith f as g, h as (i, j), k() as l.m, n as o:\n  p = 1\n",
     "a= b= +e= g= i= j= o= +p="},
    {"functions in conditions", "if a:\n  def f():\n    b = 1\n    import c\n  d = 1\n",
     "+fd +d="},
    {"walrus", "f(a := 1)\nif (b := c): pass\n@g(h := 1)\ndef k(l=(m := 1)): n = 1\n",
     "a= b= h= m= kd"},
    {"match",
     "match a:\n  case B(c, d=e) | [f, *g] if h: i = 1\n  case {'j': k, **l}: pass\n  "
     "case _: pass\n",
     "+c= +e= +f= +g= +i= +k= +l="},
    {"match as a name", "match = 1\nmatch.a = 2\ncase: int = 3\n", "match= case="},
    {"type aliases", "type A = int\ntype B[T] = list[T]\ntype = 3\n", "A= B= type="},
    {"globals of functions", "def f():\n  global a, b\n  if c:\n    global d\n",
     "fd +ag +bg +dg"},
    {"del", "del a, b.c, (d, e[0])\n", "a- d-"},
    {"lambdas have a colon too", "a = lambda b: c\nd = {e: f for e in g}\n", "a= d="},
    {"strings and comments bind nothing", "a = 'b = 1' # c = 2\n'''\nd = 3\n'''\n", "a="},
    {"one-line compounds in definitions", "class C:\n  if a: b = 1\n  for d in e: pass\n",
     "Cc"},
    {"joined lines", "a \\\n = \\\n1\nimport b\\\n.c\n", "a= bi"},
};

START_TEST(names_that_a_block_binds)
{
    static const char letters[] = "dci*=:+-g";
    char found[300] = "";
    cut(bindings[_i].text);
    for (size_t i = 0; i < count; i++) {
        AkBoundName *names;
        size_t n = ak__block_names(arena, source.text, &blocks[i], &names);
        for (size_t k = 0; k < n; k++) {
            strcat(found, *found ? " " : "");
            strcat(found, names[k].nested ? "+" : "");
            strncat(found, source.text + names[k].start, names[k].len);
            strncat(found, &letters[names[k].kind], 1);
        }
    }
    ck_assert_msg(strcmp(found, bindings[_i].names) == 0, "%s: \"%s\", not \"%s\"",
                  bindings[_i].fact, found, bindings[_i].names);
}
END_TEST

static const AkBlockImport *imports_of(const char *text, size_t *n)
{
    AkBlockImport *imports;
    cut(text);
    ck_assert_uint_eq(count, 1);
    *n = ak__block_imports(arena, source.text, &blocks[0], &imports);
    return imports;
}

static void import_is(const AkBlockImport *one, const char *module, uint32_t level,
                      const char *name, const char *bound)
{
    ck_assert_uint_eq(one->module_len, strlen(module));
    ck_assert_mem_eq(one->module, module, one->module_len);
    ck_assert_uint_eq(one->level, level);
    ck_assert_uint_eq(one->name.len, strlen(name));
    ck_assert_mem_eq(source.text + one->name.start, name, one->name.len);
    ck_assert_uint_eq(one->bound.len, strlen(bound));
    ck_assert_mem_eq(source.text + one->bound.start, bound, one->bound.len);
}

START_TEST(an_import_is_read_in_its_parts)
{
    size_t n;
    const AkBlockImport *one = imports_of("import a.b as c, d . \\\n e\n", &n);
    ck_assert_uint_eq(n, 2);
    import_is(&one[0], "a.b", 0, "", "c");
    ck_assert(one[0].aliased && !one[0].from && !one[0].local);
    import_is(&one[1], "d.e", 0, "", "d");
    ck_assert(!one[1].aliased);
}
END_TEST

START_TEST(a_from_import_counts_its_dots)
{
    size_t n;
    const AkBlockImport *one = imports_of("from ....a.b import (c, # x\n d as e,)\n", &n);
    ck_assert_uint_eq(n, 2);
    import_is(&one[0], "a.b", 4, "c", "c");
    import_is(&one[1], "a.b", 4, "d", "e");
    one = imports_of("from . import a\n", &n);
    ck_assert_uint_eq(n, 1);
    import_is(one, "", 1, "a", "a");
    one = imports_of("from a import *\n", &n);
    ck_assert_uint_eq(n, 1);
    ck_assert(one->star && one->from);
    import_is(one, "a", 0, "*", "");
}
END_TEST

START_TEST(imports_inside_functions_are_local)
{
    size_t n;
    const AkBlockImport *one = imports_of("def f():\n  if a:\n    from b import c\n", &n);
    ck_assert_uint_eq(n, 1);
    import_is(one, "b", 0, "c", "c");
    ck_assert(one->local);
    one = imports_of("try:\n  import b\nexcept E: import c\n", &n);
    ck_assert_uint_eq(n, 2);
    ck_assert(one[0].nested && one[1].nested && !one[0].local);
}
END_TEST

START_TEST(what_is_no_import_is_none)
{
    size_t n;
    imports_of("x = 'import a' # import b\n", &n);
    ck_assert_uint_eq(n, 0);
    imports_of("x = (yield\nfrom_, imports)\n", &n);
    ck_assert_uint_eq(n, 0);
    imports_of("import\n", &n);
    ck_assert_uint_eq(n, 0);
}
END_TEST

static const struct {
    const char *fact, *text;
    unsigned flags;
    const char *idents;
} idents[] = {
    {"names without keywords", "if a and not b: return c", 0, "a b c"},
    {"attributes only when asked", "a.b.c(d)", 0, "a d"},
    {"attributes", "a.b . c(d)", AK_MENTION_ATTRIBUTES, "a b c d"},
    {"an ellipsis is no dot", "...\na\nx[...].b", 0, "a x"},
    {"comments and strings", "a # b\n'c' \"\"\"d\"\"\" rb'e' + f", 0, "a f"},
    {"fields of f-strings", "f'a {b.c!r:>{d}} {{e}} {f'{g}'}'", 0, "b d g"},
    {"numbers", "0x1f + 1e5 + 1_000j + a1 + 1.5.b", 0, "a1"},
    {"annotations in strings", "x: 'A | list[\"b.C\"]' = 'no, it is (not)'", AK_MENTION_STRINGS,
     "x A list b"},
    {"strings left alone", "x: 'A'", 0, "x"},
    {"letters beyond ASCII", "\xc3\xa9t\xc3\xa9 + b", 0, "\xc3\xa9t\xc3\xa9 b"},
    {"prefixes are no names", "rb'' + F'' + u'' + f + rb", 0, "f rb"},
};

START_TEST(identifiers_that_a_text_mentions)
{
    char found[300] = "";
    AkMention *mentions;
    cut(idents[_i].text);
    size_t n = ak__text_idents(arena, source.text, 0, source.len, idents[_i].flags, &mentions);
    for (size_t i = 0; i < n; i++)
        add_word(found, source.text, mentions[i].start, mentions[i].len);
    ck_assert_msg(strcmp(found, idents[_i].idents) == 0, "%s: \"%s\", not \"%s\"",
                  idents[_i].fact, found, idents[_i].idents);
}
END_TEST

START_TEST(a_word_is_found_wherever_it_stands)
{
    static const char *const needles[] = {"temporalio", "ak", NULL};
    char text[200];
    for (size_t at = 0; at < 180; at++) {
        memset(text, ' ', sizeof text);
        memcpy(text + at, "ak", 2);
        ck_assert(ak__text_mentions(text, at + 2, needles));
        ck_assert(ak__text_mentions(text, sizeof text, needles));
        ck_assert(!ak__text_mentions(text, at + 1, needles));
        memcpy(text + at, "make", 4);
        ck_assert(!ak__text_mentions(text, sizeof text, needles));
        memcpy(text + at, "aka ", 4);
        ck_assert(!ak__text_mentions(text, sizeof text, needles));
    }
    ck_assert(ak__text_mentions("from temporalio import workflow", 31, needles));
    ck_assert(!ak__text_mentions("", 0, needles));
}
END_TEST

/* A file of nothing but broken f-strings must not be read once for each of them. */
START_TEST(broken_strings_cost_linear_time)
{
    enum { LINES = 200000 };
    char *text = ak__alloc(arena, LINES * 6 + AK_PADDING);
    for (size_t i = 0; i < LINES; i++)
        memcpy(text + i * 6, "f\"{( \n", 6);
    count = ak__blocks_cut(arena, text, LINES * 6, &blocks);
    must_tile(blocks, count, 0, LINES * 6);
    ck_assert_uint_eq(count, LINES);
}
END_TEST

START_TEST(deep_brackets_and_long_lines_are_cut)
{
    enum { DEEP = 100000 };
    char *text = ak__alloc(arena, DEEP * 2 + 10 + AK_PADDING);
    memset(text, '(', DEEP);
    memset(text + DEEP, ')', DEEP);
    memcpy(text + DEEP * 2, "\nx = 1\n", 7);
    count = ak__blocks_cut(arena, text, DEEP * 2 + 7, &blocks);
    ck_assert_uint_eq(count, 2);
    AkBoundName *names;
    ck_assert_uint_eq(ak__block_names(arena, text, &blocks[0], &names), 0);
}
END_TEST

static void cut_and_read(AkArena *own)
{
    static const char text[200] = "class C:\n  import a\n  def f(): f'{x}'\ny = 1\n";
    AkBlock *list;
    AkBoundName *names;
    AkBlockImport *imports;
    AkMention *mentions;
    ck_assert_uint_eq(ak__blocks_cut(own, text, (uint32_t)strlen(text), &list), 2);
    ck_assert_uint_eq(ak__block_names(own, text, &list[1], &names), 1);
    ck_assert_uint_eq(ak__block_imports(own, text, &list[0], &imports), 1);
    ck_assert_uint_gt(ak__text_idents(own, text, 0, list[1].end, 0, &mentions), 0);
}

START_TEST(running_out_of_memory_leaves_by_the_guard)
{
    volatile size_t failures = 0;
    for (;;) {
        AkArena *own = ak__arena_new();
        ck_assert_ptr_nonnull(own);
        if (setjmp(*ak__arena_guard(own))) {
            failures++;
            ak__arena_free(own);
            continue;
        }
        ak__arena_fail_at(own, failures + 1);
        cut_and_read(own);
        ak__arena_free(own);
        break;
    }
    ck_assert_uint_ge(failures, 6);
}
END_TEST

#define ROWS(table) (int)(sizeof table / sizeof *table)

int main(void)
{
    Suite *suite = suite_create("blocks");
    TCase *tcase = tcase_create("blocks");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 20);
    tcase_add_loop_test(tcase, text_is_cut, 0, ROWS(cuts));
    tcase_add_test(tcase, a_block_knows_its_place_and_name);
    tcase_add_test(tcase, every_alignment_cuts_the_same);
    tcase_add_loop_test(tcase, a_statement_ends_before_the_next, 0, ROWS(statements));
    tcase_add_test(tcase, statements_without_an_end_are_looked_at_so_often);
    tcase_add_loop_test(tcase, names_that_a_block_binds, 0, ROWS(bindings));
    tcase_add_test(tcase, an_import_is_read_in_its_parts);
    tcase_add_test(tcase, a_from_import_counts_its_dots);
    tcase_add_test(tcase, imports_inside_functions_are_local);
    tcase_add_test(tcase, what_is_no_import_is_none);
    tcase_add_loop_test(tcase, identifiers_that_a_text_mentions, 0, ROWS(idents));
    tcase_add_test(tcase, a_word_is_found_wherever_it_stands);
    tcase_add_test(tcase, broken_strings_cost_linear_time);
    tcase_add_test(tcase, deep_brackets_and_long_lines_are_cut);
    tcase_add_test(tcase, running_out_of_memory_leaves_by_the_guard);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
