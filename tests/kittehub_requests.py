"""Requests to kittehub's projects, and what has to come of them. Run by kittehub.sh."""
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

url, triggers, ak, state = sys.argv[1:]
with open(triggers) as file:
    paths = {row["name"]: row["path"] for row in map(json.loads, file) if "path" in row}


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(Stay)


def send(trigger, suffix="", body=None, kind="application/json", method=None):
    request = urllib.request.Request(url + paths[trigger] + suffix, body, {"Content-Type": kind} if body else {}, method=method)
    try:
        with opener.open(request, timeout=40) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode(), answer.headers


def command(*args):
    return subprocess.run([ak, "--data", state, *args], capture_output=True, text=True, timeout=30, check=True).stdout


def prints(session):
    """What the session printed, once it has ended."""
    for _ in range(300):
        if json.loads(command("session", "get", session, "--json"))["state"] not in ("created", "running"):
            break
        time.sleep(0.1)
    ended = json.loads(command("session", "get", session, "--json"))
    assert ended["state"] == "completed", ended
    return command("session", "log", session, "--prints")


def started(answer):
    assert answer[0] == 202, answer
    return json.loads(answer[1])["session_id"]


def check(name, well):
    print(("ok      " if well else "FAILED  ") + name)
    if not well:
        sys.exit(1)


check("quickstart counts to five", prints(started(send("quickstart_webhook"))).count("Loop iteration") == 5)

heard = []
asking = threading.Thread(target=lambda: heard.append(send("first")))
asking.start()
for _ in range(50):
    time.sleep(0.2)
    send("second", "", b"it is me", "text/plain")
    if heard:
        break
asking.join()
# Its program reads e.body, which is there on the hosted service as next_event gives the data alone.
check("sync_webhook answers what the second webhook brings", heard[0][:2] == (200, "it is me"))

session = started(send("meow_webhook", "/meow"))
time.sleep(1.5)
send("meow_webhook", "/woof")
check("runtime_events gets its woof", "Got a woof" in prints(session))

got = prints(started(send("receive_http_get_or_head", "?a=1")))
check("http receives a GET", "Triggered by an HTTP GET request" in got and "a = 1" in got)
got = prints(started(send("receive_http_post_form", "", b"x=1&y=two", "application/x-www-form-urlencoded")))
check("http receives a form", "x = 1" in got and "y = two" in got)
got = prints(started(send("receive_http_post_json", "", b'{"n": [1, 2]}')))
check("http receives JSON", "JSON: {'n': [1, 2]}" in got)

status, body, _ = send("webhook")
check("tictactoe helps", status == 200 and "TicTacToe" in body)
status, _, headers = send("webhook", "/new")
check("tictactoe starts a game", status == 302 and headers["Location"].startswith(url))
game = headers["Location"].split("/game/")[1]
status, body, _ = send("webhook", "/game/" + game)
check("tictactoe shows its board", status == 200 and "<html" in body.lower())
