"""The transcripts in docs/protocol.md are what the runner says, byte for byte. AK_UPDATE=1 rewrites the runner's lines."""
import os
import platform
import re
import unittest

from harness import ROOT, Case

DOCS = os.path.join(ROOT, "docs", "protocol.md")
BLOCK = re.compile(r"```(python|transcript)\n(.*?)```", re.S)


@unittest.skipUnless(os.path.exists(DOCS), "the docs are not here")
class Transcripts(Case):
    def play(self, program, transcript):
        """Sends the engine's lines in their places; returns the transcript with the lines that the runner really said."""
        process, sock = self.start({"main.py": program}, "main.py:on_event")
        file, shown = sock.makefile("rb"), []
        for line in transcript.splitlines():
            if line.startswith("← "):
                shown.append(line)
                sock.sendall(line[2:].encode() + b"\n")
            else:
                said = file.readline().decode().rstrip("\n")
                shown.append("→ " + said.replace('"%s"' % platform.python_version(), '"$PYTHON"'))
        rest = file.read().decode()
        sock.close()
        process.communicate(timeout=60)
        return "\n".join(shown) + "\n", rest

    def test_transcripts_of_the_docs_are_true(self):
        with open(DOCS, encoding="utf-8") as file:
            text = file.read()
        program, new, count = None, text, 0
        for kind, body in BLOCK.findall(text):
            if kind == "python":
                program = body
                continue
            shown, rest = self.play(program, body)
            count += 1
            if os.environ.get("AK_UPDATE"):
                new = new.replace("```transcript\n%s```" % body, "```transcript\n%s```" % shown)
                continue
            with self.subTest(transcript=count):
                self.assertEqual(shown, body)
                self.assertEqual(rest, "")
        self.assertEqual(count, 7)
        if new != text:
            with open(DOCS, "w", encoding="utf-8") as file:
                file.write(new)


if __name__ == "__main__":
    unittest.main()
