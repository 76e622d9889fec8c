/* knowledge.h: what functions and classes outside the program do, by dotted name.
 *
 * The rows are data in knowledge/<topic>.def, sorted by name within a file, one a line:
 *
 *     AK_KNOW("time.time", CLOCK, "sdk sandbox")
 *     AK_KNOW("secrets.*", RANDOM, "sdk sandbox")       every name of a module or class
 *     AK_KNOW("time.ctime", CLOCK | NO_ARGS, "probe")   only when called without arguments;
 *                                                       FEWER_2: with fewer than two
 *     AK_RETURNS("datetime.datetime.now", "datetime.datetime")
 *     AK_ALIAS("io.open", "builtins.open")              the same object under another name
 *
 * The third field of AK_KNOW says where the claim is from. An exact row wins over a `*` row, a
 * longer `*` row over a shorter. Names of builtins begin with "builtins.". A method of what an
 * external class or function returned is "requests.Session.get", "sqlite3.connect().execute";
 * where AK_RETURNS knows the class, that one is used; "" stands for something that is not known.
 */
#ifndef AK_KNOWLEDGE_H
#define AK_KNOWLEDGE_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t AkEffects;

#define AK_EFFECT(n) ((AkEffects)1 << (n))

enum { AK_CALLS_SHIFT = 40, AK_CONSUMES_SHIFT = 46, AK_MUTATES_SHIFT = 52 };

#define AK_CLOCK         AK_EFFECT(0)
#define AK_RANDOM        AK_EFFECT(1)
#define AK_UUID          AK_EFFECT(2)
#define AK_ENV           AK_EFFECT(3) /* environment, host, process: os.environ, platform.* */
#define AK_FILE          AK_EFFECT(4)
#define AK_NETWORK       AK_EFFECT(5)
#define AK_DATABASE      AK_EFFECT(6)
#define AK_PROCESS       AK_EFFECT(7)
#define AK_THREAD        AK_EFFECT(8) /* threads, executors, process pools */
#define AK_SLEEP         AK_EFFECT(9)
#define AK_BLOCKS        AK_EFFECT(10) /* holds its thread until something outside happens */
#define AK_ASYNC_WAIT    AK_EFFECT(11) /* asyncio.wait, asyncio.as_completed */
#define AK_PRINT         AK_EFFECT(12)
#define AK_LOG           AK_EFFECT(13)
#define AK_INPUT         AK_EFFECT(14)
#define AK_UNORDERED     AK_EFFECT(15) /* what it returns has no order that stays */
#define AK_IDENTITY      AK_EFFECT(16) /* id, hash */
#define AK_INTROSPECTION AK_EFFECT(17) /* gc, sys.modules, inspect.stack, weakref */
#define AK_PURE          AK_EFFECT(18) /* same arguments, same result, nothing else happens */
#define AK_DETERMINISTIC AK_EFFECT(19) /* run in place by the runtime, not recorded */
#define AK_CONSTRUCTOR   AK_EFFECT(20) /* a class although its name is lower-case */
#define AK_UNPICKLABLE   AK_EFFECT(21) /* what it returns cannot be pickled */
#define AK_OPENS         AK_EFFECT(22) /* what it returns is an open file */
#define AK_ASYNC         AK_EFFECT(23) /* a coroutine function */
#define AK_NO_ARGS       AK_EFFECT(24) /* the row holds only for a call without arguments */
#define AK_FEWER_2       AK_EFFECT(35) /* … only for a call with fewer than two */
#define AK_TRANSPARENT                                                                         \
    AK_EFFECT(25) /* as a decorator: gives back what behaves as the function */
#define AK_LAZY                                                                                \
    AK_EFFECT(26) /* what it calls or consumes happens while its result is iterated */
#define AK_SERIALIZES    AK_EFFECT(27)
#define AK_MONEY         AK_EFFECT(28) /* payments, mail, queues: doing it twice is seen outside */
#define AK_REGISTERS     AK_EFFECT(29) /* keeps the callables it is given: they run elsewhere */
#define AK_MUTATES_SELF  AK_EFFECT(30)
#define AK_NEVER_RETURNS AK_EFFECT(31)
#define AK_RUNS_ELSEWHERE                                                                      \
    AK_EFFECT(32)                    /* what it calls runs in a thread or process, not here */
#define AK_DURABLE     AK_EFFECT(33) /* the framework's own command, replayed rightly */
#define AK_SESSION_API AK_EFFECT(34) /* works only inside a running workflow */

#define AK_VALUE AK_EFFECT(36) /* no function: reading it is the effect (os.environ) */

#define AK_REFUSED AK_EFFECT(37) /* harmless, but the SDK's sandbox refuses it */

#define AK_CALLS_KEY AK_EFFECT(38)                   /* calls its argument `key` */
#define AK_CALLS_ANY AK_EFFECT(39)                   /* calls every callable it is given */
#define AK_CALLS(n)  AK_EFFECT(AK_CALLS_SHIFT + (n)) /* calls its n-th argument, 0 to 5 */
#define AK_CONSUMES(n)                                                                         \
    AK_EFFECT(AK_CONSUMES_SHIFT + (n)) /* iterates its n-th argument, 0 to 4 */
#define AK_CONSUMES_ALL AK_EFFECT(AK_CONSUMES_SHIFT + 5)
#define AK_MUTATES(n)   AK_EFFECT(AK_MUTATES_SHIFT + (n)) /* changes its n-th argument, 0 to 4 */

typedef struct AkKnown {
    const char *name;
    AkEffects effects;
    const char *returns; /* dotted class of what it returns, or NULL */
    const char *source;
} AkKnown;

/* The row for a dotted name, after aliases; NULL if nothing is known. Unlike the row that
 * ak_call gives (AkCall.known), conditions on arguments are not applied. The memory is the
 * table's. */
typedef struct AkKnowledge AkKnowledge;
const AkKnown *ak_known(const AkKnowledge *knowledge, const char *dotted);

/* Whether name is a top-level module of the standard library. */
bool ak__is_stdlib(const char *name, uint32_t len);
/* Whether name is a builtin function, class or exception. */
bool ak__is_builtin(const char *name);

#endif
