"""Each program of the corpus has the same outcome, prints and recorded steps on the embedded engine and on a Temporal server: with
sessions at hand, without (every task replays from the start), and after continue-as-new."""
import asyncio

import pytest

from run_host import PROGRAMS
from temporal_corpus import check_same, embedded, run_all, run_corpus      # noqa: F401
from temporal_host import make_cluster, server      # noqa: F401


@pytest.mark.parametrize("sessions", ["1000", "0"])
def test_the_corpus_does_the_same_on_a_temporal_server(make_cluster, embedded, sessions):
    cluster = make_cluster("corpus-" + sessions)
    cluster.deploy_folder(PROGRAMS)
    cluster.worker("--sessions", sessions, "--heartbeat", "2")
    check_same(embedded, run_corpus(cluster))


def test_effects_happen_once_in_an_undisturbed_run(make_cluster, embedded):
    cluster = make_cluster("effects")
    cluster.deploy_folder(PROGRAMS)
    cluster.worker("--sessions", "0")
    for name in ("straight", "child", "retries", "gather", "caught"):
        cluster.effects_file.unlink(missing_ok=True)
        asyncio.run(run_all(cluster, [name], 60))
        assert sorted(cluster.effects()) == sorted(embedded(name)[1]), name


def test_nothing_changes_when_the_history_is_cut_short(make_cluster, embedded):
    """Continue-as-new after a handful of events, again and again."""
    cluster = make_cluster("continued")
    cluster.deploy_folder(PROGRAMS)
    cluster.worker()
    check_same(embedded, run_corpus(cluster, events=12))
