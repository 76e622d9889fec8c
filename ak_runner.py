"""Loads a user's program, patches its calls and runs it under an engine that remembers every step.

Before, in the user's file:

    def on_event(event):
        page = fetch(event.data.url, headers=auth())
        rows = await query(page)

After, in memory (line and column of every node as they were):

    def on_event(event):
        page = _ak_call(fetch)(event.data.url, headers=_ak_call(auth)())
        rows = await _ak_await(query)(page)

`_ak_call(f)` looks at `f` when the call is made and gives back `f` itself, so that the call costs one look-up and the callee sees
the user's frame (`super()`, `locals()`, `eval` go on working), or a stand-in that records the call: the engine journals its
result, and on replay the journal's value comes back without the call being made. Code at module level is left as it is.

The messages are told in docs/protocol.md, and so is how a C host uses `preload` and `serve`.
Standard library only: whatever the runner imports, the user's code meets.
"""
from __future__ import annotations

import base64
import binascii
import functools
import importlib
import importlib.machinery
import importlib.util
import io
import itertools
import json
import marshal
import os
import pickle
import re
import reprlib
import socket
import sys
import threading
import time
import types

# What is imported here costs each start its time: typing, ast, traceback and OpenSSL (behind hashlib) 5 ms each.
try:
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False   # checkers know the name
if TYPE_CHECKING:
    import ast
    from typing import Any, Callable, Dict, Iterator, List, NoReturn, Optional, Set, Tuple

    Json = Dict[str, Any]
    Where = Tuple[str, int, str]

PROTO = 2
DEFAULT_LIMIT = 16 * 1024 * 1024
PREVIEW = 200
REPORT_SECONDS = 1.0
PRINT_CHUNK = 1 << 18
REWRITE_VERSION = 1
OWN_FILE = (lambda: 0).__code__.co_filename

sys.modules.setdefault("ak_runner", sys.modules[__name__])


# Errors. Those that user code may see are pickled under the name ak_runner, whatever file name the host gave us.

class EngineError(BaseException):
    """The engine is gone, or what it sent makes no sense. User code must not mistake it for its own failure."""


class ProtocolError(EngineError):
    """A message that the protocol does not allow."""


class Divergence(EngineError):
    """Replay met a call that differs from the recorded one; the engine has ended the session."""


class CannotRecord(pickle.PicklingError):
    """An argument or a result that cannot be recorded. The message names its path, type, source line and the way out."""

    __module__ = "ak_runner"
    ak_kind = "unpicklable"


class Misuse(RuntimeError):
    """The runtime's own interface used wrongly."""

    __module__ = "ak_runner"
    ak_kind = "misuse"


class Raised:
    """How an exception crosses the base protocol, whose `response` has no field to say that the value is one."""

    __module__ = "ak_runner"

    def __init__(self, exc: BaseException) -> None:
        self.exc = exc

    def __reduce__(self) -> Tuple[Any, ...]:
        return Raised, (self.exc,)


# Rewriting: each call inside a function body, by position in the syntax tree.

class Rewriter:
    """Annotations stay as they are: they may be read back as text. Module-level code stays too: it runs at load, unrecorded."""

    def __init__(self) -> None:
        import ast

        self.ast = ast
        self.inside = False

    def visit(self, node: Any) -> Any:
        return getattr(self, "visit_" + type(node).__name__, self.generic_visit)(node)

    def generic_visit(self, node: Any) -> Any:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                value[:] = [self.visit(v) if isinstance(v, self.ast.AST) else v for v in value]
            elif isinstance(value, self.ast.AST):
                setattr(node, name, self.visit(value))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return self._patched(node, "_ak_call")

    def visit_Await(self, node: ast.Await) -> ast.AST:
        if isinstance(node.value, self.ast.Call):
            node.value = self._patched(node.value, "_ak_await")
            return node
        self.generic_visit(node)
        return node

    def _patched(self, node: ast.Call, helper: str) -> ast.Call:
        self.generic_visit(node)
        if self.inside:
            ast = self.ast
            name = ast.copy_location(ast.Name(helper, ast.Load()), node.func)
            node.func = ast.copy_location(ast.Call(name, [node.func], []), node.func)
        return node

    def visit_FunctionDef(self, node: Any) -> ast.AST:
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        self._defaults(node.args)
        self._body(node)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._defaults(node.args)
        outer, self.inside = self.inside, True
        node.body = self.visit(node.body)
        self.inside = outer
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        node.bases = [self.visit(b) for b in node.bases]
        node.keywords = [self.visit(k) for k in node.keywords]
        node.body = [self.visit(s) for s in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.target = self.visit(node.target)
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_TypeAlias(self, node: ast.AST) -> ast.AST:
        return node

    def _defaults(self, args: ast.arguments) -> None:
        args.defaults = [self.visit(d) for d in args.defaults]
        args.kw_defaults = [d and self.visit(d) for d in args.kw_defaults]

    def _body(self, node: Any) -> None:
        outer, self.inside = self.inside, True
        node.body = [self.visit(s) for s in node.body]
        self.inside = outer


def rewrite(source: Any, path: str) -> types.CodeType:
    """The patched code of one module. Raises what compile() raises."""
    rewriter = Rewriter()
    tree = rewriter.visit(rewriter.ast.parse(source, path))
    return compile(tree, path, "exec", dont_inherit=True)


# Compiled code, cached by content.

_compiled: Dict[str, types.CodeType] = {}


def code_key(data: bytes, path: str) -> str:
    about = "%s %s %d %d %s" % (sys.implementation.cache_tag, sys.hexversion, sys.flags.optimize, REWRITE_VERSION, path)
    return blake2b(about.encode("utf-8", "surrogateescape") + b"\0" + data, digest_size=20).hexdigest()


def patched_code(data: bytes, path: str) -> types.CodeType:
    key = code_key(data, path)
    code = _compiled.get(key) or read_cached(key)
    if code is None:
        code = rewrite(data, path)
        write_cached(key, code)
    _compiled[key] = code
    return code


def cache_file(key: str) -> Optional[str]:
    folder = os.environ.get("AK_CODE_CACHE")
    return os.path.join(folder, key + ".akc") if folder else None


def seal(body: bytes) -> bytes:
    return blake2b(body, digest_size=32).digest()


def read_cached(key: str) -> Optional[types.CodeType]:
    """Code from disk is code: the folder must be ours alone, and a damaged file counts as absent."""
    path = cache_file(key)
    try:
        if not path or not private_folder(os.path.dirname(path)):
            return None
        with open(path, "rb") as file:
            head, body = file.read(32), file.read()
        if head != seal(body):
            return None
        code = marshal.loads(body)
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return code if isinstance(code, types.CodeType) else None


def write_cached(key: str, code: types.CodeType) -> None:
    path = cache_file(key)
    if not path:
        return
    body = marshal.dumps(code)
    part = "%s.%d" % (path, os.getpid())
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(part, "wb") as file:
            file.write(seal(body) + body)
        os.replace(part, path)
    except OSError:
        pass    # a cache that cannot be written only costs time


def private_folder(folder: str) -> bool:
    status = os.stat(folder)
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


# The import hook.

class Loader(importlib.machinery.SourceFileLoader):
    """Loads one module of the project, patched."""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        return patched_code(self.get_data(path), path)

    def exec_module(self, module: types.ModuleType) -> None:
        code = self.get_code(module.__name__)
        module.__dict__.update(_ak_call=pick, _ak_await=pick_awaited)
        _user_modules.add(module.__name__)
        with unrecorded():
            exec(code, module.__dict__)


class Finder:
    """Stands before the path finder for as long as the process lives: lazy imports are patched too."""

    def __init__(self, root: str) -> None:
        self.root = root

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        folders = [self.root] if path is None else [p for p in path if self.holds(p)]
        if not folders:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, folders)
        if spec is None or not spec.origin or type(spec.loader) is not importlib.machinery.SourceFileLoader:
            return None     # namespace packages, extension modules: as without us
        spec.loader = Loader(fullname, spec.origin)
        spec.cached = None
        return spec

    def invalidate_caches(self) -> None:
        pass

    def holds(self, path: str) -> bool:
        """Under the root, and no environment that happens to lie there."""
        real = os.path.realpath(path)
        if real != self.root and not real.startswith(self.root + os.sep):
            return False
        return not {"site-packages", "dist-packages"} & set(real[len(self.root):].split(os.sep))


_user_modules: Set[str] = set()
_finder: Optional[Finder] = None

# Modules that a plain interpreter has loaded before a script starts: a project file of that name never shadows them.
STARTUP_MODULES = frozenset(
    "sys builtins io os abc codecs stat posixpath genericpath ntpath site encodings importlib zipimport types marshal time "
    "warnings _collections_abc _sitebuiltins _frozen_importlib".split())


def install(root: str) -> None:
    global _finder
    if _finder is not None:
        if _finder.root != root:
            raise Misuse("this process has loaded %s already, it cannot serve %s" % (_finder.root, root))
        return
    _finder = Finder(root)
    at = [i for i, f in enumerate(sys.meta_path) if f is importlib.machinery.PathFinder]
    sys.meta_path.insert(at[0] if at else len(sys.meta_path), _finder)
    stubs = os.environ.get("AK_STUBS")
    for folder in [stubs, root] if stubs else [root]:
        sys.path.insert(0, folder)
        forget_shadowed(folder)
    for folder in runtime_folders():
        if os.path.isdir(os.path.join(folder, "autokitteh")) and folder not in sys.path:
            sys.path.append(folder)
            break


def forget_shadowed(root: str) -> None:
    """A project's queue.py is imported as it would be without us, although the runner has imported the library's."""
    for name in os.listdir(root):
        base = name[:-3] if name.endswith(".py") else name
        known = sys.modules.get(base)
        if known is None or base in STARTUP_MODULES or base in sys.builtin_module_names or base == "ak_runner":
            continue
        if base != name or os.path.isfile(os.path.join(root, name, "__init__.py")):
            del sys.modules[base]


def runtime_folders() -> List[str]:
    here = os.path.dirname(os.path.abspath(OWN_FILE))
    given = os.environ.get("AK_RUNTIME")
    return ([given] if given else []) + [os.path.join(here, "runtime"), here]


# What is recorded: by identity where there is one, else by the public name of the callee.

PUBLIC = {
    "posix": "os", "nt": "os", "posixpath": "os.path", "ntpath": "os.path", "genericpath": "os.path", "_sre": "re",
    "pyexpat": "xml.parsers.expat", "_elementtree": "xml.etree.ElementTree", "_blake2": "hashlib", "_md5": "hashlib",
    "_sha1": "hashlib", "_sha2": "hashlib", "_sha3": "hashlib", "_sha256": "hashlib", "_sha512": "hashlib",
    "_pydatetime": "datetime", "_pydecimal": "decimal", "_strptime": "time", "_collections_abc": "collections.abc",
    "binascii": "base64", "_hmac": "hmac", "_pyio": "io", "pathlib._local": "pathlib", "pathlib._abc": "pathlib",
    "_weakrefset": "weakref", "_py_abc": "abc", "sre_compile": "re", "json.decoder": "json", "json.encoder": "json",
}

DIRECT_MODULES = frozenset("""
    abc argparse array ast base64 bisect builtins bz2 calendar cmath codecs collections colorsys configparser contextlib
    contextvars copy copyreg csv dataclasses datetime decimal difflib dis enum errno fnmatch fractions functools gc getopt
    graphlib gzip hashlib heapq hmac html inspect ipaddress itertools keyword linecache logging lzma math mimetypes numbers
    operator optparse pdb bdb pickle plistlib pprint quopri re reprlib shlex statistics string stringprep struct sys textwrap
    token tokenize tomllib traceback types typing typing_extensions unicodedata urllib.error urllib.parse warnings weakref
    xml zipfile zlib zoneinfo email asyncio ak_runner
""".split())

DIRECT_NAMES = {
    "json": "dumps loads JSONEncoder JSONDecoder JSONDecodeError",
    "io": "open StringIO BytesIO text_encoding",
    "os": "fspath fsencode fsdecode",
    "os.path": "join split splitext splitdrive basename dirname normpath normcase isabs commonprefix commonpath",
    "time": "mktime strptime struct_time",
    "uuid": "UUID uuid3 uuid5 SafeUUID",
    "http": "HTTPStatus HTTPMethod",
    "http.cookies": "SimpleCookie BaseCookie Morsel",
    "urllib.request": "Request",
    "threading": "current_thread get_ident main_thread",
    "pathlib": "Path PurePath PosixPath PurePosixPath WindowsPath PureWindowsPath",
}
DIRECT_NAMES_SETS = {module: frozenset(names.split()) for module, names in DIRECT_NAMES.items()}

# Exceptions to the two tables: these look at the world.
WORLD = frozenset("""
    datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today
    email.utils.localtime email.utils.formatdate email.utils.make_msgid
    asyncio.open_connection asyncio.start_server asyncio.open_unix_connection asyncio.start_unix_server
    asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.to_thread
    calendar.prcal json.tool.main logging.config.listen
""".split())

API_PACKAGES = frozenset(("autokitteh", "ak", "ak_autokitteh", "ak_runner", __name__))
PURE_PATH = frozenset("""
    as_posix as_uri is_absolute is_relative_to is_reserved joinpath match full_match relative_to with_name with_stem with_suffix
    with_segments from_uri
""".split())

# Callees that call back: which of their arguments are functions. A recorded function stays recorded there.
CALLBACKS: Dict[Any, Tuple[int, str]] = {
    map: (0, ""), filter: (0, ""), sorted: (-1, "key"), min: (-1, "key"), max: (-1, "key"), functools.reduce: (0, ""),
    itertools.starmap: (0, ""), itertools.takewhile: (0, ""), itertools.dropwhile: (0, ""), itertools.filterfalse: (0, ""),
    itertools.accumulate: (1, "func"), itertools.groupby: (1, "key"),
}

Function, Method, Builtin = types.FunctionType, types.MethodType, types.BuiltinFunctionType
Descriptors = (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType)
PLAIN = frozenset((str, dict, set, tuple, bytes, bytearray, frozenset, int, float))
BUILTINS = frozenset(
    f for f in vars(__import__("builtins")).values() if isinstance(f, (Builtin, type)) and f not in CALLBACKS)
_no_activity: Dict[int, Any] = {}
_verdicts: Dict[Any, bool] = {}
_recorded: Dict[Any, str] = {}      # functions of modules that are recorded and carry no marks: their names
_digests: Dict[Any, str] = {}       # of their calls without arguments
_thawed: Dict[str, Any] = {}        # results that came from a history


def public_module(name: Any) -> str:
    if not isinstance(name, str):
        return ""
    known = PUBLIC.get(name)
    if known:
        return known
    return name[1:] if name.startswith("_") and name[1:2] != "_" and name not in API_PACKAGES else name


def definer(owner: type, name: str) -> type:
    for cls in owner.__mro__:
        if name in cls.__dict__:
            return cls
    return owner


def owner_of(f: Any) -> Any:
    """The object or class that a method is bound to. Other callables are not asked: user code may answer anything."""
    return f.__self__ if type(f) in (Method, Builtin, types.MethodWrapperType) else None


def own_name(f: Any) -> str:
    try:
        name = f.__name__
    except Exception:
        return ""
    return name if isinstance(name, str) else ""


def identity(f: Any) -> Tuple[Any, str]:
    """The module and the qualified name by which people know a callable."""
    if isinstance(f, type):
        return f.__module__, f.__qualname__
    if type(f) is Function:
        return f.__module__, f.__qualname__
    if type(f) is Method:
        return identity(f.__func__)
    if type(f) is Builtin or type(f) is types.MethodWrapperType:
        owner = f.__self__
        if owner is None or isinstance(owner, types.ModuleType):
            return f.__module__ or getattr(owner, "__name__", None), f.__name__
        cls = definer(owner if isinstance(owner, type) else type(owner), f.__name__)
        return cls.__module__, cls.__qualname__ + "." + f.__name__
    if isinstance(f, Descriptors):
        return f.__objclass__.__module__, f.__qualname__
    cls = type(f)
    return cls.__module__, cls.__qualname__ + ".__call__"


def unwrapped(f: Any) -> Any:
    """What a partial, a cache or a generic alias finally calls."""
    for _ in range(20):
        if isinstance(f, functools.partial):
            f = f.func
        elif type(f).__name__ == "_lru_cache_wrapper":
            f = f.__wrapped__
        elif type(f).__name__ in ("GenericAlias", "_GenericAlias"):
            f = f.__origin__
        elif type(f) is staticmethod:
            f = f.__func__
        else:
            break
    return f


def mark_of(f: Any) -> Any:
    """What @activity left on a function, method or class: None, False, True or its options."""
    if type(f) is Method:
        f = f.__func__
    try:
        return f.__dict__.get("__ak_activity__")
    except Exception:
        return None


def named_direct(module: str, name: str) -> bool:
    if module in _user_modules:
        return True
    if module.partition(".")[0] in API_PACKAGES:
        return True
    if module + "." + name in WORLD:
        return False
    while module:
        if module in DIRECT_MODULES:
            top = module + "." + name
            return top not in WORLD
        if name.partition(".")[0] in DIRECT_NAMES_SETS.get(module, ()):
            return True
        module = module.rpartition(".")[0]
    return False


def is_direct(f: Any) -> bool:
    """Runs in place: user code, deterministic library code, the runtime's own interface."""
    if not lasting(f):
        return judged_direct(f)
    known = _verdicts.get(f)
    if known is None:
        known = _verdicts[f] = judged_direct(f)
    return known


def lasting(f: Any) -> bool:
    """A module's own function: its verdict can be kept without keeping anything else alive."""
    if type(f) is Function:
        return f.__closure__ is None and "<locals>" not in f.__qualname__
    return type(f) is Builtin and (f.__self__ is None or isinstance(f.__self__, types.ModuleType))


def judged_direct(f: Any) -> bool:
    f = unwrapped(f)
    if id(f) in _no_activity:
        return True
    special = special_case(f)
    if special is not None:
        return special
    module, name = identity(f)
    if type(f) is Function and module in (None, "builtins", ""):
        return True     # made by exec: nobody else's code
    public = public_module(module)
    if public.startswith("asyncio.") and "asyncio." + name in WORLD:
        return False
    if public == "pathlib" and "." in name:
        return name.rpartition(".")[2] in PURE_PATH
    return named_direct(public, name)


def special_case(f: Any) -> Optional[bool]:
    if isinstance(f, type):
        if issubclass(f, BaseException):
            return True
        return None
    if type(f) is types.MethodWrapperType:
        return True
    owner = owner_of(f)
    if owner is None or isinstance(owner, types.ModuleType):
        return None
    cls = owner if isinstance(owner, type) else type(owner)
    if any(id(c) in _no_activity for c in cls.__mro__):
        return True
    if public_module(cls.__module__) in _user_modules and own_name(f) in ("__init__", "__new__", "__init_subclass__", "__set_name__"):
        return True     # super().__init__() of a library base: it sets up our own object
    if owner is os.environ:
        return False    # its methods are those of any mapping, but it is the world
    if cls.__module__ == "random" and not isinstance(owner, type):
        return seeded_generator(owner)
    return None


def seeded_generator(owner: Any) -> bool:
    """A Random that the program made is a value; the module's hidden one, and the system's, are the world."""
    random = sys.modules["random"]
    return owner is not getattr(random, "_inst", None) and not isinstance(owner, random.SystemRandom)


def is_coroutine_function(f: Any) -> bool:
    f = unwrapped(f)
    if type(f) is Method:
        f = f.__func__
    if type(f) is not Function:
        f = getattr(type(f), "__call__", None)
    code = getattr(f, "__code__", None)
    return bool(code and code.co_flags & 0x80)


# The patched call. `pick` is what user modules know as _ak_call.

_session: Optional["Session"] = None
_loading = 0


class Unrecorded:
    """Module-level code, pickling and printing of user objects: calls made meanwhile run in place."""

    def __enter__(self) -> None:
        global _loading
        _loading += 1

    def __exit__(self, *_: Any) -> None:
        global _loading
        _loading -= 1


_unrecorded = Unrecorded()


def unrecorded() -> Unrecorded:
    return _unrecorded


def pick(f: Any) -> Any:
    kind = type(f)
    if kind is Function:
        if "_ak_call" in f.__globals__ and not f.__dict__:
            return f
    elif kind is Method:
        try:
            func = f.__func__
            if "_ak_call" in func.__globals__ and not func.__dict__:
                return f
        except AttributeError:
            pass    # a method made of something that is no function
    elif kind is Builtin:
        owner = type(f.__self__)
        if owner in PLAIN or owner is list and f.__name__ != "sort" or f in BUILTINS:
            return f
    elif kind is type and (f in BUILTINS or f.__module__ in _user_modules and "__ak_activity__" not in f.__dict__):
        return f
    return choose(f, False)


def pick_awaited(f: Any) -> Any:
    if type(f) is Function and "_ak_call" in f.__globals__ and not f.__dict__:
        return f
    return choose(f, True)


def choose(f: Any, awaited: bool) -> Any:
    session = _session
    if session is None or _loading or session.quiet or session.elsewhere():
        return f
    return session.stand_in(f, awaited)


def user_frame() -> Any:
    frame: Any = sys._getframe(1)
    while frame is not None and "_ak_call" not in frame.f_globals:
        frame = frame.f_back
    return frame


def short_path(path: str) -> str:
    if _finder is not None and path.startswith(_finder.root + os.sep):
        return path[len(_finder.root) + 1:]
    return path


def here() -> Where:
    frame = user_frame()
    if frame is None:
        return "", 0, ""
    return short_path(frame.f_code.co_filename), frame.f_lineno, frame.f_code.co_name


# Values on the wire.

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
ATOMS = frozenset((type(None), bool, int, float, str, bytes))
PLAIN_CALLEES = frozenset((Builtin, Function))
NO_OPTIONS: Dict[str, Any] = {}
SHORT = 1 << 12


def is_plain(value: Any) -> bool:
    """Made of exact built-in types only: such a value survives pickling, there is nothing to check."""
    kind = type(value)
    if kind in ATOMS or kind is tuple and ATOMS.issuperset(map(type, value)):
        return True
    todo, seen = [value], set()
    while todo:
        value = todo.pop()
        kind = type(value)
        if kind in ATOMS or id(value) in seen:
            continue
        seen.add(id(value))
        if kind is dict:
            todo.extend(value)
            todo.extend(value.values())
        elif kind is list or kind is tuple or kind is set or kind is frozenset:
            todo.extend(value)
        else:
            return False
    return True


def freeze(value: Any, checked: bool = True) -> bytes:
    """Protocol 0 as the base has it. It accepts some values that it cannot bring back: those are tried with 4 first, and loaded
    back. What only protocol 4 knows, or keeps as it is, is sent in protocol 4. Raises whatever pickle or the value's own methods raise."""
    if checked and not is_plain(value):
        strict = pickle.dumps(value, 4)
        try:
            data = pickle.dumps(value, 0)
            pickle.loads(data)
            # Protocol 0 has the names of Python 2, where ConnectionError was an OSError like any other.
            if b"cexceptions\nOSError\n" in data or b"cexceptions\nImportError\n" in data:
                data = strict
        except Exception:
            pickle.loads(strict)
            data = strict
        return data
    try:
        return pickle.dumps(value, 0)
    except ValueError:      # integers of more digits than str() may print
        return pickle.dumps(value, 4)


class ByName:
    """A bound method that a module offers as its function (random.random): pickled by that name, not with its object."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> Tuple[Any, ...]:
        import pkgutil

        return pkgutil.resolve_name, (self.name,)


def portable(f: Any) -> Any:
    owner = owner_of(f)
    if owner is None or isinstance(owner, (types.ModuleType, type)):
        return f
    name, home = own_name(f), type(owner).__module__
    module = sys.modules.get(home) if isinstance(home, str) else None
    if module is not None and module.__dict__.get(name) == f:
        return ByName(module.__name__ + ":" + name)
    return f


def importable_function(f: Any) -> bool:
    if isinstance(f, (Function, type)):
        return True
    return type(f) is Builtin and (f.__self__ is None or isinstance(f.__self__, types.ModuleType))


def by_name_alone(f: Any) -> bool:
    return importable_function(f) or isinstance(portable(f), ByName)


def freeze_call(f: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> bytes:
    call = (portable(f), args, kwargs)
    return freeze(call, checked=not (importable_function(f) and is_plain(args) and is_plain(kwargs)))


def b64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


if sys.version_info >= (3, 11):
    decode64: Callable[[str], bytes] = functools.partial(binascii.a2b_base64, strict_mode=True)
else:
    decode64 = functools.partial(base64.b64decode, validate=True)


def unb64(text: Any, what: str) -> bytes:
    if not isinstance(text, str):
        raise ProtocolError("%s is no base64 text" % what)
    try:
        return decode64(text)
    except (binascii.Error, ValueError):
        raise ProtocolError("%s is no base64 text" % what) from None


def thaw(text: Any, what: str) -> Any:
    data = unb64(text, what)
    try:
        return pickle.loads(data)
    except Exception as exc:
        raise ProtocolError("%s does not unpickle: %s: %s" % (what, type(exc).__name__, exc)) from None


# Which part of a value pickle refuses.

def refusal(value: Any) -> Optional[str]:
    try:
        freeze(value)
    except Exception as exc:
        return words_of(exc)
    return None


def words_of(exc: BaseException) -> str:
    """On one line and without addresses: the same words on every run."""
    return ADDRESS.sub("", " ".join(as_text(exc).split())) or type(exc).__name__


def parts(value: Any) -> Iterator[Tuple[str, Any]]:
    """The places inside a value, as one would write them after its name."""
    if isinstance(value, dict):
        for key, item in list(value.items()):
            yield "[%s]" % preview_of(key), item
            yield ".key(%s)" % preview_of(key), key
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield "[%d]" % index, item
    elif isinstance(value, (set, frozenset)):
        for item in value:
            yield ".item(%s)" % preview_of(item), item
    if isinstance(value, functools.partial):
        yield from ((".func", value.func), (".args", value.args), (".keywords", value.keywords))
    if owner_of(value) is not None and not isinstance(value.__self__, types.ModuleType):
        yield ".__self__", value.__self__
    yield from attributes(value)


def attributes(value: Any) -> Iterator[Tuple[str, Any]]:
    if isinstance(value, (type, types.ModuleType, Function, Method)):
        return
    found = getattr(value, "__dict__", None)
    for name, item in list(found.items()) if isinstance(found, dict) else ():
        yield "." + name, item
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if isinstance(name, str) and hasattr(value, name):
                yield "." + name, getattr(value, name)


def inside(value: Any) -> List[Tuple[str, Any]]:
    try:
        return list(itertools.islice(parts(value), 1000))
    except Exception:
        return []       # an object whose attributes raise


def culprit(value: Any, path: str, budget: List[int]) -> Optional[Tuple[str, Any, str]]:
    """The innermost part that is refused: its path, itself, pickle's words."""
    budget[0] -= 1
    if budget[0] < 0:
        return None
    words = refusal(value)
    if words is None:
        return None
    for step, item in inside(value) if path.count(".") + path.count("[") < 40 else ():
        inner = culprit(item, path + step, budget)
        if inner is not None:
            return inner
    return path, value, words


def type_name(value: Any) -> str:
    cls = type(value)
    name = cls.__qualname__ if cls.__module__ in ("builtins", None) else "%s.%s" % (cls.__module__, cls.__qualname__)
    if isinstance(value, Function):
        return "lambda" if value.__name__ == "<lambda>" else "function defined inside another (%s)" % value.__qualname__ \
            if "<locals>" in value.__qualname__ else "function (%s)" % value.__qualname__
    if isinstance(value, type):
        return "class %s" % value.__qualname__
    return name


def way_out(value: Any) -> str:
    if isinstance(value, (Function, type)):
        return "define it at module level under its own name"
    if isinstance(value, io.IOBase):
        return "open, use and close the file inside one function marked @autokitteh.activity"
    if isinstance(value, (types.GeneratorType, type({}.keys()), type({}.values()), type({}.items()))) or hasattr(type(value), "__next__"):
        return "turn it into a list inside a function marked @autokitteh.activity, and return the list"
    if type(value).__name__ in ("_Environ", "module"):
        return "call a module-level function (os.getenv) instead"
    return "make and use it inside one function marked @autokitteh.activity, and pass plain data"


def cannot_record(what: str, place: Where, roots: List[Tuple[str, Any]], words: str) -> CannotRecord:
    budget = [2000]
    for path, value in roots:
        found = culprit(value, path, budget)
        if found is not None:
            path, value, words = found
            return CannotRecord("%s:%d: %s: %s (type %s) cannot be recorded: %s; %s" % (
                place[0], place[1], what, path, type_name(value), words, way_out(value)))
    return CannotRecord("%s:%d: %s cannot be recorded: %s" % (place[0], place[1], what, words))


def call_roots(f: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> List[Tuple[str, Any]]:
    roots = [("args[%d]" % i, a) for i, a in enumerate(args)]
    roots += [("kwargs[%r]" % k, v) for k, v in kwargs.items()]
    return [("callee", f)] + roots


# Exceptions on the wire: class, args and attributes survive, whatever the class's __init__ wants.

def revive(cls: type, args: Tuple[Any, ...], state: Dict[str, Any]) -> BaseException:
    """Makes an exception without its __init__."""
    native: Any = next(c for c in cls.__mro__ if c.__module__ == "builtins")
    exc: Any = None
    makers: Any = (cls.__new__, native.__new__)
    for make in makers:
        try:
            exc = make(cls, *args)
            break
        except Exception:
            continue
    if exc is None:
        exc = native.__new__(cls)
    exc.args = args
    for name, value in state.items():
        try:
            setattr(exc, name, value)
        except Exception:
            exc.__dict__[name] = value
    return exc      # type: ignore[no-any-return]


revive.__module__ = "ak_runner"


class Frozen:
    """Pickles as a call of revive."""

    def __init__(self, cls: type, args: Tuple[Any, ...], state: Json) -> None:
        self.parts = (cls, args, state)

    def __reduce__(self) -> Tuple[Any, ...]:
        return revive, self.parts


def frozen_form(exc: BaseException) -> Any:
    """The exception itself where it survives pickling, else a form of it that does."""
    try:
        back = pickle.loads(freeze(exc))
        if type(back) is type(exc) and repr(back.args) == repr(exc.args):
            return exc
    except Exception:
        pass
    cls = next(c for c in type(exc).__mro__ if refusal(c) is None)
    args = tuple(a if refusal(a) is None else repr(a) for a in exc.args)
    if cls is not type(exc):
        args = ("%s: %s" % (type(exc).__name__, exc),)
    return Frozen(cls, args, exception_state(exc))


def exception_state(exc: BaseException) -> Dict[str, Any]:
    state = dict(getattr(exc, "__dict__", {}))
    if isinstance(exc, OSError):
        state.update((n, getattr(exc, n)) for n in ("errno", "strerror", "filename") if getattr(exc, n) is not None)
    return {name: value if refusal(value) is None else None for name, value in state.items()}


def clean_traceback(tb: Any) -> Any:
    """Cuts our own frames, and the import system's, out of a traceback, in place where it can."""
    while tb is not None and hidden(tb.tb_frame.f_code.co_filename):
        tb = tb.tb_next
    at = tb
    while at is not None:
        while at.tb_next is not None and hidden(at.tb_next.tb_frame.f_code.co_filename):
            at.tb_next = at.tb_next.tb_next
        at = at.tb_next
    return tb


def hidden(path: str) -> bool:
    return path == OWN_FILE or path == importlib.__file__ or path.startswith("<frozen importlib")


def clean_exception(exc: Optional[BaseException], seen: Optional[Set[int]] = None) -> None:
    seen = set() if seen is None else seen
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        exc.__traceback__ = clean_traceback(exc.__traceback__)
        clean_exception(exc.__cause__, seen)
        exc = exc.__context__


@functools.lru_cache(maxsize=32)
def source_lines(path: str) -> List[str]:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = importlib.util.decode_source(data)
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def source_line(path: str, number: int) -> str:
    """What linecache would say, which needs the tokenizer, and that 4 ms."""
    try:
        lines = source_lines(path)
    except (SyntaxError, ValueError):
        return ""       # no encoding that Python knows
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def frames_of(exc: BaseException) -> List[Json]:
    clean_exception(exc)
    out: List[Json] = []
    tb = exc.__traceback__
    while tb is not None:
        code, line = tb.tb_frame.f_code, tb.tb_lineno or 0
        out.append({"file": short_path(code.co_filename), "line": line, "name": code.co_name, "code": code.co_filename})
        tb = tb.tb_next
    out = out[-50:]
    for frame in out:
        frame["code"] = source_line(frame["code"], frame["line"])
    return out + getattr(exc, "__dict__", {}).get("__ak_frames__", [])


def describe(exc: BaseException, kind: str = "") -> Json:
    with unrecorded():
        try:
            words = str(exc)
        except Exception as inner:
            words = "no message: str() of it raised %s" % type(inner).__name__
    if isinstance(exc, SystemExit):
        words = "the program called exit(%s): a session ends by returning from its handler" % words
    return {"type": type(exc).__name__, "message": words[:4000], "traceback": frames_of(exc),
            "kind": kind or getattr(exc, "ak_kind", "user")}


# Readable previews.

_shape = reprlib.Repr()
_shape.maxstring = _shape.maxother = _shape.maxlong = PREVIEW
_shape.maxdict = _shape.maxlist = _shape.maxtuple = _shape.maxset = _shape.maxfrozenset = _shape.maxdeque = 20
_shape.maxlevel = 4


def preview_of(value: Any) -> str:
    try:
        if type(value) in (str, bytes) and len(value) > PREVIEW:
            return repr(value[:PREVIEW])[:PREVIEW - 1] + "…"
        text = repr(value) if type(value) in ATOMS else _shape.repr(value)
    except Exception as exc:
        text = "<%s, whose repr raised %s>" % (type(value).__name__, type(exc).__name__)
    return text if len(text) <= PREVIEW else text[:PREVIEW - 1] + "…"


def preview_call(args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> str:
    if not args and not kwargs:
        return ""
    texts = [preview_of(a) for a in args[:20]] + ["%s=%s" % (k, preview_of(v)) for k, v in list(kwargs.items())[:20]]
    text = ", ".join(texts)
    return text if len(text) <= PREVIEW else text[:PREVIEW - 1] + "…"


def as_text(value: Any) -> str:
    try:
        return str(value)
    except Exception as exc:
        return "<%s, whose str raised %s>" % (type(value).__name__, type(exc).__name__)


def short_text(value: Any) -> str:
    return value[:PREVIEW] if type(value) is str else preview_of(value)


def name_of(f: Any) -> str:
    f = unwrapped(f)
    return own_name(f) or type(f).__name__


# The line to the engine.

_where_texts: Dict[Where, str] = {}


def where_json(place: Where) -> str:
    text = _where_texts.get(place)
    if text is None:
        text = to_json({"file": place[0], "line": place[1], "func": place[2]})
        if len(_where_texts) < 4096:
            _where_texts[place] = text
    return text


def json_writer() -> Callable[[Any], str]:
    """json.dumps, which makes a new encoder for each message: that is half of its time."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.dumps
    encoder = json.JSONEncoder()
    try:
        write = make(None, encoder.default, json.encoder.encode_basestring_ascii, None, ": ", ", ", False, False, True)
        if "".join(write({"a": [1, "é", None, 1.5]}, 0)) != json.dumps({"a": [1, "é", None, 1.5]}):
            return json.dumps
    except Exception:
        return json.dumps       # another Python, another encoder
    return lambda value: "".join(write(value, 0))


to_json = json_writer()
quoted: Callable[[str], str] = json.encoder.encode_basestring_ascii
from_json = json.JSONDecoder().raw_decode


class Link:
    """JSON lines over a connected stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.rest = b""
        self.broken = ""
        self.lock = threading.Lock()
        try:
            self.limit = int(os.environ.get("AK_LINE_LIMIT", DEFAULT_LIMIT))
        except ValueError:
            self.limit = DEFAULT_LIMIT

    def fits(self, line: bytes) -> bool:
        return len(line) - 1 <= self.limit

    def encode(self, kind: str, payload: Optional[Json]) -> bytes:
        message = {"type": kind} if payload is None else {"type": kind, "payload": payload}
        return to_json(message).encode("ascii") + b"\n"

    def send_line(self, line: bytes) -> None:
        self.check()
        try:
            with self.lock:
                self.sock.sendall(line)
        except OSError as exc:
            self.fail(EngineError("the engine has closed the connection (%s)" % (exc.strerror or exc)))

    def send(self, kind: str, payload: Optional[Json] = None) -> None:
        line = self.encode(kind, payload)
        if not self.fits(line):
            self.fail(ProtocolError("a %s message of %d bytes is above the line limit of %d" % (kind, len(line), self.limit)))
        self.send_line(line)

    def receive(self) -> Tuple[str, Json]:
        self.check()
        try:
            return self.parse(self.read_line())
        except EngineError as exc:
            self.fail(exc)

    def read_line(self) -> bytes:
        self.rest = self.rest or self.read_piece(0)
        if self.rest.find(b"\n") == len(self.rest) - 1:     # one whole line, as nearly always
            line, self.rest = self.rest[:-1], b""
        else:
            line, _, self.rest = self.read_pieces().partition(b"\n")
        if len(line) > self.limit:
            raise ProtocolError("the engine sent a line above the limit of %d bytes" % self.limit)
        return line

    def read_pieces(self) -> bytes:
        """Up to the end of a line, or of what a line may have, and what came with it."""
        pieces, size = [self.rest], len(self.rest)
        while b"\n" not in pieces[-1] and size <= self.limit:
            pieces.append(self.read_piece(size))
            size += len(pieces[-1])
        return b"".join(pieces)

    def read_piece(self, before: int) -> bytes:
        try:
            piece = self.sock.recv(1 << 16)
        except OSError as exc:
            raise EngineError("the engine has closed the connection (%s)" % (exc.strerror or exc)) from None
        if not piece:
            raise EngineError("the engine has closed the connection" + (" in the middle of a line" if before else ""))
        return piece

    def parse(self, line: bytes) -> Tuple[str, Json]:
        try:
            text = line.decode("utf-8")
            message, end = from_json(text) if text[:1] == "{" else (None, -1)
            if end != len(text):
                message = json.loads(text)
        except UnicodeDecodeError:
            raise ProtocolError("the engine sent a line that is not UTF-8") from None
        except (ValueError, RecursionError):
            raise ProtocolError("the engine sent a line that is not JSON: %s" % preview_of(line[:80])) from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise ProtocolError("the engine sent a message without a type: %s" % preview_of(line[:80]))
        payload = message.get("payload")
        if payload is None:
            payload = {}
        if not isinstance(payload, dict):
            raise ProtocolError("the payload of a %s message is no object" % message["type"])
        return message["type"], payload

    def check(self) -> None:
        if self.broken:
            raise EngineError(self.broken)

    def fail(self, exc: EngineError) -> NoReturn:
        """Once broken, broken: user code that swallows the error meets it again at its next call."""
        self.broken = str(exc)
        raise exc


# sys.stdout and sys.stderr of user code.

class Stream(io.TextIOBase):
    """Line by line to the engine while a session takes prints; kept while modules load; else to the stream it stands for."""

    def __init__(self, name: str, inner: Any) -> None:
        self.label = name
        self.inner = inner
        self.pending = ""

    encoding = "utf-8"
    errors = "backslashreplace"

    @property
    def buffer(self) -> Any:
        return ByteStream(self)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self.inner.fileno()

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        if _session is not None and _session.takes_prints():
            self.pending += text
            if "\n" in text:
                done, _, self.pending = self.pending.rpartition("\n")
                _session.print(self.label, done + "\n")
        elif _session is None and _loading and _load_output is not None:
            _load_output.append((self.label, text))
        elif self.inner is not None:
            self.inner.write(text)
        return len(text)

    def flush(self) -> None:
        if self.pending and _session is not None and _session.takes_prints():
            text, self.pending = self.pending, ""
            _session.print(self.label, text)
        if self.inner is not None:
            try:
                self.inner.flush()
            except (OSError, ValueError):
                pass


class ByteStream(io.RawIOBase):
    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.stream.write(bytes(data).decode("utf-8", "backslashreplace"))
        return len(data)

    def flush(self) -> None:
        self.stream.flush()


_load_output: Optional[List[Tuple[str, str]]] = None
_streams: List[Stream] = []


def capture_streams() -> None:
    global _load_output
    if not _streams:
        _load_output = []
        _streams[:] = [Stream("stdout", sys.stdout), Stream("stderr", sys.stderr)]
        sys.stdout, sys.stderr = _streams


def release_load_output() -> List[Tuple[str, str]]:
    """What modules printed while they loaded. Kept for every session of a warm process: each shows it."""
    global _load_output
    kept, _load_output = _load_output or [], None
    return kept


def complain(words: str) -> None:
    """One line of our own on the real standard error."""
    stream = _streams[1].inner if _streams else sys.stderr
    try:
        stream.write("ak_runner: %s\n" % words)
        stream.flush()
    except Exception:
        pass


# A session.

class Session:
    def __init__(self, link: Link, run: Json) -> None:
        self.link = link
        self.proto = PROTO if run.get("proto") == PROTO else 1
        self.id = as_text(run.get("session_id") or "")
        self.dialect = run.get("dialect") or "ak"
        self.seed = run.get("seed")
        self.clock = float(run.get("at") or 0.0)
        self.seq = 0
        self.quiet = 0          # above 0: inside an activity, or activities are inhibited
        self.activity = 0       # the call being carried out
        self.pid = os.getpid()
        self.thread = threading.get_ident()
        self.ahead: List[Json] = []         # recorded answers that the engine sent in advance, last first
        self.promised = self.proto == PROTO and run.get("replay") or 0      # how many are still to come
        self.stale = 0
        self.told, self.told_at = 0, time.monotonic()       # of the recorded answers that were used: up to where, and when
        self.skips_time = bool(os.environ.get("AK_TEST_CLOCK"))
        self.sent: Tuple[str, Any] = ("\0", None)     # the last result of a call, when it is one that no reader can change
        self.asking = threading.Lock()      # threads of one activity ask one after the other
        self.loop: Any = None               # the one of asyncio.get_event_loop()
        self._random: Any = None
        self._uuids: Any = None

    def elsewhere(self) -> bool:
        """Threads and forked children of an activity have no part in the record."""
        return threading.get_ident() != self.thread or os.getpid() != self.pid

    # Choosing.

    def stand_in(self, f: Any, awaited: bool) -> Any:
        if not awaited and type(f) in PLAIN_CALLEES and f in _recorded and not (type(f) is Function and f.__dict__):
            return lambda *args, **kwargs: self.call(f, args, kwargs, NO_OPTIONS)
        if f is time.sleep:
            return self.sleep_call
        mark = mark_of(f)
        if mark is False:
            return f
        if not mark:
            told = self.callback_taker(f)
            if told is not None:
                return told
            if is_direct(f):
                return self.before_direct(f)
        options = mark if isinstance(mark, dict) else NO_OPTIONS
        if awaited or is_coroutine_function(f):
            return self.async_recorder(f, options)
        if not mark and lasting(f) and not getattr(f, "__dict__", None):
            _recorded[f] = name_of(f)
        return lambda *args, **kwargs: self.call(f, args, kwargs, options)

    def before_direct(self, f: Any) -> Any:
        module = identity(f)[0]
        if module in ("traceback", "logging", "sys"):
            current = sys.exc_info()
            if current[1] is not None:
                clean_traceback(current[2])
        elif isinstance(module, str) and module.lstrip("_").startswith("asyncio"):
            return self.asyncio_function(f)
        return f

    def asyncio_function(self, f: Any) -> Any:
        """A loop that the program makes or asks for by itself keeps the recorded time too."""
        adopt_asyncio()
        import asyncio

        if f is _real_new_event_loop:
            return asyncio.new_event_loop
        if own_name(f) == "get_event_loop" and self.loop is None and asyncio._get_running_loop() is None:
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
        return f

    def callback_taker(self, f: Any) -> Any:
        if type(f) is Builtin and f.__name__ == "sort" and type(f.__self__) is list:
            place = (-1, "key")
        elif isinstance(f, (Builtin, type)) and f in CALLBACKS:
            place = CALLBACKS[f]
        else:
            return None
        index, keyword = place

        def call_with_callbacks(*args: Any, **kwargs: Any) -> Any:
            args = tuple(self.callback(a) if i == index else a for i, a in enumerate(args))
            return f(*args, **{k: self.callback(v) if k == keyword else v for k, v in kwargs.items()})

        return call_with_callbacks

    def callback(self, value: Any) -> Any:
        return pick(value) if callable(value) else value

    def async_recorder(self, f: Any, options: Json) -> Callable[..., Any]:
        async def recorded(*args: Any, **kwargs: Any) -> Any:
            return self.call(f, args, kwargs, options)

        return recorded

    # One recorded call.

    def call(self, f: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], options: Json) -> Any:
        if self.quiet or self.elsewhere():
            return drive(f, args, kwargs)
        flush_streams()
        if self.promised or self.ahead:
            name = _recorded.get(f) if options is NO_OPTIONS and type(f) in PLAIN_CALLEES else None
            known = None if name is None else quick_digest(f, args, kwargs)
            work = None
            if known is None:
                work = Work(f, args, kwargs, options)
                name, known = work.name, work.digest(self.dialect)
            record = self.recorded(name, False, known)
            if record is not None:
                return self.result_of(record)
            work = work or Work(f, args, kwargs, options)
        else:
            work = Work(f, args, kwargs, options)
        work.pack(self.dialect)
        place = work.place
        self.seq += 1
        line = self.callback_line(work)
        if not self.link.fits(line):
            self.seq -= 1
            raise CannotRecord("%s:%d: the arguments of %s() take %d bytes, above the line limit of %d" % (
                place[0], place[1], work.name, len(line), self.link.limit))
        self.link.send_line(line)
        return self.settle(work)

    def callback_line(self, work: "Work") -> bytes:
        """As the encoder would have it, from pieces: an object of so many parts takes it longer than all else of a call."""
        with unrecorded():
            if self.proto == 1:
                args = [as_text(a) for a in work.args]
                return self.link.encode("callback", {"name": work.name, "args": args,
                                                     "kw": {k: as_text(v) for k, v in work.kwargs.items()}, "data": work.data})
            return ('{"type": "callback", "payload": {"name": %s, "args": [%s], "kw": {%s}, "data": "%s", "seq": %d, '
                    '"where": %s, "preview": %s, "digest": %s%s}}\n' % (
                        quoted(work.name), ", ".join([quoted(short_text(a)) for a in work.args]),
                        ", ".join(["%s: %s" % (quoted(k), quoted(short_text(v))) for k, v in work.kwargs.items()]),
                        work.data, self.seq, where_json(work.place), quoted(preview_call(work.args, work.kwargs)),
                        "null" if work.in_memory else '"%s"' % digest(work.data), work.extras())).encode("ascii")

    def settle(self, work: "Work") -> Any:
        while True:
            kind, payload = self.receive()
            if kind == "response":
                return self.result(payload)
            if kind != "callback":
                self.link.fail(ProtocolError("a %s message where a response was due" % preview_of(kind)))
            self.check_seq(payload)
            self.perform(work, payload)

    def check_seq(self, payload: Json) -> None:
        if self.proto == PROTO and payload.get("seq", self.seq) != self.seq:
            self.link.fail(ProtocolError("an answer to call %s where call %d stood" % (preview_of(payload["seq"]), self.seq)))

    def result_of(self, record: Json) -> Any:
        """The result, from a record of the history. Small plain values come again and again."""
        text = record.get("value")
        if record.get("error") is None and type(text) is str and text in _thawed:
            self.advance(record.get("at"))
            return _thawed[text]
        value = self.result(record)
        if type(value) in ATOMS and len(text) < 64 and len(_thawed) < 4096:     # type: ignore[arg-type]
            _thawed[text] = value
        return value

    def result(self, payload: Json) -> Any:
        self.check_seq(payload)
        self.advance(payload.get("at"))
        error = payload.get("error") if self.proto == PROTO else None
        if error is not None and payload.get("value") is None:
            raise self.engine_error(error)
        if "value" not in payload:
            self.link.fail(ProtocolError("a response without a value"))
        if error is None and payload["value"] == self.sent[0]:
            return self.sent[1]
        value = self.thawed(payload["value"], "the value of a response")
        if isinstance(value, Raised):
            error, value = {}, value.exc
        if error is None:
            return value
        if not isinstance(value, BaseException):
            self.link.fail(ProtocolError("a response with an error whose value is no exception"))
        raise recorded_exception(value, error)

    def thawed(self, text: Any, what: str) -> Any:
        with unrecorded():
            try:
                return thaw(text, what)
            except ProtocolError as exc:
                self.link.fail(exc)

    def engine_error(self, error: Any) -> BaseException:
        if not isinstance(error, dict):
            error = {"message": as_text(error)}
        words, kind = as_text(error.get("message") or ""), error.get("kind")
        if kind == "divergence":
            self.link.broken = words
            return Divergence(words)
        cls = vars(__import__("builtins")).get(error.get("type"))
        if not (isinstance(cls, type) and issubclass(cls, Exception)):
            cls = api_class("AutoKittehError", RuntimeError)
        exc: Any
        try:
            exc = cls(words)
        except TypeError:
            exc = RuntimeError(words)
        if kind:
            exc.ak_kind = kind
        return exc      # type: ignore[no-any-return]

    def perform(self, work: "Work", payload: Json) -> None:
        """The engine said: do it."""
        f, args, kwargs = self.fetched(work, payload)
        before = None if work.harmless() else marks(f, args, kwargs)
        self.activity, self.quiet = self.seq, self.quiet + 1
        try:
            answer = self.carried_out(f, args, kwargs, work)
            flush_streams()
            if before is not None:
                self.tell_lost(work, before, marks(f, args, kwargs))
        finally:
            self.activity, self.quiet = 0, self.quiet - 1
        self.link.send_line(answer)

    def fetched(self, work: "Work", payload: Json) -> Tuple[Any, Tuple[Any, ...], Dict[str, Any]]:
        same = payload.get("data") == work.data
        if work.in_memory or same and (work.harmless() or self.dialect == "autokitteh"):
            return work.f, work.args, work.kwargs
        call = self.thawed(payload.get("data"), "the data of a callback")
        if not (isinstance(call, tuple) and len(call) == 3 and callable(call[0]) and isinstance(call[1], tuple)
                and isinstance(call[2], dict)):
            self.link.fail(ProtocolError("the data of a callback is no call"))
        return call

    def carried_out(self, f: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], work: "Work") -> bytes:
        try:
            value = drive(skipping(f, self.clock) if self.skips_time else f, args, kwargs)
        except EngineError:
            raise
        except BaseException as exc:
            return self.failure(exc)
        try:
            text = b64(freeze(value))
            line = self.response_line(text, preview_of(value))
        except Exception as exc:
            words = words_of(exc)
            return self.failure(cannot_record("the result of %s()" % work.name, work.place, [("result", value)], words))
        if self.link.fits(line):
            if type(value) in ATOMS:
                self.sent = text, value
            return line
        return self.failure(CannotRecord("%s:%d: the result of %s() takes %d bytes, above the line limit of %d" % (
            work.place[0], work.place[1], work.name, len(line), self.link.limit)))

    def response_line(self, text: str, preview: str) -> bytes:
        """As callback_line has it."""
        if self.proto == 1:
            return self.link.encode("response", {"value": text})
        return ('{"type": "response", "payload": {"value": "%s", "seq": %d, "preview": %s}}\n' % (
            text, self.seq, quoted(preview))).encode("ascii")

    def failure(self, exc: BaseException) -> bytes:
        with unrecorded():
            form = frozen_form(exc)
            if self.proto == 1:
                return self.link.encode("response", {"value": b64(freeze(Raised(form)))})
            payload: Json = {"value": b64(freeze(form)), "seq": self.seq, "preview": preview_of(exc)}
        payload["error"] = describe(exc)
        line = self.link.encode("response", payload)
        if self.link.fits(line):
            return line
        return self.failure(CannotRecord("an exception too large to record: %s" % type(exc).__name__))

    def tell_lost(self, work: "Work", before: List[Any], after: List[Any]) -> None:
        if before == after or len(before) != len(after):
            return
        names = ["the object it is called on"] + [p for p, _ in call_roots(work.f, work.args, work.kwargs)[1:]]
        lost = ", ".join(n for n, b, a in zip(names, before, after) if b != a)
        words = "%s:%d: %s() changed %s: replay restores its result, not the change; return the new value instead\n" % (
            work.place[0], work.place[1], work.name, lost)
        if self.takes_prints():
            self.print("stderr", words)
        else:
            complain(words.rstrip())

    # What the engine does itself.

    def request(self, op: str, args: Json) -> Any:
        if self.proto == 1:
            raise Misuse("%s needs an engine that speaks protocol 2" % op)
        if os.getpid() != self.pid or self.elsewhere() and not self.activity:
            raise Misuse("%s called from another thread or process than the handler's" % op)
        with self.asking:
            flush_streams()
            return self.ask(op, args, here())

    # Replay in advance: `run` promised how many recorded answers follow in `history` messages.

    def recorded(self, name: str, request: bool, arguments: Any) -> Optional[Json]:
        """The recorded answer to the next call, when name and arguments are the recorded ones. At the first other one the engine
        is asked, and judges."""
        while self.promised and not self.ahead:
            self.read_history()
        if not self.ahead:
            return None
        record = self.ahead.pop()
        known = record.get("args" if request else "digest")
        if record.get("op" if request else "name") != name or known is not None and arguments is not None and known != arguments:
            self.ahead, self.promised, self.stale = [], 0, self.promised
            return None
        self.seq += 1
        record["seq"] = self.seq
        if not self.ahead or time.monotonic() - self.told_at > REPORT_SECONDS:
            self.tell_replayed()
        return record

    def tell_replayed(self) -> None:
        """How far the program has come: the engine forgets what lies before, sends more, and counts the turn from here."""
        self.told, self.told_at = self.seq, time.monotonic()
        self.link.send("replayed", {"seq": self.seq})

    def leave_history(self) -> None:
        """The program is over, though not all of its record: the engine has to know where."""
        if (self.promised or self.ahead) and self.seq != self.told:
            self.tell_replayed()

    def read_history(self) -> None:
        kind, payload = self.link.receive()
        records = payload.get("records")
        if kind != "history" or not isinstance(records, list) or not records or not all(isinstance(r, dict) for r in records):
            self.link.fail(ProtocolError("a %s message where %d more recorded answers were due" % (preview_of(kind), self.promised)))
        if len(records) > self.promised:
            self.link.fail(ProtocolError("more recorded answers than the run message promised"))
        self.promised -= len(records)
        self.ahead = records[::-1]

    def receive(self) -> Tuple[str, Json]:
        """The next message; after a divergence, what is left of the history is passed over."""
        kind, payload = self.link.receive()
        while kind == "history" and self.stale > 0:
            self.stale -= len(payload.get("records") or " ")
            kind, payload = self.link.receive()
        return kind, payload

    def ask(self, op: str, args: Json, place: Where) -> Any:
        """Inside an activity a request is outside the count: it is not made again on replay."""
        seq = 0 if self.activity else self.seq + 1
        payload: Json = {"seq": seq, "op": op, "args": packed_json(args, op, place),
                         "where": {"file": place[0], "line": place[1], "func": place[2]}}
        if self.activity:
            payload["call"] = self.activity
        line = self.link.encode("request", payload)
        if not self.link.fits(line):
            raise CannotRecord("%s:%d: the arguments of %s take %d bytes, above the line limit of %d" % (
                place[0], place[1], op, len(line), self.link.limit))
        if seq:
            record = self.recorded(op, True, payload["args"]) if self.promised or self.ahead else None
            if record is not None:
                return self.answer(record)
            self.seq = seq
        self.link.send_line(line)
        return self.reply(seq)

    def reply(self, seq: int) -> Any:
        kind, payload = self.receive()
        if kind != "reply":
            self.link.fail(ProtocolError("a %s message where a reply was due" % preview_of(kind)))
        if payload.get("seq", seq) != seq:
            self.link.fail(ProtocolError("a reply to request %s where request %d stood" % (preview_of(payload["seq"]), seq)))
        return self.answer(payload)

    def answer(self, payload: Json) -> Any:
        self.advance(payload.get("at"))
        if payload.get("error") is not None:
            raise self.engine_error(payload["error"])
        return unpacked_json(payload.get("value"))

    def advance(self, at: Any) -> None:
        if isinstance(at, (int, float)) and not isinstance(at, bool) and at > self.clock:
            self.clock = float(at)

    def sleep_call(self, *args: Any, **kwargs: Any) -> None:
        """time.sleep, and the spellings people use for it."""
        values = list(args) + [kwargs.pop(k) for k in ("secs", "seconds") if k in kwargs]
        if len(values) != 1 or kwargs:
            raise TypeError("sleep() takes exactly one argument, the seconds")
        self.sleep(seconds_of(values[0]))

    def sleep(self, seconds: float) -> None:
        if self.quiet or self.elsewhere():
            time.sleep(seconds)
            return
        due = self.clock + seconds
        if self.proto == 1:
            self.call(time.sleep, (seconds,), {}, {})
        else:
            self.request("sleep", {"seconds": seconds})
        self.clock = max(self.clock, due)

    # Prints.

    def takes_prints(self) -> bool:
        return self.proto == PROTO and not self.link.broken and os.getpid() == self.pid

    def print(self, stream: str, text: str) -> None:
        payload: Json = {"text": "", "stream": stream, "seq": self.activity}
        place = here()
        if place[1]:
            payload["where"] = {"file": place[0], "line": place[1], "func": place[2]}
        for start in range(0, len(text), PRINT_CHUNK):
            payload["text"] = text[start:start + PRINT_CHUNK]
            self.link.send("print", payload)

    # Free deterministic values.

    def now(self) -> float:
        if self.quiet or self.elsewhere():
            return time.time()
        if self.proto == 1:
            return self.call(time.time, (), {}, {})
        return self.clock

    def seed_bytes(self) -> bytes:
        if isinstance(self.seed, str) and self.seed:
            return self.seed.encode("utf-8", "backslashreplace")
        self.seed = self.call(os.urandom, (16,), {}, {}).hex()
        return self.seed.encode("ascii")

    def random(self) -> Any:
        import random

        if self._random is None:
            self._random = random.Random(b"random" + self.seed_bytes())
        return self._random

    def uuid4(self) -> Any:
        import random
        import uuid

        if self.quiet or self.elsewhere():
            return uuid.uuid4()
        if self._uuids is None:
            self._uuids = random.Random(b"uuid4" + self.seed_bytes())
        return uuid.UUID(int=self._uuids.getrandbits(128), version=4)


class Work:
    """One call to be recorded: what to call, and its form on the wire."""

    def __init__(self, f: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], options: Json) -> None:
        self.f, self.args, self.kwargs, self.options = f, args, kwargs, options
        self.name = as_text(options.get("name") or name_of(f))
        self.place: Where = ("", 0, "")
        self.in_memory = False
        self.data = ""
        self.known_harmless: Optional[bool] = None

    def pack(self, dialect: str) -> None:
        if self.data:
            return
        self.place = here()
        with unrecorded():
            try:
                self.data = b64(freeze_call(self.f, self.args, self.kwargs))
            except Exception as exc:
                if dialect != "autokitteh":
                    words = words_of(exc)
                    roots = call_roots(self.f, self.args, self.kwargs)
                    raise cannot_record("the call of %s()" % self.name, self.place, roots, words) from None
                self.in_memory = True
                self.data = b64(pickle.dumps((self.name, (), {}), 0))

    def digest(self, dialect: str) -> Optional[str]:
        self.pack(dialect)
        return None if self.in_memory else digest(self.data)

    def extras(self) -> str:
        """The optional members of a callback, as they follow the others."""
        if not self.options and not self.in_memory:
            return ""
        options = {k: v for k, v in self.options.items() if k in ("retries", "timeout", "backoff") and v is not None}
        return (', "in_memory": true' if self.in_memory else "") + (', "options": ' + to_json(options) if options else "")

    def harmless(self) -> bool:
        """Nothing in the call can be changed by carrying it out."""
        if self.known_harmless is None:
            self.known_harmless = by_name_alone(self.f) and ATOMS.issuperset(map(type, self.args)) and \
                ATOMS.issuperset(map(type, self.kwargs.values()))
        return self.known_harmless


def digest(data: str) -> str:
    return digest_of(data.encode("ascii"))


def digest_of(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def quick_digest(f: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[str]:
    """The digest of a call of a module's own function with plain short arguments, as Work has it; None for other calls."""
    bare = not args and not kwargs
    if bare and f in _digests:
        return _digests[f]
    for value in itertools.chain(args, kwargs.values()):
        kind = type(value)
        if kind not in ATOMS or (kind is str or kind is bytes) and len(value) > SHORT or kind is int and value.bit_length() > SHORT:
            return None
    try:
        known = digest_of(binascii.b2a_base64(pickle.dumps((f, args, kwargs), 0), newline=False))
    except Exception:
        return None
    if bare:
        _digests[f] = known
    return known


def marks(f: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> List[Any]:
    """One digest for the callee's object and each argument, to see which of them a call changed."""
    owner = None if by_name_alone(f) else owner_of(f)
    out: List[Any] = []
    with unrecorded():
        for value in itertools.chain((owner,), args, kwargs.values()):
            try:
                out.append(hash(pickle.dumps(value, 4)))
            except Exception:
                out.append(None)
    return out


def skipping(f: Any, clock: float) -> Any:
    """In a test time is skipped: what reads a clock reads the one that the skipping moves."""
    from datetime import date, datetime

    if f is time.time or f is time.time_ns:
        return lambda: clock if f is time.time else int(clock * 1e9)
    owner, name = getattr(f, "__self__", None), getattr(f, "__name__", "")
    if owner is datetime and name in ("now", "today"):
        return lambda tz=None: datetime.fromtimestamp(clock, tz)
    if owner is datetime and name == "utcnow":
        return lambda: datetime.utcfromtimestamp(clock)
    if owner is date and name == "today":
        return lambda: date.fromtimestamp(clock)
    return f


def drive(f: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    """Carries out a call; what it has to await is awaited in a real event loop."""
    if type(f) is Builtin or not is_coroutine_function(f):
        value = f(*args, **kwargs)
        if type(value) in ATOMS or not hasattr(type(value), "__await__") and type(value) is not types.CoroutineType:
            return value
        if "asyncio" not in sys.modules:
            return value

    async def body() -> Any:
        return await (f(*args, **kwargs) if is_coroutine_function(f) else value)

    return run_for_real(body)


def run_for_real(body: Callable[[], Any]) -> Any:
    import asyncio
    import contextvars

    if asyncio._get_running_loop() is None:
        return asyncio.run(body())
    box: List[Any] = []
    context = contextvars.copy_context()

    def work() -> None:
        try:
            box.extend((True, context.run(asyncio.run, body())))
        except BaseException as exc:
            box.extend((False, exc))

    thread = threading.Thread(target=work, name="activity")
    thread.start()
    thread.join()
    if box[0]:
        return box[1]
    raise box[1]


def recorded_exception(exc: BaseException, error: Any) -> BaseException:
    frames = error.get("traceback") if isinstance(error, dict) else None
    if isinstance(frames, list) and frames:
        try:
            exc.__dict__["__ak_frames__"] = [f for f in frames if isinstance(f, dict)]
        except AttributeError:
            pass
    return exc


def flush_streams() -> None:
    for stream in _streams:
        if stream.pending:
            stream.flush()


# JSON values of requests. Integers beyond 64 bits travel as {"__int__": "digits"}.

def packed_json(value: Any, op: str, place: Where, path: str = "") -> Any:
    kind = type(value)
    if kind in (str, bool, type(None)):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return float(value)
    if isinstance(value, int):
        value = int(value)
        return value if -(1 << 63) <= value < 1 << 63 else {"__int__": "%d" % value}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        bad = [k for k in value if not isinstance(k, str)]
        if not bad:
            return {str(k): packed_json(v, op, place, "%s[%r]" % (path, k)) for k, v in value.items()}
        path, value = "%s.key(%s)" % (path, preview_of(bad[0])), bad[0]
    elif isinstance(value, (list, tuple)):
        return [packed_json(v, op, place, "%s[%d]" % (path, i)) for i, v in enumerate(value)]
    raise Misuse("%s:%d: %s: args%s (type %s, %s) is no JSON value" % (
        place[0], place[1], op, path, type_name(value), preview_of(value)))


def unpacked_json(value: Any) -> Any:
    if isinstance(value, list):
        return [unpacked_json(v) for v in value]
    if isinstance(value, dict):
        if set(value) == {"__int__"} and isinstance(value["__int__"], str):
            return int(value["__int__"])
        return {k: unpacked_json(v) for k, v in value.items()}
    return value


def seconds_of(value: Any) -> float:
    """What time.sleep takes, and refuses, as it does."""
    if isinstance(value, bool) or not (hasattr(value, "__float__") or hasattr(value, "__index__")) or isinstance(value, str):
        if not isinstance(value, bool):
            raise TypeError("%r object cannot be interpreted as seconds" % type(value).__name__)
    seconds = float(value)
    if seconds != seconds:
        raise ValueError("Invalid value NaN (not a number)")
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    if seconds > 9e9:
        raise OverflowError("timestamp too large to convert")
    return seconds


# asyncio under the recorded clock.

_real_new_event_loop: Any = None


def adopt_asyncio() -> None:
    """From now on a loop made by workflow code keeps the recorded time."""
    global _real_new_event_loop
    if _real_new_event_loop is not None or "asyncio" not in sys.modules:
        return
    import asyncio
    import asyncio.events

    _real_new_event_loop = asyncio.events.new_event_loop

    def new_event_loop() -> Any:
        session = _session
        if session is None or session.quiet or _loading or session.elsewhere():
            return _real_new_event_loop()
        return durable_loop(session)

    asyncio.events.new_event_loop = asyncio.new_event_loop = new_event_loop


def durable_loop(session: Session) -> Any:
    """An event loop that asks the engine to sleep instead of waiting in its selector."""
    import asyncio
    import selectors

    class Selector(selectors.DefaultSelector):
        def select(self, timeout: Optional[float] = None) -> Any:
            ready = super().select(0)
            if ready or timeout is not None and timeout <= 0:
                return ready
            if timeout is not None:
                session.sleep(round(timeout, 6))
                return []
            if threading.active_count() > 1:
                return super().select(None)
            raise Misuse("the program awaits something that nothing in it will ever bring about")

    class Loop(asyncio.SelectorEventLoop):
        def time(self) -> float:
            return session.clock

        def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:     # type: ignore[override]
            done = self.create_future()
            try:
                done.set_result(pick(func)(*args))
            except Exception as exc:
                done.set_exception(exc)
            return done

    loop: Any = Loop(Selector())
    loop._clock_resolution = 1e-3       # a timer that is due within a millisecond is due
    return loop


# Loading a program.

class Program:
    def __init__(self, entry: str) -> None:
        self.file, _, self.function = entry.partition(":")
        self.module: Any = None
        self.error: Optional[Json] = None

    def module_name(self) -> str:
        stem = self.file[:-3] if self.file.endswith(".py") else self.file
        return stem.strip("/").replace("/", ".")


_programs: Dict[str, Program] = {}


def preload(root: str, entry: str) -> str:
    """Imports the entry's module once in a warm process. Returns "" or one line saying why it did not load."""
    try:
        program = load(root, entry)
    except (Misuse, OSError) as exc:
        return "%s: %s" % (type(exc).__name__, exc)
    return "%s: %s" % (program.error["type"], program.error["message"]) if program.error else ""


def load(root: str, entry: str) -> Program:
    program = Program(entry)
    known = _programs.get(program.file)
    if known is not None:
        return known
    capture_streams()
    install(os.path.realpath(root))
    try:
        with unrecorded():
            adopt_package()
            program.module = import_entry(program)
            adopt_asyncio()
    except EngineError:
        raise
    except BaseException as exc:
        program.error = load_error(exc, program)
    _programs[program.file] = program
    return program


def import_entry(program: Program) -> types.ModuleType:
    assert _finder is not None
    path = os.path.join(_finder.root, program.file if program.file.endswith(".py") else program.file + ".py")
    if not os.path.isfile(path) or not _finder.holds(path):
        raise FileNotFoundError("no file %s in the program" % program.file)
    name = program.module_name()
    taken = name in STARTUP_MODULES or name in sys.builtin_module_names or name in API_PACKAGES
    if all(part.isidentifier() for part in name.split(".")) and not taken:
        return importlib.import_module(name)
    name = name + "_entry" if taken else name
    spec = importlib.util.spec_from_file_location(name, path, loader=Loader(name, path))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load_error(exc: BaseException, program: Program) -> Json:
    error = describe(exc, "load")
    if isinstance(exc, SyntaxError) and exc.filename:
        error["traceback"].append({"file": short_path(exc.filename), "line": exc.lineno or 0, "name": "<module>",
                                   "code": (exc.text or "").strip()})
    return error


def entries_of(module: Any) -> List[str]:
    return sorted(n for n in dir(module) if callable(getattr(module, n, None)) and n not in ("_ak_call", "_ak_await"))


def functions_of(module: Any) -> List[Json]:
    found = [(n, f) for n, f in vars(module).items() if getattr(f, "__module__", None) == module.__name__ and n[:4] != "_ak_"]
    return [described for described in (function_facts(n, f) for n, f in found) if described]


def function_facts(name: str, f: Any) -> Optional[Json]:
    inner = f
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    code = getattr(inner, "__code__", None)
    if not isinstance(f, Function) or not isinstance(code, types.CodeType):
        return None
    least = code.co_argcount - len(inner.__defaults__ or ())
    return {"name": name, "file": short_path(code.co_filename), "line": code.co_firstlineno,
            "is_async": bool(code.co_flags & 0x80), "is_generator": bool(code.co_flags & 0x220),
            "min_args": least, "max_args": None if code.co_flags & 0x04 else code.co_argcount}


# The packages that programs import.

def api_class(name: str, otherwise: Any) -> Any:
    return getattr(sys.modules.get("autokitteh"), name, otherwise)


def adopt_package() -> None:
    """The bundled autokitteh answers by itself; a real one from an environment gets our functions in place of its own."""
    try:
        package = importlib.import_module("autokitteh")
    except ImportError:
        return
    if getattr(package, "__ak_runtime__", False):
        return
    bundled = bundled_package()
    if bundled is None:
        return
    for name, module in list(sys.modules.items()):
        if module is not None and (name == "autokitteh" or name.startswith("autokitteh.")):
            replace_functions(module, bundled)


def bundled_package() -> Any:
    for folder in runtime_folders():
        path = os.path.join(folder, "autokitteh", "__init__.py")
        if os.path.isfile(path):
            spec = importlib.util.spec_from_file_location(
                "ak_autokitteh", path, submodule_search_locations=[os.path.dirname(path)])
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules["ak_autokitteh"] = module
            spec.loader.exec_module(module)
            return module
    return None


def replace_functions(module: Any, bundled: Any) -> None:
    """Error classes stay the real ones, since the package's own code raises them."""
    for name in bundled.__all__:
        ours = getattr(bundled, name)
        if name in module.__dict__ and not isinstance(ours, types.ModuleType) and name not in ("errors", "AutoKittehError"):
            setattr(module, name, ours)


# What the bundled packages call.

def in_session() -> bool:
    """A session runs and this is its workflow or one of its activities."""
    return _session is not None and not _loading


def current() -> Session:
    if _session is None or _loading:
        raise Misuse("no session runs here")
    return _session


def in_activity() -> bool:
    return _session is not None and (_session.activity > 0 or _session.elsewhere())


def no_activity(thing: Any) -> None:
    _verdicts.clear()
    _recorded.clear()
    _no_activity[id(thing)] = thing


class Inhibited:
    """Calls made meanwhile run in place."""

    def __enter__(self) -> None:
        self.session = None if _session is None or _session.elsewhere() else _session
        if self.session is not None:
            self.session.quiet += 1

    def __exit__(self, *_: Any) -> None:
        if self.session is not None:
            self.session.quiet -= 1


def inhibited() -> Inhibited:
    return Inhibited()


# Serving one session.

def serve(sock: Any, root: str, entry: str) -> int:
    """Runs one session over a connected stream socket (or its descriptor). Returns the exit code and raises nothing."""
    try:
        if isinstance(sock, int):
            sock = socket.socket(fileno=sock)
        dump_stack_on_signal()
        return converse(Link(sock), load(root, entry), entry)
    except EngineError as exc:
        return give_up("%s: %s" % ("protocol error" if isinstance(exc, ProtocolError) else "error", exc))
    except Misuse as exc:
        return give_up(str(exc))
    except OSError as exc:
        return give_up("error: %s" % exc)
    finally:
        leave_session()


def give_up(words: str) -> int:
    complain(words)
    return 1


def leave_session() -> None:
    global _session
    _session = None
    for stream in _streams:
        stream.pending = ""
        stream.flush()


def dump_stack_on_signal() -> None:
    import faulthandler
    import signal

    try:
        faulthandler.register(signal.SIGUSR1, file=2, all_threads=True, chain=False)
    except (AttributeError, ValueError, OSError, RuntimeError):
        pass    # no such signal here, or no standard error: the host then names no line


def converse(link: Link, program: Program, entry: str) -> int:
    global _session
    link.send("module", module_payload(program))
    if program.error:
        show_load_output()
        complain("%s did not load: %s: %s" % (program.file, program.error["type"], program.error["message"]))
        show_frames(program.error)
        return 1
    kind, run = link.receive()
    if kind != "run":
        raise ProtocolError("a %s message where run was due" % preview_of(kind))
    check_run(run)
    session = Session(link, run)
    load_output = release_load_output()
    _session = session
    for label, text in load_output:
        _streams[label == "stderr"].write(text)
    flush_streams()
    return run_handler(session, program, run)


def check_run(run: Json) -> None:
    name, event, at = run.get("func_name"), run.get("event"), run.get("at")
    if not isinstance(name, str):
        raise ProtocolError("a run message without func_name")
    if event is not None and not isinstance(event, dict):
        raise ProtocolError("the event of a run message is no object")
    replay = run.get("replay")
    if replay is not None and (isinstance(replay, bool) or not isinstance(replay, int) or replay < 0):
        raise ProtocolError("the number of recorded answers in a run message is no number")
    if at is not None and (isinstance(at, bool) or not isinstance(at, (int, float))):
        raise ProtocolError("the start time of a run message is no number")


def show_load_output() -> None:
    for label, text in release_load_output():
        _streams[label == "stderr"].write(text)
    for stream in _streams:
        stream.flush()


def show_frames(error: Json) -> None:
    for frame in error["traceback"]:
        complain('  File "%s", line %d, in %s: %s' % (frame["file"], frame["line"], frame["name"], frame["code"]))


def module_payload(program: Program) -> Json:
    payload: Json = {"entries": [], "proto": PROTO, "python": "%d.%d.%d" % sys.version_info[:3], "functions": []}
    if program.error:
        payload["error"] = program.error
    else:
        payload.update(entries=entries_of(program.module), functions=functions_of(program.module))
    return payload


def run_handler(session: Session, program: Program, run: Json) -> int:
    handler = getattr(program.module, run["func_name"], None)
    if not callable(handler):
        return end_badly(session, Misuse("no function %s in %s" % (preview_of(run["func_name"]), program.file)), "load")
    try:
        value = call_handler(handler, make_event(run.get("event")), session)
    except EngineError:
        raise
    except BaseException as exc:
        return end_badly(session, exc)
    flush_streams()
    if session.proto == 1:
        session.link.send("done")
    else:
        session.leave_history()
        with unrecorded():
            session.link.send("done", {"value": None if value is None else preview_of(value)})
    return 0


def call_handler(handler: Any, event: Any, session: Session) -> Any:
    kwargs = {"session_id": session.id} if wants_session_id(handler) else {}
    if not is_coroutine_function(handler):
        return pick(handler)(event, **kwargs)
    import asyncio

    adopt_asyncio()
    return asyncio.run(pick_awaited(handler)(event, **kwargs))


def wants_session_id(handler: Any) -> bool:
    while hasattr(handler, "__wrapped__"):
        handler = handler.__wrapped__
    code = getattr(handler, "__code__", None)
    return code is not None and "session_id" in code.co_varnames[1:code.co_argcount + code.co_kwonlyargcount]


def make_event(event: Optional[Json]) -> Any:
    decode_body(event)
    return api_class("Event", dict)(event or {})


def decode_body(event: Any) -> None:
    """A webhook's body travels as base64 text."""
    body = ((event or {}).get("data") or {}).get("body") if isinstance((event or {}).get("data"), dict) else None
    if isinstance(body, dict) and set(body) <= {"bytes", "text", "json", "form"} and isinstance(body.get("bytes"), str):
        try:
            body["bytes"] = base64.b64decode(body["bytes"], validate=True)
        except (binascii.Error, ValueError):
            pass


def end_badly(session: Session, exc: BaseException, kind: str = "") -> int:
    error = describe(exc, kind)
    flush_streams()
    if session.proto == 1:
        if isinstance(exc, (Misuse, SystemExit)):
            complain(error["message"])
        else:
            import traceback

            traceback.print_exception(type(exc), exc, exc.__traceback__, file=_streams[1].inner)
        return 1
    session.leave_history()
    session.link.send("done", {"value": None, "error": error})
    return 1


# The script.

def unpack(tar: str) -> str:
    """The folder of the user's code: beside the tar, as the engine expects it. A folder is taken as it is."""
    import tarfile

    if os.path.isdir(tar):
        return tar
    folder = os.path.join(os.path.dirname(os.path.abspath(tar)), "code")
    os.makedirs(folder, exist_ok=True)
    with tarfile.open(tar) as archive:
        for member in archive.getmembers():
            refuse_escape(member, folder)
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)
    return folder


def refuse_escape(member: Any, folder: str) -> None:
    inside = os.path.realpath(folder)
    place = os.path.realpath(os.path.join(inside, member.name))
    plain = member.isfile() or member.isdir()
    if not plain or place != inside and not place.startswith(inside + os.sep):
        raise OSError("the program's archive holds %s, which is no plain file inside it" % preview_of(member.name))


def connect(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(path)
    return sock


def main(argv: List[str]) -> int:
    import signal
    import tarfile

    if len(argv) != 3:
        print("usage: ak_runner.py SOCK TAR FILE.py:FUNC", file=sys.stderr)
        return 2
    # Ctrl-C is for the engine to handle; a handler, unlike SIG_IGN, is not inherited by the programs that user code starts.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        folder = unpack(argv[1])
        sock = connect(argv[0])
    except (OSError, tarfile.TarError) as exc:
        return give_up("error: %s" % exc)
    return serve(sock, folder, argv[2])


if __name__ == "__main__":
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if threading.active_count() > 1:
        os._exit(code)      # threads that user code left behind do not hold the session
    sys.exit(code)
