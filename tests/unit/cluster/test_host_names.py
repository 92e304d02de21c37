"""A host name means the host that has it, and none where that is not certain."""

from __future__ import annotations

from typing import Any, Dict, Optional

import pytest

from adapter.cluster.host_names import HostNames, names_of


def named(**identities: Dict[str, Any]) -> Dict[str, Any]:
    """Return the names of hosts; ``_`` stands for a dot."""
    names = {name.replace("_", "."): identity for name, identity in identities.items()}
    return {name: names_of(name, identity) for name, identity in names.items()}


PLAIN = named(h1={"hostname": "h1", "fqdn": "h1.example.com"}, h2={}, h3={"hostname": "node3"})


@pytest.mark.parametrize(
    ("hosts", "name", "means"),
    [
        (PLAIN, "h1", "h1"),
        (PLAIN, "h1.example.com", "h1"),
        (PLAIN, "h1.other.org", "h1"),
        (PLAIN, "h2.example.com", "h2"),
        (PLAIN, "node3", "h3"),
        (PLAIN, "node3.example.com", "h3"),
        (PLAIN, "h4", None),
        (PLAIN, "", None),
        (named(h1_a={}, h1_b={}), "h1", None),
        (named(h1_a={}, h1_b={}), "h1.a", "h1.a"),
        (named(h1_a={}, h2_a={}), "h1", "h1.a"),
        (named(h1_a={}), "h1.b", None),
        # What two hosts say of themselves is said by none.
        (named(h1={"hostname": "x"}, h2={"hostname": "x"}), "x", None),
        (named(h1={"fqdn": "localhost.localdomain"}), "localhost", None),
    ],
)
def test_a_name_means(hosts: Dict[str, Any], name: str, means: Optional[str]) -> None:
    assert HostNames(hosts).host_of(name) == means


def test_no_host_takes_the_name_of_another_ones_record() -> None:
    hosts = named(h1={"hostname": "h1", "fqdn": "h1"}, h3={"hostname": "h1", "fqdn": "h1.evil"})
    names = HostNames(hosts)
    assert names.host_of("h1") == "h1"
    assert names.host_of("h3") == "h3"


def test_an_identity_of_any_shape_is_borne() -> None:
    assert names_of("h1", {"hostname": 7, "fqdn": ["x"]}) == {"h1"}
