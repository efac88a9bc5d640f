"""The built template, which can only be deployed for what it was built for, and the warnings of a build."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from layer.package import build_directory, run, sealed
from local.lambdas.functions import TEMPLATE
from tests.support.sam_template import parsed

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "20261126T080000Z"


@pytest.mark.proves("package.sealed")
@pytest.mark.parametrize("is_built", [False, True], ids=["as written", "as sam writes it"])
def test_a_built_template_accepts_only_the_target_that_it_was_built_for(*, is_built: bool) -> None:
    source = TEMPLATE.read_text()
    text = yaml.dump(parsed(source), Dumper=yaml.CSafeDumper, sort_keys=False) if is_built else source
    template = parsed(sealed(text, "3.14", "arm64", RELEASE))
    for name, value in (("PythonVersion", "3.14"), ("Architecture", "arm64")):
        parameter = template["Parameters"][name]
        assert (parameter["Type"], parameter["Default"], parameter["AllowedValues"]) == ("String", value, [value])
    assert template["Globals"]["Function"]["Environment"]["Variables"]["RELEASE"] == RELEASE
    before, now = (each["Parameters"].keys() for each in (parsed(source), template))
    assert list(before) == list(now)


@pytest.mark.proves("package.sealed")
def test_every_deployment_publishes_a_version_of_every_function() -> None:
    template = parsed(TEMPLATE.read_text())
    common = template["Globals"]["Function"]
    assert (common["AutoPublishAlias"], common["AutoPublishAliasAllProperties"]) == ("live", True)
    assert template["Resources"]["SharedLayer"]["Properties"]["PublishLambdaVersion"] is True


@pytest.mark.proves("package.sealed")
def test_a_template_without_the_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="instead of one"):
        sealed("Parameters: {}\n", "3.13", "x86_64", RELEASE)


@pytest.mark.proves("package.warnings")
def test_warnings_of_a_build_are_found_in_its_output(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('fine'); print('WARNING: odd', file=sys.stderr); sys.exit(3)"
    assert run([sys.executable, "-c", code], {}) == (3, ["WARNING: odd"])
    assert run([sys.executable, "-c", "print('toward')"], {}) == (0, [])
    assert "fine" in capfd.readouterr().out


@pytest.mark.proves("package.sealed")
def test_the_template_is_sealed_where_it_is_built(tmp_path: Path) -> None:
    assert build_directory(["--build-dir", str(tmp_path)]) == tmp_path
    assert build_directory([]) == TEMPLATE.parent / ".aws-sam" / "build"
