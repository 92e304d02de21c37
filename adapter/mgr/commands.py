# ruff: noqa: I002 -- Ceph reads annotations of command handlers as objects, not as strings
"""``ceph ansible ...``: keys, the ssh user, jobs, hosts and lights.

Ceph takes the help text from the docstrings and the arguments from the annotations.
"""

import json
from typing import Any, List, Optional

import yaml

from adapter import __version__, jobs_view, names
from adapter.errors import InvalidValue, NotReady
from adapter.interface import DeviceLightLoc, raise_if_exception
from adapter.methods.pending import NOTHING
from adapter.mgr.compat import read_command, write_command


def _keys(mgr: Any) -> Any:
    """Return the module's keys, which are there once the orchestrator is built."""
    return mgr.ansible and mgr.keys


def formatted(data: Any, plain_text: str, wanted: Optional[str]) -> str:
    """Return data in the wanted format; raises ``InvalidValue`` for one that is none."""
    if wanted in (None, "plain"):
        return plain_text
    if wanted in ("json", "json-pretty"):
        return json.dumps(data, indent=4 if wanted == "json-pretty" else None)
    if wanted == "yaml":
        return str(yaml.safe_dump(data, sort_keys=False))
    raise InvalidValue("format", wanted, "there is no such format", "Use plain, json or yaml.")


@write_command("ansible generate-key")
def generate_key(mgr: Any, force: bool = False) -> str:
    """Make an ssh key for the hosts, keep it, and print its public part"""
    return str(_keys(mgr).generate(replace=force))


@read_command("ansible get-pub-key")
def get_pub_key(mgr: Any) -> str:
    """Print the public ssh key, to be put into authorized_keys on the hosts"""
    return str(_keys(mgr).public())


@write_command("ansible set-priv-key")
def set_priv_key(mgr: Any, inbuf: Optional[str] = None) -> str:
    """Use this private ssh key (-i FILE; without a passphrase)"""
    if not inbuf:
        raise NotReady("No key was given.", "Give the file with -i.")
    _keys(mgr).set(inbuf)
    return "The key is set"


@write_command("ansible clear-key")
def clear_key(mgr: Any) -> str:
    """Remove the ssh key; hosts cannot be managed until there is another"""
    _keys(mgr).set(None)
    return "The key is removed"


@read_command("ansible get-user")
def get_user(mgr: Any) -> str:
    """Print the user that logs in to the hosts"""
    return str(mgr.get_module_option("ssh_user"))


@write_command("ansible set-user")
def set_user(mgr: Any, user: str) -> str:
    """Set the user that logs in to the hosts (not root: with sudo, without a password)"""
    mgr.set_module_option("ssh_user", names.check_user(user))
    mgr.config_notify()
    return f"Hosts are managed as user {user}"


@write_command("ansible check-host")
def check_host(mgr: Any, hostname: str) -> str:
    """Ask a host now whether it can be used through ssh"""
    core = mgr.ansible.core
    target = core.target(core.hosts.get(hostname))
    # Over a connection that is kept, keys are not looked at any more.
    core.ssh.close(target, gently=True)
    result = core.ssh.probe(target, as_root=True)
    if not result.ok:
        raise NotReady(f"Host '{hostname}' cannot be used: {result.reason}.", result.remedy)
    core.liveness.look_now(hostname, 0.0)
    core.wake_event.set()
    through = f", through its invoker {__version__}" if target.invoker else ""
    return f"Host {hostname} answers as {result.hostname}{through}"


@write_command("ansible adopt")
def adopt(mgr: Any, inbuf: Optional[str] = None, format: Optional[str] = None) -> str:
    """Propose hosts and services of what runs already, as a file for `ceph orch apply -i`; changes
    nothing (-o FILE: where it goes; -i FILE: an Ansible inventory)"""
    proposal = mgr.ansible.adoption.adopt(inbuf or "")
    apply = "ceph orch apply -i FILE"
    return formatted(proposal.to_json(), proposal.to_file(apply, f"{apply} --dry-run"), format)


@read_command("ansible job ls")
def job_ls(mgr: Any, all: bool = False, format: Optional[str] = None) -> str:
    """List jobs, the newest last; without --all not the background refreshes that went well"""
    jobs = mgr.ansible.jobs
    rows = jobs.rows(everything=all)
    return formatted(rows, jobs.table(rows), format)


@read_command("ansible job show")
def job_show(mgr: Any, id: str, format: Optional[str] = None) -> str:
    """Show who asked for a job (an id, or last), what it does, where, when, the outcome per host,
    and the command that does the same by hand"""
    data = mgr.ansible.jobs.details(id)
    return formatted(data, jobs_view.text(data), format)


@read_command("ansible job log")
def job_log(mgr: Any, id: str, lines: Optional[int] = None) -> str:
    """Print the last lines (200) of what the playbook of a job printed (an id, or last)"""
    return "\n".join(list(mgr.ansible.jobs.log(id))[-abs(lines or 200) :])


@write_command("ansible job cancel")
def job_cancel(mgr: Any, id: str) -> str:
    """Stop a job (an id, or last), on the hosts too"""
    id = mgr.ansible.jobs.completion(id).job_id
    record = mgr.ansible.core.engine.cancel(id)
    mgr.ansible.core.wake_event.set()
    if record.status.final:
        return f"Job {id} has ended already: {record.status.value}"
    return f"Job {id} is being cancelled"


@write_command("ansible job ack")
def job_ack(mgr: Any, id: str) -> str:
    """Take a failed job out of `ceph health detail`; its record stays"""
    gone = mgr.ansible.health.forget_failures(id)
    if gone:
        return f"{gone} warning(s) of job {id} are gone"
    mgr.ansible.core.engine.completion(id)
    return f"Job {id} has no warning"


@read_command("ansible pending")
def pending(mgr: Any, format: Optional[str] = None) -> str:
    """Show what is still to be done by itself: what waits while it is paused"""
    rows = mgr.ansible.pending.rows()
    text = "\n".join(f"{row['what']}: {row['step']}" for row in rows)
    return formatted(rows, text or NOTHING, format)


@write_command("ansible drop-pending")
def drop_pending(mgr: Any) -> str:
    """Leave everything as it is: make the services unmanaged that `ceph ansible pending` names,
    drop what else it names, and go on (`ceph orch resume`)"""
    return str(mgr.ansible.pending.drop())


@write_command("ansible device light")
def device_light(mgr: Any, hostname: str, path: str, light: str, state: str) -> str:
    """Switch the ident or fault light of a disk on or off, also of a disk that Ceph does not use:
    ceph ansible device light HOST PATH ident|fault on|off"""
    if state not in ("on", "off"):
        raise InvalidValue("state", state, "a light has no such state", "Use on or off.")
    location = DeviceLightLoc(hostname, path, path)
    result = mgr.ansible.blink_device_light(light, state == "on", [location])
    lines: List[str] = raise_if_exception(result)
    return "\n".join(lines)
