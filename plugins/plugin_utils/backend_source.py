# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Where the tree is on the controller that managers' hosts get: the content and the package.

A checkout and an installed tree hold both. A collection that ansible-galaxy installed is neither:
it lacks the package and the configuration, and what is installed with the package is taken.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig

PACKAGE = "adapter"
SHARE = "share/ceph-orch-ansible"
HERE = os.path.realpath(os.path.join(os.path.realpath(__file__), "../../.."))


def backend_source(here=HERE):
    """Return the directories of the content and of the package, empty texts where one is not."""
    package = _package(here)
    if not package:
        return "", ""
    places = [here, os.path.dirname(package)]
    places += [os.path.join(base, SHARE) for base in (sys.prefix, sysconfig.get_path("data"))]
    for place in places:
        if os.path.isfile(os.path.join(place, "ansible.cfg")) and _has(place, "playbooks"):
            return place, package
    return "", ""


def _package(here):
    if _has(here, PACKAGE):
        return os.path.join(here, PACKAGE)
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        # Another project's package can have this name.
        if os.path.isfile(os.path.join(place, "mgr", "module.py")):
            return os.path.realpath(place)
    return ""


def _has(place, name):
    return os.path.isdir(os.path.join(place, name))
