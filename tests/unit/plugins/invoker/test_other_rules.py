"""What sudo lets the invoker's user do besides, read from the list of sudo 1.9."""

from __future__ import annotations

from typing import List

import pytest

from plugins.module_utils.invoker.installation import INVOKER, read_other_rules

HEAD = """Matching Defaults entries for orch on h2:
    {defaults}secure_path=/usr/local/sbin\\:/usr/local/bin\\:/usr/sbin\\:/usr/bin,
    use_pty

User orch may run the following commands on h2:
"""
OWN = f'    (root) NOPASSWD: {INVOKER} ""\n'


@pytest.mark.parametrize(
    ("defaults", "rules", "named"),
    [
        ("env_reset, mail_badpass, ", OWN, []),
        ("env_reset, ", OWN + OWN, []),
        (
            "env_reset, ",
            f'    (root) NOPASSWD: {INVOKER} "", /bin/sh\n',
            [f'(root) NOPASSWD: {INVOKER} "", /bin/sh'],
        ),
        (
            "env_reset, ",
            f"    (root) NOPASSWD: {INVOKER}\n",
            [f"(root) NOPASSWD: {INVOKER}"],
        ),
        (
            "env_reset, ",
            OWN + f'    (root) SETENV: NOPASSWD: {INVOKER} ""\n',
            [f'(root) SETENV: NOPASSWD: {INVOKER} ""'],
        ),
        ("env_reset, ", OWN + "    (ALL : ALL) ALL\n", ["(ALL : ALL) ALL"]),
        ("!env_reset, setenv, ", OWN, ["Defaults !env_reset", "Defaults setenv"]),
        (
            'env_reset, env_keep+="LD_PRELOAD\n    PYTHONPATH", ',
            OWN,
            ['Defaults env_keep+="LD_PRELOAD PYTHONPATH"'],
        ),
        ('env_reset, env_keep+="LANG LC_ALL", !setenv, ', OWN, []),
    ],
)
def test_what_is_not_the_rule_itself_is_named(defaults: str, rules: str, named: List[str]) -> None:
    assert read_other_rules(HEAD.format(defaults=defaults) + rules) == named


def test_a_user_with_nothing_has_nothing() -> None:
    assert read_other_rules("User orch is not allowed to run sudo on h2.\n") == []
