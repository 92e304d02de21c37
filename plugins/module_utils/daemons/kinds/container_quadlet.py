"""Write a custom container as a quadlet, of which podman makes a unit of systemd's.

What podman is told of it stands word by word in its arguments: a quadlet's own fields take some
values for names of other units. Nothing secret is in them.
"""

from __future__ import annotations

import os
from typing import Dict, List, Mapping

from ...systemd.words import unit_words
from .container_document import Document, Part, source_of

# It is started again however it ends; with which status a program ends that is stopped is its own
# affair, and no failure.
_TEXT = """\
# Made by ceph-orch-ansible.
[Unit]
Description=Custom container {name} of a Ceph cluster
Wants=network-online.target
After=network-online.target

[Container]
Image={image}
ContainerName={container}
Network=host
PodmanArgs={arguments}
{command}
[Service]
{before}Restart=always
SuccessExitStatus=1 2 130 137 143
RestartSec=5
TimeoutStartSec=300

[Install]
WantedBy=multi-user.target
"""


class Naming:
    """What belongs to one daemon in podman. In ids there are never two dots in a row."""

    def __init__(self, daemon_id: str) -> None:
        self.container = f"ceph-orch-container-{daemon_id}"
        self.prefix = f"ceph-orch-container.{daemon_id}.."

    def secret(self, part: int, number: int) -> str:
        """Return the name of a variable's secret; part 0 is the container itself."""
        return f"{self.prefix}{part}.{number}"

    def before(self, part: int) -> str:
        """Return the name of a container that runs before the daemon's."""
        return f"{self.container}..{part}"


def secrets_of(naming: Naming, document: Document) -> Dict[str, str]:
    """Return the values of variables by the names of their secrets; podman takes no empty ones."""
    return {
        naming.secret(part, number): value
        for part, each in enumerate((document.main, *document.inits))
        for number, value in enumerate(env.partition("=")[2] for env in each.envs)
        if value
    }


def quadlet_of(
    naming: Naming, document: Document, podman: str, store: str, configs: Mapping[str, str]
) -> str:
    """Return the text of a quadlet.

    ``store`` is the container's directory, ``configs`` are files by where they are mounted.
    """
    main = [
        "--pull=never",
        *_arguments(naming, document.main, 0, store),
        *(_mount(words, store) for words in document.binds),
        *(f"--volume={path}:{target}:z" for target, path in configs.items()),
        *document.podman,
    ]
    words = document.main.words
    before = [
        [
            *(podman, "run", "--rm", "--replace", f"--name={naming.before(number)}"),
            *("--network=host", "--cgroups=disabled", "--pull=never"),
            *_arguments(naming, part, number, store),
            *(part.image, *part.words),
        ]
        for number, part in enumerate(document.inits, start=1)
    ]
    return _TEXT.format(
        name=naming.container,
        image=document.main.image,
        container=naming.container,
        arguments=unit_words(main),
        command=f"Exec={unit_words(words)}\n" if words else "",
        before="".join(f"ExecStartPre={unit_words(argv)}\n" for argv in before),
    )


def _arguments(naming: Naming, part: Part, number: int, store: str) -> List[str]:
    found = [f"--entrypoint={part.entrypoint}"] if part.entrypoint else []
    if part.privileged:
        found.append("--privileged")
    for place, env in enumerate(part.envs):
        name, _, value = env.partition("=")
        secret = f"--secret={naming.secret(number, place)},type=env,target={name}"
        found.append(secret if value else f"--env={name}=")
    for source, target in part.volumes.items():
        # What is in a directory of ours may be given the label that SELinux wants.
        own = not source.startswith("/") and ":" not in target
        found.append(f"--volume={os.path.join(store, source)}:{target}{':z' if own else ''}")
    return found


def _mount(words: List[str], store: str) -> str:
    source = os.path.join(store, source_of(words))
    rest = [word for word in words if word.partition("=")[0] not in ("type", "source", "src")]
    return "--mount=" + ",".join(["type=bind", f"source={source}", *rest])
