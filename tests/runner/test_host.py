"""preload and serve, as a host with an embedded interpreter calls them; the cache of compiled code."""
import glob
import os
import subprocess
import sys
import textwrap

from harness import ROOT, Case

HOST = """
import json, os, socket, sys
sys.path.insert(0, {root!r})
import {module} as runner
from harness import Engine, Run
answer = runner.preload({code!r}, "main.py")
print("preload:", repr(answer))
for n in range({sessions}):
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        os._exit(runner.serve(theirs.detach(), {code!r}, "main.py:on_event"))
    theirs.close()
    run = Run()
    engine = Engine()
    engine.talk(ours, run, "on_event", {{"data": {{"n": n}}}})
    ours.close()
    print(json.dumps([os.waitpid(pid, 0)[1], run.text, run.calls, run.error and run.error["message"]]))
"""


class Host(Case):
    def host(self, files, sessions=1, module="ak_runner"):
        code = os.path.join(self.dir, "project")
        for name, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(code, name)), exist_ok=True)
            with open(os.path.join(code, name), "w", encoding="utf-8") as file:
                file.write(text)
        source = HOST.format(root=ROOT, code=code, sessions=sessions, module=module)
        done = subprocess.run([sys.executable, "-c", source], cwd=os.path.dirname(os.path.abspath(__file__)), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, env=dict(os.environ, PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1"))
        return done.stdout.decode().splitlines(), done.stderr.decode()

    def test_one_preload_serves_forked_sessions(self):
        files = {"main.py": "import os\nprint('loaded in', 'one process')\nHOME = os.getpid()\nSEEN = []\ndef on_event(event):\n"
                            "    SEEN.append(event.data.n)\n    print(SEEN, os.getpid() == HOME)\n"}
        out, err = self.host(files, sessions=3)
        self.assertEqual(out[0], "preload: ''")
        self.assertEqual(out[1:], ['[0, "loaded in one process\\n[%d] False\\n", ["getpid"], null]' % n for n in range(3)])
        self.assertEqual(err, "")

    def test_load_failure_is_one_line_and_told_to_each_session(self):
        out, err = self.host({"main.py": "raise ValueError('no')\n"}, sessions=1)
        self.assertEqual(out[0], "preload: 'ValueError: no'")
        self.assertIn("main.py did not load: ValueError: no", err)

    def test_serve_takes_a_socket_too_and_preloads_by_itself(self):
        code = textwrap.dedent("""
            import os, socket, sys, threading
            sys.path.insert(0, %r)
            import ak_runner
            from harness import Engine, Run
            os.makedirs(%r)
            open(os.path.join(%r, 'm.py'), 'w').write("def f(e): print('hi')")
            ours, theirs = socket.socketpair()
            run = Run()
            thread = threading.Thread(target=lambda: Engine().talk(ours, run, 'f', {}))
            thread.start()
            code = ak_runner.serve(theirs, %r, 'm.py:f')
            thread.join()
            print("%%s %%s" %% (code, run.prints))
        """) % (ROOT, self.dir + "/p", self.dir + "/p", self.dir + "/p")
        done = subprocess.run([sys.executable, "-c", code], cwd=os.path.dirname(os.path.abspath(__file__)), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual(done.stdout.decode().strip(), "0 [('stdout', 'hi\\n', 0)]")

    def test_a_second_root_in_one_process_is_refused_in_words(self):
        code = "import sys\nsys.path.insert(0, %r)\nimport ak_runner, tempfile\nak_runner.preload(%r, 'x.py')\nd = tempfile.mkdtemp()\n" \
               "print(ak_runner.preload(d, 'y.py'))" % (ROOT, self.dir)
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertIn(b"it cannot serve", done.stdout)
        self.assertNotIn(b"Traceback", done.stdout)


class CodeCache(Case):
    PROGRAM = {"main.py": "import side\ndef on_event(e): print(side.f())\n", "side.py": "import os\ndef f(): return os.getpid() > 0\n"}

    def run_with(self, folder):
        run = self.execute(self.PROGRAM, env={"AK_CODE_CACHE": folder})
        self.assertEqual((run.text, run.calls), ("True\n", ["getpid"]))

    def files(self, folder):
        return sorted(glob.glob(os.path.join(folder, "*.akc")))

    def test_code_is_cached_by_content(self):
        folder = os.path.join(self.dir, "cache")
        self.run_with(folder)
        before = [(f, os.stat(f).st_mtime_ns) for f in self.files(folder)]
        self.assertEqual(len(before), 2)
        self.run_with(folder)
        self.assertEqual([(f, os.stat(f).st_mtime_ns) for f in self.files(folder)], before)

    def test_damaged_files_count_as_absent(self):
        folder = os.path.join(self.dir, "cache")
        self.run_with(folder)
        for path in self.files(folder):
            with open(path, "r+b") as file:
                size = file.seek(0, 2)
                file.seek(size // 2)
                file.write(b"\xff\xff\xff")
        self.run_with(folder)
        for size in (0, 10, 40):
            for path in self.files(folder):
                os.truncate(path, size)
            self.run_with(folder)

    def test_a_folder_that_others_can_write_is_not_read(self):
        folder = os.path.join(self.dir, "cache")
        self.run_with(folder)
        import hashlib
        import marshal
        body = marshal.dumps(compile("raise SystemExit('taken from the cache')", "x", "exec"))
        for path in self.files(folder):
            with open(path, "wb") as file:
                file.write(hashlib.sha256(body).digest() + body)
        os.chmod(folder, 0o777)
        self.run_with(folder)

    def test_a_cache_that_cannot_be_written_costs_time_only(self):
        path = os.path.join(self.dir, "file")
        open(path, "w").close()
        self.run_with(os.path.join(path, "cache"))


if __name__ == "__main__":
    import unittest
    unittest.main()
