/* sdk_names.h: what temporalio calls its things, version by version.
 *
 * A table made by tools/sdk_names.py from the published packages: every public module, class,
 * function, value, member and parameter of 1.5 and later, with the minor versions that have it. A set of
 * versions is a bit set, bit 0 for 1.5. What a module merely imports is no name of it. All
 * strings are the table's and live for ever.
 */
#ifndef AK_SDK_NAMES_H
#define AK_SDK_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t AkSdkVersions;

enum { AK_SDK_FIRST_MINOR = 5 };

typedef enum AkSdkKind {
    AK_SDK_MODULE,
    AK_SDK_CLASS,
    AK_SDK_OPEN_CLASS, /* has names that nobody can list */
    AK_SDK_FUNCTION,   /* methods too */
    AK_SDK_ASYNC,      /* a coroutine function */
    AK_SDK_VALUE,
    AK_SDK_OPEN, /* a module that was not looked into: any name behind it may be right */
} AkSdkKind;

typedef struct AkSdkName {
    const char *name;
    AkSdkKind kind;
    AkSdkVersions versions;
    const char *returns; /* the SDK's class that a call (awaited) gives, or NULL */
    const char *params;  /* see tools/sdk_names.py */
} AkSdkName;

/* The row of that name, or NULL. */
const AkSdkName *ak_sdk_find(const char *dotted);
size_t ak_sdk_count(void);
const AkSdkName *ak_sdk_at(size_t i);

/* All versions that the table knows. */
AkSdkVersions ak_sdk_all(void);

/* The longest prefix of dotted that is a name. *rest: what stands behind its dot; "" if all of it
 * is. NULL if dotted is not of temporalio. A closed prefix (module or class) with a rest is a name that no
 * version has; private names (_x) and results of calls are never judged: their prefix is open. */
const AkSdkName *ak_sdk_prefix(const char *dotted, const char **rest);
bool ak_sdk_is_closed(const AkSdkName *name);

/* Versions whose function has the keyword; all bits when it takes any, or nothing is known. */
AkSdkVersions ak_sdk_keyword(const AkSdkName *callable, const char *keyword);
/* How many arguments may be given by position; SIZE_MAX if any number or not known. */
size_t ak_sdk_positions(const AkSdkName *callable);
/* The nearest keyword, or false. */
bool ak_sdk_nearest_keyword(const AkSdkName *callable, const char *keyword, char *out,
                            size_t room);

/* The true name of one that does not exist: a known confusion, the only thing of that name
 * elsewhere in the SDK, or the nearest name beside it. NULL: nothing near. *sure: it is the same
 * thing under its right name, and may be written in place of it. */
const char *ak_sdk_true_name(const char *dotted, bool *sure);
/* What to write instead of a name or a keyword ("f(keyword=)") that is often guessed, or NULL. */
const char *ak_sdk_advice(const char *dotted);

/* Versions that a requirement allows: "1.12.0", "==1.12.*", ">=1.8,<1.12", "^1.7", "~=1.8.1".
 * 0 if it cannot be read or allows none of the table. */
AkSdkVersions ak_sdk_allowed(const char *requirement);

#endif
