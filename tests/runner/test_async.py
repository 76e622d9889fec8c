"""asyncio under the recorded clock."""
from harness import Case

HEAD = "import asyncio, os, autokitteh\nfrom autokitteh import activity\n" \
       "@activity\nasync def fetch(x, wait=0.001):\n    await asyncio.sleep(wait)\n    return x * 10\n"


class Async(Case):
    def run_it(self, program, **options):
        run = self.twice(HEAD + program, **options)
        self.assertEqual(run.error, None)
        return run

    def test_async_handler_runs(self):
        run = self.run_it("async def on_event(event):\n    print(await fetch(event.data.n))\n", event={"data": {"n": 4}})
        self.assertEqual((run.text, run.calls), ("40\n", ["fetch"]))

    def test_gather_is_recorded_one_at_a_time_in_order(self):
        run = self.run_it("async def on_event(e):\n    print(await asyncio.gather(*[fetch(i, 0.01 * (3 - i)) for i in range(3)]))\n")
        self.assertEqual((run.text, [p["preview"] for k, p in run.sent if k == "callback"]),
                         ("[0, 10, 20]\n", ["0, 0.03", "1, 0.02", "2, 0.01"]))

    def test_asyncio_sleep_is_the_durable_timer(self):
        run = self.run_it("async def on_event(e):\n    loop = asyncio.get_running_loop()\n    t = loop.time()\n    await asyncio.sleep(3600)\n"
                          "    print(round(loop.time() - t))\n")
        self.assertEqual((run.requests, run.text), ([("sleep", {"seconds": 3600.0})], "3600\n"))

    def test_sleeps_of_several_tasks_share_the_clock(self):
        run = self.run_it("async def nap(n, s):\n    await asyncio.sleep(s)\n    print(n)\nasync def on_event(e):\n"
                          "    await asyncio.gather(nap('b', 20), nap('a', 10), nap('c', 30))\n")
        self.assertEqual((run.requests, run.text), ([("sleep", {"seconds": 10.0})] * 3, "a\nb\nc\n"))

    def test_wait_for_times_out_on_the_recorded_clock(self):
        run = self.run_it("async def on_event(e):\n    try:\n        await asyncio.wait_for(asyncio.Event().wait(), 60)\n"
                          "    except asyncio.TimeoutError:\n        print('late')\n")
        self.assertEqual((run.requests, run.text), ([("sleep", {"seconds": 60.0})], "late\n"))

    def test_asyncio_run_in_a_plain_handler(self):
        run = self.run_it("async def main():\n    await asyncio.sleep(5)\n    return await fetch(2)\ndef on_event(e): print(asyncio.run(main()))\n")
        self.assertEqual((run.text, run.calls, run.requests), ("20\n", ["fetch"], [("sleep", {"seconds": 5.0})]))

    def test_loops_made_by_hand_keep_the_recorded_clock(self):
        run = self.run_it("from asyncio import new_event_loop\nasync def main():\n    await asyncio.sleep(50)\n    return await fetch(1)\n"
                          "def on_event(e):\n    print(asyncio.get_event_loop().run_until_complete(main()))\n    loop = new_event_loop()\n"
                          "    print(loop.run_until_complete(main()))\n    loop.close()\n")
        self.assertEqual((run.text, run.requests, run.calls), ("10\n10\n", [("sleep", {"seconds": 50.0})] * 2, ["fetch"] * 2))

    def test_locks_queues_events_tasks_run_directly(self):
        run = self.run_it("async def on_event(e):\n    q = asyncio.Queue()\n    lock = asyncio.Lock()\n    done = asyncio.Event()\n"
                          "    async def worker():\n        while True:\n            n = await q.get()\n            async with lock:\n"
                          "                print(n)\n            q.task_done()\n            if n == 2: done.set()\n"
                          "    t = asyncio.create_task(worker())\n    for i in range(3): q.put_nowait(i)\n    await done.wait()\n    t.cancel()\n"
                          "    for f in asyncio.as_completed([asyncio.sleep(1, 'x')]): print(await f)\n")
        self.assertEqual((run.text, run.calls), ("0\n1\n2\nx\n", []))

    def test_external_coroutines_are_recorded_and_run_in_a_real_loop(self):
        run = self.run_it("async def on_event(e):\n    p = await asyncio.to_thread(os.getpid)\n    print(p > 0)\n"
                          "    print(await asyncio.get_running_loop().run_in_executor(None, os.getppid) > 0)\n")
        self.assertEqual((run.calls, run.text), (["to_thread", "getppid"], "True\nTrue\n"))

    def test_exception_of_an_awaited_activity_is_caught(self):
        run = self.run_it("@activity\nasync def bad(): raise KeyError('k')\nasync def on_event(e):\n    try:\n        await bad()\n"
                          "    except KeyError as x:\n        print('caught', x)\n    r = await asyncio.gather(bad(), fetch(1), return_exceptions=True)\n"
                          "    print(r)\n")
        self.assertEqual(run.text, "caught 'k'\n[KeyError('k'), 10]\n")

    def test_async_activity_inside_an_activity_is_direct(self):
        run = self.run_it("@activity\nasync def outer(): return await fetch(1) + sum(await asyncio.gather(fetch(2), fetch(3)))\n"
                          "async def on_event(e): print(await outer())\n")
        self.assertEqual((run.calls, run.text), (["outer"], "60\n"))

    def test_handler_marked_activity(self):
        run = self.run_it("@activity\nasync def on_event(e):\n    print(await fetch(1), os.getpid() > 0)\n")
        self.assertEqual((run.calls, run.prints), (["on_event"], [("stdout", "10 True\n", 1)]))

    def test_inhibited_coroutines(self):
        run = self.run_it("@autokitteh.inhibit_activities\nasync def q(): return os.getpid() and 1\nasync def on_event(e):\n    print(await q())\n")
        self.assertEqual(run.calls, [])

    def test_what_nothing_will_bring_about_is_an_error(self):
        run = self.execute(HEAD + "async def on_event(e):\n    await asyncio.Event().wait()\n")
        self.assertEqual((run.error["kind"], run.error["message"]),
                         ("misuse", "the program awaits something that nothing in it will ever bring about"))

    def test_base_protocol_sleeps_as_a_recorded_call(self):
        program = HEAD + "async def on_event(e):\n    await asyncio.gather(asyncio.sleep(0.01), asyncio.sleep(0.02))\n    print(await fetch(1))\n"
        first = self.execute(program, proto=1)
        again = self.execute(program, proto=1, journal=first.journal)
        self.assertEqual((first.calls, again.calls, again.executed), (["sleep", "sleep", "fetch"], first.calls, []))
        self.assertEqual((first.stdout, again.stdout), ("10\n", "10\n"))


if __name__ == "__main__":
    import unittest
    unittest.main()
