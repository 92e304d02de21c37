"""Texts that would be code if anything took them for more than text.

All of them make the file CANARY where they are run, in whatever way.
"""

from __future__ import annotations

import random
from typing import List

CANARY = "CANARY"
TOUCH = f"touch {CANARY}"
# What templates, YAML, shells, ssh, Ansible's inventory and path handling make something of.
SEEDS = (
    "{{ lookup('pipe', 'TOUCH') }}",
    "{{ lookup('ansible.builtin.pipe', 'TOUCH') }}",
    "{{ query('pipe', 'TOUCH') | first }}",
    "{% set x = lookup('pipe', 'TOUCH') %}{{ x }}",
    "{%- for x in query('pipe', 'TOUCH') -%}{{ x }}{%- endfor -%}",
    "{{ cycler.__init__.__globals__.os.system('TOUCH') }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ lookup('template', '/etc/hostname') }}{{ lookup('pipe', 'TOUCH') }}",
    "{{ lookup('env', 'HOME') }}",
    "#jinja2: variable_start_string:'[%', variable_end_string:'%]'\n[% lookup('pipe', 'TOUCH') %]",
    "{{ hostvars['localhost'] }}",
    "{{ omit }}",
    "{# comment #}",
    "{{",
    "}}{{ 1",
    "{% raw %}{{ 1 }}",
    "$(TOUCH)",
    "`TOUCH`",
    "${IFS}TOUCH",
    "; TOUCH",
    "| TOUCH",
    "|| TOUCH",
    "&& TOUCH",
    "& TOUCH &",
    "\nTOUCH\n",
    "\r\nTOUCH",
    "'; TOUCH; '",
    '"; TOUCH; "',
    "'$(TOUCH)'",
    "> CANARY",
    "<(TOUCH)",
    "-oProxyCommand=TOUCH",
    "-o ProxyCommand=TOUCH",
    "--ssh-common-args=-oProxyCommand=TOUCH",
    "--extra-vars=@/etc/passwd",
    "-e ansible_connection=local",
    "--",
    "-",
    "@/etc/passwd",
    "@CANARY",
    "~root",
    "~",
    "~.*",
    "!h1",
    "all:!h1",
    "h1,h2",
    "h[1:300]",
    "h1;h2",
    "*",
    "**/*",
    "?",
    "all",
    "localhost",
    "127.0.0.1",
    "ungrouped",
    "_meta",
    "!unsafe '{{ lookup(''pipe'', ''TOUCH'') }}'",
    "!unsafe \"{{ lookup('pipe', 'TOUCH') }}\"",
    "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132",
    "!!python/object/apply:os.system ['TOUCH']",
    "!!python/object/new:subprocess.Popen [[touch, CANARY]]",
    "*alias",
    "&anchor x",
    "<<: *merge",
    "- TOUCH",
    "? TOUCH : x",
    "key: {{ lookup('pipe', 'TOUCH') }}",
    "--- TOUCH",
    "...",
    "# TOUCH",
    "%YAML 1.1",
    "ansible_connection",
    "ansible_host",
    "ansible_ssh_common_args",
    "ansible_ssh_executable",
    "ansible_shell_executable",
    "ansible_python_interpreter",
    "ansible_become_exe",
    "ansible_become_password",
    "vars",
    "environment",
    "inventory_hostname",
    "groups",
    "../../../../../CANARY",
    "/dev/../../CANARY",
    "/dev/disk/../../../CANARY",
    "/proc/self/environ",
    "\x00TOUCH",
    "x\x00",
    "\x1b]0;TOUCH\x07",
    "\x7f",
    "\u202eHCUOT",
    "\u200f\u2066x\u2069",
    "\u2028TOUCH",
    "\ufeffTOUCH",
    "caf\u0301e\u2603\U0001f600",
    "\ufffd",
    " ",
    "",
    "true",
    "null",
    "0x10",
    "1e5",
    "2026-11-23",
    "%s%n%d",
    "{0.__class__}",
    "%(TOUCH)s",
    "<script>TOUCH</script>",
    "' OR '1'='1",
    "\\",
    "\\u0024(TOUCH)",
    "\\x24(TOUCH)",
)
# What a text can stand in without losing its meaning.
AROUND = (
    "{}",
    "a{}",
    "{}z",
    "a {} z",
    "'{}'",
    '"{}"',
    "x={}",
    "/dev/{}",
    "h1.{}",
    "[{}]",
    "key: {}",
    "  {}\t",
    "\\{}",
    "{}\n{}",
)


def payloads(count: int, canary: str, seed: int = 0) -> List[str]:
    """Return so many different texts; ``canary`` is the file that none of them may make."""
    chance = random.Random(seed)
    found = dict.fromkeys(_filled(text, canary) for text in SEEDS)
    found[_filled("{{ lookup('pipe', 'TOUCH') }}" + "x" * 70000, canary)] = None
    while len(found) < count:
        text = chance.choice(AROUND).replace("{}", chance.choice(SEEDS))
        if chance.random() < 0.5:
            text = chance.choice(AROUND).replace("{}", text)
        if chance.random() < 0.3:
            text = chance.choice(SEEDS) + chance.choice(("", " ", "\n", "/", ".", ":")) + text
        found[_filled(text, canary)] = None
    return list(found)[:count]


def _filled(text: str, canary: str) -> str:
    return text.replace("TOUCH", TOUCH).replace(CANARY, canary)
