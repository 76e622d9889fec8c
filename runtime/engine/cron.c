/* cron.c: schedules, parsed into sets of bits, and the search for their next instant. */
#include "cron.h"

#include <stdbool.h>
#include <string.h>

#define DAY ((int64_t)86400)

typedef struct Reader {
    const char *text, *at, *end; /* end: of the part that counts, before a comment */
    const char *why;
} Reader;

typedef struct Field {
    int low, high;
    const char *names; /* three letters each, from low on; or NULL */
    const char *what;
} Field;

static const Field second_field = {0, 59, NULL, "a second is 0 to 59"};
static const Field minute_field = {0, 59, NULL, "a minute is 0 to 59"};
static const Field hour_field = {0, 23, NULL, "an hour is 0 to 23"};
static const Field day_field = {1, 31, NULL, "a day of the month is 1 to 31"};
static const Field month_field = {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec",
                                  "a month is 1 to 12 or JAN to DEC"};
static const Field weekday_field = {0, 7, "sunmontuewedthufrisat",
                                    "a weekday is 0 to 7 or SUN to SAT"};
static const Field year_field = {AK_CRON_FIRST_YEAR, AK_CRON_LAST_YEAR, NULL,
                                 "a year is 2000 to 2099"};

static bool fail(Reader *r, const char *why)
{
    if (!r->why)
        r->why = why;
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void skip_space(Reader *r)
{
    while (r->at < r->end && is_space(*r->at))
        r->at++;
}

static bool at_field_end(const Reader *r)
{
    return r->at == r->end || is_space(*r->at);
}

static bool read_number(Reader *r, const Field *field, int *out)
{
    long n = 0;
    const char *start = r->at;

    while (r->at < r->end && is_digit(*r->at) && n < 100000)
        n = n * 10 + (*r->at++ - '0');
    if (r->at == start)
        return fail(r, field->what);
    *out = (int)n;
    return true;
}

static bool read_name(Reader *r, const Field *field, int *out)
{
    if (!field->names || r->end - r->at < 3)
        return fail(r, field->what);
    for (const char *name = field->names; *name; name += 3) {
        if (lower(r->at[0]) == name[0] && lower(r->at[1]) == name[1] &&
            lower(r->at[2]) == name[2]) {
            r->at += 3;
            *out = field->low + (int)(name - field->names) / 3;
            return true;
        }
    }
    return fail(r, field->what);
}

static bool read_value(Reader *r, const Field *field, int *out)
{
    bool read = r->at < r->end && is_digit(*r->at) ? read_number(r, field, out)
                                                   : read_name(r, field, out);

    if (read && (*out < field->low || *out > field->high))
        return fail(r, field->what);
    return read;
}

static bool read_step(Reader *r, int *step)
{
    static const Field any = {1, 100000, NULL, "a step is a number from 1"};

    r->at++;
    return read_number(r, &any, step) && (*step > 0 || fail(r, any.what));
}

/* One of the comma's parts: `*`, `5`, `1-5`, each with `/step`. A lone value with a step runs
 * to the end. */
static bool read_part(Reader *r, const Field *field, int *from, int *to, int *step)
{
    *step = 1;
    if (r->at < r->end && (*r->at == '*' || *r->at == '?')) {
        r->at++;
        *from = field->low;
        *to = field->high;
    } else {
        if (!read_value(r, field, from))
            return false;
        *to = *from;
        if (r->at < r->end && *r->at == '-') {
            r->at++;
            if (!read_value(r, field, to))
                return false;
            if (*to < *from)
                return fail(r, "a range runs from low to high");
        } else if (r->at < r->end && *r->at == '/') {
            *to = field->high;
        }
    }
    return r->at == r->end || *r->at != '/' || read_step(r, step);
}

static void set_bit(uint8_t *bits, int n)
{
    bits[n / 8] = (uint8_t)(bits[n / 8] | 1U << n % 8);
}

static bool has_bit(const uint8_t *bits, int n)
{
    return bits[n / 8] >> n % 8 & 1;
}

/* Bits count from the field's lowest value. */
static bool read_field(Reader *r, const Field *field, uint8_t *bits)
{
    skip_space(r);
    for (;;) {
        int from, to, step;

        if (!read_part(r, field, &from, &to, &step))
            return false;
        for (int n = from; n <= to; n += step)
            set_bit(bits, n - field->low);
        if (r->at < r->end && *r->at == ',') {
            r->at++;
            continue;
        }
        return at_field_end(r) || fail(r, field->what);
    }
}

static uint64_t as_word(const uint8_t *bits, int low)
{
    uint64_t word = 0;

    for (int n = 0; n < 64 - low; n++)
        if (has_bit(bits, n))
            word |= (uint64_t)1 << (n + low);
    return word;
}

static bool read_word(Reader *r, const Field *field, uint64_t *word)
{
    uint8_t bits[8] = {0};

    if (!read_field(r, field, bits))
        return false;
    *word = as_word(bits, field->low);
    return true;
}

static int count_fields(const Reader *r)
{
    int count = 0;

    for (const char *c = r->at; c < r->end; c++)
        count += !is_space(*c) && (c == r->at || is_space(c[-1]));
    return count;
}

static void every_year(AkCron *cron)
{
    memset(cron->years, 0xff, sizeof(cron->years));
}

static bool read_calendar(Reader *r, AkCron *cron)
{
    int count = count_fields(r);
    uint64_t word;

    if (count < 5 || count > 7)
        return fail(r, "a schedule has 5 fields, 6 with a year, 7 with seconds and a year");
    cron->seconds = 1;
    if (count == 7 && !read_word(r, &second_field, &cron->seconds))
        return false;
    if (!read_word(r, &minute_field, &cron->minutes))
        return false;
    if (!read_word(r, &hour_field, &word))
        return false;
    cron->hours = (uint32_t)word;
    if (!read_word(r, &day_field, &word))
        return false;
    cron->days = (uint32_t)word;
    if (!read_word(r, &month_field, &word))
        return false;
    cron->months = (uint32_t)word;
    if (!read_word(r, &weekday_field, &word))
        return false;
    cron->weekdays = (uint8_t)((word | word >> 7) & 0x7f);
    if (count == 5)
        every_year(cron);
    return count == 5 || read_field(r, &year_field, cron->years);
}

/* 1h30m, 90s, 1d: a sum of numbers with units; a bare number counts seconds. */
static bool read_duration(Reader *r, int64_t *seconds)
{
    const char *start = r->at;

    *seconds = 0;
    while (r->at < r->end && is_digit(*r->at)) {
        int64_t n = 0, unit = 1;

        while (r->at < r->end && is_digit(*r->at) && n < (int64_t)1e12)
            n = n * 10 + (*r->at++ - '0');
        if (r->at < r->end && strchr("smhd", *r->at)) {
            unit = *r->at == 's' ? 1 : *r->at == 'm' ? 60 : *r->at == 'h' ? 3600 : DAY;
            r->at++;
        }
        *seconds += n * unit;
    }
    return r->at > start || fail(r, "a duration reads like 90s, 15m, 1h30m or 1d");
}

static bool read_every(Reader *r, AkCron *cron)
{
    skip_space(r);
    if (!read_duration(r, &cron->every))
        return false;
    if (cron->every < 1 || cron->every > 3660 * DAY)
        return fail(r, "@every takes a second to ten years");
    if (r->at < r->end && *r->at == '/') {
        r->at++;
        if (!read_duration(r, &cron->phase))
            return false;
        cron->phase %= cron->every;
    }
    skip_space(r);
    return r->at == r->end || fail(r, "something stands behind the duration");
}

static bool read_word_of(Reader *r, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(r->end - r->at) < len || strncmp(r->at, word, len) != 0)
        return false;
    if (r->at + len < r->end && !is_space(r->at[len]))
        return false;
    r->at += len;
    return true;
}

static bool read_macro(Reader *r, AkCron *cron)
{
    static const struct {
        const char *name, *fields;
    } macros[] = {
        {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
        {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
        {"@hourly", "0 * * * *"},
    };

    if (read_word_of(r, "@every"))
        return read_every(r, cron);
    for (size_t i = 0; i < sizeof(macros) / sizeof(*macros); i++) {
        if (read_word_of(r, macros[i].name)) {
            Reader fields = {macros[i].fields, macros[i].fields, macros[i].fields + 9, NULL};

            skip_space(r);
            return (r->at == r->end || fail(r, "something stands behind the name")) &&
                   read_calendar(&fields, cron);
        }
    }
    return fail(
        r, "the names are @yearly @annually @monthly @weekly @daily @midnight @hourly @every");
}

static bool read_zone(Reader *r, AkCron *cron)
{
    size_t prefix = strncmp(r->at, "TZ=", 3) == 0        ? 3
                    : strncmp(r->at, "CRON_TZ=", 8) == 0 ? 8
                                                         : 0;
    const char *start = r->at + prefix;

    if (!prefix)
        return true;
    r->at = start;
    while (!at_field_end(r))
        r->at++;
    if (r->at == start || (size_t)(r->at - start) >= sizeof(cron->zone))
        return fail(r, "TZ= takes the name of a time zone, as Europe/Berlin");
    memcpy(cron->zone, start, (size_t)(r->at - start));
    skip_space(r);
    return true;
}

int ak_cron_parse(AkCron *cron, const char *text, const char **why, uint32_t *at)
{
    const char *comment = strchr(text, '#');
    Reader r = {text, text, comment ? comment : text + strlen(text), NULL};

    memset(cron, 0, sizeof(*cron));
    while (r.end > r.text && is_space(r.end[-1]))
        r.end--;
    skip_space(&r);
    if (r.at == r.end)
        fail(&r, "the schedule is empty");
    else if (read_zone(&r, cron))
        (void)(r.at < r.end && *r.at == '@' ? read_macro(&r, cron) : read_calendar(&r, cron));
    if (!r.why)
        return 0;
    *why = r.why;
    *at = (uint32_t)(r.at - r.text);
    return -1;
}

/* ---- the search ---- */

typedef struct Civil {
    int year, month, day, weekday;
} Civil;

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since the epoch to a date of the Gregorian calendar: eras of 400 years that begin in
 * March. */
static Civil civil_of(int64_t days)
{
    int64_t era = floor_div(days + 719468, 146097);
    int64_t of_era = days + 719468 - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    Civil c = {.day = (int)(of_year - (153 * month + 2) / 5 + 1),
               .month = (int)(month < 10 ? month + 3 : month - 9),
               .weekday = (int)((days % 7 + 11) % 7)};

    c.year = (int)(year + era * 400 + (c.month <= 2));
    return c;
}

static bool day_fires(const AkCron *cron, int64_t days)
{
    Civil c = civil_of(days);

    return c.year >= AK_CRON_FIRST_YEAR && c.year <= AK_CRON_LAST_YEAR &&
           has_bit(cron->years, c.year - AK_CRON_FIRST_YEAR) && cron->months >> c.month & 1 &&
           cron->days >> c.day & 1 && cron->weekdays >> c.weekday & 1;
}

/* The first firing second of a day from `from` on, or -1. */
static int64_t second_of_day(const AkCron *cron, int64_t from)
{
    for (int64_t h = from / 3600; h < 24; h++) {
        if (!(cron->hours >> h & 1))
            continue;
        for (int64_t m = h == from / 3600 ? from / 60 % 60 : 0; m < 60; m++) {
            if (!(cron->minutes >> m & 1))
                continue;
            for (int64_t s = h * 60 + m == from / 60 ? from % 60 : 0; s < 60; s++)
                if (cron->seconds >> s & 1)
                    return h * 3600 + m * 60 + s;
        }
    }
    return -1;
}

typedef struct Zone {
    AkZoneOffset offset;
    void *payload;
    const char *name;
} Zone;

static int64_t offset_at(const Zone *zone, int64_t utc)
{
    return zone->name[0] && zone->offset ? zone->offset(zone->payload, zone->name, utc) : 0;
}

/* On a day when the clocks change every local second is looked at: it has none, one or two
 * instants. */
static int64_t next_on_changing_day(const AkCron *cron, const Zone *zone, int64_t local_day,
                                    const int64_t offsets[2], int64_t after)
{
    int64_t best = -1;

    for (int64_t s = second_of_day(cron, 0); s >= 0;
         s = s < DAY - 1 ? second_of_day(cron, s + 1) : -1) {
        for (int i = 0; i < 2; i++) {
            int64_t utc = local_day + s - offsets[i];

            if (offset_at(zone, utc) == offsets[i] && utc > after && (best < 0 || utc < best))
                best = utc;
        }
    }
    return best;
}

static int64_t next_on_day(const AkCron *cron, const Zone *zone, int64_t days, int64_t after)
{
    int64_t local_day = days * DAY;
    int64_t guess = offset_at(zone, local_day);
    int64_t offsets[2] = {offset_at(zone, local_day - guess - 7200),
                          offset_at(zone, local_day + DAY - guess + 7200)};
    int64_t from, second;

    if (offsets[0] != offsets[1])
        return next_on_changing_day(cron, zone, local_day, offsets, after);
    from = after + 1 + offsets[0] - local_day;
    if (from >= DAY)
        return -1;
    second = second_of_day(cron, from < 0 ? 0 : from);
    return second < 0 ? -1 : local_day + second - offsets[0];
}

int64_t ak_cron_next(const AkCron *cron, int64_t after, AkZoneOffset offset, void *payload)
{
    Zone zone = {offset, payload, cron->zone};
    int64_t last = (int64_t)(AK_CRON_LAST_YEAR - 1969) * 366, day;

    if (cron->every)
        return (floor_div(after - cron->phase, cron->every) + 1) * cron->every + cron->phase;
    day = floor_div(after + offset_at(&zone, after), DAY) - 1;
    if (day < 10956) /* 1999-12-31 */
        day = 10956;
    for (; day < last; day++) {
        int64_t found = day_fires(cron, day) ? next_on_day(cron, &zone, day, after) : -1;

        if (found >= 0)
            return found;
    }
    return -1;
}
