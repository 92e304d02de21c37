"""The units of SMB services: Samba's, and libcephfsd's, for which no package has one."""

from __future__ import annotations

from typing import Dict

from ...system.command import find_program

SAMBA, PROXY = "ceph-orch-smb@.service", "ceph-orch-libcephfsd@.service"

# Samba sees its service's users in the place of the host's.
_SAMBA = """\
# Made by ceph-orch-ansible.
[Unit]
Description=Samba of the SMB service %i
After=network-online.target ceph-orch-libcephfsd@%i.service
Wants=network-online.target

[Service]
Type=notify
EnvironmentFile={folder}/%i/environment
BindReadOnlyPaths={folder}/%i/passwd:/etc/passwd {folder}/%i/group:/etc/group
ExecStartPre={net} --configfile={folder}/%i/smb.conf setlocalsid ${{SMB_SID}}
ExecStart={smbd} --foreground --no-process-group --debug-stdout --configfile={folder}/%i/smb.conf
ExecReload={smbcontrol} --configfile={folder}/%i/smb.conf smbd reload-config
LimitNOFILE=65536
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
_PROXY = """\
# Made by ceph-orch-ansible.
[Unit]
Description=libcephfsd of the SMB service %i
After=network-online.target
Wants=network-online.target

[Service]
EnvironmentFile={folder}/%i/environment
ExecStart={libcephfsd} -s ${{LIBCEPHFSD_SOCKET}}
LimitNOFILE=65536
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
_PLACES = {
    "net": "/usr/bin/net",
    "smbcontrol": "/usr/bin/smbcontrol",
    "smbd": "/usr/sbin/smbd",
    "libcephfsd": "/usr/sbin/libcephfsd",
}


def unit_texts(folder: str) -> Dict[str, str]:
    """Return the texts of the units by name; ``folder`` is where services have theirs."""
    found = {name: find_program(name) or path for name, path in _PLACES.items()}
    return {
        SAMBA: _SAMBA.format(folder=folder, **found),
        PROXY: _PROXY.format(folder=folder, **found),
    }
