/* `ak @filter TEXT`: whether an event passes a filter, for the workers of a Temporal cluster. */
#ifndef AK_FILTER_WORD_H
#define AK_FILTER_WORD_H

#define AK_FILTER_WORD "@filter"

/* The event is JSON on standard input. 0 when it passes, 1 when not, 2 when the filter cannot be
 * read: why is then on standard output. */
int ak_filter_main(int argc, char **argv);

#endif
