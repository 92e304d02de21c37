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


@pytest.fixture(autouse=True)
def without_leftovers(services: Services) -> Iterator[None]:
    services.remove(NAME)
    yield
    services.remove(NAME)


def open_services(page: Any, dashboard: dict[str, str], what: str = "") -> None:
    page.get("about:blank")
    page.get(f"{dashboard['url']}/#/services{what}")


def row_of(page: Any, text: str) -> Any:
    """Return the table's row with a cell of that text."""
    for row in page.find_elements(By.CSS_SELECTOR, "table tbody tr"):
        cells = [cell.text.strip() for cell in row.find_elements(By.CSS_SELECTOR, "td")]
        if text in cells:
            return row
    return None


def submit(page: Any) -> None:
    click(page, find(page, "the button", f"{FORM} cd-submit-button button"))
    wait_until("the form is gone", lambda: not page.find_elements(By.CSS_SELECTOR, FORM), SECONDS)


def fill(page: Any, selector: str, text: str) -> None:
    field = find(page, selector, f"{FORM} {selector}")
    field.clear()
    field.send_keys(text)


def action(page: Any, where: str, name: str) -> None:
    """Choose an entry of a table's menu of actions, or its first button."""
    for button in page.find_elements(By.CSS_SELECTOR, f"{where} cd-table-actions button"):
        if button.is_displayed() and button.text.strip().lower().startswith(name.lower()):
            click(page, button)
            return
    menu = f"{where} cd-table-actions cds-overflow-menu button"
    click(page, find(page, "the menu of actions", menu))
    entries = "cds-overflow-menu-pane button, .cds--overflow-menu-options button"
    click(page, find(page, f"the action {name}", entries, name))


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
    row = wait_until("the service's row", lambda: row_of(page, NAME), SECONDS)
    wait_until("it is shown running", lambda: "1 / 1" in row_text(page), SECONDS)
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
    row = wait_until("the service's row", lambda: row_of(page, NAME), SECONDS)
    daemon = act_on_a_daemon(services, page, row)
    print(daemon)

    open_services(page, dashboard)
    row = wait_until("the service's row", lambda: row_of(page, NAME), SECONDS)
    click(page, row.find_element(By.CSS_SELECTOR, "input[type=radio], input[type=checkbox], label"))
    action(page, "cd-services", "Delete")
    find(page, "the question", "#resource_name").send_keys(NAME)
    click(page, find(page, "the answer", "cds-modal button[type=submit]"))
    wait_until("the service is gone", lambda: NAME not in services.ls(), SECONDS)


def row_text(page: Any) -> str:
    row = row_of(page, NAME)
    return row.text if row is not None else ""


def act_on_a_daemon(services: Services, page: Any, row: Any) -> str:
    """Restart the first of the service's daemons, and wait until it was."""
    click(page, row.find_element(By.CSS_SELECTOR, "button, .cds--table-expand__button"))
    before = {r["daemon_name"]: r.get("started") for r in services.ps(NAME)}
    name = min(before)
    where = "cd-service-daemon-list"
    found = wait_until("the daemon's row", lambda: row_of(page, name), SECONDS)
    click(
        page, found.find_element(By.CSS_SELECTOR, "input[type=radio], input[type=checkbox], label")
    )
    action(page, where, "Restart")

    def again() -> bool:
        now = {r["daemon_name"]: r for r in services.ps(NAME)}[name]
        return now["status_desc"] == "running" and now.get("started") != before[name]

    wait_until(f"{name} was restarted", again, SECONDS)
    return name
