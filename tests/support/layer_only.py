"""A process that has only the packages of the Lambda layer: importing any other installed package fails.

python -m tests.support.layer_only MODULE ARGUMENT …
"""

from __future__ import annotations

import re
import runpy
import sys
from importlib.abc import MetaPathFinder
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

ROOT = Path(__file__).parent.parent.parent
OF_LAMBDA = frozenset({"boto3", "botocore", "s3transfer"})
"""What Lambda's own Python has."""


def normalized(name: str) -> str:
    """Return a package's name in the form of the lock (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def of_the_layer() -> frozenset[str]:
    """Return the names of the packages that the layer or Lambda has."""
    lock = (ROOT / "layer" / "requirements.lock").read_text()
    return frozenset(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)) | OF_LAMBDA | {"imbi-assistant"}


class LayerOnly(MetaPathFinder):
    """Refuses the import of packages that are installed here but are not in the layer."""

    def __init__(self) -> None:
        present = of_the_layer()
        self._absent = {
            module
            for module, distributions in packages_distributions().items()
            if not present & {normalized(distribution) for distribution in distributions}
        }

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise ModuleNotFoundError for an absent package."""
        if fullname.partition(".")[0] in self._absent:
            raise ModuleNotFoundError(f"No module named {fullname!r} in the layer", name=fullname)
        return None


if __name__ == "__main__":
    del sys.argv[0]
    sys.meta_path.insert(0, LayerOnly())
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
