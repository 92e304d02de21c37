"""Constant writes through gateways, as a client behind a balancer does them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from tests.lab_tests.lab_client import Lab

# Runs on the first host until its standard input has another line; the keys come by it. What one
# gateway does not take is sent to the next one at once.
WRITER = r"""
import hashlib, json, select, subprocess, sys, tempfile, time

KEYS = 'aws-sigv4 = "aws:amz:us-east-1:s3"\nuser = "%s:%s"\n'
# With the type of a form, which curl names by itself, a gateway counts the body as none: the
# signature is of another one then.
BODY = ("-X", "PUT", "-H", "Content-Type: application/octet-stream", "--data-binary", "@-")
told = json.loads(sys.stdin.readline())
result = {"writes": 0, "second_tries": 0, "failed": [], "wrong": [], "slowest": 0.0}
written = {}

def curl(address, path, *words, given=None):
    with tempfile.NamedTemporaryFile("w") as config:
        config.write(KEYS % (told["access"], told["secret"]))
        config.flush()
        argv = ["curl", "-fsS", "--max-time", "20", "-K", config.name, *words, address + path]
        return subprocess.run(argv, input=given, capture_output=True)

def through_any(path, *words, given=None):
    said = ""
    for number, address in enumerate(told["addresses"]):
        done = curl(address, path, *words, given=given)
        if done.returncode == 0:
            result["second_tries"] += bool(number)
            return done.stdout
        said = done.stderr.decode(errors="replace").strip()
    raise OSError(said)

for left in reversed(range(30)):
    try:
        through_any("/load", "-X", "PUT")
        break
    except OSError:
        if not left:
            raise
        time.sleep(1)
print("writing", flush=True)
number = 0
while not select.select([sys.stdin], [], [], 0.1)[0]:
    name, began = "object-%d" % (number % 50), time.monotonic()
    body = (b"%d " % number) * 2000
    # Both take turns to be the first.
    told["addresses"].reverse()
    try:
        through_any("/load/" + name, *BODY, given=body)
        written[name] = hashlib.sha256(body).hexdigest()
        result["writes"] += 1
    except OSError as error:
        result["failed"].append("%s: %s" % (name, error))
    result["slowest"] = max(result["slowest"], time.monotonic() - began)
    number += 1
for name, digest in written.items():
    if hashlib.sha256(through_any("/load/" + name)).hexdigest() != digest:
        result["wrong"].append(name)
print(json.dumps(result), flush=True)
"""


class GatewayLoad:
    """A process on the first host that puts objects until it is stopped."""

    def __init__(self, lab: Lab, addresses: Sequence[str]) -> None:
        made = lab.sh(
            lab.first,
            "radosgw-admin user info --uid=load 2>/dev/null || "
            "radosgw-admin user create --uid=load --display-name=load",
        )
        key = json.loads(made)["keys"][0]
        told = {
            "addresses": list(addresses),
            "access": key["access_key"],
            "secret": key["secret_key"],
        }
        self._process = subprocess.Popen(
            lab.argv(lab.first, "python3", "-c", WRITER),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        began = self._process.stdout.readline()
        assert began == "writing\n", self._process.communicate()[1]
        self._result: dict[str, Any] = {}

    def check(self) -> None:
        """Stop; fail where a write failed or was lost."""
        found = self.stop()
        assert found["writes"] > 10
        assert found["failed"] == []
        assert found["wrong"] == []

    def stop(self) -> dict[str, Any]:
        """Stop, read everything back, and return what happened."""
        if not self._result:
            out, err = self._process.communicate("stop\n", timeout=180)
            assert self._process.returncode == 0, err
            self._result = json.loads(out.splitlines()[-1])
            print(f"gateway load: {self._result}")
        return self._result
