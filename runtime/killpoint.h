/* Points at which tests kill the program: compiled into ak_kill, a twin of `ak` for tests,
 * alone.
 *
 * AK_KILL_AT=N kills at the N-th point passed: `ak` itself, or with AK_KILL_WHO=runner the
 * runner that the point is about (then points without a runner do not count).
 * AK_KILL_COUNT=FILE appends the number of points passed when the program ends. */
#ifndef AK_KILLPOINT_H
#define AK_KILLPOINT_H

#ifdef AK_KILL_POINTS
void ak__kill_point(int runner_pid);
#define AK_KILL_POINT(runner_pid) ak__kill_point(runner_pid)
#else
#define AK_KILL_POINT(runner_pid) ((void)0)
#endif

#endif
