"""Programs whose behaviour must not change by rewriting. Each defines main(); what it prints, returns or raises is compared."""

PROGRAMS = {
    "super": """
class A:
    def __init__(self, x): self.x = x
    @classmethod
    def make(cls, x): return cls(x)
    def who(self): return 'A%s' % self.x
class B(A):
    def __init__(self, x):
        super().__init__(x + 1)
    @classmethod
    def make(cls, x): return super().make(x * 2)
    def who(self):
        f = lambda: super(B, self).who()
        return [super(B, self).who() for _ in range(1)] + [f(), __class__.__name__]
class C(B):
    def who(self):
        def inner():
            return super(C, self).who()
        return inner()
    def __init_subclass__(cls, **kw): super().__init_subclass__(**kw); cls.made = kw or 1
class D(C): pass
def main(): return [B.make(3).who(), C(1).who(), D.made]
""",
    "frames": """
import inspect, sys, warnings
G = 1
def main():
    a = 1; b = [2]
    out = [sorted(locals()), sorted(vars()), sorted(dir()), 'G' in globals(), eval('a + b[0] + G')]
    exec('c = a', globals(), d := dict(locals()))
    out.append(d['c'])
    out.append([eval('x', {'x': x}) for x in (1, 2)])
    out.append(inspect.currentframe().f_code.co_name)
    out.append(sys._getframe().f_lineno)
    out.append([sorted(k for k in locals() if not k.startswith('.')) for i in [0]][0][-1:])
    class K:
        z = a
        names = sorted(n for n in locals() if n[0] != '_')
        here = sorted(n for n in vars() if n[0] != '_')
    out.append((K.names, K.here))
    return out
""",
    "namedtuple_module": """
import collections, enum, typing, pickle
def main():
    N = collections.namedtuple('N', 'a b')
    E = enum.Enum('E', 'x y')
    T = typing.NamedTuple('T', [('q', int)])
    V = typing.TypeVar('V')
    return [N.__module__, E.__module__, T.__module__, getattr(V, '__module__', None), repr(N(1, 2)), list(E)]
""",
    "future_annotations": """from __future__ import annotations
import typing
def deco(x): return lambda f: f
class K:
    a: print('no') = 1
    def m(self, x: nonsense(1) = len('ab')) -> also(nonsense): 
        y: whatever(x) = 2
        return x + y
def main():
    def inner(x: oh(no()) = deco(1)(2)) -> str(3): return x
    return [K().m(), inner(), K.__annotations__, K.m.__annotations__, inner.__annotations__]
""",
    "annotations": """
def main():
    def inner(x: str('a') = int('3')) -> list([1]): return x
    return [inner(), inner.__annotations__]
""",
    "decorators": """
import functools
LOG = []
def deco(n):
    LOG.append(n)
    def wrap(f):
        @functools.wraps(f)
        def inner(*a, **k): return (n, f(*a, **k))
        return inner
    return wrap
def main():
    @deco(1)
    @deco(n=2)
    @functools.lru_cache(maxsize=None)
    def f(x, *, y=len('ab')): return x + y
    @deco(3)
    async def co(): return 1
    @property
    def p(self): return str(7)
    class K:
        q = p
        @staticmethod
        def s(): return K().q
        @functools.cached_property
        def cp(self): return object() is not None
    return [f(1), f(x=2, y=3), LOG, K.s(), K().cp, co.__name__]
""",
    "order": """
TRACE = []
def t(x, v=None):
    TRACE.append(x)
    return v
def f(*a, **k): TRACE.append('f'); return a, k
def main():
    t('callee', f)(t(1), *t('star', [1, 2]), k=t('kw'), **t('kws', {'z': 1}))
    t('a', {}).setdefault(t('b'), t('c'))
    t('x', [0, 0])[t('i', 0)] = t('v')
    assert t('cond', 1), t('never')
    del t('d', {'k': 1})['k']
    return TRACE
""",
    "unicode": """
def größe(x): return len(x)
def main():
    名前 = 'é日本'; return [größe(名前), größe('日本' + str(1)), f'日本{größe(名前)}é{str(größe(名前)):>5}', 'ﬁ'.upper()]
""",
    "fstrings": """
def g(x): return x
def main():
    w = 8
    return [f'{g(1)}', f'{g(2)!r:>{g(w)}}', f'{g(g(3))=}', f"{g('a')}{g({'k': g(1)}['k'])}", f'''{
        g(4)
    }''', f'{(lambda: g(5))()}', f'{[g(i) for i in range(3)]}']
""",
    "comprehensions": """
def g(x): return x
def main():
    y = 10
    return [[g(i) for i in range(g(3)) if g(i)], {g(i): g(j) for i, j in zip('ab', [1, 2])}, {g(1)}, list(g(i) + y for i in (1, 2)),
            [[g(j) for j in range(i)] for i in range(3)], [(lambda z: g(z))(i) for i in (1, 2)], [k := g(5), k]]
""",
    "generators_and_coroutines": """
import asyncio
def gen(n):
    got = yield str(n)
    yield from (str(x) for x in range(int(got)))
    return 'end'
def outer():
    r = yield from gen(1)
    yield r
async def agen():
    for i in range(3):
        await asyncio.sleep(0)
        yield str(i)
class Ctx:
    async def __aenter__(self): return self
    async def __aexit__(self, *a): return bool(a[0])
    def __enter__(self): return str(9)
    def __exit__(self, *a): return True
async def amain():
    out = [x async for x in agen()]
    async with Ctx() as c:
        raise ValueError(str(1))
    with Ctx() as nine: out.append(nine)
    out.append(await asyncio.gather(*(asyncio.sleep(0, i) for i in range(2))))
    out.append(await (asyncio.sleep(0, 'p')))
    return out
def main():
    o = outer()
    return [next(o), o.send('2'), list(o), asyncio.run(amain())]
""",
    "exceptions": """
def boom(x):
    raise ValueError(
        str(x),
    )
def main():
    try:
        boom(
            x=1
        )
    except ValueError as e:
        try:
            raise KeyError(str(e)) from e
        except KeyError as k:
            return [repr(k), repr(k.__cause__), k.__traceback__.tb_lineno, e.__traceback__.tb_lineno, e.__traceback__.tb_next.tb_lineno]
    finally:
        str(1)
""",
    "raises": """
import os
def inner(n):
    return [
        1,
        int(
            'x' * n
        ),
    ]
def main():
    return (os.path
        .join('a')
        .strip().split()
        [0] and inner(
            3))
""",
    "raises_in_lambda": """
def main():
    f = (lambda x:
         x.nope())
    return list(map(f, [1]))
""",
    "scopes": """
x = 'module'
def main():
    x = 'main'
    def a():
        nonlocal x
        x = str('a'); return x
    def b():
        global x
        return str(x)
    class K:
        x = str('class')
        def m(self): return str(x)
        l = [str(i) for i in (1,)]
        f = lambda self: str(x)
    return [a(), b(), K().m(), K().f(), K.l, x]
""",
    "names_mangled": """
class K:
    def __secret(self): return str(5)
    def open(self): return self.__secret()
    @staticmethod
    def __s(x=len('abc')): return x
    def t(self): return K.__s()
def main(): return [K().open(), K().t()]
""",
    "chains": """
class Q:
    def __init__(self): self.steps = []
    def __call__(self, x): self.steps.append(x); return self
    def a(self): return self('a')
    def __getitem__(self, i): return lambda *a: self(i)
    def __getattr__(self, n):
        if n.startswith('_'): raise AttributeError(n)
        return lambda **k: self((n, k))
def main():
    q = Q()
    q.a().a()(1)(2)[3]()[4](5).foo(z=1).bar().a()
    return [q.steps, 'a,b'.split(',')[0].upper().join('xy'), {'k': len}['k']('abc'), (len if q else str)('ab'), [str][0](1), (lambda *a: a)(*[1], *[2])]
""",
    "shadowing": """
def print(x): return ('mine', x)
def main():
    len = lambda x: 'l'
    sorted, list = str, tuple
    return [print(1), len([]), sorted(5), list([1]), type(1).__name__]
""",
    "classes": """
class Meta(type):
    def __new__(m, n, b, d, **k): return super().__new__(m, n, b, dict(d, k=k))
    def __init__(c, n, b, d, **k): super().__init__(n, b, d)
    def __call__(c, *a): return ('made', super().__call__(*a))
def base(x): return x
def main():
    class A(base(object), metaclass=base(Meta), opt=base(1)):
        v = base(2)
        def __set_name__(self, o, n): pass
        def __eq__(self, o): return True
    return [A()[0], A.k, A.v, A()[1] == 5, isinstance(A()[1], A)]
""",
    "defaults": """
def main():
    def f(a, b=list('ab'), /, c=dict(k=1), *d, e=str(2), **g): return a, b, c, d, e, g
    return [f(1), f(1, 2, 3, 4, e=5, h=6), f.__defaults__, f.__kwdefaults__]
""",
    "hashing_callables": """
class Weird:
    __hash__ = None
    def __eq__(self, o): raise RuntimeError
    def __call__(self, x): return x
    def m(self): return 'm'
class Lying:
    def __getattr__(self, n): raise RuntimeError(n)
    def __call__(self): return 'lied'
def main():
    w = Weird()
    return [w(1), w.m(), Lying()(), Weird.m(w)]
""",
    "docstrings_and_constants": '''
"""module doc"""
def main():
    """main doc"""
    return [main.__doc__, __doc__, main.__code__.co_firstlineno, main.__name__, str(...), 1 .__class__(3)]
''',
    "while_else_try_star": """
def g(x): return x
def main():
    out = []
    n = 0
    while (n := g(n) + 1) < 3: out.append(g(n))
    else: out.append(g('else'))
    for i, (j, k) in enumerate(zip(g('ab'), g('cd'))): out.append(g(i)); continue
    with open(__import__('os').devnull) as f, open(g(__import__('os').devnull)) as h: out.append(g(f.closed))
    a, *b = g([1, 2, 3]); out += g(b)
    x = y = g(4); out.append(x if g(y) else g(0)); out.append(g(1) < g(2) < g(3))
    return out
""",
}

SINCE_3_10 = {
    "match": """
from dataclasses import dataclass
@dataclass
class P:
    x: int
    y: int = 0
def g(x): return x
def main():
    out = []
    for v in (P(1, 2), {'k': P(3)}, [1, 2, 3], 'str', 7, None):
        match g(v):
            case P(x=1, y=yy) if g(yy): out.append(('P', g(yy)))
            case {'k': P(x=xx)}: out.append(('k', str(xx)))
            case [first, *rest] if len(rest) == 2: out.append((first, g(rest)))
            case str() as s: out.append(s.upper())
            case int(n): out.append(n + g(1))
            case _: out.append(g('none'))
    return out
""",
}
SINCE_3_11 = {
    "except_star": """
def main():
    out = []
    try:
        raise ExceptionGroup('g', [ValueError(str(1)), KeyError(str(2))])
    except* ValueError as e: out.append(repr(e.exceptions))
    except* KeyError as e: out.append(len(e.exceptions))
    return out
""",
}
SINCE_3_12 = {
    "generics": """
def bound(): return int
type Alias[T] = list[T] | dict[str, bound()]
def first[T: (int, str)](xs: list[T]) -> T: return xs[len(xs) - 1]
class Box[T]:
    def __init__(self, x: T): self.x = x
    def get(self) -> T: return self.x
def main(): return [first([1, 2]), Box(str(3)).get(), Alias.__name__, f"{first(["a", f"{str("b")}"])}"]
""",
}
SINCE_3_14 = {
    "templates": """
def g(x): return x
def main():
    t = t"a{g(1)!r}b{g('z'):>{g(4)}}"
    return [t.values, t.strings, [i.expression for i in t.interpolations]]
""",
}


def programs(version):
    found = dict(PROGRAMS)
    for since, more in (((3, 10), SINCE_3_10), ((3, 11), SINCE_3_11), ((3, 12), SINCE_3_12), ((3, 14), SINCE_3_14)):
        if version >= since:
            found.update(more)
    return found
