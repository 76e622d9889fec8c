/* What a case needs before it runs: its files in a folder, deployed in a store in memory. */
#ifndef AK_CASE_STAGE_H
#define AK_CASE_STAGE_H

#include "case.h"

typedef struct AkStage {
    AkStore *store;
    char dir[PATH_MAX];   /* the program's files */
    char stubs[PATH_MAX]; /* modules that stand in for others; "" without any */
    bool bare;            /* neither the case nor its project has a manifest */
    char project[64], deployment[64];
} AkStage;

/* Below the home's folder, which is the caller's to remove. 0, or -1 with words in why; to be
 * cleared in either case. */
int ak_stage_set(const AkHome *home, const AkCase *c, AkStage *stage, char *why, size_t size);
void ak_stage_clear(AkStage *stage);

#endif
