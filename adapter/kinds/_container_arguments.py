"""Which arguments a custom container may give podman: those that nothing else decides."""

from __future__ import annotations

from typing import Any, Dict, Sequence

from adapter.errors import InvalidValue
from adapter.kinds._container_settings import podman_words, words_of

_NETWORK = "the container has the network of its host, and listens there on `ports`"
_UNIT = "its unit says it"
_IMAGE = "an image is pulled where the host does not have it, and never again"
_ENVS = "`envs` says it; in an argument everybody could read it"
# Options that would be there twice, or take the container away from its unit.
_TAKEN: Dict[str, str] = {
    **dict.fromkeys(("net", "network", "publish", "publish-all", "pod"), _NETWORK),
    **dict.fromkeys(("name", "replace", "rm", "detach", "restart", "rootfs"), _UNIT),
    **dict.fromkeys(("cidfile", "conmon-pidfile", "pidfile", "sdnotify", "cgroups"), _UNIT),
    **dict.fromkeys(("env", "env-file", "env-host", "env-merge"), _ENVS),
    "pull": _IMAGE,
    "entrypoint": "`entrypoint` says it",
    "privileged": "`privileged` says it",
}
_SHORT = {"d": "detach", "e": "env", "p": "publish", "P": "publish-all"}
# Short options without a value, behind which others may stand.
_SWITCHES = "diqt"


def check_arguments(spec: Any) -> None:
    """Raise ``InvalidValue`` for arguments that podman, or the program, cannot be given."""
    field = "args" if spec.args else "extra_container_args"
    words = podman_words(spec)
    _check_plain(field, words)
    for word in words:
        name = _option_of(word)
        if name in _TAKEN:
            raise InvalidValue(field, word, _TAKEN[name], "Leave it out.")
    before = ""
    for word in words:
        is_value = before.startswith("-") and "=" not in before
        if word == "--" or not (word.startswith("-") or is_value):
            raise InvalidValue(
                field,
                word,
                "podman would take it for the image, as it belongs to no option before it",
                "Write an option with its value as one word: --cpus=2.",
            )
        before = word
    _check_plain("extra_entrypoint_args", words_of(spec.extra_entrypoint_args))
    for each in spec.init_containers or ():
        _check_plain("init_containers: entrypoint_args", words_of(each.entrypoint_args))


def _check_plain(field: str, words: Sequence[str]) -> None:
    for word in words:
        if not word.isprintable():
            raise InvalidValue(
                field, word, "it has a character that cannot be printed", "Leave that out."
            )


def _option_of(word: str) -> str:
    """Return the long name of the option that a word is or begins, empty for none."""
    if word.startswith("--"):
        return word[2:].partition("=")[0]
    if not word.startswith("-"):
        return ""
    for letter in word[1:]:
        if letter in _SHORT:
            return _SHORT[letter]
        if letter not in _SWITCHES:
            break
    return ""
