"""The table of commands, as everything that is written from it shows it: help, completion, pages for man, docs."""
import functools
import json
import os
import re
import shutil
import subprocess

import pytest

import tools
from run_host import ROOT, build_dir

SHELLS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


def ak(*args, status=0, **options):
    done = subprocess.run([str(build_dir() / "ak"), *map(str, args)], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return done


@functools.cache
def help_of(*path):
    return ak(*path, "--help").stdout


def below(*path):
    part = re.search(r"^Commands:\n((?:  .*\n)+)", help_of(*path), re.M)
    return re.findall(r"^  (\S+)", part[1], re.M) if part else []


def flags(*path):
    return re.findall(r"^  (?:-\w, |    )--(\S+)", help_of(*path).split("Flags:\n")[1], re.M)


@functools.cache
def commands():
    """Every command, as a tuple of words."""
    found, open_ = [], [()]
    while open_:
        path = open_.pop()
        found.append(path)
        open_ += [(*path, word) for word in below(*path)]
    return sorted(found)


def completion(shell):
    return ak("completion", shell).stdout


def bash_offers(line, tmp_path):
    """What bash offers after `line`, asked as bash asks it."""
    (tmp_path / "ak.bash").write_text(completion("bash"))
    words = line.split(" ")
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ak; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    out = tools.run("bash", "-c", script, "bash", tmp_path / "ak.bash", *words, cwd=tmp_path)
    return sorted(word for word in out.splitlines() if word)


def test_every_command_has_help_that_tells_each_flag_once():
    assert len(commands()) > 40
    for path in commands():
        text = help_of(*path)
        assert text.startswith(" ".join(("ak", *path)) + ": ") and "Usage: " in text
        assert sorted(set(flags(*path))) == sorted(flags(*path)), path
        assert {"json", "help"} <= set(flags(*path)), path
        assert max(map(len, text.splitlines())) <= 110, path


def test_the_docs_name_every_command():
    page = (ROOT / "docs/ak.md").read_text()
    named = {}
    for row in re.findall(r"^\| `ak ([^`]+)` \|", page, re.M):
        words = row.replace("\\|", "|").split()
        children = words[1].split("|") if len(words) > 1 and re.fullmatch(r"[a-z|]+", words[1]) else []
        named.setdefault(words[0], set()).update(children)
    assert {c for c, *_ in filter(None, commands())} == set(named)
    for command, children in named.items():
        assert set(below(command)) == (children if below(command) else set()), command


def test_a_wrong_word_is_40_and_names_the_nearest():
    for words, sentence in [(["depoly"], "did you mean 'ak deploy'?"), (["session", "lst"], "did you mean 'ak session list'?"),
                            (["com"], "did you mean 'ak completion'?"), (["ses"], "did you mean 'ak session'?"),
                            (["deploy", "--chekc"], "did you mean --check?"), (["qwertz"], "see ak --help"),
                            (["completion", "zhs"], "did you mean zsh?"), (["session", "get"], "usage: ak session get"),
                            (["serve", "--listen"], "--listen needs a value: --listen HOST:PORT"),
                            (["serve", "more"], "'more' is too much"), (["deploy", "--check=1"], "--check takes no value")]:
        done = ak(*words, status=40)
        assert sentence in done.stderr and done.stderr.count("\n") == 1 and done.stdout == "", words


@pytest.mark.parametrize("words, code, sentence", [
    (["run", "gone.py:main"], 44, "gone.py: No such file or directory"),
    (["run", "gone"], 40, "it looks like file.py:function"),
    (["deploy"], 44, "./autokitteh.yaml: No such file or directory; ak init makes a project with one"),
    (["deploy", "gone"], 44, "gone: No such file or directory"),
    (["manifest", "plan", "gone"], 44, "gone: No such file or directory"),
    (["serve", "--listen", "9980"], 40, "--listen wants HOST:PORT, not '9980'"),
    (["serve", "--listen", "0.0.0.0:0"], 41, "set a token first"),
    (["session", "list", "-n", "ten"], 40, "--limit wants a whole number, not 'ten'"),
    (["session", "list", "--state", "dead"], 40, "no state is called 'dead'"),
    (["session", "get", "ses_x"], 44, "no session is called 'ses_x'"),
    (["session", "fork", "ses_x"], 40, "--from N is missing"),
    (["session", "prune"], 40, "--older-than wants an age like 30d"),
    (["deployment", "get", "dep_x"], 44, "no deployment is called 'dep_x'"),
    (["event", "list", "-n", "-1"], 40, "--limit wants a whole number, not '-1'"),
    (["event", "redispatch", "evt_x"], 42, "start one with: ak serve"),
    (["var", "get"], 44, "there is no project yet; ak deploy brings one"),
    (["var", "set", "a b", "c"], 40, "is no name of a variable"),
    (["config", "set", "nothing", "1"], 44, "no setting is called 'nothing'"),
    (["config", "set", "limits.line", "long"], 40, "must be a whole number above 0, not 'long'"),
    (["test", "gone"], 44, "gone: No such file or directory"),
    (["test", "--timeout", "soon"], 40, "--timeout wants seconds, not 'soon'"),
    (["worker"], 40, "--temporal HOST:PORT is missing"),
    (["worker", "--temporal", "here"], 40, "--temporal wants HOST:PORT, not 'here'"),
    (["manual", "/proc/x"], 1, "/proc/x: No such file or directory"),
    (["init", "/proc/x"], 1, "/proc/x: No such file or directory"),
])
def test_what_cannot_be_is_a_sentence_and_its_exit_code(tmp_path, words, code, sentence):
    done = ak("--data", tmp_path / "state", *words, status=code, cwd=tmp_path, env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)})
    assert sentence in done.stderr and done.stdout == "" and done.stderr.count("\n") == 1


def test_init_overwrites_nothing(tmp_path):
    ak("init", "hello", cwd=tmp_path)
    (tmp_path / "hello/program.py").write_text("mine = 1\n")
    (tmp_path / "hello/autokitteh.yaml").unlink()
    done = ak("init", "hello", status=42, cwd=tmp_path)
    assert "program.py is there already; nothing was written" in done.stderr
    assert (tmp_path / "hello/program.py").read_text() == "mine = 1\n" and not (tmp_path / "hello/autokitteh.yaml").exists()


def test_who_reads_one_line_and_goes_hears_no_complaint(tmp_path):
    tools.need_program("bash")
    cases = tmp_path / "cases"
    cases.mkdir()
    for i in range(3):
        (cases / f"{i}.txtar").write_text("-- main.py:main --\ndef main(event):\n    pass\n")
    for words in ("--help", "config list", "completion zsh", f"test {cases}"):
        done = subprocess.run(["bash", "-c", f"'{build_dir()}/ak' {words} | head -n 1; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60, env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)})
        assert done.stdout.count("\n") == 1 and done.stderr == "" and done.returncode in (0, 141), (words, done)


def test_doctor_tells_what_is_there_and_what_is_not(tmp_path):
    def doctor(data, status, **env):
        lines = json.loads(ak("--data", data, "doctor", "--json", status=status, env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path), **env}).stdout)
        return {line["what"]: line for line in lines}
    well = doctor(tmp_path / "state", 0)
    assert {"settings", "state", "room", "packages", "store", "server", "interpreter", "environments", "time zones"} == set(well)
    assert well["store"]["words"] == "nothing was run yet" and all(line["well"] for line in well.values())
    (tmp_path / "state").chmod(0o777)
    assert "chmod 700" in doctor(tmp_path / "state", 1)["state"]["words"]
    (tmp_path / "state").chmod(0o700)
    # Without the standard library there is no venv in it; that is no illness.
    assert doctor(tmp_path / "state", 0, PYTHONHOME=str(tmp_path))["environments"]["there"] is False
    (tmp_path / "ak").mkdir()
    (tmp_path / "ak/config.yaml").write_text("serve: [\n")
    ill = doctor(tmp_path / "state", 1)
    assert not ill["settings"]["well"] and "config.yaml" in ill["settings"]["words"]


def test_last_is_the_newest_session_and_a_webhook_has_its_address(tmp_path):
    here = ["--data", tmp_path / "state"]
    env = {"env": {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}, "cwd": tmp_path}
    assert "there is no session yet" in ak(*here, "session", "get", "last", status=44, **env).stderr
    ak("init", "hello", **env)
    with (tmp_path / "hello/autokitteh.yaml").open("a") as manifest:
        manifest.write("    - name: nightly\n      type: schedule\n      schedule: '0 3 * * *'\n      call: program.py:on_hello\n")
    (tmp_path / "two.py").write_text("def one(event):\n    print('one')\n\n\ndef two(event):\n    print('two')\n")
    for name in ("one", "two"):
        ak(*here, "run", f"two.py:{name}", **env)
    assert ak(*here, "session", "log", "last", "--prints", **env).stdout == "two\n"
    assert json.loads(ak(*here, "session", "get", "last", "--json", **env).stdout)["state"] == "completed"
    ak(*here, "session", "replay", "last", **env)
    assert ak(*here, "session", "restart", "last", **env).stdout == "two\n"
    ak(*here, "deploy", "hello", **env)
    url = ak(*here, "trigger", "url", "hello", **env).stdout
    assert re.fullmatch(r"http://127\.0\.0\.1:9980/webhooks/\w+\n", url)
    ak("config", "set", "serve.url", "https://hooks.example.org/", **env)
    outside = ak(*here, "trigger", "url", "hello", "--json", **env).stdout
    assert json.loads(outside)["url"] == url.strip().replace("http://127.0.0.1:9980", "https://hooks.example.org")
    assert "no trigger is called 'helo'" in ak(*here, "trigger", "url", "helo", status=44, **env).stderr
    assert "'nightly' is no webhook" in ak(*here, "trigger", "url", "nightly", status=42, **env).stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_a_script_of_its_shell_and_knows_every_command(shell, tmp_path):
    tools.need_program(shell)
    (tmp_path / "script").write_text(completion(shell))
    tools.run(*SHELLS[shell], tmp_path / "script")
    for path in filter(None, commands()):
        assert re.search(rf"\b{path[-1]}\b", (tmp_path / "script").read_text()), path


def test_bash_offers_commands_flags_and_files(tmp_path):
    tools.need_program("bash")
    assert bash_offers("ak ", tmp_path) == sorted(below())
    assert bash_offers("ak se", tmp_path) == ["serve", "session"]
    assert bash_offers("ak --data x session l", tmp_path) == ["list", "log"]
    assert bash_offers("ak session list --s", tmp_path) == ["--" + f for f in sorted(flags("session", "list")) if f[0] == "s"]
    for path in filter(None, commands()):
        assert set(bash_offers(" ".join(("ak", *path, "--")), tmp_path)) == {"--" + f for f in flags(*path)} | {"--data"}, path
    (tmp_path / "program.py").touch()
    assert bash_offers("ak run pro", tmp_path) == ["program.py"]
    assert bash_offers("ak serve --listen ", tmp_path) == []
    assert bash_offers("ak completion z", tmp_path) == ["zsh"]


def test_fish_offers_commands_and_flags(tmp_path):
    tools.need_program("fish")
    (tmp_path / "ak.fish").write_text(completion("fish"))

    def offers(line):
        out = tools.run("fish", "--no-config", "-c", f"source {tmp_path}/ak.fish; complete -C '{line}'", env={"HOME": str(tmp_path)})
        return sorted(row.split("\t")[0] for row in out.splitlines())
    assert offers("ak ") == sorted(below())
    assert offers("ak session l") == ["list", "log"]
    assert {"--" + f for f in flags("deploy")} <= set(offers("ak deploy --"))
    assert "--check" not in offers("ak serve --")


def test_zsh_offers_commands_and_flags(tmp_path):
    """Asked by a terminal, as zsh completes for nobody else."""
    tools.need_program("zsh")
    (tmp_path / "_ak").write_text(completion("zsh"))
    (tmp_path / "ask.zsh").write_text('''
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -d $1/dump; zstyle ':completion:*' verbose no"
zpty -w shell "zstyle ':completion:*' list-prompt ''; LISTMAX=1000; print re''ady"
zpty -r shell out '*ready*'
zpty -w -n shell "$2"$'\\t\\t'
repeat 100; do sleep 0.05; zpty -r -t shell more && out+=$more; [[ $out == *$~3* ]] && break; done
print -r -- "$out"
''')

    def offers(line, until):
        return tools.run("zsh", "-f", tmp_path / "ask.zsh", tmp_path, line, f"*{until}*", env={"HOME": str(tmp_path), "TERM": "dumb"})
    assert "session log" in offers("ak session lo", "session log")
    assert "--migrate" in offers("ak deploy --mi", "--migrate")


def test_pages_for_man_are_clean_and_tell_every_command_and_flag(tmp_path):
    tools.need_program("groff")
    made = json.loads(ak("manual", tmp_path / "man", "--json").stdout)
    pages = {p.name: p for p in (tmp_path / "man").iterdir()}
    assert set(pages) == {"ak.1", *(f"ak-{word}.1" for word in below())} == set(made["pages"])
    for path in filter(None, commands()):
        page = pages[f"ak-{path[0]}.1"].read_text().replace("\\-", "-")
        for flag in flags(*path):
            assert f"--{flag}" in page, (path, flag)
    for name, page in pages.items():
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-Kutf8", page], capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == "", name + done.stderr
        assert "EXIT STATUS" in re.sub(".\x08", "", done.stdout)
    if shutil.which("man"):
        assert "ak session fork" in tools.run("man", "-l", pages["ak-session.1"], env={"PAGER": "cat", "MANWIDTH": "100"})
