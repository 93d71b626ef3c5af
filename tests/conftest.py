"""Every test has a cache of transcripts of its own: what one recognised, another must recognise again.

Hundreds of tests make runs, and few are about their pages: report.html is written only where a test asks for `drawn`.
No test of Hypothesis fails by chance or on a slow machine: all take the same examples every time, however long that
takes. To search anew among others: pytest --hypothesis-profile=default.
"""

import pytest
from hypothesis import HealthCheck, settings

from harness.pipelines import evaluation

DRAW = evaluation._draw

settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory):
    """Keep what fixtures of a wider scope recognise away from the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("session-cache")))
        yield


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Give a test an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session", autouse=True)
def undrawn():
    """Leave out report.html, whose charts take a second a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "_draw", lambda *_: None)
        yield


@pytest.fixture
def drawn(monkeypatch):
    """Write report.html as the command does."""
    monkeypatch.setattr(evaluation, "_draw", DRAW)
