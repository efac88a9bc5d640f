"""The manifests for Kubernetes: valid by its schemas, restricted, and in step with the service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from cli import main
from local_server import ROUTES
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.database import Database

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy/kubernetes"
KUBERNETES = ("1.30", "1.37")
"""The oldest version that the manifests are for, and a new one."""
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS = {name: yaml.safe_load((FOLDER / name).read_text()) for name in KUSTOMIZATION["resources"]}
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
IMAGE = re.compile(r"apache/age:release_PG(\d+)_(\d+\.\d+\.\d+)")


def pods() -> Iterator[dict[str, Any]]:
    """Yield the template of each pod."""
    for manifest in MANIFESTS.values():
        spec = manifest.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield spec["template"]


def containers() -> Iterator[dict[str, Any]]:
    for pod in pods():
        yield from pod["spec"]["containers"]


@pytest.mark.proves("kubernetes.valid")
@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_valid(name: str, version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


@pytest.mark.proves("kubernetes.valid")
def test_every_manifest_is_applied() -> None:
    assert {*MANIFESTS, "kustomization.yaml"} == {path.name for path in FOLDER.glob("*.yaml")}
    page = (FOLDER / "README.md").read_text()
    assert all(f"| `{name}` |" in page for name in MANIFESTS)


@pytest.mark.proves("kubernetes.pinned")
def test_the_image_is_pinned_by_its_digest() -> None:
    [image] = KUSTOMIZATION["images"]
    assert DIGEST.fullmatch(image["digest"])
    assert {container["image"] for container in containers()} == {image["name"]}


@pytest.mark.proves("kubernetes.restricted")
def test_every_pod_keeps_to_the_restricted_standard() -> None:
    for pod in pods():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
    for container in containers():
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    user = f"--uid {next(pods())['spec']['securityContext']['runAsUser']} "
    assert user in (ROOT / "Dockerfile").read_text()


@pytest.mark.proves("kubernetes.works")
def test_what_the_manifests_name_exists() -> None:
    paths = {route.path for module in ROUTES for route in module.router.routes}
    [server] = [container for container in containers() if "ports" in container]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert server[probe]["httpGet"]["path"] in paths, probe
    assert server["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert server["readinessProbe"]["httpGet"]["path"] == "/status"
    for container in containers():
        with pytest.raises(SystemExit, match="0"):
            main([*container["args"], "--help"])
    variables = {str(field.alias) for field in Settings.model_fields.values()}
    page = (FOLDER / "README.md").read_text()
    assert MANIFESTS["configuration.yaml"]["data"].keys() <= variables
    assert set(re.findall(r"--from-literal=(\w+)=", page)) <= variables


@pytest.mark.proves("kubernetes.works")
def test_each_night_old_audits_and_idle_conversations_are_deleted() -> None:
    job = MANIFESTS["retention.yaml"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    secrets = {
        " ".join(each["args"]): [source["secretRef"]["name"] for source in each["envFrom"] if "secretRef" in source]
        for each in job["containers"]
    }
    # Only the owner of the tables may delete days of the audit.
    assert secrets == {"audit prune": ["imbi-assistant", "imbi-assistant-setup"], "sweep": ["imbi-assistant"]}


@pytest.mark.proves("kubernetes.works")
def test_every_selector_selects_the_server_alone() -> None:
    labels = [pod["metadata"]["labels"] for pod in pods()]
    selectors = [
        MANIFESTS["deployment.yaml"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["disruption-budget.yaml"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["service.yaml"]["spec"]["selector"],
    ]
    for selector in selectors:
        assert [selector.items() <= each.items() for each in labels].count(True) == 1
    assert (
        MANIFESTS["disruption-budget.yaml"]["spec"]["maxUnavailable"] < MANIFESTS["deployment.yaml"]["spec"]["replicas"]
    )


@pytest.mark.proves("container.compose-versions")
async def test_compose_has_the_database_of_the_tests(database: Database) -> None:
    image = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["database"]["image"]
    matched = IMAGE.fullmatch(image)
    assert matched is not None
    async with database.connected() as connection:
        cursor = await connection.execute(
            b"SELECT split_part(current_setting('server_version'), '.', 1), extversion FROM pg_extension"
            b" WHERE extname = 'age'"
        )
        [versions] = await cursor.fetchall()
    if "sslmode=disable" not in database.dsn:
        pytest.skip("another PostgreSQL than the embedded one")
    assert tuple(versions) == matched.groups()
