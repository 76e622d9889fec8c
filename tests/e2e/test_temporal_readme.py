"""README.md's lines about Temporal, on a server of the tests. `ak worker` fetches the SDK by itself, as it would for a user."""
import os
import re

import tools
from run_host import build_dir
from temporal_host import Server, free_port
from test_readme import readme, run_blocks


def test_the_readme_on_a_cluster(tmp_path, monkeypatch):
    tools.run(build_dir() / "ak", "init", tmp_path / "hello")
    # The client of the package registry is set up as it is outside.
    pip = {k: v for k, v in os.environ.items() if re.fullmatch(r"(?i)pip_\w+|\w*_proxy|ssl_cert_\w+|requests_ca_bundle", k)}
    for file in ("/etc/pip.conf", os.path.expanduser("~/.config/pip/pip.conf"), os.path.expanduser("~/.pip/pip.conf")):
        if "PIP_CONFIG_FILE" not in pip and os.path.exists(file):
            pip["PIP_CONFIG_FILE"] = file
    server = Server(tmp_path)
    try:
        there = readme.README.read_text().replace("127.0.0.1:7233", server.address)
        monkeypatch.setattr(readme, "README", tmp_path / "README.md")
        readme.README.write_text(there)
        run_blocks(tmp_path, ["temporal"], free_port(), cwd=tmp_path / "hello", timeout=280, **pip)
        (block,) = [b for b in readme.blocks() if b.who == "temporal"]
        assert "'Hello, Ada!'" in (tmp_path / "out" / str(block.number)).read_text()
    finally:
        server.stop()
