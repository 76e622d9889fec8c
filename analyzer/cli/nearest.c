/* The distance counts letters added, lost, changed and swapped. */
#include "nearest.h"

#include <string.h>

enum { LONGEST = 40 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][LONGEST + 1];

    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *two = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two[j - 2] + 1 < row[j])
                row[j] = two[j - 2] + 1;
        }
    }
    return rows[n % 3][m];
}

void cli_nearest(CliNearest *nearest, const char *typed, const char *known)
{
    size_t n = strlen(typed), m = strlen(known), allowed = (n > m ? n : m) / 3, d;

    if (n > LONGEST || m > LONGEST || n == 0)
        return;
    if (allowed < 1)
        allowed = 1;
    d = distance(typed, n, known, m);
    /* A word that was begun and not finished is near too: `stat` means `statistics`. */
    if (d > allowed && !(n >= 3 && m > n && !strncmp(typed, known, n)))
        return;
    if (!nearest->word || d < nearest->distance)
        *nearest = (CliNearest){known, d};
}
