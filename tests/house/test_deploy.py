"""What is under deploy/ names settings, probes, values and verbs that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplane.app.operations.health import LIVE, PATHS, READY
from careplane.app.settings import Settings
from tests.support import ROOT

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "careplane"
UNIT = DEPLOY / "systemd" / "careplane.service"
SETTINGS = {f"CAREPLANE_{name.upper()}" for name in Settings.model_fields}
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
FREE = {"resources", "nodeSelector", "tolerations", "affinity"}
"""Values that Kubernetes alone understands."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_and_probe_that_is_named_exists(path: Path) -> None:
    text = path.read_text()
    assert set(re.findall(r"\bCAREPLANE_[A-Z_]+\b", text)) <= SETTINGS
    assert set(re.findall(r"/(?:live|ready|health)z?\b", text)) <= PATHS


def test_services_of_compose_refer_to_what_is_there() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert {"careplane", "postgres"} <= services.keys()
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
        for mount in service.get("volumes", ()):
            assert mount.split(":")[0] in compose["volumes"]
        if "build" in service:
            folder = (DEPLOY / service["build"]["context"]).resolve()
            assert (folder / service["build"]["dockerfile"]).is_file()
    ours = services["careplane"]
    Settings(**{name[10:].lower(): value for name, value in ours["environment"].items()})
    grace = int(ours["stop_grace_period"].rstrip("s"))
    environment = ours["environment"]
    assert grace > environment["CAREPLANE_DRAIN_SECONDS"] + environment["CAREPLANE_GRACE_SECONDS"]
    assert f"@{'postgres'}/" in environment["CAREPLANE_DATABASE"]


def test_the_image_copies_what_is_there_and_sees_it() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--" not in line]
    seen = (ROOT / ".dockerignore").read_text()
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists()
        assert f"!{name}\n" in seen
    assert not any("USER root" in line for line in lines)


def shape(path: Path) -> Any:
    """A template as YAML: lines of the template language left out, values stood in for."""
    lines = [x for x in path.read_text().splitlines() if not re.fullmatch(r"\s*\{\{-.*\}\}", x)]
    return yaml.safe_load(re.sub(r"\{\{.*?\}\}", "x", "\n".join(lines)))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_is_balanced_and_yaml(path: Path) -> None:
    text = path.read_text()
    begun = re.findall(r"\{\{-? (?:if|with|range|define)\b", text)
    assert len(begun) == len(re.findall(r"\{\{-? end\b", text))
    assert text.count("{{") == text.count("}}")
    found = shape(path)
    assert {"apiVersion", "kind", "metadata"} <= found.keys()


@pytest.mark.parametrize("path", sorted((CHART / "templates").iterdir()), ids=lambda p: p.name)
def test_every_value_and_name_that_a_template_uses_is_there(path: Path) -> None:
    text = path.read_text()
    for dotted in re.findall(r"\.Values((?:\.\w+)+)", text):
        value = VALUES
        for name in dotted[1:].split("."):
            value = value[name]
    defined = re.findall(r'define "([^"]+)"', (CHART / "templates" / "_names.tpl").read_text())
    assert set(re.findall(r'include "([^"]+)"', text)) <= set(defined)


def test_every_value_is_used_and_described() -> None:
    used = "".join(path.read_text() for path in (CHART / "templates").iterdir())
    for name, value in VALUES.items():
        names = value if isinstance(value, dict) and name not in FREE else [""]
        for inner in names:
            assert f".Values.{name}" + (f".{inner}" if inner else "") in used
    _described(VALUES, SCHEMA)


def _described(values: dict[str, Any], schema: dict[str, Any]) -> None:
    assert values.keys() == schema["properties"].keys() - {"global"}
    assert schema["additionalProperties"] is False
    for name, value in values.items():
        inner = schema["properties"][name]
        if isinstance(value, dict) and name not in FREE:
            _described(value, inner)


def test_the_pod_is_probed_where_it_listens_and_mounts_what_it_has() -> None:
    pod = shape(CHART / "templates" / "deployment.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    ports = {port["name"] for port in container["ports"]}
    probes = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": LIVE,
        "livenessProbe": LIVE,
        "readinessProbe": READY,
    }
    assert {probe["port"] for probe in probes.values()} <= ports
    service = shape(CHART / "templates" / "service.yaml")
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_chart_passes_helm() -> None:
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("needs helm")
    for more in (["key.existingSecret=k"], ["key.existingSecret=k", "database.existingSecret=d"]):
        words = [word for value in more for word in ("--set", value)]
        done = subprocess.run([helm, "lint", str(CHART), *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_the_unit_passes_systemd(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze")
    unit = tmp_path / UNIT.name
    there = UNIT.read_text().replace("/opt/careplane/bin/careplane", "/bin/true")
    unit.write_text(there.replace("User=careplane", "User=daemon"))
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert unit.name not in done.stderr, done.stderr
    words = ["security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run([analyze, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-600:]


def test_the_unit_waits_as_long_as_the_server_may_take() -> None:
    text = UNIT.read_text()
    seconds = {name: int(found) for name, found in re.findall(r"(\w+_SECONDS|\w+Sec)=(\d+)", text)}
    needed = seconds["CAREPLANE_DRAIN_SECONDS"] + seconds["CAREPLANE_GRACE_SECONDS"]
    assert seconds["TimeoutStopSec"] > needed
    assert "KillMode=mixed" in text
