"""``OrchestratorClientMixin``: calling the backend that is configured, from another module."""

from __future__ import annotations

import functools
import logging
from typing import Any, Callable, Dict, Tuple

from .errors import NoOrchestrator
from .orchestrator import FEATURES, HIDDEN_FEATURES, Orchestrator

logger = logging.getLogger(__name__)


class OrchestratorClientMixin(Orchestrator):
    """Makes every method of ``Orchestrator`` a call of the configured backend.

    To be inherited by an mgr module that uses the orchestrator (never by a backend), or to be
    used alone after ``set_mgr``. Results are what the backend gives: an ``OrchResult`` for most
    methods, see ``raise_if_exception``. A call raises ``NoOrchestrator`` if no backend is
    configured, ``NotImplementedError`` if the backend does not implement the method.
    """

    def set_mgr(self, mgr: Any) -> None:
        """Use this mgr module for the calls (it needs ``remote``), as the dashboard does."""
        self.__mgr = mgr

    def _oremote(self, meth: str, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        """Call a method of the configured backend; arguments may be secrets, so none is logged."""
        mgr: Any = getattr(self, "_OrchestratorClientMixin__mgr", self)
        select = getattr(mgr, "_select_orchestrator", None)
        backend = select() if select else mgr.remote("orchestrator", "_select_orchestrator")
        if backend is None:
            raise NoOrchestrator
        logger.debug("_oremote %s -> %s.%s", type(mgr).__name__, backend, meth)
        try:
            return mgr.remote(backend, meth, *args, **kwargs)
        except Exception as error:
            if meth in HIDDEN_FEATURES or self._backend_has(meth):
                raise
            raise NotImplementedError(f"{backend} does not implement {meth}") from error

    def _backend_has(self, meth: str) -> bool:
        feature = self.get_feature_set().get(meth)
        return bool(feature and feature["available"])


def _stub(name: str) -> Callable[..., Any]:
    @functools.wraps(getattr(Orchestrator, name))
    def call(self: OrchestratorClientMixin, *args: Any, **kwargs: Any) -> Any:
        return self._oremote(name, args, kwargs)

    return call


for _name in (*FEATURES, *HIDDEN_FEATURES):
    if _name != "is_orchestrator_module":  # that one is about the module itself
        setattr(OrchestratorClientMixin, _name, _stub(_name))
