# Each line a shape that the two parsers could tell apart.
from __future__ import annotations
from . import a, b as c
from ...d.e import (f, g as h,)
from i import *
import j . k as l, m.n
a = b = *c, d
(a), [b, *c] = d
x: "List[int]" = {**y, 1: 2,}
x.y: Literal["a", "b"] | None
x[1:, ::2, ...] += yield_
x[a,] = x[*a] if not a in b else lambda *c, d=1, **e: -c ** -d
print(f"{x!r:>{w}} {y=} {{}} {z:%H:%M}", *a, b=c, **d)
"a" 'b' u"c" rf"{d}\{e}" f'''{
x}'''
del a.b, (c, d)
@a.b(c)
@d
async def f(a, /, b: int, *args: str, c: int = 1, **kw) -> "T":  # noqa
    async with (open(a) as b, c as (d, e)):
        pass
    async for (x, y), in await z: yield x; yield
    return (yield), (a := b), not a is not b < c <= d
def g(*, a): return *a, 1
class A(B, metaclass=C): x = 1; y: int
with (a, b): pass
with (a as b): pass
with (a).b as c, d: raise E from f
try:
    assert a, b
except (A, B) as e: pass
except:
    global x, y
else: nonlocal_
finally:
  if a: b
  elif c:
      while (n := f()): break
      else: continue
  else: [x async for x in y if a if b for z in w]
f(x for x in y); {a for b in c}; {a: b for c in d}; (); []; {}; {*a}; 1_0.0e-1j; 0xFF; ...
