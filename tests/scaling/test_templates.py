"""The files of docs/scaling/ that no engine runs here: work pools rendered, manifests held to Kubernetes' own types."""

from __future__ import annotations

import asyncio
import fnmatch
import json
import re
from types import SimpleNamespace
from typing import Any

import prefect
import pytest
import yaml
from dotenv import dotenv_values
from jsonschema import Draft7Validator
from prefect.settings.legacy import _get_settings_fields
from prefect.utilities.templating import apply_values

from mfn.settings import PREFIX, Settings
from tests.scaling.machines import ROOT, SCALING

BUILT_IN = json.loads(
    next((ROOT.joinpath(*prefect.__path__) / "server").rglob("aggregate-worker-metadata.json")).read_text("utf-8")
)
POOLS = {"docker": "docker-pool.json", "kubernetes": "kubernetes-pool.json"}
MANIFESTS = list(yaml.safe_load_all((SCALING / "kubernetes.yaml").read_text(encoding="utf-8")))
COMPOSE = yaml.safe_load((SCALING / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (SCALING / "Dockerfile").read_text(encoding="utf-8")
RUN: dict[str, Any] = {
    "name": "a-run",
    "command": "prefect flow-run execute",
    "env": {"PREFECT_API_URL": "http://prefect-server:4200/api"},
}
"""What a worker adds for a run."""


def template(kind: str) -> dict[str, Any]:
    """The base job template of a work pool."""
    return dict(json.loads((SCALING / POOLS[kind]).read_text(encoding="utf-8")))


def rendered(kind: str) -> dict[str, Any]:
    """What a worker of this type would ask its engine for."""
    job = template(kind)
    defaults = {name: p["default"] for name, p in job["variables"]["properties"].items() if "default" in p}
    return dict(apply_values(job["job_configuration"], defaults | RUN))


def kubernetes(thing: dict[str, Any]) -> dict[str, Any]:
    """The thing as Kubernetes' own types have it: what they do not know is gone, and what they refuse is an error."""
    from kubernetes_asyncio.client import ApiClient  # noqa: PLC0415 - half a second in each process of the suite

    version, kind = thing["apiVersion"].rsplit("/", 1)[-1], thing["kind"]

    async def there_and_back() -> dict[str, Any]:
        async with ApiClient() as client:
            read = client.deserialize(SimpleNamespace(data=json.dumps(thing)), version.capitalize() + kind)
            return dict(client.sanitize_for_serialization(read))

    return asyncio.run(there_and_back())


@pytest.mark.parametrize("kind", POOLS)
def test_a_work_pool_offers_everything_that_the_prefect_template_of_its_type_offers(kind: str) -> None:
    built_in = BUILT_IN[f"prefect-{kind}"][kind]["default_base_job_configuration"]
    assert set(template(kind)["variables"]["properties"]) == set(built_in["variables"]["properties"])
    assert set(template(kind)["job_configuration"]) == set(built_in["job_configuration"])


@pytest.mark.parametrize("kind", POOLS)
def test_the_defaults_of_a_work_pool_have_the_declared_types(kind: str) -> None:
    variables = template(kind)["variables"]
    Draft7Validator.check_schema(variables)
    defaults = {name: p["default"] for name, p in variables["properties"].items() if "default" in p}
    assert [error.message for error in Draft7Validator(variables).iter_errors(defaults)] == []


def test_a_run_in_docker_has_secrets_connections_and_reports() -> None:
    job = rendered("docker")
    assert job["image"] == "mfn:latest"
    assert {volume.split(":")[1] for volume in job["volumes"]} == {
        "/etc/mfn/connections.yaml", "/srv/mfn/.env", "/var/lib/mfn",
    }  # fmt: skip
    assert job["networks"] == [COMPOSE["networks"]["default"]["name"]]
    assert COMPOSE["volumes"]["mfn"]["name"] in {volume.split(":")[0] for volume in job["volumes"]}


def test_a_run_in_kubernetes_is_a_valid_job() -> None:
    configuration = rendered("kubernetes")
    job = configuration["job_manifest"]
    job["spec"]["template"]["spec"]["containers"][0] |= {"args": RUN["command"].split(), "env": []}
    job["metadata"]["labels"] = {}
    assert kubernetes(job) == job
    pod = job["spec"]["template"]["spec"]
    named = {(thing["kind"], thing["metadata"]["name"]) for thing in MANIFESTS}
    assert ("ServiceAccount", pod["serviceAccountName"]) in named
    assert ("PersistentVolumeClaim", pod["volumes"][1]["persistentVolumeClaim"]["claimName"]) in named
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    assert configuration["namespace"] == "mfn"


@pytest.mark.parametrize("thing", MANIFESTS, ids=lambda thing: f"{thing['kind']}-{thing['metadata']['name']}")
def test_every_manifest_is_valid_for_kubernetes(thing: dict[str, Any]) -> None:
    known = kubernetes(thing)
    for subject in known.get("subjects", ()):
        subject.pop("apiGroup", None)
    assert known == thing


def test_a_misspelt_field_is_detected() -> None:
    (worker,) = (thing for thing in MANIFESTS if thing["metadata"]["name"] == "mfn-worker" and "spec" in thing)
    assert kubernetes(worker | {"spec": worker["spec"] | {"replica": 1}}) != worker | {
        "spec": worker["spec"] | {"replica": 1}
    }
    with pytest.raises(ValueError, match="selector"):
        kubernetes(worker | {"spec": {"template": worker["spec"]["template"]}})


def test_the_manifests_fit_together() -> None:
    names = {thing["metadata"]["name"] for thing in MANIFESTS if thing["kind"] == "ServiceAccount"}
    for thing in MANIFESTS:
        assert thing["kind"] == "Namespace" or thing["metadata"]["namespace"] == "mfn"
        if thing["kind"] == "Deployment":
            assert thing["spec"]["selector"]["matchLabels"] == thing["spec"]["template"]["metadata"]["labels"]
        if thing["kind"] in {"Deployment", "Job"}:
            pod = thing["spec"]["template"]["spec"]
            assert pod.get("serviceAccountName", "mfn-run") in names
            assert {v["name"] for v in pod.get("volumes", ())} == {
                m["name"] for c in pod["containers"] for m in c.get("volumeMounts", ())
            }


def test_compose_names_only_what_exists() -> None:
    services, volumes = COMPOSE["services"], COMPOSE["volumes"]
    written_here = {"connections.yaml"}  # the seller's own
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        if "env_file" in service:
            assert (SCALING / service["env_file"]).is_file()
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in volumes or (SCALING / source).is_file() or source.removeprefix("./") in written_here
    conditions = [
        (name, waited) for s in services.values() for name, waited in s.get("depends_on", {}).items() if waited
    ]
    for name, waited in conditions:
        assert waited["condition"] != "service_healthy" or "healthcheck" in services[name]


def test_the_image_copies_only_files_that_exist_and_nothing_else_reaches_it() -> None:
    copied = [word for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]]
    assert [word for word in copied if not (ROOT / word).exists()] == []
    let_in = (SCALING / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in let_in if line.startswith("!")} == set(copied)
    assert "*" in let_in
    assert not [word for word in copied if fnmatch.fnmatch(word, "*.env*") or word == ".mfn"]


def test_the_image_runs_the_locked_versions() -> None:
    packages = (SCALING / "requirements.lock").read_text(encoding="utf-8")
    tested = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    in_image = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", packages, re.MULTILINE))
    assert {"prefect-redis", "prefect-docker", "prefect-kubernetes", "hatchling"} <= set(in_image)
    assert {name: version for name, version in in_image.items() if tested.get(name, version) != version} == {}


def test_every_setting_of_the_environment_files_exists() -> None:
    ours = {PREFIX + name.upper() for name in Settings.model_fields}
    assert {name for name in dotenv_values(SCALING / "mfn.env") if name.startswith(PREFIX)} <= ours
    theirs = {name for name in dotenv_values(SCALING / "prefect-server.env") if "REDIS" not in name}
    assert theirs <= set(_get_settings_fields(prefect.settings.Settings))
