/* Numbers have eight bytes in the machine's order, strings their length before them and a zero
 * behind: a record is read where it was written. */
#include "record.h"

#include <string.h>

/* ---- writing ---- */

static void put(CliBuf *out, uint64_t number)
{
    cli_buf_add(out, (const char *)&number, sizeof number);
}

/* NULL is a string of its own. */
static void put_text(CliBuf *out, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    put(out, text ? len + 1 : 0);
    if (text)
        cli_buf_add(out, text, len + 1);
}

static void put_place(CliBuf *out, const AkPlace *place)
{
    put_text(out, place->path);
    put(out, place->start_byte);
    put(out, place->end_byte);
    put(out, place->line);
    put(out, place->column);
    put(out, place->end_line);
    put(out, place->end_column);
}

static void put_finding(CliBuf *out, const AkFinding *f)
{
    put_text(out, ak_rule_id(f->rule));
    put(out, f->level);
    put(out, f->proved);
    put(out, f->dialect);
    put_text(out, f->context);
    put_place(out, &f->place);
    put_text(out, f->message);
    put_text(out, f->advice);
    put(out, f->trail_len);
    for (size_t i = 0; i < f->trail_len; i++) {
        put_place(out, &f->trail[i].place);
        put_text(out, f->trail[i].text);
    }
    put(out, f->fix);
    put_text(out, f->fix_message);
    put(out, f->edits_len);
    for (size_t i = 0; i < f->edits_len; i++) {
        put_place(out, &f->edits[i].place);
        put_text(out, f->edits[i].text);
    }
    put_text(out, f->fingerprint);
    put(out, f->noqa_line);
}

/* The fields of AkCounts, one after the other. */
enum { COUNTS = sizeof(AkCounts) / sizeof(size_t) };

void cli_record_write(CliBuf *out, const CliRecord *record)
{
    size_t counts[COUNTS];

    memcpy(counts, &record->counts, sizeof counts);
    put(out, record->seen_len);
    for (size_t i = 0; i < record->seen_len; i++) {
        put_text(out, record->seen[i].path);
        put(out, record->seen[i].len);
        put(out, record->seen[i].hash);
    }
    put(out, record->notice_len);
    for (size_t i = 0; i < record->notice_len; i++)
        put_text(out, record->notices[i]);
    for (size_t i = 0; i < COUNTS; i++)
        put(out, counts[i]);
    put(out, record->finding_len);
    for (size_t i = 0; i < record->finding_len; i++)
        put_finding(out, &record->findings[i]);
}

/* ---- reading ---- */

typedef struct Reader {
    const char *at, *end;
    bool broken;
} Reader;

static uint64_t get(Reader *r)
{
    uint64_t number = 0;

    if (r->broken || (size_t)(r->end - r->at) < sizeof number) {
        r->broken = true;
        return 0;
    }
    memcpy(&number, r->at, sizeof number);
    r->at += sizeof number;
    return number;
}

static uint64_t at_most(Reader *r, uint64_t number, uint64_t most)
{
    if (number <= most)
        return number;
    r->broken = true;
    return 0;
}

/* At most that; more breaks the record. */
static uint64_t get_below(Reader *r, uint64_t most)
{
    return at_most(r, get(r), most);
}

static uint32_t get_32(Reader *r)
{
    return (uint32_t)get_below(r, UINT32_MAX);
}

/* How many items follow, each of at least that many bytes: no more than there are bytes behind the
 * number. */
static size_t get_len(Reader *r, size_t bytes)
{
    uint64_t number = get(r);

    return (size_t)at_most(r, number, (uint64_t)(r->end - r->at) / bytes);
}

static size_t get_count(Reader *r, size_t numbers)
{
    return get_len(r, numbers * sizeof(uint64_t));
}

static const char *get_text(Reader *r)
{
    size_t room = get_len(r, 1);
    const char *text = r->at;

    if (!room)
        return NULL;
    if (memchr(text, 0, room) != text + room - 1) {
        r->broken = true;
        return NULL;
    }
    r->at += room;
    return text;
}

/* Where there must be one. */
static const char *get_some(Reader *r)
{
    const char *text = get_text(r);

    r->broken |= !text;
    return text ? text : "";
}

static AkPlace get_place(Reader *r)
{
    AkPlace place = {.path = get_text(r)};

    place.start_byte = get_32(r);
    place.end_byte = get_32(r);
    place.line = get_32(r);
    place.column = get_32(r);
    place.end_line = get_32(r);
    place.end_column = get_32(r);
    return place;
}

static const AkRule *get_rule(Reader *r)
{
    const char *id = get_some(r);
    const AkRule *rule = ak_rule_find(id);

    if (!rule || strcmp(ak_rule_id(rule), id) != 0)
        r->broken = true;
    return rule;
}

static void get_trail(Reader *r, AkFinding *f)
{
    size_t len = get_count(r, 8);
    AkStep *trail = len ? cli_keep(len * sizeof *trail) : NULL;

    for (size_t i = 0; i < len && !r->broken; i++) {
        trail[i].place = get_place(r);
        trail[i].text = get_some(r);
    }
    f->trail = trail;
    f->trail_len = len;
}

static void get_edits(Reader *r, AkFinding *f)
{
    size_t len = get_count(r, 8);
    AkEdit *edits = len ? cli_keep(len * sizeof *edits) : NULL;

    for (size_t i = 0; i < len && !r->broken; i++) {
        edits[i].place = get_place(r);
        edits[i].text = get_some(r);
    }
    f->edits = edits;
    f->edits_len = len;
}

static void get_finding(Reader *r, AkFinding *f)
{
    f->rule = get_rule(r);
    f->level = (AkLevel)get_below(r, AK_OFF);
    f->proved = get_below(r, 1);
    f->dialect =
        (AkDialect)get_below(r, AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH | AK_DIALECT_TEMPORAL);
    f->context = get_some(r);
    f->place = get_place(r);
    r->broken |= !f->place.path;
    f->message = get_some(r);
    f->advice = get_text(r);
    get_trail(r, f);
    f->fix = (AkFixKind)get_below(r, AK_FIX_UNSAFE);
    f->fix_message = get_text(r);
    get_edits(r, f);
    f->fingerprint = get_some(r);
    f->noqa_line = get_32(r);
}

static void get_findings(Reader *r, CliRecord *out)
{
    out->finding_len = get_count(r, 22);
    out->findings = cli_keep((out->finding_len + 1) * sizeof *out->findings);
    for (size_t i = 0; i < out->finding_len && !r->broken; i++)
        get_finding(r, &out->findings[i]);
}

bool cli_record_read(const char *bytes, size_t len, CliRecord *out)
{
    Reader r = {bytes, bytes + len, false};
    size_t counts[COUNTS];

    *out = (CliRecord){.seen_len = get_count(&r, 3)};
    out->seen = cli_keep((out->seen_len + 1) * sizeof *out->seen);
    for (size_t i = 0; i < out->seen_len && !r.broken; i++) {
        out->seen[i].path = get_some(&r);
        out->seen[i].len = get(&r);
        out->seen[i].hash = get(&r);
    }
    out->notice_len = get_count(&r, 1);
    out->notices = cli_keep((out->notice_len + 1) * sizeof *out->notices);
    for (size_t i = 0; i < out->notice_len && !r.broken; i++)
        out->notices[i] = get_some(&r);
    for (size_t i = 0; i < COUNTS; i++)
        counts[i] = (size_t)get(&r);
    memcpy(&out->counts, counts, sizeof counts);
    get_findings(&r, out);
    return !r.broken && r.at == r.end;
}
