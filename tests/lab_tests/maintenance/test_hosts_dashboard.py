"""The stock dashboard puts hosts into maintenance and back, drains them and removes them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.maintenance.conftest import SHORT
from tests.lab_tests.maintenance.ground import SECONDS, Ground
from tests.lab_tests.maintenance.test_maintenance import activate
from tests.lab_tests.osds.test_osd_dashboard import click, find
from tests.lab_tests.services.service_lab import with_osds
from tests.lab_tests.test_dashboard import browser, dashboard, log_in

pytest.importorskip("selenium.webdriver", reason="PyPI selenium is not installed")
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By

__all__ = ["browser", "dashboard", "log_in"]
HOST = "h3"
# The first word of a host's cell is its name; in one go, for the page redraws its rows.
OPEN_MENU = """
const row = [...document.querySelectorAll('table tbody tr')].find(
  row => [...row.querySelectorAll('td')].some(
    cell => cell.innerText.trim().split(/\\s/)[0] === arguments[0]));
const menu = row && row.querySelector('cds-overflow-menu button');
if (menu) menu.click();
return Boolean(menu);
"""
ENTRIES = "cds-overflow-menu-option button"

pytestmark = pytest.mark.skipif(SHORT, reason="not in the short form")


def choose(page: Any, dashboard: dict[str, str], name: str) -> None:
    """Open the page of hosts anew, and choose an entry of the host's menu once it may be chosen.

    The dashboard keeps its list of hosts for a minute.
    """

    def chosen() -> bool:
        # The page redraws its menu with the rows.
        with contextlib.suppress(StaleElementReferenceException):
            for entry in page.find_elements(By.CSS_SELECTOR, ENTRIES):
                if entry.get_attribute("innerText").strip() == name and entry.is_enabled():
                    click(page, entry)
                    return True
        assert page.execute_script(OPEN_MENU, HOST), "no such row"
        return False

    page.get("about:blank")
    page.get(f"{dashboard['url']}/#/hosts")
    wait_until(f"{name} of {HOST}", chosen, SECONDS, every=0.5)


def questions(page: Any) -> str:
    """Return the words of what the page asks; an empty dialog may be there all the time."""
    found = page.find_elements(By.CSS_SELECTOR, "cds-modal")
    text = " ".join(str(each.get_attribute("innerText")) for each in found)
    assert text.strip(), page.find_element(By.TAG_NAME, "body").text[-1500:]
    return text


def entered(ground: Ground) -> bool:
    return ground.stage(HOST) == "entered"


@pytest.fixture
def page(ground: Ground, browser: Any) -> Iterator[Any]:
    """Return the browser, with the first host's manager active: the dashboard's address is its."""
    ground.wait_well()
    activate(ground, "h1")
    yield browser
    if ground.stage(HOST):
        ground.leave(HOST)


def test_a_gateway_nobody_else_is_asks_for_force(
    ground: Ground, page: Any, dashboard: dict[str, str]
) -> None:
    before = ground.snapshot()
    choose(page, dashboard, "Enter Maintenance")
    # What is lost stands in the answer that it got; Ceph 20.2.4 leaves that out of the question.
    wait_until("it asks whether to go on", lambda: "Continue" in questions(page), 60)
    assert ground.stage(HOST) == ""
    click(page, find(page, "the answer", "cds-modal button[type=submit]"))
    wait_until("it is in maintenance", lambda: entered(ground), SECONDS)
    choose(page, dashboard, "Exit Maintenance")
    wait_until("it is out of maintenance", lambda: not ground.stage(HOST), SECONDS)
    ground.assert_as_before(before)


@pytest.fixture
def may_be_drained(ground: Ground) -> Iterator[None]:
    """Let nothing name the host, and all data have a place without it."""
    lab = ground.lab
    lab.ok("orch", "apply", "mon", "--placement=*")
    lab.ok("orch", "apply", "rgw", "only", "--placement=1", "--port=8094")
    for pool in lab.ceph_json("osd", "pool", "ls"):
        lab.ok("osd", "pool", "set", pool, "size", "2")
    ground.wait_well()
    yield
    if HOST not in lab.listed_hosts():
        lab.ok("orch", "host", "add", HOST, lab.machines[HOST].addr)
    for disk in lab.machines[HOST].disks:
        lab.ceph("orch", "device", "zap", HOST, disk, "--force")
    with_osds(lab)
    ground.prepare(whole=True)
    lab.ok("orch", "apply", "rgw", "only", f"--placement={HOST}", "--port=8094")
    ground.services.wait_runs("rgw.only", 1, SECONDS)


def labels(ground: Ground) -> list[str]:
    return list(ground.lab.listed_hosts()[HOST]["labels"])


def test_a_host_is_drained_kept_drained_again_and_removed(
    ground: Ground, page: Any, dashboard: dict[str, str], may_be_drained: None
) -> None:
    lab = ground.lab
    # Data that nothing moves: the drain can be ended.
    for flag in ("nobackfill", "norecover"):
        lab.ok("osd", "set", flag)
    choose(page, dashboard, "Start Drain")
    wait_until("it is drained", lambda: ground.status(HOST) == "draining", SECONDS)
    choose(page, dashboard, "Stop Drain")
    wait_until("it is as before", lambda: ground.status(HOST) == "", SECONDS)
    assert labels(ground) == []
    wait_until("no OSD leaves", lambda: "No OSD" in lab.ok("orch", "osd", "rm", "status"), SECONDS)
    for flag in ("nobackfill", "norecover"):
        lab.ok("osd", "unset", flag)
    ground.wait_well()
    choose(page, dashboard, "Start Drain")
    wait_until("it is empty", lambda: ground.status(HOST) == "drained", SECONDS)
    choose(page, dashboard, "Remove")
    find(page, "the question", "cds-modal #resource_name").send_keys(HOST)
    click(page, find(page, "the answer", "cds-modal button[type=submit]"))
    wait_until("it is removed", lambda: HOST not in lab.listed_hosts(), SECONDS)
