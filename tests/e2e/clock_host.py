"""A wall clock that tests move, for a server and what it starts: a preloaded library (clock_shim.c) adds what a file says."""
import subprocess

from run_host import ROOT
from tools import need_program


class Clock:
    def __init__(self, folder):
        need_program("cc")
        self.library, self.file, self.fresh = folder / "clock.so", folder / "clock", folder / "clock.new"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, ROOT / "tests" / "e2e" / "clock_shim.c"], check=True)
        self.file.write_text("0")
        self.env = {"LD_PRELOAD": str(self.library), "AK_CLOCK_FILE": str(self.file)}

    def set_ahead(self, seconds):
        self.fresh.write_text(str(seconds))
        self.fresh.rename(self.file)
