"""The stock dashboard makes, changes and removes a service, and acts on its daemons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.test_osd_dashboard import click, find
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_dashboard import browser, dashboard, log_in, picture

pytest.importorskip("selenium.webdriver", reason="PyPI selenium is not installed")
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

__all__ = ["browser", "dashboard", "log_in"]
NAME = "mds.shown"
FORM = "cd-service-form"
FIND = """
const row = [...document.querySelectorAll('table tbody tr')].find(
  row => [...row.querySelectorAll('td')].some(cell => cell.innerText.trim() === arguments[0]));
"""
ROW = FIND + "return row ? row.innerText : '';"
CLICK_IN_ROW = (
    FIND
    + """
const wanted = row && row.querySelector(arguments[1]);
if (wanted) wanted.click();
return Boolean(wanted);
"""
)


@pytest.fixture(autouse=True)
def without_leftovers(services: Services) -> Iterator[None]:
    services.remove(NAME)
    yield
    services.remove(NAME)


def open_services(page: Any, dashboard: dict[str, str], what: str = "") -> None:
    page.get("about:blank")
    page.get(f"{dashboard['url']}/#/services{what}")


def row_of(page: Any, text: str) -> str:
    """Return the words of the row with a cell of that text; in one go, for the page redraws it."""
    return str(page.execute_script(ROW, text))


def click_in_row(page: Any, text: str, selector: str) -> None:
    """Click what is in a row, at once when it is there."""
    wait_until(
        f"the row of {text}", lambda: page.execute_script(CLICK_IN_ROW, text, selector), SECONDS
    )


def submit(page: Any) -> None:
    click(page, find(page, "the button", f"{FORM} cd-submit-button button"))
    wait_until("the form is gone", lambda: not page.find_elements(By.CSS_SELECTOR, FORM), SECONDS)


def fill(page: Any, selector: str, text: str) -> None:
    field = find(page, selector, f"{FORM} {selector}")
    field.clear()
    field.send_keys(text)


def action(page: Any, row: str, name: str) -> None:
    """Choose an entry of the menu in a row; a page that redraws closes its menus."""

    def chosen() -> bool:
        entries = page.find_elements(By.CSS_SELECTOR, "cds-overflow-menu-option button")
        for entry in entries:
            if name in entry.get_attribute("innerText") and entry.is_enabled():
                click(page, entry)
                return True
        assert page.execute_script(CLICK_IN_ROW, row, "cds-overflow-menu button"), "no such row"
        return False

    wait_until(f"{name} of {row}", chosen, SECONDS, every=0.5)


def test_a_service_is_made_changed_acted_on_and_removed(
    services: Services, browser: Any, dashboard: dict[str, str], tmp_path: Path
) -> None:
    page = browser
    open_services(page, dashboard, "/(modal:create)")
    kinds = find(page, "the kinds", f"{FORM} select#service_type")
    wait_until("mds can be chosen", lambda: "mds" in kinds.text, SECONDS)
    Select(kinds).select_by_visible_text("mds")
    fill(page, "#service_id", "shown")
    fill(page, "#count input, input#count", "1")
    submit(page)
    services.wait_runs(NAME, 1)

    open_services(page, dashboard)
    wait_until("it is shown running", lambda: "1 / 1" in row_of(page, NAME), SECONDS)
    picture(page, "dashboard-services.png", tmp_path)
    open_services(page, dashboard, f"/(modal:edit/mds/{NAME})")
    wait_until(
        "the form knows the service",
        lambda: (
            find(page, "count", f"{FORM} #count input, {FORM} input#count").get_attribute("value")
            == "1"
        ),
        SECONDS,
    )
    fill(page, "#count input, input#count", "2")
    submit(page)
    services.wait_runs(NAME, 2)

    open_services(page, dashboard)
    act_on_a_daemon(services, page)

    open_services(page, dashboard)
    action(page, NAME, "Delete")
    click(page, find(page, "the question", "cds-modal #confirmation input, input#confirmation"))
    click(page, find(page, "the answer", "cds-modal button[type=submit]"))
    wait_until("the service is gone", lambda: NAME not in services.ls(), SECONDS)


def act_on_a_daemon(services: Services, page: Any) -> None:
    """Restart the first of the service's daemons, and wait until it was."""
    click_in_row(page, NAME, ".cds--table-expand__button")
    before = {r["daemon_name"]: r.get("started") for r in services.ps(NAME)}
    name = min(before)
    action(page, name, "Restart")

    def again() -> bool:
        now = {r["daemon_name"]: r for r in services.ps(NAME)}[name]
        return now["status_desc"] == "running" and now.get("started") != before[name]

    wait_until(f"{name} was restarted", again, SECONDS)
