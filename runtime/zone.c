/* TZif files (RFC 8536): transitions up to some year, and a rule in POSIX's words for what follows. */
#define _GNU_SOURCE
#include "zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 44, FILE_MAX = 1 << 20, DAY = 86400 };

typedef struct Change { /* Mm.w.d/time, Jn/time or n/time */
    char kind;          /* 'M', 'J' or 'N' */
    int month, week, day;
    int32_t seconds; /* after midnight, local time before the change */
} Change;

typedef struct Rule {
    bool given, has_summer;
    int32_t winter, summer; /* ahead of UTC */
    Change begin, end;      /* of summer time */
} Rule;

typedef struct Zone {
    struct Zone *next;
    char name[64];
    size_t len;      /* transitions */
    int64_t *at;
    int32_t *offset; /* from at[i] on */
    int32_t first;   /* before at[0] */
    Rule rule;
} Zone;

/* --- The rule behind the table ------------------------------------------------------------------------ */

static bool skip_name(const char **p)
{
    const char *start = *p;

    if (**p == '<') {
        const char *end = strchr(*p, '>');
        if (!end)
            return false;
        *p = end + 1;
        return true;
    }
    while (isalpha((unsigned char)**p))
        ++*p;
    return *p - start >= 3;
}

static bool read_number(const char **p, int *n)
{
    if (!isdigit((unsigned char)**p))
        return false;
    for (*n = 0; isdigit((unsigned char)**p) && *n < 100000; ++*p)
        *n = *n * 10 + (**p - '0');
    return true;
}

static bool read_clock(const char **p, int32_t *seconds)
{
    int sign = 1, h = 0, m = 0, s = 0;

    if (**p == '-' || **p == '+')
        sign = *(*p)++ == '-' ? -1 : 1;
    if (!read_number(p, &h))
        return false;
    if (**p == ':') {
        ++*p;
        if (!read_number(p, &m))
            return false;
    }
    if (**p == ':') {
        ++*p;
        if (!read_number(p, &s))
            return false;
    }
    *seconds = sign * (h * 3600 + m * 60 + s);
    return true;
}

static bool read_change(const char **p, Change *change)
{
    *change = (Change){.kind = 'N', .seconds = 2 * 3600};
    if (**p == 'M' || **p == 'J')
        change->kind = *(*p)++;
    if (change->kind == 'M') {
        if (!read_number(p, &change->month) || *(*p)++ != '.' || !read_number(p, &change->week) ||
            *(*p)++ != '.' || !read_number(p, &change->day))
            return false;
        if (change->month < 1 || change->month > 12)
            return false;
    } else if (!read_number(p, &change->day)) {
        return false;
    }
    if (**p == '/') {
        ++*p;
        return read_clock(p, &change->seconds);
    }
    return true;
}

/* "CET-1CEST,M3.5.0,M10.5.0/3": west of Greenwich is positive here. */
static bool read_rule(const char *p, Rule *rule)
{
    if (!skip_name(&p) || !read_clock(&p, &rule->winter))
        return false;
    rule->winter = -rule->winter;
    rule->given = true;
    if (!*p)
        return true;
    if (!skip_name(&p))
        return false;
    rule->summer = rule->winter + 3600;
    if (*p && *p != ',') {
        if (!read_clock(&p, &rule->summer))
            return false;
        rule->summer = -rule->summer;
    }
    if (*p++ != ',' || !read_change(&p, &rule->begin) || *p++ != ',' || !read_change(&p, &rule->end))
        return false;
    rule->has_summer = true;
    return true;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from the epoch to the first of January. */
static int64_t year_start(int64_t year)
{
    int64_t y = year - 1;

    return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static int64_t year_of(int64_t seconds)
{
    int64_t days = (seconds >= 0 ? seconds : seconds - DAY + 1) / DAY;
    int64_t year = 1970 + days / 366 - (days < 0);

    while (year_start(year + 1) <= days)
        year++;
    return year;
}

static int64_t change_at(const Change *change, int64_t year)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t start = year_start(year), day;

    if (change->kind == 'J') {
        day = start + change->day - 1 + (change->day >= 60 && is_leap(year));
    } else if (change->kind == 'N') {
        day = start + change->day;
    } else {
        int m = change->month - 1;
        bool leap_after = is_leap(year);
        int64_t first = start + before[m] + (m > 1 && leap_after);
        int64_t next = start + before[m + 1] + (m + 1 > 1 && leap_after);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* the epoch was a Thursday */
        day = first + (change->day - weekday + 7) % 7 + (change->week - 1) * 7;
        while (day >= next)
            day -= 7;
    }
    return day * DAY + change->seconds;
}

static int32_t rule_offset(const Rule *rule, int64_t utc)
{
    if (!rule->has_summer)
        return rule->winter;
    int64_t year = year_of(utc + rule->winter);
    int64_t begin = change_at(&rule->begin, year) - rule->winter;
    int64_t end = change_at(&rule->end, year) - rule->summer;
    bool summer = begin < end ? utc >= begin && utc < end : utc >= begin || utc < end;
    return summer ? rule->summer : rule->winter;
}

/* --- The file ---------------------------------------------------------------------------------------------- */

static int64_t big(const unsigned char *p, int bytes)
{
    uint64_t n = p[0] & 0x80 ? ~(uint64_t)0 : 0;

    for (int i = 0; i < bytes; i++)
        n = n << 8 | p[i];
    return (int64_t)n;
}

typedef struct Counts {
    size_t utc, standard, leap, times, types, chars;
} Counts;

static bool read_header(const unsigned char *p, size_t len, Counts *c)
{
    if (len < HEADER || memcmp(p, "TZif", 4))
        return false;
    *c = (Counts){(size_t)big(p + 20, 4), (size_t)big(p + 24, 4), (size_t)big(p + 28, 4),
                  (size_t)big(p + 32, 4), (size_t)big(p + 36, 4), (size_t)big(p + 40, 4)};
    return c->times < 100000 && c->types > 0 && c->types < 256 && c->chars < 10000 && c->leap < 1000 &&
           c->utc < 256 && c->standard < 256;
}

static size_t body_size(const Counts *c, size_t word)
{
    return c->times * (word + 1) + c->types * 6 + c->chars + c->leap * (word + 4) + c->standard + c->utc;
}

static bool read_body(Zone *zone, const unsigned char *p, const Counts *c, size_t word)
{
    const unsigned char *index = p + c->times * word, *types = index + c->times;

    zone->at = calloc(c->times + 1, sizeof *zone->at);
    zone->offset = calloc(c->times + 1, sizeof *zone->offset);
    if (!zone->at || !zone->offset)
        return false;
    zone->len = c->times;
    zone->first = (int32_t)big(types, 4);
    for (size_t i = 0; i < c->times; i++) {
        if (index[i] >= c->types)
            return false;
        zone->at[i] = big(p + i * word, (int)word);
        zone->offset[i] = (int32_t)big(types + index[i] * 6, 4);
    }
    return true;
}

/* The second part has 64 bits a time and the rule behind it; version 1 has the first alone. */
static bool read_zone(Zone *zone, const unsigned char *p, size_t len)
{
    Counts c;
    char rule[128];

    if (!read_header(p, len, &c))
        return false;
    size_t first = HEADER + body_size(&c, 4);
    if (p[4] < '2')
        return first <= len && read_body(zone, p + HEADER, &c, 4);
    if (first > len || !read_header(p + first, len - first, &c))
        return false;
    size_t end = first + HEADER + body_size(&c, 8);
    if (end > len || !read_body(zone, p + first + HEADER, &c, 8))
        return false;
    if (end < len && p[end] == '\n') {
        const unsigned char *stop = memchr(p + end + 1, '\n', len - end - 1);
        size_t n = stop ? (size_t)(stop - (p + end + 1)) : 0;
        if (n && n < sizeof rule) {
            snprintf(rule, sizeof rule, "%.*s", (int)n, (const char *)p + end + 1);
            read_rule(rule, &zone->rule);
        }
    }
    return true;
}

static bool is_safe(const char *name)
{
    size_t len = strlen(name);

    if (!len || len >= sizeof ((Zone *)0)->name || name[0] == '/' || name[0] == '.' || strstr(name, ".."))
        return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == len;
}

static Zone *load(const char *name)
{
    char path[128];
    unsigned char *text;
    Zone *zone = calloc(1, sizeof *zone);

    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "re");
    if (!zone || !file || !(text = malloc(FILE_MAX))) {
        if (file)
            fclose(file);
        free(zone);
        return NULL;
    }
    size_t len = fread(text, 1, FILE_MAX, file);
    fclose(file);
    snprintf(zone->name, sizeof zone->name, "%s", name);
    if (!read_zone(zone, text, len)) {
        free(zone->at);
        free(zone->offset);
        free(zone);
        zone = NULL;
    }
    free(text);
    return zone;
}

static Zone *find(const char *name)
{
    static Zone *zones;

    for (Zone *zone = zones; zone; zone = zone->next)
        if (!strcmp(zone->name, name))
            return zone;
    Zone *zone = is_safe(name) ? load(name) : NULL;
    if (zone) {
        zone->next = zones;
        zones = zone;
    }
    return zone;
}

bool ak_zone_exists(const char *name)
{
    return !*name || find(name) != NULL;
}

int32_t ak_zone_offset(void *payload, const char *name, int64_t utc)
{
    Zone *zone = find(name);
    size_t low = 0, high;

    (void)payload;
    if (!zone)
        return 0;
    if (!zone->len || utc < zone->at[0])
        return zone->len || !zone->rule.given ? zone->first : rule_offset(&zone->rule, utc);
    if (utc >= zone->at[zone->len - 1] && zone->rule.given)
        return rule_offset(&zone->rule, utc);
    high = zone->len;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (zone->at[middle] <= utc)
            low = middle;
        else
            high = middle;
    }
    return zone->offset[low];
}
