"""`fluid.contrib.slim`: networks made smaller, which became a project of its own."""

from __future__ import annotations

from typing import Any

from ...coverage import refused, tell_absent

__all__ = ["Compressor"]

__getattr__ = tell_absent(__name__)


@refused("fluid.contrib.Compressor")
class Compressor:
    """Prunes, distils and quantizes while it trains."""

    def __init__(
        self,
        place: Any,
        scope: Any,
        train_program: Any,
        train_reader: Any = None,
        train_feed_list: Any = None,
        train_fetch_list: Any = None,
        eval_program: Any = None,
        eval_reader: Any = None,
        eval_feed_list: Any = None,
        eval_fetch_list: Any = None,
        eval_func: Any = None,
        save_eval_model: bool = True,
        prune_infer_model: Any = None,
        teacher_programs: Any = [],  # noqa: B006  the signature of fluid
        checkpoint_path: Any = None,
        train_optimizer: Any = None,
        distiller_optimizer: Any = None,
        search_space: Any = None,
        log_period: int = 20,
    ) -> None: ...

    def config(self, config_file: str) -> None:
        """Take the strategies that a file describes."""

    def run(self) -> Any:
        """Train, and return the compressed program."""
