/* Checks one Python text with libaklint and prints what it finds. C and C++ alike.
 *
 *     cc check.c $(pkg-config --cflags --libs aklint) -o check && ./check
 */
#include <aklint.h>

#include <stdio.h>
#include <string.h>

static const char flow[] = "import time\n"
                           "from temporalio import workflow\n"
                           "\n"
                           "@workflow.defn\n"
                           "class Order:\n"
                           "    @workflow.run\n"
                           "    async def run(self) -> float:\n"
                           "        return time.time()\n";

int main(void)
{
    /* The library may look 64 bytes behind a text's end: they are zero. */
    static char text[sizeof flow + 64];
    AkCheck *check = ak_check_new(NULL);
    size_t i;
    int status;

    memcpy(text, flow, sizeof flow);
    ak_check_text(check, "flow.py", text, strlen(flow), AK_REPORT);
    status = ak_check_run(check);
    if (status < 0)
        fprintf(stderr, "aklint: %s\n", ak_check_error(check));
    for (i = 0; i < ak_check_count(check); i++) {
        const AkFinding *f = ak_check_finding(check, i);
        if (f->level == AK_OFF)
            continue;
        printf("%s:%u:%u: %s %s\n", f->place.path, (unsigned)f->place.line,
               (unsigned)f->place.column, ak_rule_id(f->rule), f->message);
    }
    ak_check_free(check);
    return status < 0;
}
