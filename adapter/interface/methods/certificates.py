"""Certificates: the store that 20.2 asks for, with `ceph orch certmgr`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:
    from ..result import OrchResult


class CertificateMethods:
    """Certificates and keys of services; all PEM text, all since 20.2."""

    def cert_store_cert_ls(self, show_details: bool = False) -> OrchResult[Dict[str, Any]]:
        """List the certificates with scope and validity."""
        raise NotImplementedError

    def cert_store_entity_ls(self) -> OrchResult[Dict[Any, Dict[str, List[str]]]]:
        """List what can have certificates, and which each has."""
        raise NotImplementedError

    def cert_store_reload(self) -> OrchResult[str]:
        """Read the store again."""
        raise NotImplementedError

    def cert_store_cert_check(self) -> OrchResult[List[str]]:
        """Check all certificates; gives one line for each problem."""
        raise NotImplementedError

    def cert_store_key_ls(self) -> OrchResult[Dict[str, Any]]:
        """List the keys, without their content."""
        raise NotImplementedError

    def cert_store_get_cert(
        self,
        cert_name: str,
        service_name: Optional[str] = None,
        hostname: Optional[str] = None,
        no_exception_when_missing: bool = False,
    ) -> OrchResult[str]:
        """Give a certificate."""
        raise NotImplementedError

    def cert_store_get_key(
        self,
        key_name: str,
        service_name: Optional[str] = None,
        hostname: Optional[str] = None,
        no_exception_when_missing: bool = False,
    ) -> OrchResult[str]:
        """Give a key."""
        raise NotImplementedError

    def cert_store_set_pair(
        self,
        cert: str,
        key: str,
        entity: str,
        cert_name: Optional[str] = None,
        service_name: Optional[str] = None,
        hostname: Optional[str] = None,
        force: Optional[bool] = False,
    ) -> OrchResult[str]:
        """Keep a certificate with its key; ``force`` although they do not pass the check."""
        raise NotImplementedError

    def cert_store_set_cert(
        self,
        cert_name: str,
        cert: str,
        service_name: Optional[str] = None,
        hostname: Optional[str] = None,
    ) -> OrchResult[str]:
        """Keep a certificate."""
        raise NotImplementedError

    def cert_store_set_key(
        self,
        key: str,
        key_name: str,
        service_name: Optional[str] = None,
        hostname: Optional[str] = None,
    ) -> OrchResult[str]:
        """Keep a key."""
        raise NotImplementedError

    def cert_store_rm_cert(
        self, cert_name: str, service_name: Optional[str] = None, hostname: Optional[str] = None
    ) -> OrchResult[str]:
        """Forget a certificate."""
        raise NotImplementedError

    def cert_store_rm_key(
        self, key_name: str, service_name: Optional[str] = None, hostname: Optional[str] = None
    ) -> OrchResult[str]:
        """Forget a key."""
        raise NotImplementedError

    def generate_certificates(self, module_name: str) -> OrchResult[Optional[Dict[str, str]]]:
        """Make a certificate and key for an mgr module: ``{"cert", "key", ...}``."""
        raise NotImplementedError
