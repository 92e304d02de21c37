"""The stock dashboard shows the hosts and disks that this backend reports, in a real browser.

Needs the Debian packages chromium and chromium-driver. With LAB_IMAGES=1 the pictures in
docs/images are taken anew.
"""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab_tests.lab_client import ROOT, Lab, wait_until
from tests.lab_tests.slow_light import slow_light

webdriver = pytest.importorskip("selenium.webdriver", reason="PyPI selenium is not installed")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1280, 800
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--window-size={WIDTH},{HEIGHT}",
)
NOTICES = "[aria-label='Close alert notification'], .toast-container > *"
# The dashboard keeps its list of hosts for a minute.
CACHED = 75
# The rows of the page: header to what the cell shows, a tick (shown or hidden) as true or false.
READ_TABLE = """
const heads = [...document.querySelectorAll('table thead th')].map(th => th.innerText.trim());
return [...document.querySelectorAll('table tbody tr')].map(row => {
  const cells = [...row.querySelectorAll('td')];
  return Object.fromEntries(cells.map((cell, at) => {
    const tick = cell.querySelector('i.fa-check');
    const shown = tick ? !tick.hidden : cell.innerText.trim();
    return [heads[at] || '', shown];
  }));
});
"""


@pytest.fixture(scope="module")
def dashboard(lab: Lab) -> dict[str, str]:
    """Return where the dashboard is, and how to log in."""
    status = json.loads(lab.lab("status", "--format", "json").out)
    found: dict[str, str] = status["cluster"]["dashboard"]
    return found


@pytest.fixture(scope="module")
def browser(dashboard: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a browser that is logged in."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("needs the packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    found = webdriver.Chrome(options=options, service=Service(driver))
    try:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        found.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        log_in(found, dashboard)
        yield found
    finally:
        found.quit()


def log_in(browser: Any, dashboard: dict[str, str]) -> None:
    browser.get(dashboard["url"])
    wait_until("the login page", lambda: browser.find_elements(By.NAME, "username"), 60)
    browser.find_element(By.NAME, "username").send_keys(dashboard["user"])
    browser.find_element(By.NAME, "password").send_keys(dashboard["password"])
    browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    wait_until("logged in", lambda: "/login" not in browser.current_url, 60)


def open_page(browser: Any, dashboard: dict[str, str], *menu: str) -> None:
    """Go to a page by the menu, as a person does."""
    browser.get(dashboard["url"])
    for word in menu:
        entry = wait_until(f"the menu's {word}", lambda: in_menu(browser, word), 60)  # noqa: B023
        browser.execute_script("arguments[0].click()", entry)


def in_menu(browser: Any, word: str) -> Any:
    texts = browser.find_elements(By.CSS_SELECTOR, "cds-sidenav *, nav *")
    return next((each for each in texts if own_text(browser, each).lower() == word.lower()), None)


def own_text(browser: Any, element: Any) -> str:
    script = "return [...arguments[0].childNodes].filter(n => n.nodeType === 3).map(n => n.data)"
    return "".join(browser.execute_script(f"{script}.join('')", element)).strip()


def rows(browser: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.execute_script(READ_TABLE)
    # Between hosts there are folded rows for their details.
    return [row for row in found if row.get("Hostname")]


def picture(browser: Any, name: str, scratch: Path) -> None:
    """Take a picture, and keep it in the documentation where that is wished for."""
    # Ceph's own wish for telemetry, and what its overview page misses in a lab (Prometheus).
    for notice in browser.find_elements(By.CSS_SELECTOR, NOTICES):
        browser.execute_script("arguments[0].click()", notice)
    wait_until("no notice", lambda: not browser.find_elements(By.CSS_SELECTOR, NOTICES), 30)
    taken = scratch / name
    assert browser.save_screenshot(str(taken))
    assert taken.stat().st_size < 300_000
    if os.environ.get("LAB_IMAGES") or not (IMAGES / name).exists():
        IMAGES.mkdir(exist_ok=True)
        shutil.copyfile(taken, IMAGES / name)


def ask(dashboard: dict[str, str], path: str, token: str = "", **data: str) -> Any:
    """Return what the dashboard's own interface answers; a failure fails the test."""
    headers = {"Accept": "application/vnd.ceph.api.v1.0+json", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = json.dumps(data).encode() if data else None
    request = urllib.request.Request(dashboard["url"] + path, body, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{path}: {error}") from error


def test_every_page_can_read_our_progress(cluster: Lab, dashboard: dict[str, str]) -> None:
    """Each page asks for the summary, in which running and finished tasks are."""
    login = {"username": dashboard["user"], "password": dashboard["password"]}
    token = ask(dashboard, "/api/auth", **login)["token"]
    with slow_light(cluster, "h2", seconds=10) as job:
        running = ask(dashboard, "/api/summary", token)["executing_tasks"]
        assert any("Switch the ident light" in task["name"] for task in running), running
        job.wait_for_end(60)
    finished = ask(dashboard, "/api/summary", token)["finished_tasks"]
    assert any("Switch the ident light" in task["name"] for task in finished), finished


def test_the_hosts_page_shows_the_hosts(
    cluster: Lab, browser: Any, dashboard: dict[str, str], tmp_path: Path
) -> None:
    for label in ("osd", "rack-1"):
        cluster.ok("orch", "host", "label", "add", "h2", label)
    wanted = [
        {
            "Hostname": f"{row['hostname']} ({row['addr']})",
            "Labels": row["labels"],
            "Status": row["status"] or "available",
        }
        for row in cluster.ceph_json("orch", "host", "ls")
    ]
    open_page(browser, dashboard, "Cluster", "Hosts")

    def shown() -> list[dict[str, Any]]:
        found = [
            {
                "Hostname": " ".join(row.get("Hostname", "").split()),
                "Labels": row.get("Labels", "").split(),
                "Status": row.get("Status", ""),
            }
            for row in rows(browser)
        ]
        assert found == wanted
        return found

    wait_until("the page shows what `ceph orch host ls` says", shown, CACHED)
    facts = {row["Hostname"].split()[0]: row for row in rows(browser)}
    for name, machine in cluster.machines.items():
        assert facts[name]["HDDs"] == str(len(machine.disks))
        assert facts[name]["Raw Capacity"] == f"{8 * len(machine.disks)} GiB"
        assert int(facts[name]["Cores"]) >= 1
        assert "GiB" in facts[name]["Total Memory"]
    picture(browser, "dashboard-hosts.png", tmp_path)


def test_the_physical_disks_page_shows_the_disks(
    cluster: Lab, browser: Any, dashboard: dict[str, str], tmp_path: Path
) -> None:
    used = cluster.machines["h3"].disks[1]
    cluster.sh("h3", f"mkswap {used}")
    try:
        cluster.ok("orch", "device", "ls", "--refresh")
        wait_until(
            "the disk is not available",
            lambda: not cluster.listed_devices()["h3"][used]["available"],
            cluster.patience(15),
        )
        wanted = [
            {
                "Hostname": row["name"],
                "Device path": device["path"],
                "Type": device["human_readable_type"].upper(),
                "Available": device["available"],
                "Size": "8 GiB",
            }
            for row in cluster.ceph_json("orch", "device", "ls")
            for device in row["devices"]
        ]
        open_page(browser, dashboard, "Cluster", "Physical Disks")

        def shown() -> bool:
            found = [{name: row.get(name) for name in wanted[0]} for row in rows(browser)]
            assert found == wanted
            return True

        wait_until("the page shows what `ceph orch device ls` says", shown, CACHED)
        picture(browser, "dashboard-physical-disks.png", tmp_path)
    finally:
        cluster.sh("h3", f"wipefs -q -a {used}; head -c 16M /dev/zero >{used}")
        cluster.ok("orch", "device", "ls", "--refresh")
