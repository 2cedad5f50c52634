"""Several pages of metrics as one."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from hubbub.metrics import Metrics
from hubbub.workers.merging import merged


def test_every_sample_says_which_worker_it_is_of() -> None:
    """The page parses, each metric stands once, and each worker's value is as it said."""
    pages: dict[int, str] = {}
    for number in (1, 2):
        metrics = Metrics()
        metrics.posts.labels('odd "{x} y\\z').inc(number)
        metrics.commit.observe(number)
        pages[number] = metrics.render().decode()
    families = list(text_string_to_metric_families(merged(pages)))
    assert len({family.name for family in families}) == len(families)
    posts = next(family for family in families if family.name == "hubbub_posts")
    assert {
        (sample.labels["worker"], sample.labels["outcome"]): sample.value
        for sample in posts.samples
        if sample.name == "hubbub_posts_total"
    } == {("1", 'odd "{x} y\\z'): 1.0, ("2", 'odd "{x} y\\z'): 2.0}
    assert all("worker" in sample.labels for family in families for sample in family.samples)
    sums = {
        sample.labels["worker"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "hubbub_commit_seconds_sum"
    }
    assert sums == {"1": 1.0, "2": 2.0}
