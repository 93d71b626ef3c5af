"""What the tests of several backends need."""

import pytest


@pytest.fixture(scope="module")
def one_thread():
    """Keeps torch's threads from waiting for one another where other work is running."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
