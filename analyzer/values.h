/* values.h: what values.c, values_parts.c and values_call.c share. No other file includes it.
 *
 * values.c evaluates expressions and keeps the answers; values_parts.c takes values apart: items,
 * parts, what `with` gives; values_call.c says what calling a value gives.
 */
#ifndef AK_VALUES_H
#define AK_VALUES_H

#include "stages.h"

enum { AK_DEEPEST = 90 };

/* values.c */
void ak__add_set(AkSet *set, const AkSet *other);
/* Holds nothing, or unknown alone. */
bool ak__only_unknown(const AkSet *set);
/* A value that the expression makes: a display, a constant. */
AkValue ak__made(AkValueKind kind, const AkUnit *unit, AkExprId expr);
/* An instance of the external class, or what that function returned. */
AkValue ak__external_result(const char *dotted, const AkUnit *unit, AkExprId expr);
/* Takes one evaluation off the budget; adds unknown when nothing is left. */
bool ak__is_too_deep(AkProgram *program, AkSet *out);
/* `dict[index]`. */
void ak__subscript_dict(AkProgram *program, const AkValue *dict, const AkUnit *unit,
                        AkExprId index, AkSet *out);

/* values_parts.c */
void ak__values_of_dict(AkProgram *program, const AkValue *value, AkSet *out);
/* Argument n of the annotation `dict[K, V]`; 0 if there is none. */
AkExprId ak__type_argument(const AkValue *typed, uint32_t n);
bool ak__is_typed_dict(const AkValue *typed);
/* Of exactly that external class or function. */
bool ak__is_result_of(const AkValue *value, const char *dotted);
/* What the object of the method may be whose call gave result: d of `d.items()`. */
void ak__owners_of_method(AkProgram *program, const AkValue *result, AkSet *out);
/* What the method of an instance gives. */
void ak__method_result(AkProgram *program, const AkValue *self, const char *name, AkSet *out);
/* Item number part of the value: `a, b = value`. */
void ak__part_of(AkProgram *program, const AkValue *value, uint16_t part, AkSet *out);

/* values_call.c */
/* The function of a `def`, or what its decorators make of it. */
void ak__function_value(AkProgram *program, const AkUnit *unit, uint32_t index, AkSet *out);
/* Of the external class, or of a function that is known to return it. */
bool ak__is_made_by(AkProgram *program, const AkValue *value, const char *type);
/* What awaiting the value gives. */
void ak__await_value(AkProgram *program, const AkValue *value, AkSet *out);

#endif
