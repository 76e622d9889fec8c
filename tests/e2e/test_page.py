"""The page of `ak serve`, used as a person uses it: with eyes on what it says, with mouse and keys."""
import json
import re
import sqlite3

import pytest

from page_host import browser as a_browser
from page_host import playwright, window
from run_host import wait_until
from serve_host import Server, serving

HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script> \x1b[2J \u202egnp.exe &amp; '\""


@pytest.fixture(scope="module")
def browser():
    with a_browser() as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("page"), "shop", "quickstart") as running:
        yield running


def order(server, **more):
    return server.post("order", {"item": "tea", "count": 2, "cards": ["good"], **more}).json["session_id"]


def failed_order(server, item="tea"):
    """Waits for approval, then fails at the second card."""
    session = order(server, item=item, count=20, cards=["good", "stolen"])
    wait_until(lambda: server.session(session).get("wait", {}).get("kind") == "event")
    server.request("POST", server.paths["approve"], "yes")
    assert server.wait(session)["state"] == "error"
    return session


def expect(locator):
    return playwright().expect(locator)


# ---- The story

def test_find_what_failed_see_why_fork_watch_stop(browser, server):
    session = failed_order(server)
    with window(browser, server) as w:
        page = w.open()
        page.get_by_role("button", name=re.compile("^Failed")).click()
        row = page.get_by_role("link", name=re.compile("failed.*program.py:on_order.*'stolen' was declined"))
        expect(row.first).to_be_visible()
        row.first.click()
        why = page.get_by_role("region", name="Why it failed")
        expect(why.get_by_role("heading", name="ValueError: card 'stolen' was declined for 250.00")).to_be_visible()
        expect(why.get_by_text("program.py:27").first).to_be_visible()
        expect(why.locator(".line-at").first).to_contain_text("raise ValueError(f\"card {card!r} was declined for {amount:.2f}\")")
        expect(why).to_contain_text("It failed in step 11: charge('stolen', 250.0)")
        # Where in the picture, and the step with its values and its line.
        expect(page.locator(".box-bad")).to_have_text(["step: charge, program.py:46charge"])
        step = page.get_by_role("button", name=re.compile(r"^11 step: charge\('stolen', 250.0\) raised ValueError"))
        step.click()
        panel = page.locator("#step-11")
        expect(page.get_by_role("button", name=re.compile("^1 print: looking up tea program.py:12"))).to_be_visible()
        expect(panel).to_contain_text("'stolen', 250.0")
        expect(panel.locator(".excerpt .line-at").first).to_contain_text("receipt = charge(card, amount)")
        # From the wait before: approval is wanted again.
        page.get_by_role("button", name=re.compile("^6 wait: next_event")).click()
        page.locator("#step-6").get_by_role("button", name="Fork from step 6").click()
        page.get_by_role("dialog").get_by_role("button", name="Fork", exact=True).click()
        expect(page.locator(".now")).to_contain_text("waits for an event")
        fork = page.url.rsplit("/", 1)[1]
        assert fork != session and fork.startswith("ses_")
        expect(page.locator(".box-now")).to_have_count(1)
        expect(page.get_by_role("listitem").filter(has_text="look_up")).to_be_visible()
        # Live: what happens elsewhere shows here.
        server.request("POST", server.paths["approve"], "again")
        expect(page.locator(".title .badge")).to_have_text("failed")
        expect(page.get_by_role("button", name=re.compile("a large order: again"))).to_be_visible()
        # Once more, and this one is stopped.
        page.get_by_role("region", name="Why it failed").get_by_text("step 11: charge").click()
        page.go_back()
        page.get_by_role("button", name=re.compile("^6 wait: next_event")).click()
        page.locator("#step-6").get_by_role("button", name="Fork from step 6").click()
        page.get_by_role("dialog").get_by_role("button", name="Fork", exact=True).click()
        expect(page.locator(".now")).to_contain_text("waits for an event")
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_label("Reason").fill("seen enough")
        page.get_by_role("button", name="Stop it").click()
        expect(page.locator(".title .badge")).to_have_text("stopped")
        expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
        assert server.session(page.url.rsplit("/", 1)[1])["state"] == "stopped"


def test_the_same_by_keys_alone(browser, server):
    failed_order(server, item="keys")
    with window(browser, server) as w:
        page = w.open()
        expect(page.locator("[data-row]").first).to_be_visible()
        page.keyboard.press("/")
        page.keyboard.type("stolen")
        expect(page.locator("[data-row]").filter(has_not_text="stolen")).to_have_count(0)
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        expect(page.get_by_role("region", name="Why it failed")).to_be_visible()
        # The focus is where the reading goes on; Tab leads to the buttons in order.
        page.keyboard.press("j")
        page.keyboard.press("j")
        focused = page.locator(":focus")
        expect(focused).to_have_attribute("aria-expanded", "false")
        page.keyboard.press("Enter")
        expect(focused).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("Tab")
        for _ in range(20):
            if "Fork from step" in (page.locator(":focus").text_content() or ""):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.locator(":focus")).to_contain_text("Fork from step")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        expect(page.locator(".title .badge")).to_have_text(re.compile("waiting|running"))
        page.get_by_role("button", name="Stop", exact=True).focus()
        page.keyboard.press("Enter")
        page.keyboard.type("by keys")
        page.keyboard.press("Enter")
        expect(page.locator(".title .badge")).to_have_text("stopped")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("filter sessions")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.keyboard.press("g")
        expect(page.get_by_role("heading", name="Sessions")).to_be_visible()


def test_the_list_is_live(browser, server):
    server.wait(order(server))
    with window(browser, server) as w:
        page = w.open()
        expect(page.locator("[data-row]").first).to_be_visible()
        session = server.post("nap", {"seconds": 3600}).json["session_id"]
        row = page.locator(f"[data-row][href='#/sessions/{session}']")
        expect(row).to_contain_text("waiting")
        expect(row).to_contain_text("sleeps until")
        server.ak("session", "stop", session)
        expect(row).to_contain_text("stopped")
        asked = [url for url in w.asked if "/sessions?" in url]
        assert len(asked) == 1, "the list came once, the rest by the stream"


def test_the_connection_comes_back(browser, tmp_path):
    server = Server(tmp_path)
    server.deploy("shop")
    server.start()
    try:
        with window(browser, server) as w:
            page = w.open()
            server.kill()
            expect(page.locator("#live")).to_have_text("Reconnecting")
            w.faults.clear()  # the browser tells of a server that is not there
            server.start()
            expect(page.locator("#live")).to_have_text("Live", timeout=30000)
            w.faults.clear()
            session = order(server)
            expect(page.locator(f"[data-row][href='#/sessions/{session}']")).to_contain_text("completed")
    finally:
        server.kill()


# ---- What comes from outside is text

def test_hostile_words_are_shown_as_text(browser, server):
    session = server.request("POST", server.paths["hostile"], HOSTILE.encode()).json["session_id"]
    server.wait(session)
    event = server.session(session)["event_id"]
    shown = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script> \\x1b[2J \\u202egnp.exe &amp; '\""
    with window(browser, server) as w:
        page = w.open("/sessions/" + session)
        expect(page.get_by_role("heading", name="RuntimeError: " + shown)).to_be_visible()
        expect(page.get_by_role("button", name="1 print: " + shown)).to_be_visible()
        for button in page.locator(".step-head").all():
            button.click()
        page.goto(f"{w.base}/#/events/{event}")
        expect(page.locator(".json")).to_contain_text("<img src=x onerror=")
        page.goto(f"{w.base}/#/sessions")
        expect(page.locator("[data-row]").filter(has_text="RuntimeError: <img src=x").first).to_be_visible()
        page.goto(f"{w.base}/#/data")
        page.get_by_label("Project").select_option(label="shop_sample")
        expect(page.get_by_text("<script>document.title=").first).to_be_visible()
        assert page.title() != "broken" and page.locator("img, main script").count() == 0


def test_hostile_names_are_shown_as_text(browser, tmp_path):
    """Names that no deploy lets through, but that a store could hold."""
    with serving(tmp_path, "shop") as server:
        session = order(server)
        server.wait(session)
        server.kill()
        with sqlite3.connect(server.ak.data + "/ak.db") as database:
            database.execute("update session set entry = ? where id = ?", (f"program.py:{HOSTILE}", session))
            database.execute("update project set name = ?", (HOSTILE,))
            database.execute("update trig set name = ? where name = 'nap'", (HOSTILE,))
        server.start()
        with window(browser, server) as w:
            page = w.open()
            expect(page.locator("[data-row]")).to_contain_text("program.py:<img src=x")
            for place in ("/sessions/" + session, "/projects", "/triggers", "/deployments", "/data"):
                page.goto(f"{w.base}/#{place}")
                expect(page.get_by_text("<img src=x").first).to_be_attached()
                assert page.title() != "broken" and page.locator("img, main script").count() == 0


def test_the_policy_lets_no_other_script_run(browser, server):
    with window(browser, server) as w:
        page = w.open()
        ran = page.evaluate("""async () => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            const button = document.createElement("button");
            button.setAttribute("onclick", "window.ran = true");
            document.body.append(button);
            button.click();
            await fetch("http://198.51.100.1/").catch(() => {});
            return window.ran;
        }""")
        assert ran is None and len(w.faults) >= 3 and all("Content Security Policy" in f or "Refused" in f or "Fetch API" in f for f in w.faults), w.faults
        w.faults.clear()
        w.asked[:] = [url for url in w.asked if "198.51.100.1" not in url]


# ---- The other views

def test_deployment_with_findings_and_trails(browser, tmp_path):
    project = tmp_path / "noted"
    project.mkdir()
    (project / "autokitteh.yaml").write_text("version: v1\nproject:\n  name: noted\n  triggers:\n    - name: go\n      type: webhook\n      call: program.py:on_go\n")
    (project / "program.py").write_text("import random\n\n\ndef roll():\n    return random.random()\n\n\ndef on_go(event):\n    for x in {1, 2, 3}:\n        print(x)\n    return roll()\n")
    server = Server(tmp_path / "state")
    rules = {f["code"] for f in json.loads(server.ak("deploy", project, "--json").stdout or "{}").get("findings", [])}
    allow = [word for rule in rules for word in ("--allow", rule, "--reason", "shown in a test")]
    done = server.ak("deploy", project, "--json", *allow)
    assert done.returncode == 0, done.stdout + done.stderr
    findings = json.loads(done.stdout)["verdict"]["findings"]
    server.start()
    try:
        with window(browser, server) as w:
            page = w.open("/deployments")
            page.get_by_role("link", name=re.compile("noted")).click()
            expect(page.get_by_text(re.compile("^Passed"))).to_be_visible()
            expect(page.locator(".finding")).to_have_count(len(findings))
            for finding in findings:
                card = page.locator(".finding").filter(has_text=finding["code"]).first
                expect(card).to_contain_text(finding["message"])
                expect(card.locator(".excerpt").first).to_contain_text(f"{finding['filename']}:{finding['location']['row']}")
            for rule in rules:
                expect(page.get_by_role("region", name="Rules that were let pass")).to_contain_text(rule)
            page.get_by_role("button", name="Deactivate").click()
            page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
            expect(page.locator(".title .badge")).to_have_text("inactive")
            page.get_by_role("button", name="Activate").click()
            page.get_by_role("dialog").get_by_role("button", name="Activate").click()
            expect(page.locator(".title .badge")).to_have_text("active")
    finally:
        server.kill()


def test_fire_a_trigger_and_send_its_event_again(browser, server):
    with window(browser, server) as w:
        page = w.open("/triggers")
        page.get_by_role("row", name=re.compile("^approve")).get_by_role("button", name="Fire…").click()
        page.get_by_label("Event type").fill("post")
        page.get_by_label("Data, as JSON").fill("{nonsense")
        page.get_by_role("dialog").get_by_role("button", name="Fire").click()
        expect(page.get_by_text("That is no JSON")).to_be_visible()
        page.get_by_role("row", name=re.compile("^approve")).get_by_role("button", name="Fire…").click()
        page.get_by_label("Event type").fill("post")
        page.get_by_label("Data, as JSON").fill('{"body": {"text": "from the page"}}')
        page.get_by_role("dialog").get_by_role("button", name="Fire").click()
        expect(page.get_by_role("button", name=re.compile("returns 'from the page'"))).to_be_visible()
        first = page.url
        page.locator(".facts a[href^='#/events/']").click()
        expect(page.locator(".json")).to_contain_text("from the page")
        expect(page.get_by_role("heading", name="approve: post")).to_be_visible()
        expect(page.get_by_role("region", name="Sessions of this event").get_by_role("link")).to_have_attribute("href", "#" + first.split("#")[1])
        page.get_by_role("button", name="Send again").click()
        page.get_by_role("dialog").get_by_role("button", name="Send again").click()
        expect(page.get_by_role("button", name=re.compile("returns 'from the page'"))).to_be_visible()
        assert page.url != first


def test_the_first_deploy_and_the_first_event(browser, tmp_path):
    """As somebody new sees it: the page is open while the first project comes, whose trigger is then fired as the page proposes."""
    server = Server(tmp_path)
    server.start()
    try:
        with window(browser, server) as w:
            page = w.open()
            expect(page.get_by_role("heading", name="Nothing is deployed yet")).to_be_visible()
            server.deploy("shop")
            expect(page.get_by_role("heading", name="No sessions yet")).to_be_visible()
            page.get_by_role("link", name="here").click()
            page.get_by_role("row", name=re.compile("^approve")).get_by_role("button", name="Fire…").click()
            page.get_by_role("dialog").get_by_role("button", name="Fire").click()
            expect(page.get_by_role("button", name=re.compile("returns ''"))).to_be_visible()
            # The next one is like the latest that came.
            server.request("POST", server.paths["approve"], "as before")
            page.get_by_role("link", name="Triggers").click()
            page.get_by_role("row", name=re.compile("^approve")).get_by_role("button", name="Fire…").click()
            expect(page.get_by_label("Data, as JSON")).to_have_value(re.compile('"text": "as before"'))
            page.get_by_role("dialog").get_by_role("button", name="Fire").click()
            expect(page.get_by_role("button", name=re.compile("returns 'as before'"))).to_be_visible()
    finally:
        server.kill()


def test_replay_restart_and_delete(browser, server):
    session = order(server)
    server.wait(session)
    with window(browser, server) as w:
        page = w.open("/sessions/" + session)
        page.get_by_role("button", name="Replay").click()
        page.get_by_role("dialog").get_by_role("button", name="Replay").click()
        expect(page.get_by_role("heading", name="It ended as recorded")).to_be_visible()
        page.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Restart").click()
        page.get_by_role("dialog").get_by_role("button", name="Restart").click()
        expect(page).not_to_have_url(re.compile(session))
        expect(page.locator(".title .badge")).to_have_text("completed")
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("heading", name="Sessions")).to_be_visible()


def test_keys_and_variables(browser, server):
    with window(browser, server) as w:
        page = w.open("/data")
        page.get_by_label("Project").select_option(label="shop_sample")
        page.get_by_role("button", name="Add a key").click()
        page.get_by_role("textbox", name="Key").fill("a/b")
        page.get_by_role("textbox", name="Value").fill('{"n": 1}')
        page.get_by_role("dialog").get_by_role("button", name="Set").click()
        expect(page.get_by_role("row", name=re.compile("^a.b"))).to_contain_text('{"n":1}')
        page.get_by_role("button", name="Delete a/b").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("row", name=re.compile("^a.b"))).to_have_count(0)
        page.get_by_role("button", name="Add a variable").click()
        page.get_by_role("textbox", name="Name").fill("TOKEN")
        page.get_by_role("textbox", name="Value").fill("very-hidden")
        page.get_by_label(re.compile("Secret")).check()
        page.get_by_role("dialog").get_by_role("button", name="Set").click()
        expect(page.get_by_role("row", name=re.compile("^TOKEN"))).to_contain_text("********")
        assert "very-hidden" not in page.content()


def test_an_empty_server_says_the_next_command(browser, tmp_path):
    server = Server(tmp_path)
    assert server.ak("init", tmp_path / "hello").returncode == 0
    server.start()
    try:
        with window(browser, server) as w:
            page = w.open()
            for place in ("/sessions", "/deployments", "/triggers", "/projects", "/data"):
                page.goto(f"{w.base}/#{place}")
                expect(page.locator(".empty code").filter(has_text="ak deploy").first).to_be_visible()
    finally:
        server.kill()


def test_the_token_is_asked_for_once(browser, tmp_path, monkeypatch):
    monkeypatch.setenv("AK_TOKEN", "a-long-token")
    server = Server(tmp_path)
    server.deploy("shop")
    server.start()
    try:
        session = order(server)
        with window(browser, server) as w:
            w.page.goto(w.base)
            w.page.locator("#ask-token").fill("a-wrong-token")
            w.page.keyboard.press("Enter")
            expect(w.page.get_by_role("dialog")).to_contain_text("the token is wrong")
            w.page.locator("#ask-token").fill("a-long-token")
            w.page.keyboard.press("Enter")
            expect(w.page.locator(f"[data-row][href='#/sessions/{session}']")).to_contain_text("completed")
            expect(w.page.locator("#live")).to_have_text("Live")
            w.page.reload()
            expect(w.page.locator("[data-row]").first).to_be_visible()
            w.faults[:] = [f for f in w.faults if "401" not in f]
    finally:
        server.kill()


# ---- Looks

def test_light_and_dark(browser, server):
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    with window(browser, server, color_scheme="dark") as w:
        page = w.open()
        dark = page.evaluate(ground)
        assert dark == "rgb(24, 25, 22)", "as the system has it"
        page.get_by_role("button", name="Use the light theme").click()
        light = page.evaluate(ground)
        assert light == "rgb(247, 247, 244)"
        page.reload()
        assert page.evaluate(ground) == light
        page.get_by_role("button", name="Use the dark theme").click()
        assert page.evaluate(ground) == dark
    with window(browser, server, color_scheme="light") as w:
        page = w.open()
        assert page.evaluate(ground) == light
        page.get_by_role("button", name="Use the dark theme").click()
        assert page.evaluate(ground) == dark


PLACES = ["/sessions", "/deployments", "/triggers", "/events", "/data", "/projects"]


@pytest.mark.parametrize("looks", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": {"width": 400, "height": 800}}],
                         ids=["light", "dark", "400px"])
def test_axe_finds_nothing_serious_and_nothing_is_cut_off(browser, server, looks):
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        from conftest import unavailable
        unavailable("axe-playwright-python is not installed")
    failed, hostile = failed_order(server, item="axe"), server.request("POST", server.paths["hostile"], HOSTILE.encode()).json["session_id"]
    waiting = server.post("nap", {"seconds": 3600}).json["session_id"]
    deployment = server.session(failed)["deployment_id"]
    wide = looks.get("viewport", {"width": 1280})["width"]
    # The policy allows no script but the page's own: axe is put in past it.
    with window(browser, server, bypass_csp=True, **looks) as w:
        page = w.open()
        page.get_by_label("Project").select_option(label="shop_sample")
        for place in PLACES + [f"/sessions/{s}" for s in (failed, hostile, waiting)] + [f"/deployments/{deployment}"]:
            page.goto(f"{w.base}/#{place}")
            page.locator("main h1").wait_for()
            w.settle()
            for button in page.locator(".step-head").all()[:4]:
                button.click()
            w.settle()
            found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
            serious = [(v["id"], [n["html"][:150] for n in v["nodes"]][:3]) for v in found if v["impact"] in ("serious", "critical")]
            assert not serious, (place, serious)
            assert page.evaluate("document.documentElement.scrollWidth") <= wide, place
        page.get_by_role("link", name="Sessions").first.click()
        page.goto(f"{w.base}/#/sessions/{waiting}")
        page.get_by_role("button", name="Stop", exact=True).click()
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
        page.keyboard.press("Escape")


# ---- Ten thousand

def fill(server, session, n):
    """Rows like the one that is there, as a long history makes them."""
    with sqlite3.connect(server.ak.data + "/ak.db") as database:
        columns = [r[1] for r in database.execute("pragma table_info(session)") if r[1] not in ("n", "id", "state", "created_us")]
        names = ", ".join(columns)
        database.executemany(f"insert into session(id, state, created_us, {names}) select ?, ?, created_us - ?, {names} from session where id = ?",
                             [(f"ses_00{i:024d}", 3 + i % 3, i * 1000000, session) for i in range(n)])


def test_ten_thousand_sessions_stay_fluid(browser, tmp_path):
    with serving(tmp_path, "shop") as server:
        session = order(server)
        server.wait(session)
        server.stop()
        fill(server, session, 10000)
        server.start()
        with window(browser, server) as w:
            page = w.open()
            expect(page.locator(".chip-count").first).to_have_text(re.compile("10.001"))
            client = w.context.new_cdp_session(page)
            client.send("Performance.enable", {"timeDomain": "threadTicks"})  # the thread's own time, not the machine's load

            def spent(name="ScriptDuration"):
                return next(m["value"] for m in client.send("Performance.getMetrics")["metrics"] if m["name"] == name)

            before = spent()
            # To the end, screen by screen, as fast as the wheel turns; longest gap between two frames.
            page.evaluate("""async () => {
                window.longest = 0;
                let last = performance.now(), going = true;
                const watch = now => { window.longest = Math.max(window.longest, now - last); last = now; if (going) requestAnimationFrame(watch); };
                requestAnimationFrame(watch);
                for (let still = 0; still < 40;) {
                    const at = scrollY;
                    scrollBy(0, 4000);
                    await new Promise(requestAnimationFrame);
                    still = scrollY === at ? still + 1 : 0;
                    if (still) await new Promise(resolve => setTimeout(resolve, 50));
                }
                going = false;
            }""")
            expect(page.locator(".count")).to_have_text(re.compile("^10.001 sessions$"))
            scripting = spent() - before
            rows = page.locator("[data-row]").count()
            assert rows < 60, rows
            page.evaluate("scrollTo(0, 0)")
            expect(page.locator("[data-row]").first).to_be_visible()
            # One more session is one row more, not the list anew.
            before = spent()
            new = order(server)
            expect(page.locator(f"[data-row][href='#/sessions/{new}']")).to_contain_text("completed")
            update = spent() - before
            page.get_by_label("Filter sessions").fill("no such thing")
            expect(page.get_by_role("heading", name="No session fits")).to_be_visible()
            print(f"\n10001 rows scrolled through: {scripting:.2f} s of the processor in scripts, {rows} rows as elements, longest frame {page.evaluate('window.longest'):.0f} ms; one new session {update * 1000:.0f} ms")
            assert scripting < 3 and update < 0.3
