/* Programs of sizes that nobody writes by hand: a check gets through them, finds what they hide
 * and says by which way. What they cost, and how that grows, is tests/e2e/test_scale.py's. */
#define _GNU_SOURCE
#include <aklint.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PADDING = 64 };

typedef struct Text {
    char *bytes;
    size_t len;
} Text;

static FILE *begin(Text *text)
{
    FILE *out = open_memstream(&text->bytes, &text->len);
    ck_assert_ptr_nonnull(out);
    return out;
}

static void give(AkCheck *check, const char *path, FILE *out, Text *text)
{
    for (int i = 0; i < PADDING; i++)
        fputc(0, out);
    fclose(out);
    ck_assert_int_eq(ak_check_text(check, path, text->bytes, text->len - PADDING, AK_REPORT),
                     AK_OK);
}

static void workflow(FILE *out, const char *body)
{
    fprintf(
        out,
        "from temporalio import workflow\n\n\n@workflow.defn\nclass Flow:\n    @workflow.run\n"
        "    async def run(self) -> None:\n        %s\n",
        body);
}

/* All rules run; what the others say of such programs is theirs. */
static const AkFinding *the_one_clock(AkCheck *check)
{
    const AkFinding *clock = NULL;
    ck_assert_int_eq(ak_check_run(check), AK_OK);
    for (size_t i = 0; i < ak_check_count(check); i++) {
        const AkFinding *finding = ak_check_finding(check, i);
        if (strcmp(ak_rule_id(finding->rule), "AK301") != 0)
            continue;
        ck_assert_msg(!clock, "two clocks");
        clock = finding;
    }
    ck_assert_ptr_nonnull(clock);
    return clock;
}

START_TEST(ten_thousand_functions_that_call_each_other)
{
    enum { COUNT = 10000 };
    Text text;
    AkCheck *check = ak_check_new(NULL);
    FILE *out = begin(&text);
    fputs("import time\n", out);
    for (int i = 0; i < COUNT; i++)
        fprintf(out, "def f%d(x):\n    return f%d(x)%s\n", i, (i + 1) % COUNT,
                i == COUNT - 1 ? " + time.time()" : "");
    workflow(out, "f0(1)");
    give(check, "flow.py", out, &text);
    /* Root, one step for each function, the clock; long trails are cut at a thousand. */
    ck_assert_uint_ge(the_one_clock(check)->trail_len, 1000);
    ak_check_free(check);
    free(text.bytes);
}
END_TEST

START_TEST(ten_thousand_functions_that_hand_a_callback_on)
{
    enum { COUNT = 10000 };
    Text text;
    AkCheck *check = ak_check_new(NULL);
    FILE *out = begin(&text);
    fputs("import time\n", out);
    for (int i = 0; i < COUNT; i++)
        fprintf(out, "def f%d(fn):\n    f%d(fn)\n    f%d(fn)\n    return fn()\n", i,
                (i * 7 + 1) % COUNT, (i * 13 + 5) % COUNT);
    workflow(out, "f0(lambda: time.time())");
    give(check, "flow.py", out, &text);
    ck_assert_uint_eq(the_one_clock(check)->trail_len, 3);
    ak_check_free(check);
    free(text.bytes);
}
END_TEST

START_TEST(ten_thousand_modules_that_import_each_other)
{
    enum { COUNT = 10000 };
    static Text texts[COUNT + 1];
    AkCheck *check = ak_check_new(NULL);
    for (int i = 0; i < COUNT; i++) {
        char path[32];
        FILE *out = begin(&texts[i]);
        fprintf(out,
                "import time\nimport m%d\nfrom m%d import *\n\n\ndef g%d():\n    return %s()\n",
                (i + 1) % COUNT, (i * 7 + 3) % COUNT, i, i == 40 ? "time.time" : "dict");
        if (i < 40)
            fprintf(out, "\n\ndef h%d():\n    return m%d.%c%d()\n", i, i + 1,
                    i == 39 ? 'g' : 'h', i + 1);
        snprintf(path, sizeof path, "m%d.py", i);
        give(check, path, out, &texts[i]);
    }
    FILE *out = begin(&texts[COUNT]);
    fputs("from m0 import h0\n", out);
    workflow(out, "h0()");
    give(check, "flow.py", out, &texts[COUNT]);
    ck_assert_uint_eq(the_one_clock(check)->trail_len, 43);
    ak_check_free(check);
    for (int i = 0; i <= COUNT; i++)
        free(texts[i].bytes);
}
END_TEST

START_TEST(a_thousand_classes_each_derived_from_the_one_before)
{
    enum { COUNT = 1000 };
    Text text;
    AkCheck *check = ak_check_new(NULL);
    FILE *out = begin(&text);
    fputs("import time\n\n\nclass C0:\n    def go(self):\n        return time.time()\n", out);
    for (int i = 1; i < COUNT; i++)
        fprintf(out, "\n\nclass C%d(C%d):\n    def m%d(self):\n        return self.go()\n", i,
                i - 1, i);
    workflow(out, "C999().m999()");
    give(check, "flow.py", out, &text);
    ck_assert_uint_eq(the_one_clock(check)->trail_len, 4);
    ak_check_free(check);
    free(text.bytes);
}
END_TEST

START_TEST(a_workflow_of_twenty_thousand_lines)
{
    enum { METHODS = 2000 };
    Text text;
    AkCheck *check = ak_check_new(NULL);
    FILE *out = begin(&text);
    fputs("import time\n", out);
    workflow(out, "await self.m0()");
    for (int i = 0; i < METHODS; i++)
        fprintf(out,
                "    async def m%d(self):\n        x = self.a%d\n        y = [x for x in "
                "range(3)]\n"
                "        if x:\n            self.a%d = y\n        for z in y:\n            "
                "print(z, x)\n"
                "        %s\n        await self.m%d()\n\n",
                i, i, (i + 1) % METHODS, i == METHODS - 1 ? "time.time()" : "pass",
                (i + 1) % METHODS);
    give(check, "flow.py", out, &text);
    the_one_clock(check);
    ak_check_free(check);
    free(text.bytes);
}
END_TEST

START_TEST(one_name_bound_ten_thousand_times)
{
    enum { COUNT = 10000 };
    Text text;
    AkCheck *check = ak_check_new(NULL);
    FILE *out = begin(&text);
    fputs("import time\n", out);
    workflow(out, "x = time.time");
    for (int i = 0; i < COUNT; i++)
        fprintf(out, "        y = x%s\n", i % 3 ? "" : ".real");
    fputs("        x()\n", out);
    give(check, "flow.py", out, &text);
    the_one_clock(check);
    ak_check_free(check);
    free(text.bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scale");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, ten_thousand_functions_that_call_each_other);
    tcase_add_test(tcase, ten_thousand_functions_that_hand_a_callback_on);
    tcase_add_test(tcase, ten_thousand_modules_that_import_each_other);
    tcase_add_test(tcase, a_thousand_classes_each_derived_from_the_one_before);
    tcase_add_test(tcase, a_workflow_of_twenty_thousand_lines);
    tcase_add_test(tcase, one_name_bound_ten_thousand_times);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
