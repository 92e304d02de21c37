"""A package repository with a Grafana, laid out as that of its makers; an operator adds it."""

from __future__ import annotations

from pathlib import Path

from tests.lab_tests.lab_client import Lab

PROGRAM = Path(__file__).with_name("stand_in_grafana.py")
PLACE = "/opt/grafana-repository"
SOURCE = "/etc/apt/sources.list.d/grafana.list"
# Files, unit, user and directories are those of Grafana's own package for Debian.
MAKE = f"""
rm -rf /tmp/grafana {PLACE}
mkdir -p /tmp/grafana/DEBIAN /tmp/grafana/usr/share/grafana/bin /tmp/grafana/usr/sbin {PLACE}
mkdir -p /tmp/grafana/usr/lib/systemd/system /tmp/grafana/etc/default
cat >/tmp/grafana/usr/share/grafana/bin/grafana
printf '#!/bin/sh\\nexec /usr/share/grafana/bin/grafana "$@"\\n' >/tmp/grafana/usr/sbin/grafana
chmod 0755 /tmp/grafana/usr/share/grafana/bin/grafana /tmp/grafana/usr/sbin/grafana
echo GRAFANA_USER=grafana >/tmp/grafana/etc/default/grafana-server
cat >/tmp/grafana/DEBIAN/control <<END
Package: grafana
Version: 12.1.0
Architecture: all
Maintainer: Tests <tests@example.com>
Depends: python3, python3-yaml
Description: stand-in for Grafana
END
cat >/tmp/grafana/DEBIAN/postinst <<'END'
#!/bin/sh
set -e
id grafana >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir /usr/share/grafana \\
    --shell /bin/false grafana
mkdir -p /var/log/grafana /var/lib/grafana
chown -R grafana:grafana /var/log/grafana /var/lib/grafana
END
chmod 0755 /tmp/grafana/DEBIAN/postinst
cat >/tmp/grafana/usr/lib/systemd/system/grafana-server.service <<'END'
[Unit]
Description=Grafana instance
Wants=network-online.target
After=network-online.target
[Service]
EnvironmentFile=/etc/default/grafana-server
User=grafana
Group=grafana
Type=simple
Restart=on-failure
WorkingDirectory=/usr/share/grafana
RuntimeDirectory=grafana
RuntimeDirectoryMode=0750
ExecStart=/usr/share/grafana/bin/grafana server --config=/etc/grafana/grafana.ini
LimitNOFILE=10000
TimeoutStopSec=20
UMask=0027
[Install]
WantedBy=multi-user.target
END
dpkg-deb --root-owner-group -b /tmp/grafana {PLACE}/grafana.deb >/dev/null
rm -rf /tmp/grafana
cd {PLACE}
{{
  dpkg-deb -f grafana.deb
  echo Filename: ./grafana.deb
  echo Size: $(stat -c %s grafana.deb)
  echo SHA256: $(sha256sum grafana.deb | cut -d' ' -f1)
}} >Packages
"""
OFFER = f"""
echo 'deb [trusted=yes] file:{PLACE} ./' >{SOURCE}
apt-get update -qq
"""
TAKE_BACK = f"""
systemctl disable --now grafana-server 2>/dev/null || true
DEBIAN_FRONTEND=noninteractive apt-get purge -qq -y grafana >/dev/null 2>&1 || true
rm -rf {PLACE} {SOURCE} /var/lib/grafana /var/log/grafana
apt-get update -qq
"""


def offer(lab: Lab, *hosts: str) -> None:
    """Add the repository to the package sources of hosts."""
    text = PROGRAM.read_text(encoding="utf-8")
    for host in hosts:
        lab.sh(host, MAKE, stdin=text)
        lab.sh(host, OFFER)


def take_back(lab: Lab, *hosts: str) -> None:
    """Leave nothing of it on hosts."""
    for host in hosts:
        lab.sh(host, TAKE_BACK)
