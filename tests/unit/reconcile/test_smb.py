"""SMB services: files that follow what the managers' module smb keeps, without a restart."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any, Dict, List

import pytest

from adapter.interface import OrchestratorError, ServiceSpec, raise_if_exception
from tests.unit.kinds.test_smb import DATA, ENTITY, KEPT, PEOPLE, SHARE
from tests.unit.reconcile.fake_cluster import Cluster

USERS = "smb/config/files/users-groups.0.json"
CONFIG = ".smb/files/config.smb"


@pytest.fixture
def cluster(cluster: Cluster) -> Cluster:
    """Return hosts of a cluster where the module keeps a service with a share and a user."""
    cluster.serving()
    cluster.monitors.keys.append(ENTITY)
    keep(cluster, ["one"])
    people(cluster, PEOPLE)
    cluster.requests.clear()
    return cluster


def keep(cluster: Cluster, shares: List[str]) -> None:
    """Keep these shares, as the module does before it applies the service."""
    kept = copy.deepcopy(KEPT)
    kept["configs"]["files"]["shares"] = shares
    kept["shares"] = {name: {"options": {**SHARE, "path": f"/{name}"}} for name in shares}
    cluster.monitors.objects[CONFIG] = json.dumps(kept)


def people(cluster: Cluster, given: Dict[str, Any]) -> None:
    kept = {name: {"all_entries": each} for name, each in given.items()}
    cluster.monitors.secrets[USERS] = json.dumps({"samba-container-config": "v0", **kept})


def apply(cluster: Cluster, *hosts: str, rounds: int = 20, **fields: Any) -> None:
    spec = ServiceSpec.from_json(
        {
            "service_type": "smb",
            "service_id": "files",
            "placement": {"hosts": [*(hosts or ("h1",))]},
            "spec": {**DATA["good"], **fields},
        }
    )
    raise_if_exception(cluster.orchestrator.apply_smb(spec))
    cluster.settle(rounds)


def jobs(cluster: Cluster) -> List[Any]:
    return [each for each in cluster.requests if each.operation == "apply_smb"]


def files(request: Any) -> Dict[str, str]:
    """Return the texts of a job on its only host."""
    ((row,),) = request.variables["daemon_deploy_daemons"].values()
    found = {}
    for name, secret in row["secret_files"].items():
        key = request.secrets[secret].partition("key = ")[2]
        found[name] = base64.b64decode(key).decode()
    return found


def there(cluster: Cluster) -> List[str]:
    return sorted(f"{kind} {host}" for host, kind, _ in cluster.daemons if kind == "smb")


def test_one_job_brings_samba_with_its_files(cluster: Cluster) -> None:
    apply(cluster)

    assert there(cluster) == ["smb h1"]
    (job,) = jobs(cluster)
    texts = files(job)
    assert "\n[one]\n" in texts["smb.conf"]
    assert "user1:" in texts["smbpasswd"]
    assert f"[{ENTITY}]\n\tkey = KEYOFTHECLUSTER==\n" in texts["keyring"]
    assert "mon_host" in texts["ceph.conf"]
    (row,) = job.variables["daemon_deploy_daemons"]["h1"]
    assert row["port"] == 445
    assert "KEYOFTHECLUSTER" not in str(job.variables)
    with cluster.core.lock:
        seen = cluster.orchestrator.reconciler.services.jobs.files.view()
    assert "KEYOFTHECLUSTER" not in repr(seen)


def test_a_share_more_and_less_reaches_samba_at_once_and_without_a_restart(
    cluster: Cluster,
) -> None:
    apply(cluster)
    keep(cluster, ["one", "two"])
    apply(cluster, rounds=3)

    _, second = jobs(cluster)
    assert "\n[two]\n" in files(second)["smb.conf"]
    ((row,),) = second.variables["daemon_deploy_daemons"].values()
    assert not row["since"], "it is restarted"
    keep(cluster, ["two"])
    apply(cluster, rounds=3)
    assert "\n[one]\n" not in files(jobs(cluster)[-1])["smb.conf"]
    assert len(jobs(cluster)) == 3


def test_what_changes_without_a_word_is_followed_as_well(cluster: Cluster) -> None:
    apply(cluster)
    people(cluster, {"users": [{"name": "user2", "password": "other"}]})
    cluster.settle(25)

    text = files(jobs(cluster)[-1])["smbpasswd"]
    assert text.startswith("user2:")
    assert "user1" not in text


def test_applied_again_nothing_is_done(cluster: Cluster) -> None:
    apply(cluster)
    apply(cluster)
    cluster.start_anew()
    cluster.settle(25)

    assert len(jobs(cluster)) == 1


def test_what_cannot_be_read_now_stays_as_it_was(cluster: Cluster) -> None:
    apply(cluster)
    kept = cluster.monitors.objects.pop(CONFIG)
    cluster.settle(40)
    assert len(jobs(cluster)) == 1
    assert there(cluster) == ["smb h1"]

    cluster.start_anew()
    cluster.settle(40)
    cluster.monitors.objects[CONFIG] = kept
    cluster.settle(40)
    assert len(jobs(cluster)) == 1


def test_shares_follow_while_nobody_can_say_who_the_users_are(cluster: Cluster) -> None:
    apply(cluster)
    del cluster.monitors.secrets[USERS]
    keep(cluster, ["two"])
    cluster.settle(40)

    texts = files(jobs(cluster)[-1])
    assert "\n[two]\n" in texts["smb.conf"]
    assert texts["smbpasswd"].startswith("user1:")


def test_a_configuration_that_is_refused_changes_nothing(cluster: Cluster) -> None:
    apply(cluster)
    keep(cluster, ["one", "homes"])

    with pytest.raises(OrchestratorError, match="a share cannot have this name"):
        apply(cluster)
    cluster.settle(40)

    assert len(jobs(cluster)) == 1
    assert there(cluster) == ["smb h1"]


def test_what_nobody_keeps_is_refused_before_anything_is_done(cluster: Cluster) -> None:
    del cluster.monitors.secrets[USERS]

    with pytest.raises(OrchestratorError, match="no such key"):
        apply(cluster)

    assert cluster.core.specs.find("smb.files") is None
    assert jobs(cluster) == []


def test_nothing_is_left_of_a_service_that_goes_but_what_the_module_keeps(
    cluster: Cluster,
) -> None:
    apply(cluster)
    raise_if_exception(cluster.orchestrator.remove_service("smb.files"))
    cluster.settle(20)

    assert there(cluster) == []
    assert cluster.core.specs.all() == []
    assert CONFIG in cluster.monitors.objects
    assert ENTITY in cluster.monitors.keys


def test_the_module_has_a_service_removed_that_was_never_applied(cluster: Cluster) -> None:
    said = raise_if_exception(cluster.orchestrator.remove_service("smb.files"))

    assert said == "There is no service smb.files"
    with pytest.raises(OrchestratorError):
        raise_if_exception(cluster.orchestrator.remove_service("rgw.files"))


def test_it_is_listed_with_the_port_that_it_has(cluster: Cluster) -> None:
    apply(cluster)

    (service,) = raise_if_exception(cluster.orchestrator.describe_service(service_name="smb.files"))
    assert (service.size, service.running, service.ports) == (1, 1, [445])


def test_it_moves_with_its_placement(cluster: Cluster) -> None:
    apply(cluster)
    apply(cluster, "h2")

    assert there(cluster) == ["smb h2"]


def test_a_port_that_another_service_has_is_refused(cluster: Cluster) -> None:
    apply(cluster)
    spec = ServiceSpec.from_json(
        {
            "service_type": "smb",
            "service_id": "more",
            "placement": {"hosts": ["h1"]},
            "spec": {**DATA["good"]},
        }
    )

    with pytest.raises(OrchestratorError, match=r"445.*smb\.files has it"):
        raise_if_exception(cluster.orchestrator.apply_smb(spec))
