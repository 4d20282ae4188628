import fcntl

import pytest

from tests.slurm import cluster
from tests.slurm.site import Site


@pytest.fixture(scope="session", autouse=True)
def _cluster(tmp_path_factory, worker_id):
    """The test cluster; with several workers, `make test-slurm` starts it for them."""
    if worker_id == "master":
        cluster.start()
        yield
        cluster.stop()
    else:
        yield


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, worker_id):
    """A training that no fault befell, the same for all workers."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = shared / "undisturbed"
        if path.exists():
            return Site(path)
        site = Site.set_up(path)
        site.run_undisturbed()
        return site
