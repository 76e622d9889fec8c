"""A stand-in for the runner of AutoKitteh's first protocol (April 2024), by its description in docs/protocol.md: connects,
names its module's functions, and asks before each external call. It knows no numbers, errors, timers or prints."""
import ast
import base64
import importlib.util
import json
import os
import pickle
import socket
import sys
import tarfile

sock_path, tar_path, entry = sys.argv[1:4]
code = os.path.join(os.path.dirname(tar_path), "code-%d" % os.getpid())
tarfile.open(tar_path).extractall(code)
sys.path.insert(0, code)
sock = socket.socket(socket.AF_UNIX)
sock.connect(sock_path)
lines = sock.makefile("r", encoding="utf-8")
file_name = entry.split(":")[0]


def send(kind, payload=None):
    message = {"type": kind} if payload is None else {"type": kind, "payload": payload}
    sock.sendall((json.dumps(message) + "\n").encode("utf-8"))


def pack(value):
    return base64.b64encode(pickle.dumps(value, 0)).decode()


def ak_call(fn, *args, **kw):
    if getattr(fn, "__module__", None) == module.__name__ or fn in (print, len):
        return fn(*args, **kw)
    send("callback", {"name": fn.__name__, "args": [str(a) for a in args], "kw": {k: str(v) for k, v in kw.items()},
                      "data": pack((fn, args, kw))})
    message = json.loads(lines.readline())
    if message["type"] == "callback":           # not recorded yet: do it
        do, args, kw = pickle.loads(base64.b64decode(message["payload"]["data"]))
        send("response", {"value": pack(do(*args, **kw))})
        message = json.loads(lines.readline())
    return pickle.loads(base64.b64decode(message["payload"]["value"]))


class Patch(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        return ast.Call(ast.Name("_ak_call", ast.Load()), [node.func] + node.args, node.keywords)


spec = importlib.util.spec_from_file_location(file_name[:-3], os.path.join(code, file_name))
module = importlib.util.module_from_spec(spec)
module._ak_call = ak_call
sys.modules[module.__name__] = module
tree = ast.fix_missing_locations(Patch().visit(ast.parse(spec.loader.get_source(spec.name))))
exec(compile(tree, file_name, "exec"), module.__dict__)
send("module", {"entries": sorted(n for n in dir(module) if callable(getattr(module, n)) and n != "_ak_call")})
run = json.loads(lines.readline())["payload"]
getattr(module, run["func_name"])(run["event"] or {})
send("done")
