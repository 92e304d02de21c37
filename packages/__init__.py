"""Build the packages of this project: ``python3 -m packages.deb``, ``python3 -m packages.rpm``.

Part of a checkout, and of nothing that is installed.
"""
