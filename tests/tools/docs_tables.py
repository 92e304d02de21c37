"""Write the tables of the documents that are made of the code: ``make docs-tables``.

``--check`` writes nothing and fails when one is old (``make docs-check``). A table stands between
two comments with its name.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence, Tuple

import yaml

from adapter.cluster.schedule import daemon_id
from adapter.interface import PlacementSpec, ServiceSpec
from adapter.interface.orchestrator import FEATURES, Orchestrator
from adapter.kinds import KINDS
from adapter.methods._method import marked
from adapter.operations import REGISTRY
from adapter.orchestrator import NOUNS, AnsibleOrchestrator
from tests.tools.documents import ROOT, anchor, headings

DOCS = ROOT / "docs"
VERBS = ROOT / "tests" / "tools" / "verbs.yml"
CODE = ROOT / "tests" / "tools" / "code.yml"
# The pages that have the sections of methods, in the order in which they are looked up.
PAGES = ("verbs", "services", "osds", "maintenance", "upgrades", "monitoring", "gateways")
# By kind, what no spec is without.
NEEDED = {
    "container": {"spec": {"image": "localhost/app:1"}},
    "ingress": {
        "spec": {
            "backend_service": "rgw.a",
            "virtual_ip": "10.0.0.9/24",
            "frontend_port": 8000,
            "monitor_port": 1967,
        }
    },
    "smb": {"spec": {"cluster_id": "a", "config_uri": "rados://.smb/a/config.smb"}},
}
TITLES = {
    "osds": "OSDs",
    "services": "Services",
    "maintenance": "Maintenance",
    "upgrades": "Upgrades",
    "monitoring": "Monitoring",
    "gateways": "Gateways",
}

Row = Sequence[str]


def implemented() -> List[str]:
    """Return the methods of the feature set, in the order of the interface."""
    return [
        name
        for name in FEATURES
        if getattr(AnsibleOrchestrator, name) is not getattr(Orchestrator, name)
    ]


def verbs() -> Dict[str, Dict[str, Any]]:
    """Return how each method and operation is asked for."""
    given: Dict[str, Dict[str, Any]] = yaml.safe_load(VERBS.read_text(encoding="utf-8"))
    found: Dict[str, Dict[str, Any]] = {}
    for name, verb in given.items():
        if name == "add_daemon":
            # Those of kinds are typed alike; a line of the file says what is different.
            found.update(_of_kinds())
        found[name] = verb
    return {**found, **given}


def _of_kinds() -> Iterator[Tuple[str, Dict[str, Any]]]:
    for name, kind in KINDS.items():
        words = f"orch apply {name}" + (" SERVICE" if "{service_id}" in kind.section else "")
        if kind.needed:
            # No command has the words for it.
            words = "orch apply -i FILE"
        yield kind.operation, {"ceph": [words], "command": ["apply -i FILE"]}


def table(head: Row, rows: Sequence[Row]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def minutes(seconds: float) -> str:
    """Return a deadline in words."""
    return f"{seconds / 60:g} min"


def sections_of(name: str) -> List[Tuple[str, str]]:
    """Return page and heading of a method's sections; raises ``LookupError`` where none is.

    What ``docs/verbs.md`` says of a method is all of it.
    """
    found = [
        (page, heading)
        for page in PAGES
        for heading in headings(_without_tables(_read(DOCS / f"{page}.md")))
        if name in re.split(r"[\s,:]+", heading)
    ]
    if not found:
        raise LookupError(f"no section of {name} in {', '.join(PAGES)}")
    return found[:1] if found[0][0] == "verbs" else found


def _link(words: str, page: str, heading: str) -> str:
    return f"[{words}]({'' if page == 'verbs' else page + '.md'}#{anchor(heading)})"


def table_of_verbs() -> str:
    """Return a row for each method and operation."""
    rows = []
    for name, verb in verbs().items():
        first, *others = sections_of(name)
        links = [_link(name, *first), *(_link(TITLES[page], page, at) for page, at in others)]
        job = REGISTRY.get(verb.get("job", name)) or REGISTRY.get(name)
        changes = verb.get("does") or ("changes" if job and job.changes else "reads")
        rows.append(
            [
                ", ".join(links),
                _typed("ceph", verb["ceph"]),
                _typed("orch-ansible", verb["command"]),
                _playbook(name, verb),
                minutes(job.timeout) if job else "",
                changes,
            ]
        )
    head = ["method", "`ceph`", "`orch-ansible`", "playbook", "deadline", ""]
    return table(head, rows)


def _playbook(name: str, verb: Mapping[str, Any]) -> str:
    """Return a method's playbook; some are for use by hand, and the job runs another one."""
    if not (ROOT / "playbooks" / f"{name}.yml").exists():
        return ""
    job = verb.get("job", name)
    also = f"; {verb['also']}" if "also" in verb else ""
    by_hand = "" if job == name else f" by hand; the job runs `{job}.yml`"
    return f"`{name}.yml`{by_hand}{also}"


def code() -> Dict[str, Dict[str, Any]]:
    """Return what the code does not say of each operation: files of hosts, tests, who asks."""
    given: Dict[str, Dict[str, Any]] = yaml.safe_load(_read(CODE))
    of_kinds = given.pop("apply_KIND")
    for kind in KINDS.values():
        own = given.get(kind.operation, {})
        files = [
            file.replace("KIND", kind.daemon_type.replace("-", "_")) for file in of_kinds["host"]
        ]
        host = [*files, *own.get("host", ())]
        given[kind.operation] = {**of_kinds, **own, "host": host}
    return given


def _stem(operation: str) -> str:
    return operation.partition("apply_")[2]


def methods() -> Dict[str, str]:
    """Return by operation the file and the function of the method that asks for it.

    Services of all kinds arrive at one.
    """
    found = {
        name: f"`{noun.__module__.replace('.', '/')}.py` `{name}`".replace("adapter/", "", 1)
        for noun in NOUNS.values()
        for name in marked(noun)
    }
    found.update(dict.fromkeys((kind.operation for kind in KINDS.values()), found["apply"]))
    return {"available": "`orchestrator.py` `available`", **found}


def table_of_code() -> str:
    """Return a row for each operation: where its code stands, from the manager to the host."""
    rows = []
    kinds = {kind.operation for kind in KINDS.values()}
    asked, known = methods(), code()
    for name, operation in sorted(REGISTRY.items()):
        files = [f"operations/{name}.py"]
        if name in kinds:
            files = ["operations/apply_kinds.py", f"kinds/{_stem(name)}.py"]
        assert all((ROOT / "adapter" / file).is_file() for file in files), files
        modules = modules_of(name)
        library = sorted({package for module in modules for package in _packages(module)})
        rows.append(
            [
                f"`{name}`",
                asked.get(name) or f"`{known[name]['by']}`",
                _quoted(files),
                _quoted(operation.phases),
                _quoted(modules),
                "; ".join(filter(None, [_quoted(known[name]["host"]), _quoted(library)])),
                _quoted(known[name]["tests"]),
            ]
        )
    head = ["operation, playbook", "method", "`adapter/`", "role", "module"]
    return table([*head, "`module_utils/`", "`tests/`"], rows)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def modules_of(operation: str) -> List[str]:
    """Return the modules of ours that an operation's roles run."""
    roles = REGISTRY[operation].phases
    return list(dict.fromkeys(each for role in roles for each in _modules(role)))


def _modules(role: str) -> List[str]:
    text = "".join(_read(path) for path in sorted((ROOT / "roles" / role / "tasks").glob("*.yml")))
    found = re.findall(r"^ *ceph_orch\.ansible\.(\w+):", text, flags=re.MULTILINE)
    return [name for name in found if (ROOT / "plugins/modules" / f"{name}.py").is_file()]


def _packages(module: str) -> List[str]:
    text = _read(ROOT / "plugins" / "modules" / f"{module}.py")
    return re.findall(r"from \.\.module_utils\.(\w+)", text)


def table_of_missing() -> str:
    """Return the methods of the interface that are not in the feature set, by what they are for."""
    there, rows = set(implemented()), []
    for group in Orchestrator.__mro__[1:]:
        names = [name for name in FEATURES if name in vars(group) and name not in there]
        if names:
            about = group.__module__.rpartition(".")[2].replace("_", " ")
            rows.append([about, _quoted(names)])
    return table(["about", "methods"], sorted(rows))


def _typed(program: str, commands: Sequence[str]) -> str:
    return ", ".join(f"`{program} {each}`".replace("|", "\\|") for each in commands)


def sections_elsewhere() -> str:
    """Return a heading for each method whose section is on another page."""
    text = ""
    for name in verbs():
        found = sections_of(name)
        if found[0][0] != "verbs":
            where = ", ".join(_link(TITLES[page], page, heading) for page, heading in found)
            text += f"### {name}\n\n{_summary(name)}: {where}.\n\n"
    return text.rstrip("\n") + "\n"


def _summary(name: str) -> str:
    """Return the first sentence of what a method or operation says of itself."""
    method = getattr(AnsibleOrchestrator, name, None)
    said = (getattr(method, "__doc__", None) or "").strip().splitlines()
    return (said[0].rstrip(".") if said else REGISTRY[name].summary).replace("``", "`")


def kinds() -> Iterator[Tuple[str, str, str, PlacementSpec]]:
    """Return kind, unit, id and default placement of the daemons that are deployed here.

    What the adapter knows of kinds is asked for here alone.
    """
    for kind, known in KINDS.items():
        given = {"service_id": "SERVICE"} if kind in ServiceSpec.REQUIRES_SERVICE_ID else {}
        spec = ServiceSpec.from_json({"service_type": kind, **given, **NEEDED.get(kind, {})})
        own = daemon_id("cluster", spec, "HOST")
        name = re.sub(r"\.[a-z]{6}$", ".xxxxxx", own.replace(f"{kind}.", ""))
        words = "the host's name" if name == "HOST" else f"`{name}`"
        if known.named_freely:
            words += ", or the name in the placement"
        unit = known.unit.replace("{id}", "ID")
        yield kind, unit, words, known.default_placement()


def table_of_kinds() -> str:
    """Return a row for each kind of daemon."""
    rows = [
        [kind, f"`{unit}`", name, "all" if where.host_pattern else str(where.count)]
        for kind, unit, name, where in kinds()
    ]
    return table(["kind", "unit", "id of a daemon", "how many, if nothing is said"], rows)


def table_of_health_checks() -> str:
    """Return the codes, each with the first sentence of its section."""
    page = _without_tables(_read(DOCS / "troubleshooting.md"))
    rows = []
    for heading, body in _sections(page):
        if heading.startswith("ANSIBLE_"):
            bare = " ".join(re.sub(r"<a [^>]*></a>", "", body).split())
            first = re.split(r"(?<=[.:]) ", bare)[0].rstrip(".:")
            rows.append([f"[{heading}](#{anchor(heading)})", first])
    return table(["health check", "says"], sorted(rows))


def _sections(page: str) -> Iterator[Tuple[str, str]]:
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        yield heading.strip(), body.strip()


def table_of_playbooks() -> str:
    """Return a row for each playbook with its roles."""
    rows = []
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        plays = yaml.safe_load(_read(path))
        roles = [role for play in plays for role in _roles(play)]
        linked = ", ".join(f"`{role}`" for role in dict.fromkeys(roles))
        rows.append([f"`{path.stem}`", plays[0]["name"], linked])
    return table(["playbook", "does", "roles"], rows)


def _roles(play: Mapping[str, Any]) -> List[str]:
    tasks = [task["ansible.builtin.import_role"]["name"] for task in play.get("tasks", ())]
    names = [*(role["role"] for role in play.get("roles", ())), *tasks]
    return [name.rpartition(".")[2] for name in names]


def table_of_roles() -> str:
    """Return a row for each role with what it needs."""
    rows = []
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        main = yaml.safe_load(_read(path))["argument_specs"]["main"]
        needed = [f"`{name}`" for name, each in main["options"].items() if each.get("required")]
        rows.append([f"`{path.parts[-3]}`", main["short_description"], ", ".join(needed)])
    return table(["role", "does", "needs"], rows)


def table_of_modules() -> str:
    """Return a row for each module."""
    rows = []
    for path in sorted((ROOT / "plugins" / "modules").glob("[a-z]*.py")):
        (said,) = re.findall(r"^short_description: (.*)$", _read(path), flags=re.MULTILINE)
        rows.append([f"`{path.stem}`", said])
    return table(["module", "does"], rows)


TABLES: Dict[str, Dict[str, Callable[[], str]]] = {
    "architecture": {"code of operations": table_of_code},
    "verbs": {
        "verbs": table_of_verbs,
        "methods that are not there": table_of_missing,
        "sections elsewhere": sections_elsewhere,
    },
    "services": {"kinds": table_of_kinds},
    "troubleshooting": {"health checks": table_of_health_checks},
    "playbooks": {
        "playbooks": table_of_playbooks,
        "roles": table_of_roles,
        "modules": table_of_modules,
    },
}


def _marks(name: str) -> Tuple[str, str]:
    made = "made by tests/tools/docs_tables.py"
    return f"<!-- {name}: begin ({made}) -->\n", f"<!-- {name}: end -->\n"


def _without_tables(page: str) -> str:
    return re.sub(r"<!-- [\w ]+: begin \(made.*?<!-- [\w ]+: end -->\n", "", page, flags=re.DOTALL)


def renewed(page: str, text: str) -> str:
    """Return a page with its tables as they should be; raises ``LookupError`` without marks."""
    for name, make in TABLES[page].items():
        begin, end = _marks(name)
        before, begins, rest = text.partition(begin)
        _, ends, after = rest.partition(end)
        if not begins or not ends:
            raise LookupError(f"docs/{page}.md has no place for the table of {name}")
        text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


def old(docs: Path = DOCS) -> List[str]:
    """Return the pages with a table that is not as it should be."""
    pages = {page: _read(docs / f"{page}.md") for page in TABLES}
    return [page for page, text in pages.items() if renewed(page, text) != text]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def main(words: Sequence[str], docs: Path = DOCS) -> int:
    """Write the tables, or with ``--check`` name the pages that are old."""
    found = old(docs)
    for page in found:
        if "--check" in words:
            print(f"docs/{page}.md is old: run `make docs-tables`", file=sys.stderr)
        else:
            path = docs / f"{page}.md"
            path.write_text(renewed(page, _read(path)), encoding="utf-8")
            print(f"docs/{page}.md is written anew")
    return 1 if found and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
