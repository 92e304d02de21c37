"""The stock dashboard's page of upgrades shows, starts, pauses, resumes and stops one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.maintenance.ground import Ground
from tests.lab_tests.maintenance.test_maintenance import activate
from tests.lab_tests.osds.test_osd_dashboard import click, find
from tests.lab_tests.test_dashboard import browser, dashboard, log_in
from tests.lab_tests.upgrades.upgrade_lab import Upgrades
from tests.lab_tests.upgrading.upgrading_lab import assert_nothing_left, kept, newer, status

pytest.importorskip("selenium.webdriver", reason="PyPI selenium is not installed")
from selenium.webdriver.common.by import By

__all__ = ["browser", "dashboard", "log_in"]
pytestmark = pytest.mark.usefixtures("not_latest")

SECONDS = 240.0
# What the page asks for when its question is answered.
STOP = """
const done = arguments[0];
fetch('api/cluster/upgrade/stop', {
  method: 'PUT', headers: {Accept: 'application/vnd.ceph.api.v1.0+json'},
}).then(answer => done(answer.status), error => done(String(error)));
"""


def button(page: Any, name: str) -> Any:
    """Return a button of the page by what it is called to those who cannot see it."""
    return find(page, name, f"button[aria-label='{name}']")


def said(page: Any) -> str:
    return str(page.find_element(By.TAG_NAME, "body").get_attribute("innerText"))


def test_the_page_starts_pauses_resumes_and_stops_an_upgrade(
    ground: Ground, upgrades: Upgrades, browser: Any, dashboard: dict[str, str]
) -> None:
    lab = ground.lab
    # The dashboard's address is that of the first host's manager; it hands over last.
    activate(ground, "h1")
    version = newer(lab)
    upgrades.offer(version)
    upgrades.check(version)
    browser.get(f"{dashboard['url']}/#/upgrade")
    now = find(browser, "the button", "#upgrade", f"Upgrade to {version}")
    click(browser, now)
    wait_until("it is begun", lambda: status(lab), SECONDS)
    wait_until("its progress", lambda: "/upgrade/progress" in browser.current_url, 60)
    wait_until("what it does", lambda: "Upgrading all daemon types" in said(browser), 60)
    click(browser, button(browser, "Pause Upgrade"))
    wait_until("it is paused", lambda: status(lab).get("is_paused"), 60)
    click(browser, button(browser, "Resume Upgrade"))
    wait_until("it goes on", lambda: status(lab).get("is_paused") is False, 60)
    wait_until("how far it is", lambda: "daemons upgraded" in said(browser), 60)
    click(browser, button(browser, "Stop Upgrade"))
    sure = find(browser, "the question", "cds-modal input[type=checkbox]")
    click(browser, sure)
    click(browser, find(browser, "the answer", "cds-modal button[type=submit]"))
    wait_until("the question has paused it", lambda: status(lab).get("is_paused"), 60)
    # Ceph 20.2.4's page fails there in its own code and asks for nothing more.
    if kept(lab):
        assert browser.execute_async_script(STOP) == 200
    wait_until("it is stopped", lambda: not kept(lab), SECONDS)
    wait_until("the page says so", lambda: browser.current_url.endswith("/upgrade"), 60)
    assert_nothing_left(lab)
