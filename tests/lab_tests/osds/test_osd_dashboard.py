"""The stock dashboard makes OSDs and removes them, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.osds.test_osd_faults import available, idle, osds, up
from tests.lab_tests.test_dashboard import browser, dashboard, log_in, picture

pytest.importorskip("selenium.webdriver", reason="PyPI selenium is not installed")
from selenium.webdriver.common.by import By

__all__ = ["browser", "dashboard", "log_in"]
CREATE = "cd-osd-form button"
SECONDS = 180.0


def click(page: Any, element: Any) -> None:
    page.execute_script("arguments[0].click()", element)


def find(page: Any, what: str, selector: str, text: str = "") -> Any:
    """Wait for an element that can be used; return it."""

    def seen() -> Any:
        found = page.find_elements(By.CSS_SELECTOR, selector)
        usable = [each for each in found if each.is_enabled() and text in each.text]
        return usable[0] if usable else None

    return wait_until(what, seen, 60)


def row_of(page: Any, number: int) -> Any:
    """Return the table's row of an OSD."""
    for row in page.find_elements(By.CSS_SELECTOR, "table tbody tr"):
        cells = [cell.text.strip() for cell in row.find_elements(By.CSS_SELECTOR, "td")]
        if str(number) in cells[:4]:
            return row
    return None


def test_osds_are_made_and_removed(
    lab: Lab, browser: Any, dashboard: dict[str, str], tmp_path: Path
) -> None:
    before = set(osds(lab))
    free = {
        (host, path)
        for host, devices in lab.listed_devices().items()
        for path, device in devices.items()
        if device["available"]
    }
    if not free:
        pytest.skip("needs a free disk")
    try:
        browser.get(f"{dashboard['url']}/#/osd/create")
        click(browser, find(browser, "the button", CREATE, "Create OSDs"))
        made = wait_until(
            "every free disk is an OSD", lambda: len(up(lab) - before) == len(free), SECONDS
        )
        assert made
        number = max(osds(lab))
        browser.get(f"{dashboard['url']}/#/osd")
        row = wait_until("the OSD's row", lambda: row_of(browser, number), SECONDS)
        picture(browser, "dashboard-osds.png", tmp_path)
        click(browser, row.find_element(By.CSS_SELECTOR, "input[type=checkbox]"))
        click(browser, find(browser, "the verb", "button.delete"))
        find(browser, "the question", "#resource_name").send_keys(str(number))
        click(browser, find(browser, "the answer", "cds-modal button[type=submit]"))
        wait_until("the OSD is gone", lambda: number not in osds(lab), SECONDS)
    finally:
        new = [str(each) for each in set(osds(lab)) - before]
        lab.ceph("orch", "rm", "osd.cost_capacity", "--force")
        if new:
            lab.ok("orch", "osd", "rm", *new, "--force", "--zap")
        wait_until("the queue is empty", lambda: idle(lab), SECONDS)
        for host, path in free:
            if not available(lab, host, path):
                lab.ceph("orch", "device", "zap", host, path, "--force")
        wait_until(
            "the disks are free again",
            lambda: all(available(lab, host, path) for host, path in free),
            SECONDS,
        )
