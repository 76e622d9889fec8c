"""Programs that hide a nondeterministic call behind layers, each with a twin in which it is harmless.

    tests/generate_programs.py 7            the program of seed 7
    tests/generate_programs.py 7 --twin     its twin
    tests/generate_programs.py 7 --layer lambda --layer partial
                                            the same end behind just these layers
    tests/generate_programs.py --list       the layers

A program is built from the inside out. Its leaf is a function with the hidden call (the line is
marked `# HERE`), named in one of the ways of LEAVES. Each layer defines a new function without
parameters that runs the one before, in the same module or in another that reaches it in one of the
ways of REACH. At the end a workflow, or an `ak` entry point, calls the outermost. The twin is built
by the same choices with one thing changed. What a seed gives stays the same as long as the lists do.
"""
import argparse
import random
import sys

MARK = "  # HERE"

# What is hidden: (module, attribute path, arguments, rule, dialects). No module: a builtin.
ALL, TEMPORAL = ("temporal", "ak"), ("temporal",)
CALLS = [
    ("time", "time", "", "AK301", ALL),
    ("time", "monotonic", "", "AK301", ALL),
    ("time", "perf_counter_ns", "", "AK301", ALL),
    ("datetime", "datetime.now", "", "AK301", ALL),
    ("datetime", "date.today", "", "AK301", ALL),
    ("random", "random", "", "AK302", ALL),
    ("random", "choice", "[1, 2]", "AK302", ALL),
    ("random", "SystemRandom", "", "AK302", ALL),
    ("secrets", "token_hex", "4", "AK302", ALL),
    ("uuid", "uuid4", "", "AK303", ALL),
    ("uuid", "uuid1", "", "AK303", ALL),
    ("time", "sleep", "0", "AK305", TEMPORAL),
    ("os", "getenv", "'HOME'", "AK307", TEMPORAL),
    ("os", "cpu_count", "", "AK307", TEMPORAL),
    ("", "open", "'/dev/null'", "AK308", TEMPORAL),
]

# How the leaf names it. {mod} the module, {path} the attributes, {head} the first of them, {tail}
# the others with their dot, {last} and {before} the last and what is before it, {args}; {n} is the
# function that is made. A part before `%%` goes into a module of its own, which {other} names.
LEAVES = {
    "import": "import {mod}\n%def {n}():\n    return {mod}.{path}({args})@",
    "import alias": "import {mod} as {x}\n%def {n}():\n    return {x}.{path}({args})@",
    "from import": "from {mod} import {head}\n%def {n}():\n    return {path}({args})@",
    "from import alias": "from {mod} import {head} as {x}\n%def {n}():\n    return {x}{tail}({args})@",
    "import in the function": "%def {n}():\n    from {mod} import {head} as {x}\n    return {x}{tail}({args})@",
    "import in try": "try:\n    import {mod} as {x}\nexcept ImportError:\n    {x} = None\n%def {n}():\n    return {x}.{path}({args})@",
    "import under if": "import sys\nif sys.version_info >= (3, 8):\n    import {mod} as {x}\nelse:\n    {x} = None\n%def {n}():\n    return {x}.{path}({args})@",
    "star import": "from {mod} import *\n%def {n}():\n    return {path}({args})@",
    "module rebinding": "import {mod}\n%{x} = {mod}.{path}\ndef {n}():\n    return {x}({args})@",
    "local rebinding": "import {mod}\n%def {n}():\n    {x} = {mod}\n    {y} = {x}.{path}\n    return {y}({args})@",
    "getattr": "import {mod}\n%def {n}():\n    return getattr({mod}.{path0}, '{last}')({args})@",
    "import_module": "import importlib\n%def {n}():\n    return importlib.import_module('{mod}').{path}({args})@",
    "partial of it": "import functools\nimport {mod}\n%def {n}():\n    {x} = functools.partial({mod}.{path})\n    return {x}({args})@",
    "module through a module": "import {mod}\n%%from {other} import {mod} as {x}\n%def {n}():\n    return {x}.{path}({args})@",
    "module through a star": "import {mod}\n%%from {other} import *\n%def {n}():\n    return {mod}.{path}({args})@",
    "class attribute": "import {mod}\n%class {C}:\n    call = staticmethod({mod}.{path})\ndef {n}():\n    return {C}.call({args})@",
    "dict of it": "import {mod}\n%{x} = {{'call': {mod}.{path}}}\ndef {n}():\n    return {x}['call']({args})@",
    "f-string": "import {mod}\n%def {n}():\n    return f\"{{{mod}.{path}({args})}}\"@",
    "walrus": "import {mod}\n%def {n}():\n    if ({x} := {mod}.{path}({args})):@\n        return {x}\n    return 1",
    "conditional expression": "import {mod}\n%def {n}({x}=True):\n    {y} = {mod}.{path} if {x} else None\n    return {y}({args})@",
    "tuple unpacking": "import {mod}\n%def {n}():\n    {x}, {y} = {mod}.{path}, 1\n    return {x}({args})@",
    "global statement": "import {mod}\n%{x} = None\ndef {n}():\n    global {x}\n    {x} = {mod}.{path}({args})@\n    return 1",
    "lambda key of sorted": "import {mod}\n%def {n}():\n    return sorted([1], key=lambda _: str({mod}.{path}({args})))@",
    "default of a nested function": "import {mod}\n%def {n}():\n    def inner({x}={mod}.{path}({args})):@\n        return {x}\n    return inner()",
    "match": "import {mod}\n%def {n}({x}=1):\n    match {x}:\n        case 1:\n            return {mod}.{path}({args})@\n    return 0",
    "try and finally": "import {mod}\n%def {n}():\n    try:\n        return 1\n    finally:\n        {mod}.{path}({args})@",
}

# How a module reaches a name of another. {m} dotted module, {s} the name, {pkg} its package, {leaf}
# the last part, {rel} the module seen from here with dots, {x} and {y} fresh names. `=>`: the expression.
REACH = {
    "from module import": "from {m} import {s}\n=>{s}",
    "from module import alias": "from {m} import {s} as {x}\n=>{x}",
    "module attribute": "import {m}\n=>{m}.{s}",
    "module alias": "import {m} as {x}\n=>{x}.{s}",
    "module from package": "from {pkg} import {leaf} as {x}\n=>{x}.{s}",
    "relative import": "from {rel} import {s}\n=>{s}",
    "relative module": "from {relpkg} import {leaf} as {x}\n=>{x}.{s}",
    "star of a module": "from {m} import *\n=>{s}",
    "re-export": None,
    "re-export under another name": None,
    "re-export by a star": None,
    "re-export with __all__": None,
    "chain of re-exports": None,
    "getattr of a module": "import {m} as {x}\n=>getattr({x}, '{s}')",
    "import_module of the project": "import importlib\n{x} = importlib.import_module('{m}')\n=>{x}.{s}",
    "import in try of the project": "try:\n    from {m} import {s} as {x}\nexcept ImportError:\n    {x} = None\n=>{x}",
    "pass-through import": "from temporalio import workflow\nwith workflow.unsafe.imports_passed_through():\n    from {m} import {s} as {x}\n=>{x}",
}

# Sync layers. {ref} is the function before, {n} the one that is made; {C} {D} {x} {y} {z} fresh names.
# A part before `%%` goes into another module and is reached as {s}, whose name there is {S}.
SYNC = {
    "function": "def {n}():\n    return {ref}()",
    "lambda": "{n} = lambda: {ref}()",
    "nested function": "def {n}():\n    def inner():\n        return {ref}()\n    return inner()",
    "returned closure": "def {x}():\n    def inner():\n        return {ref}()\n    return inner\n\n\ndef {n}():\n    return {x}()()",
    "name rebound": "{n} = {ref}",
    "name rebound locally": "def {n}():\n    {x} = {ref}\n    {y} = {x}\n    return {y}()",
    "one of two": "def {n}({x}=True):\n    if {x}:\n        {y} = {ref}\n    else:\n        {y} = int\n    return {y}()",
    "default argument": "def {n}({x}={ref}):\n    return {x}()",
    "fallback by or": "def {x}({y}=None):\n    return {y} or {ref}()\n\n\ndef {n}():\n    return {x}()",
    "fallback by if": "def {x}({y}=None, {z}=1):\n    if {y} is None:\n        {y} = {ref}()\n    return {y}\n\n\ndef {n}():\n    return {x}({z}=2)",
    "functools.partial": "import functools\n{n} = functools.partial({ref})",
    "partial with arguments": "import functools\ndef {x}({y}, {z}):\n    return {ref}()\n\n\n{n} = functools.partial({x}, 1, {z}=2)",
    "dict of functions": "{x} = {{'a': {ref}, 'b': int}}\n\n\ndef {n}():\n    return {x}['a']()",
    "dict.get": "{x} = {{'a': {ref}}}\n\n\ndef {n}():\n    return {x}.get('a')()",
    "dict.get with a default": "{x} = {{}}\n\n\ndef {n}():\n    return {x}.get('a', {ref})()",
    "dict of annotated values": "class {C}:\n    def work(self):\n        return {ref}()\n\n\ndef {x}({y}: dict[str, {C}]):\n    return {y}['a'].work()\n\n\ndef {n}():\n    return {x}({{'a': {C}()}})",
    "dict filled later": "{x} = {{}}\n{x}['a'] = {ref}\n\n\ndef {n}():\n    return {x}['a']()",
    "list filled later": "{x} = []\n{x}.append({ref})\n\n\ndef {n}():\n    return [_() for _ in {x}]",
    "list of functions": "def {n}():\n    for {x} in [{ref}, {ref}]:\n        {x}()\n    return 1",
    "tuple of functions": "{x} = ({ref}, int)\n\n\ndef {n}():\n    return {x}[0]()",
    "values of a dict": "{x} = {{'a': {ref}}}\n\n\ndef {n}():\n    for {y} in {x}.values():\n        {y}()\n    return 1",
    "items of a dict": "{x} = {{'a': {ref}}}\n\n\ndef {n}():\n    for {y}, {z} in {x}.items():\n        {z}()\n    return 1",
    "method": "class {C}:\n    def work(self):\n        return {ref}()\n\n\ndef {n}():\n    return {C}().work()",
    "method on self": "class {C}:\n    def work(self):\n        return self.inner()\n\n    def inner(self):\n        return {ref}()\n\n\ndef {n}():\n    {x} = {C}()\n    return {x}.work()",
    "chained methods": "class {C}:\n    def step(self):\n        return self\n\n    def work(self):\n        return {ref}()\n\n\ndef {n}():\n    return {C}().step().step().work()",
    "nested class": "class {C}:\n    class Inner:\n        def work(self):\n            return {ref}()\n\n\ndef {n}():\n    return {C}.Inner().work()",
    "instance of the module": "class {C}:\n    def work(self):\n        return {ref}()\n\n\n{x} = {C}()\n\n\ndef {n}():\n    return {x}.work()",
    "bound method": "class {C}:\n    def work(self):\n        return {ref}()\n\n\n{n} = {C}().work",
    "function in an attribute": "class {C}:\n    def __init__(self):\n        self.call = {ref}\n\n    def work(self):\n        return self.call()\n\n\ndef {n}():\n    return {C}().work()",
    "function given to a constructor": "class {C}:\n    def __init__(self, call):\n        self.call = call\n\n    def work(self):\n        return self.call()\n\n\ndef {n}():\n    return {C}({ref}).work()",
    "instance in an attribute": "class {C}:\n    def work(self):\n        return {ref}()\n\n\nclass {D}:\n    def __init__(self):\n        self.inner = {C}()\n\n    def work(self):\n        return self.inner.work()\n\n\ndef {n}():\n    return {D}().work()",
    "annotated parameter": "class {C}:\n    def work(self):\n        return {ref}()\n\n\ndef {x}({y}: {C}):\n    return {y}.work()\n\n\ndef {n}():\n    return {x}({C}())",
    "annotated return": "class {C}:\n    def work(self):\n        return {ref}()\n\n\ndef {x}() -> '{C}':\n    return globals()['{C}']()\n\n\ndef {n}():\n    return {x}().work()",
    "base class": "class {C}:\n    def work(self):\n        return {ref}()\n\n\nclass {D}({C}):\n    pass\n\n\ndef {n}():\n    return {D}().work()",
    "base class of another file": "class {S}:\n    def work(self):\n        return self.inner()\n\n    def inner(self):\n        return 1\n%%class {C}({s}):\n    def inner(self):\n        return {ref}()\n\n\ndef {n}():\n    return {C}().work()",
    "inherited from another file": "class {S}:\n    def work(self):\n        return {ref}()\n%%class {C}({s}):\n    pass\n\n\ndef {n}():\n    return {C}().work()",
    "super": "class {C}:\n    def work(self):\n        return {ref}()\n\n\nclass {D}({C}):\n    def work(self):\n        return super().work()\n\n\ndef {n}():\n    return {D}().work()",
    "mixin": "class {C}:\n    def work(self):\n        return self.inner()\n\n\nclass {D}:\n    def inner(self):\n        return {ref}()\n\n\nclass {E}({C}, {D}):\n    pass\n\n\ndef {n}():\n    return {E}().work()",
    "abstract base": "import abc\nclass {C}(abc.ABC):\n    @abc.abstractmethod\n    def inner(self):\n        ...\n\n    def work(self):\n        return self.inner()\n\n\nclass {D}({C}):\n    def inner(self):\n        return {ref}()\n\n\ndef {n}():\n    return {D}().work()",
    "class method": "class {C}:\n    @classmethod\n    def work(cls):\n        return {ref}()\n\n\ndef {n}():\n    return {C}.work()",
    "class method on cls": "class {C}:\n    @classmethod\n    def work(cls):\n        return cls.inner()\n\n    @classmethod\n    def inner(cls):\n        return {ref}()\n\n\n{n} = {C}.work",
    "static method": "class {C}:\n    @staticmethod\n    def work():\n        return {ref}()\n\n\ndef {n}():\n    return {C}.work()",
    "alternative constructor": "class {C}:\n    @classmethod\n    def make(cls):\n        return cls()\n\n    def work(self):\n        return {ref}()\n\n\ndef {n}():\n    return {C}.make().work()",
    "property": "class {C}:\n    @property\n    def value(self):\n        return {ref}()\n\n\ndef {n}():\n    return {C}().value",
    "cached property": "import functools\nclass {C}:\n    @functools.cached_property\n    def value(self):\n        return {ref}()\n\n\ndef {n}():\n    return {C}().value",
    "property setter": "class {C}:\n    @property\n    def value(self):\n        return 1\n\n    @value.setter\n    def value(self, _):\n        {ref}()\n\n\ndef {n}():\n    {x} = {C}()\n    {x}.value = 2\n    return 1",
    "__setattr__": "class {C}:\n    def __setattr__(self, name, value):\n        {ref}()\n\n\ndef {n}():\n    {x} = {C}()\n    {x}.value = 2\n    return 1",
    "__init__": "class {C}:\n    def __init__(self):\n        self.value = {ref}()\n\n\ndef {n}():\n    return {C}()",
    "__new__": "class {C}:\n    def __new__(cls):\n        {ref}()\n        return super().__new__(cls)\n\n\ndef {n}():\n    return {C}()",
    "__call__": "class {C}:\n    def __call__(self):\n        return {ref}()\n\n\n{n} = {C}()",
    "__post_init__": "import dataclasses\n@dataclasses.dataclass\nclass {C}:\n    value: int = 1\n\n    def __post_init__(self):\n        {ref}()\n\n\ndef {n}():\n    return {C}()",
    "default_factory": "import dataclasses\n@dataclasses.dataclass\nclass {C}:\n    value: object = dataclasses.field(default_factory={ref})\n\n\ndef {n}():\n    return {C}()",
    "default_factory of another field": "from dataclasses import dataclass, field\n@dataclass\nclass {C}:\n    first: int\n    value: object = field(default_factory={ref})\n    other: object = field(default_factory=list)\n\n\ndef {n}():\n    return {C}(1, other=[])",
    "default_factory of a base": "from dataclasses import dataclass, field\n@dataclass\nclass {S}:\n    value: object = field(default_factory=lambda: {ref}())\n%%from dataclasses import dataclass\n@dataclass\nclass {C}({s}):\n    other: int = 0\n\n\ndef {n}():\n    return {C}()",
    "defaultdict": "import collections\ndef {n}():\n    {x} = collections.defaultdict({ref})\n    return {x}['a']",
    "metaclass": "class {D}(type):\n    def __call__(cls):\n        return {ref}()\n\n\nclass {C}(metaclass={D}):\n    pass\n\n\ndef {n}():\n    return {C}()",
    "with": "class {C}:\n    def __enter__(self):\n        return {ref}()\n\n    def __exit__(self, *exc):\n        return None\n\n\ndef {n}():\n    with {C}():\n        return 1",
    "__exit__": "class {C}:\n    def __enter__(self):\n        return self\n\n    def __exit__(self, *exc):\n        {ref}()\n\n\ndef {n}():\n    with {C}() as {x}:\n        return {x}",
    "contextmanager": "import contextlib\n@contextlib.contextmanager\ndef {x}():\n    yield {ref}()\n\n\ndef {n}():\n    with {x}():\n        return 1",
    "ExitStack callback": "import contextlib\ndef {n}():\n    with contextlib.ExitStack() as {x}:\n        {x}.callback({ref})\n    return 1",
    "enter_context": "import contextlib\nclass {C}:\n    def __enter__(self):\n        return {ref}()\n\n    def __exit__(self, *exc):\n        return None\n\n\ndef {n}():\n    with contextlib.ExitStack() as {x}:\n        {x}.enter_context({C}())\n    return 1",
    "__iter__": "class {C}:\n    def __iter__(self):\n        {ref}()\n        return iter([1])\n\n\ndef {n}():\n    for _ in {C}():\n        pass\n    return 1",
    "__next__": "class {C}:\n    done = False\n\n    def __iter__(self):\n        return self\n\n    def __next__(self):\n        if self.done:\n            raise StopIteration\n        self.done = True\n        return {ref}()\n\n\ndef {n}():\n    return list({C}())",
    "__getitem__": "class {C}:\n    def __getitem__(self, i):\n        return {ref}()\n\n\ndef {n}():\n    return {C}()[0]",
    "__getitem__ of sorted": "class {C}:\n    def __getitem__(self, i):\n        if i:\n            raise IndexError\n        return {ref}()\n\n    def __len__(self):\n        return 1\n\n\ndef {n}():\n    return sorted({C}())",
    "__len__": "class {C}:\n    def __len__(self):\n        {ref}()\n        return 1\n\n\ndef {n}():\n    return len({C}())",
    "__contains__": "class {C}:\n    def __contains__(self, item):\n        return {ref}() is None\n\n\ndef {n}():\n    return 1 in {C}()",
    "__bool__": "class {C}:\n    def __bool__(self):\n        {ref}()\n        return True\n\n\ndef {n}():\n    if {C}():\n        return 1\n    return 0",
    "__add__": "class {C}:\n    def __add__(self, other):\n        return {ref}()\n\n\ndef {n}():\n    return {C}() + 1",
    "__radd__": "class {C}:\n    def __radd__(self, other):\n        return {ref}()\n\n\ndef {n}():\n    return 1 + {C}()",
    "__iadd__": "class {C}:\n    def __iadd__(self, other):\n        {ref}()\n        return self\n\n\ndef {n}():\n    {x} = {C}()\n    {x} += 1\n    return 1",
    "__eq__": "class {C}:\n    def __eq__(self, other):\n        {ref}()\n        return True\n\n\ndef {n}():\n    return {C}() == 1",
    "__lt__": "class {C}:\n    def __lt__(self, other):\n        {ref}()\n        return True\n\n\ndef {n}():\n    return sorted([{C}(), {C}()])",
    "__lt__ of the other side": "class {C}:\n    def __lt__(self, other):\n        {ref}()\n        return True\n\n\ndef {n}():\n    return 1 > {C}()",
    "__gt__ of max": "class {C}:\n    def __gt__(self, other):\n        {ref}()\n        return True\n\n\ndef {n}():\n    return max({C}(), {C}()) if False else max([{C}(), {C}()])",
    "__neg__": "class {C}:\n    def __neg__(self):\n        return {ref}()\n\n\ndef {n}():\n    return -{C}()",
    "__str__": "class {C}:\n    def __str__(self):\n        {ref}()\n        return ''\n\n\ndef {n}():\n    return f'{{{C}()}}'",
    "str()": "class {C}:\n    def __str__(self):\n        {ref}()\n        return ''\n\n\ndef {n}():\n    return str({C}())",
    "__repr__": "class {C}:\n    def __repr__(self):\n        {ref}()\n        return ''\n\n\ndef {n}():\n    return repr({C}())",
    "__format__": "class {C}:\n    def __format__(self, spec):\n        {ref}()\n        return ''\n\n\ndef {n}():\n    return f'{{{C}():x}}'",
    "str.format": "class {C}:\n    def __str__(self):\n        {ref}()\n        return ''\n\n\ndef {n}():\n    return '{{}}'.format({C}())",
    "percent sign": "class {C}:\n    def __str__(self):\n        {ref}()\n        return ''\n\n\ndef {n}():\n    return '%s and %d' % ({C}(), 1)",
    "__hash__": "class {C}:\n    def __hash__(self):\n        {ref}()\n        return 1\n\n\ndef {n}():\n    return hash({C}())",
    "__getattr__": "class {C}:\n    def __getattr__(self, name):\n        return {ref}()\n\n\ndef {n}():\n    return {C}().anything",
    "__setitem__": "class {C}:\n    def __setitem__(self, i, value):\n        {ref}()\n\n\ndef {n}():\n    {C}()[0] = 1\n    return 1",
    "descriptor": "class {C}:\n    def __get__(self, instance, owner):\n        return {ref}()\n\n\nclass {D}:\n    value = {C}()\n\n\ndef {n}():\n    return {D}().value",
    "descriptor that is set": "class {C}:\n    def __set__(self, instance, value):\n        {ref}()\n\n\nclass {D}:\n    value = {C}()\n\n\ndef {n}():\n    {x} = {D}()\n    {x}.value = 1\n    return 1",
    "__init_subclass__": "class {C}:\n    def __init_subclass__(cls):\n        {ref}()\n\n\ndef {n}():\n    class {D}({C}):\n        pass\n    return {D}",
    "list comprehension": "def {n}():\n    return [{ref}() for _ in (1,)]",
    "dict comprehension": "def {n}():\n    return {{_: {ref}() for _ in (1,)}}",
    "condition of a comprehension": "def {n}():\n    return [_ for _ in (1,) if {ref}() is None]",
    "generator expression": "def {n}():\n    return list({ref}() for _ in (1,))",
    "generator": "def {x}():\n    yield {ref}()\n\n\ndef {n}():\n    for _ in {x}():\n        pass\n    return 1",
    "generator by next": "def {x}():\n    yield {ref}()\n\n\ndef {n}():\n    return next({x}())",
    "yield from": "def {x}():\n    yield {ref}()\n\n\ndef {y}():\n    yield from {x}()\n\n\ndef {n}():\n    return list({y}())",
    "unpacking": "def {x}():\n    yield {ref}()\n\n\ndef {n}():\n    {y}, = {x}()\n    return 1",
    "map": "def {n}():\n    return list(map(lambda _: {ref}(), [1]))",
    "filter": "def {n}():\n    return list(filter(lambda _: {ref}() is None, [1]))",
    "sorted key": "def {x}(_):\n    {ref}()\n    return 1\n\n\ndef {n}():\n    return sorted([2, 1], key={x})",
    "min key": "def {n}():\n    return min([2, 1], key=lambda _: str({ref}()))",
    "list.sort key": "def {n}():\n    {x} = [2, 1]\n    {x}.sort(key=lambda _: str({ref}()))\n    return {x}",
    "method of a mapped item": "class {C}:\n    def work(self):\n        return {ref}()\n\n\ndef {n}():\n    return list(map(lambda _: _.work(), [{C}()]))",
    "method of a sorted item": "class {C}:\n    def work(self):\n        return {ref}()\n\n\ndef {n}():\n    return sorted([{C}()], key=lambda _: str(_.work()))",
    "methodcaller": "import operator\nclass {C}:\n    def work(self):\n        return {ref}()\n\n\ndef {n}():\n    return list(map(operator.methodcaller('work'), [{C}()]))",
    "reduce": "import functools\ndef {n}():\n    return functools.reduce(lambda a, b: {ref}(), [1, 2])",
    "iter with a sentinel": "def {n}():\n    for _ in iter(lambda: 1 if {ref}() is None else 1, 1):\n        pass\n    return 1",
    "any of a generator": "def {n}():\n    return any({ref}() for _ in (1,))",
    "function that calls its parameter": "def {x}(call):\n    return call()\n\n\ndef {n}():\n    return {x}({ref})",
    "caller in another file": "def {S}(call):\n    return call()\n%%def {n}():\n    return {s}({ref})",
    "caller by keyword": "def {S}(times, *, call=None):\n    return call()\n%%def {n}():\n    return {s}(1, call={ref})",
    "caller through a caller": "def {x}(call):\n    return call()\n\n\ndef {y}(call):\n    return {x}(call)\n\n\ndef {n}():\n    return {y}({ref})",
    "lambda to a caller": "def {S}(call):\n    return call(1)\n%%def {n}():\n    return {s}(lambda _: {ref}())",
    "method to a caller": "def {x}(call):\n    return call()\n\n\nclass {C}:\n    def work(self):\n        return {ref}()\n\n\ndef {n}():\n    return {x}({C}().work)",
    "caller with *args": "def {x}(call, *args, **kwargs):\n    return call(*args, **kwargs)\n\n\ndef {n}():\n    return {x}({ref})",
    "decorator": "import functools\ndef {x}(fn):\n    @functools.wraps(fn)\n    def wrapper(*args, **kwargs):\n        return fn(*args, **kwargs)\n    return wrapper\n\n\n@{x}\ndef {n}():\n    return {ref}()",
    "decorator of another file": "def {S}(fn):\n    def wrapper():\n        return fn()\n    return wrapper\n%%@{s}\ndef {n}():\n    return {ref}()",
    "decorator that does it": "def {x}(fn):\n    def wrapper():\n        {ref}()\n        return fn()\n    return wrapper\n\n\n@{x}\ndef {n}():\n    return 1",
    "decorator with arguments": "def {x}(times):\n    def decorate(fn):\n        def wrapper():\n            return fn()\n        return wrapper\n    return decorate\n\n\n@{x}(2)\ndef {n}():\n    return {ref}()",
    "decorator class": "class {C}:\n    def __init__(self, fn):\n        self.fn = fn\n\n    def __call__(self):\n        return self.fn()\n\n\n@{C}\ndef {n}():\n    return {ref}()",
    "lru_cache": "import functools\n@functools.lru_cache(maxsize=None)\ndef {n}():\n    return {ref}()",
    "decorated method": "def {x}(fn):\n    def wrapper(self):\n        return fn(self)\n    return wrapper\n\n\nclass {C}:\n    @{x}\n    def work(self):\n        return {ref}()\n\n\ndef {n}():\n    return {C}().work()",
    "getattr of an instance": "class {C}:\n    def work(self):\n        return {ref}()\n\n\ndef {n}():\n    return getattr({C}(), 'work')()",
    "conditional definition": "try:\n    import nowhere_at_all\nexcept ImportError:\n    def {n}():\n        return {ref}()\nelse:\n    def {n}():\n        return 1",
    "try and except": "def {n}():\n    try:\n        raise ValueError\n    except ValueError:\n        return {ref}()",
    "while": "def {n}():\n    while True:\n        {ref}()\n        break\n    return 1",
    "short circuit": "def {n}():\n    return None or {ref}()",
    "assert": "def {n}():\n    assert {ref}() or True\n    return 1",
    "mutual recursion": "def {x}(n):\n    return {y}(n - 1) if n else {ref}()\n\n\ndef {y}(n):\n    return {x}(n)\n\n\ndef {n}():\n    return {x}(2)",
    "enum method": "import enum\nclass {C}(enum.Enum):\n    ONE = 1\n\n    def work(self):\n        return {ref}()\n\n\ndef {n}():\n    return {C}.ONE.work()",
    "singledispatch": "import functools\n@functools.singledispatch\ndef {x}(value):\n    return {ref}()\n\n\ndef {n}():\n    return {x}(1)",
    "local class": "def {n}():\n    class {C}:\n        def work(self):\n            return {ref}()\n    return {C}().work()",
    "class body": "def {n}():\n    class {C}:\n        value = {ref}()\n    return {C}.value",
    "isinstance narrowing": "class {C}:\n    def work(self):\n        return {ref}()\n\n\ndef {x}(value):\n    if isinstance(value, {C}):\n        return value.work()\n    return 1\n\n\ndef {n}():\n    return {x}({C}())",
    "import in the function of the project": None,
}

# {call} is `await {ref}()` behind an async function and `{ref}()` behind another.
ASYNC = {
    "async function": "async def {n}():\n    return {call}",
    "await of a coroutine object": "async def {x}():\n    return {call}\n\n\nasync def {n}():\n    {y} = {x}()\n    return await {y}",
    "asyncio.gather": "import asyncio\nasync def {x}():\n    return {call}\n\n\nasync def {n}():\n    return await asyncio.gather({x}(), {x}())",
    "asyncio.gather of a list": "import asyncio\nasync def {x}(_):\n    return {call}\n\n\nasync def {n}():\n    return await asyncio.gather(*[{x}(_) for _ in (1, 2)])",
    "asyncio.create_task": "import asyncio\nasync def {x}():\n    return {call}\n\n\nasync def {n}():\n    {y} = asyncio.create_task({x}())\n    return await {y}",
    "asyncio.wait_for": "import asyncio\nasync def {x}():\n    return {call}\n\n\nasync def {n}():\n    return await asyncio.wait_for({x}(), 5)",
    "TaskGroup": "import asyncio\nasync def {x}():\n    return {call}\n\n\nasync def {n}():\n    async with asyncio.TaskGroup() as {y}:\n        {y}.create_task({x}())\n    return 1",
    "async with": "class {C}:\n    async def __aenter__(self):\n        return {call}\n\n    async def __aexit__(self, *exc):\n        return None\n\n\nasync def {n}():\n    async with {C}():\n        return 1",
    "asynccontextmanager": "import contextlib\n@contextlib.asynccontextmanager\nasync def {x}():\n    {call}\n    yield 1\n\n\nasync def {n}():\n    async with {x}():\n        return 1",
    "async for": "async def {x}():\n    {call}\n    yield 1\n\n\nasync def {n}():\n    async for _ in {x}():\n        pass\n    return 1",
    "__anext__": "class {C}:\n    done = False\n\n    def __aiter__(self):\n        return self\n\n    async def __anext__(self):\n        if self.done:\n            raise StopAsyncIteration\n        self.done = True\n        return {call}\n\n\nasync def {n}():\n    async for _ in {C}():\n        pass\n    return 1",
    "async comprehension": "async def {x}():\n    {call}\n    yield 1\n\n\nasync def {n}():\n    return [_ async for _ in {x}()]",
    "async method": "class {C}:\n    async def work(self):\n        return {call}\n\n\nasync def {n}():\n    return await {C}().work()",
    "async decorator": "def {x}(fn):\n    async def wrapper(*args):\n        return await fn(*args)\n    return wrapper\n\n\n@{x}\nasync def {n}():\n    return {call}",
    "async caller": "async def {S}(call):\n    return await call()\n%%async def {x}():\n    return {call}\n\n\nasync def {n}():\n    return await {s}({x})",
    "__await__": "class {C}:\n    def __await__(self):\n        yield from self.work().__await__()\n\n    async def work(self):\n        return {call}\n\n\nasync def {n}():\n    return await {C}()",
}
# From a sync function to an async one, in the workflow's own file or another.
CONDITIONS = {
    "wait_condition lambda": "from temporalio import workflow\nasync def {n}():\n    await workflow.wait_condition(lambda: {ref}() or True)\n    return 1",
    "wait_condition function": "from temporalio import workflow\nasync def {n}():\n    def ready():\n        {ref}()\n        return True\n    await workflow.wait_condition(ready)\n    return 1",
}

# How the workflow calls it. {expr} the call (awaited where needed), {ref} the function.
ROOTS = {
    "run": ("    @workflow.run\n    async def run(self):\n        return {expr}\n", "both"),
    "method of the workflow": ("    @workflow.run\n    async def run(self):\n        return await self.inner()\n\n    async def inner(self):\n        return {expr}\n", "both"),
    "signal handler": ("    @workflow.run\n    async def run(self):\n        return 1\n\n    @workflow.signal\n    async def told(self, note: str):\n        {expr}\n", "both"),
    "update handler": ("    @workflow.run\n    async def run(self):\n        return 1\n\n    @workflow.update\n    async def change(self, note: str):\n        return {expr}\n", "both"),
    "update validator": ("    @workflow.run\n    async def run(self):\n        return 1\n\n    @workflow.update\n    async def change(self, note: str) -> int:\n        return 1\n\n    @change.validator\n    def check(self, note: str) -> None:\n        {expr}\n", "sync"),
    "query": ("    @workflow.run\n    async def run(self):\n        return 1\n\n    @workflow.query\n    def state(self):\n        return {expr}\n", "sync"),
    "__init__ of the workflow": ("    def __init__(self):\n        self.value = {expr}\n\n    @workflow.run\n    async def run(self):\n        return 1\n", "sync"),
}
ENTRY = "entry point"

# Layers that are generated on request only: the analysis does not follow them.
NOT_FOLLOWED = ["dict filled later", "list filled later", "metaclass", "methodcaller"]

TWINS = ("activity", "seeded", "same name", "referenced", "type checking", "client", "guard", "given")

SEEDED = {  # harmless calls of the same modules
    "AK301": ("import datetime", "datetime.datetime(2020, 1, 1)"),
    "AK302": ("import random", "random.Random(7).random()"),
    "AK303": ("import uuid", "uuid.uuid5(uuid.NAMESPACE_DNS, 'a')"),
    "AK305": ("import math", "math.sqrt(2)"),
    "AK307": ("from os.path import join", "join('a', 'b')"),
    "AK308": ("import io", "io.StringIO('text').read()"),
}
SAME_NAME = [  # things of the project that are called like what is dangerous
    "class {C}:\n    def {last}(self, *args):\n        return 1\n\n\ndef {n}():\n    {last} = {C}()\n    return {last}.{last}({args}){mark}",
    "def {n}():\n    def {last}(*args):\n        return 1\n    return {last}({args}){mark}",
    "class {C}:\n    @staticmethod\n    def {last}(*args):\n        return 1\n\n\n{x} = {C}\n\n\ndef {n}({mod}={C}()):\n    return {mod}.{last}({args}){mark}",
]

WORDS = "alpha bravo delta gamma kappa omega sigma theta zeta iota lambda_ rho".split()


class Module:
    def __init__(self, name, is_package=False):
        self.name, self.is_package = name, is_package
        self.head, self.body = [], []

    def take(self, text):
        """Adds a template's text: leading imports go to the head."""
        lines = text.split("\n")
        at = 0
        while at < len(lines) and lines[at].startswith(("import ", "from ")):
            self.use(lines[at])
            at += 1
        if lines[at:]:
            self.body.append("\n".join(lines[at:]).rstrip("\n"))

    def use(self, line):
        if line not in self.head:
            self.head.append(line)

    @property
    def path(self):
        return self.name.replace(".", "/") + ("/__init__.py" if self.is_package else ".py")

    def text(self):
        # What is in the body stands in the order in which it was made: an import may need what is before it.
        return "\n".join(self.head) + "\n\n\n" * bool(self.head) + "\n\n\n".join(self.body) + "\n"


class Program:
    """The files of one case, the layers in it, and the rule that must speak."""

    def __init__(self, seed, twin=False, layers=None):
        self.seed, self.rng, self.used = seed, random.Random(seed), []
        self.modules, self.count, self.other_rng = {}, 0, random.Random(f"{seed} twin")
        self.twin = self.other_rng.choice(TWINS) if twin else None
        self.dialect = "ak" if layers is None and self.rng.random() < 0.2 else "temporal"
        self.call = self.rng.choice([c for c in CALLS if self.dialect in c[4]])
        self.rule = self.call[3]
        self.asked = layers
        self.package = "app" + str(self.rng.randrange(100))
        self.build()

    # -- names and modules

    def fresh(self, prefix="name"):
        self.count += 1
        return f"{prefix}{self.count}"

    def names(self):
        return {**{k: self.fresh(w) for k, w in zip("nxyz", ("work", "thing", "part", "item"))},
                **{k: self.fresh(w) for k, w in zip("CDE", ("Maker", "Holder", "Joined"))}}

    def module(self, name, is_package=False):
        if name not in self.modules:
            self.modules[name] = Module(name, is_package)
            if "." in name:
                self.module(name.rpartition(".")[0], True)
        return self.modules[name]

    def new_module(self):
        parts = [self.package] + [f"{self.rng.choice(WORDS)}{self.fresh('')}" for _ in range(self.rng.randint(1, 4))]
        return self.module(".".join(parts))

    # -- references

    def ways(self):
        ways = [w for w in REACH if w not in NOT_FOLLOWED]
        if self.dialect == "ak":
            ways.remove("pass-through import")
        wanted = [w for w in REACH if w in (self.asked or ())]
        return wanted or (["from module import"] if self.asked is not None else ways)

    def reach(self, here, there, name):
        """An expression in `here` that means `name` of `there`."""
        if here is there:
            return name
        way = self.rng.choice(self.ways())
        if way.startswith("relative") and not here.name.startswith(self.package + "."):
            way = "from module import"
        self.used.append(way)
        if REACH[way] is None:
            there, name = self.re_export(way, there, name)
            template = REACH["from module import"]
        else:
            template = REACH[way]
        package, _, leaf = there.name.rpartition(".")
        fill = {"m": there.name, "s": name, "pkg": package, "leaf": leaf, "x": self.fresh("seen"),
                "rel": self.relative(here, there.name), "relpkg": self.relative(here, package)}
        imports, expr = template.format(**fill).split("=>")
        if imports.count("\n") == 1:
            here.use(imports.strip())
        else:
            here.head.append(imports.rstrip("\n"))
        return expr

    @staticmethod
    def relative(here, name):
        base = here.name.split(".") if here.is_package else here.name.split(".")[:-1]
        parts, same = name.split("."), 0
        while same < min(len(base), len(parts)) and base[same] == parts[same]:
            same += 1
        return "." * (len(base) - same + 1) + ".".join(parts[same:])

    def re_export(self, way, there, name):
        package = self.modules.get(there.name.rpartition(".")[0])
        if package is None:
            return there, name
        leaf = there.name.rpartition(".")[2]
        if way == "re-export under another name":
            new = self.fresh("shown")
            package.head.append(f"from .{leaf} import {name} as {new}")
            return package, new
        if way == "re-export by a star":
            package.use(f"from .{leaf} import *")
        elif way == "re-export with __all__":
            package.use(f"from .{leaf} import {name}")
            package.all = getattr(package, "all", []) + [name]
            package.body = [b for b in package.body if not b.startswith("__all__")] + [f"__all__ = {package.all!r}"]
            through = self.new_module()
            through.use(f"from {package.name} import *")
            return through, name
        else:
            package.use(f"from .{leaf} import {name}")
        if way == "chain of re-exports":
            through = self.new_module()
            new = self.fresh("shown")
            through.use(f"from {package.name} import {name} as {new}")
            return through, new
        return package, name

    # -- layers

    def leaf(self):
        module = self.new_module()
        mod, path, args, _, _ = self.call
        ways = [w for w in LEAVES if w not in NOT_FOLLOWED]
        wanted = [w for w in LEAVES if w in (self.asked or ())]
        way = self.rng.choice(wanted or (["import"] if self.asked is not None else ways))
        mod = mod or "io"  # `open` is io.open
        self.used.append(way)
        fill = {**self.names(), "mod": mod, "path": path, "args": args, "head": path.split(".")[0],
                "tail": path[len(path.split(".")[0]):], "last": path.split(".")[-1], "mark": MARK}
        fill["path0"] = path.rpartition(".")[0]
        text = LEAVES[way].replace("{mod}.{path0}", "{mod}." + fill["path0"] if fill["path0"] else "{mod}")
        name, other = fill["n"], None
        if "%%" in text:
            other_text, text = text.split("%%")
            other = self.new_module()
            fill["other"] = other.name
        if self.twin == "seeded":
            imports, expr = SEEDED[self.rule]
            module.take(f"{imports}\ndef {name}():\n    return {expr}{MARK}")
        elif self.twin == "same name":
            module.take(self.other_rng.choice(SAME_NAME).format(**fill))
        else:
            if other:
                other.take(other_text.format(**fill))
            imports, text = text.split("%", 1)
            if imports.startswith(("try", "if", "import sys\nif")):
                module.head.append(imports.format(**fill).rstrip("\n"))
            else:
                module.take(imports.format(**fill).rstrip("\n"))
            module.take(text.format(**fill).replace("@", MARK, 1))
        return module, name, False

    def layer(self, carrier, way, text):
        """One more function around the carrier: (module, name, is async)."""
        there, name, is_async = carrier
        self.used.append(way)
        fill = self.names()
        here = there if self.rng.random() < 0.4 else self.new_module()
        if way == "import in the function of the project":
            here = self.new_module()
            here.take(f"def {fill['n']}():\n    from {there.name} import {name} as {fill['x']}\n    return {fill['x']}()")
            return here, fill["n"], False
        if "%%" in text:
            fill["S"] = self.fresh("Shared")
            before, text = text.split("%%")
            other = self.new_module()
            if "{ref}" in before:
                before = before.replace("{ref}", self.reach(other, there, name))
            other.take(before.format(**fill))
            fill["s"] = self.reach(here, other, fill["S"])
        ref = self.reach(here, there, name) if "{ref}" in text or "{call}" in text else name
        call = f"await {ref}()" if is_async else f"{ref}()"
        here.take(text.format(**fill, ref=ref, call=call))
        return here, fill["n"], is_async or text.count("async def {n}") > 0

    def outermost(self):
        carrier = self.leaf()
        if self.asked is not None:
            for way in self.asked:
                text = {**SYNC, **ASYNC, **CONDITIONS}.get(way, 0)
                if text != 0:
                    carrier = self.layer(carrier, way, text)
            return carrier
        for _ in range(self.rng.randint(1, 6)):
            carrier = self.random_layer(carrier)
        return carrier

    def random_layer(self, carrier):
        kinds = [SYNC, SYNC, SYNC]
        if self.dialect == "temporal":
            kinds = [ASYNC] if carrier[2] else [SYNC] * 8 + [ASYNC, CONDITIONS]
        kind = self.rng.choice(kinds)
        way = self.rng.choice([w for w in kind if w not in NOT_FOLLOWED])
        return self.layer(carrier, way, kind[way])

    # -- the program around

    def build(self):
        there, name, is_async = self.outermost()
        if self.twin == "activity" and set(self.used) & set(CONDITIONS):
            self.twin = "referenced"  # wait_condition fails in an activity
        flow = self.module("flow")
        ref = self.reach(flow, there, name)
        call = f"await {ref}()" if is_async else f"{ref}()"
        if self.dialect == "ak":
            self.ak(flow, ref)
        else:
            self.temporal(flow, ref, call, is_async)
        self.files = {m.path: m.text() for m in self.modules.values()}
        if self.dialect == "ak":
            self.files["autokitteh.yaml"] = MANIFEST
        self.place = next((p, i + 1) for p, t in self.files.items() for i, line in enumerate(t.split("\n")) if MARK in line)

    def ak(self, flow, ref):
        self.used.append(ENTRY)
        flow.use("import autokitteh")
        kind = "activity" if self.twin in ("client", "guard") else self.twin
        if kind == "activity":
            flow.take(f"@autokitteh.activity\ndef recorded():\n    return {ref}()")
        elif kind == "type checking":
            flow.use("from typing import TYPE_CHECKING")
        elif kind == "given":
            flow.take(GIVEN[False].format(call=f"{ref}()"))
        body = {"activity": "recorded()", "given": "return stated('x')", "referenced": f"kept = [{ref}]\n    return len(kept)",
                "type checking": f"if TYPE_CHECKING:\n        {ref}()"}.get(kind, f"return {ref}()")
        flow.take(f"def on_event(event):\n    {body}")

    def temporal(self, flow, ref, call, is_async):
        flow.use("from temporalio import workflow")
        roots = [r for r, (_, kind) in ROOTS.items() if kind == "both" or not is_async]
        root = self.rng.choice(roots) if self.asked is None else next((r for r in roots if r in self.asked), "run")
        self.used.append(root)
        if self.twin in ("activity", "referenced", "type checking", "client", "guard", "given"):
            return self.harmless(flow, ref, call, is_async)
        flow.take("@workflow.defn\nclass Flow:\n" + ROOTS[root][0].format(expr=call))
        return None

    def harmless(self, flow, ref, call, is_async):
        awaits = "async def" if is_async else "def"
        run = "@workflow.defn\nclass Flow:\n    @workflow.run\n    async def run(self):\n        {}\n"
        if self.twin == "activity":
            for line in ("from datetime import timedelta", "from temporalio import activity"):
                flow.use(line)
            flow.take(f"@activity.defn\n{awaits} recorded():\n    return {call}")
            flow.take(run.format("return await workflow.execute_activity(recorded, start_to_close_timeout=timedelta(seconds=5))"))
        elif self.twin == "referenced":
            flow.take(run.format(f"kept = [{ref}]\n        return len(kept)"))
        elif self.twin == "type checking":
            flow.use("from typing import TYPE_CHECKING")
            flow.take(run.format(f"if TYPE_CHECKING:\n            {call}\n        return 1"))
        elif self.twin == "given":
            flow.take(GIVEN[is_async].format(call=call))
            flow.take(run.format(f"return {'await ' * is_async}stated('x')"))
        elif self.twin == "client":
            flow.take(run.format("return 1"))
            flow.take(f"async def start(client):\n    await client.start_workflow(Flow.run, id='a', task_queue='b')\n    return {call}")
        else:
            flow.take(run.format(f"if not workflow.in_workflow():\n            {call}\n        return 1"))

    def show(self):
        return "".join(f"-- {path} --\n{text}" for path, text in sorted(self.files.items()) if text.strip())


# A fallback that nothing falls back on, by whether it is async.
GIVEN = {False: "def stated(value=None):\n    return value or {call}",
         True: "async def stated(value=None):\n    if value is None:\n        value = {call}\n    return value"}

MANIFEST = """\
version: v1
project:
  name: hidden
  triggers:
    - name: hourly
      schedule: "0 * * * *"
      call: flow.py:on_event
"""


def claimed():
    """Every layer that the analysis is held to, in the order of the lists."""
    every = [*LEAVES, *REACH, *SYNC, *ASYNC, *CONDITIONS, *ROOTS, ENTRY]
    return [w for w in every if w not in NOT_FOLLOWED]


def main():
    options = argparse.ArgumentParser(description="Programs that hide a nondeterministic call, and their twins.")
    options.add_argument("seed", nargs="?", type=int, default=1)
    options.add_argument("--twin", action="store_true")
    options.add_argument("--layer", action="append")
    options.add_argument("--list", action="store_true")
    given = options.parse_args()
    if given.list:
        print("\n".join(claimed()))
        return
    program = Program(given.seed, given.twin, given.layer)
    print(f"# seed {program.seed}: {', '.join(program.used)}; {program.twin or program.rule}")
    sys.stdout.write(program.show())


if __name__ == "__main__":
    main()
