"""Checks the manifests of this folder: against Kubernetes' own schemas, and against one another.

    pip install kubernetes-validate
    python docker/kubernetes/validate.py [--spiked PROGRAM]

Prints what is wrong, a line each, and ends with 1 if that is anything. With a program it also asks whether the
daemon would take the settings that its pods are given.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import kubernetes_validate
import yaml

# The oldest and the newest that are checked.
VERSIONS = ["1.29", "1.33", "1.37"]
HERE = Path(__file__).parent
PODS = {"StatefulSet", "Deployment"}
# What stands for a value that only the cluster knows.
FROM_CLUSTER = {"metadata.name": "spiked-0", "limits.cpu": "2"}


def documents(path: Path) -> Iterator[dict[str, Any]]:
    yield from (document for document in yaml.safe_load_all(path.read_text()) if document)


def listed() -> Iterator[str]:
    """All manifests are in the kustomization, and what is there exists."""
    kustomization = next(documents(HERE / "kustomization.yaml"))
    resources = set(kustomization["resources"])
    generated = {file for maps in kustomization["configMapGenerator"] for file in maps["files"]}
    found = {str(path.relative_to(HERE)) for path in HERE.rglob("*.yaml")} - {"kustomization.yaml"}
    for name in sorted(found ^ (resources | generated)):
        yield f"{name}: " + ("no such file" if name not in found else "is not in the kustomization")


def schemas(manifests: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    for name, manifest in manifests:
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                place = ".".join(str(part) for part in error.path)
                yield f"{name} ({manifest.get('kind')}), Kubernetes {version}: {place}: {error.message}"


def hardened(manifests: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """No container may change its image, become somebody else, or take what it likes."""
    for name, manifest in manifests:
        if manifest["kind"] not in PODS:
            continue
        pod = manifest["spec"]["template"]["spec"]
        if not pod.get("securityContext", {}).get("runAsNonRoot"):
            yield f"{name}: the pod may run as root"
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{name}: the pod is given a token of the cluster"
        for container in pod["containers"]:
            context = container.get("securityContext", {})
            if not context.get("readOnlyRootFilesystem"):
                yield f"{name}: {container['name']} may change its image"
            if context.get("allowPrivilegeEscalation") is not False:
                yield f"{name}: {container['name']} may become somebody else"
            if context.get("capabilities", {}).get("drop") != ["ALL"]:
                yield f"{name}: {container['name']} keeps capabilities"
            if "memory" not in container.get("resources", {}).get("limits", {}):
                yield f"{name}: {container['name']} may take all memory"


def connected(manifests: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """Whatever selects pods selects some, and ports that are named have that name there."""
    pods = [manifest["spec"]["template"] for _, manifest in manifests if manifest["kind"] in PODS]

    def selected(labels: dict[str, str]) -> list[dict[str, Any]]:
        return [pod for pod in pods if labels.items() <= pod["metadata"]["labels"].items()]

    for name, manifest in manifests:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "Service":
            chosen = selected(spec["selector"])
            ports = {port["name"] for pod in chosen for box in pod["spec"]["containers"] for port in box["ports"]}
            for port in spec["ports"]:
                if port["targetPort"] not in ports:
                    yield f"{name}: no pod of {manifest['metadata']['name']} has a port {port['targetPort']!r}"
        elif manifest["kind"] in {"PodDisruptionBudget", "NetworkPolicy"}:
            labels = (spec.get("selector") or spec.get("podSelector"))["matchLabels"]
            if not selected(labels):
                yield f"{name}: {manifest['kind']} {manifest['metadata']['name']} is about no pod"


def routed(manifests: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """Envoy has a cluster for each daemon, at the daemon's name, and every route leads to one."""
    resources = next(documents(HERE / "envoy/envoy.yaml"))["static_resources"]
    clusters = {cluster["name"]: cluster for cluster in resources["clusters"]}
    daemons = next(manifest for _, manifest in manifests if manifest["kind"] == "StatefulSet")
    name, service = daemons["metadata"]["name"], daemons["spec"]["serviceName"]
    namespace = next(documents(HERE / "kustomization.yaml"))["namespace"]
    expected = {f"{name}-{number}" for number in range(daemons["spec"]["replicas"])}
    for missing in sorted(expected ^ {cluster for cluster in clusters if cluster.startswith(f"{name}-")}):
        yield f"envoy.yaml: {missing} is a daemon or a cluster, and not both"
    services = {manifest["metadata"]["name"] for _, manifest in manifests if manifest["kind"] == "Service"}
    if service not in services:
        yield f"statefulset.yaml: there is no service {service}"
    for cluster in expected & clusters.keys():
        endpoint = clusters[cluster]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        address = endpoint["address"]["socket_address"]["address"]
        if address != f"{cluster}.{service}.{namespace}.svc.cluster.local":
            yield f"envoy.yaml: {cluster} is looked for at {address}"
    for listener in resources["listeners"]:
        for chain in listener["filter_chains"]:
            for host in chain["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]:
                for route in host["routes"]:
                    cluster = route["route"].get("cluster")
                    if cluster is not None and cluster not in clusters:
                        yield f"envoy.yaml: a route leads to {cluster}, which is no cluster"


def accepted(manifests: list[tuple[str, dict[str, Any]]], program: str) -> Iterator[str]:
    """The daemon takes the settings of its pods."""
    daemons = next(manifest for _, manifest in manifests if manifest["kind"] == "StatefulSet")
    environment = {"PATH": os.environ["PATH"], "SPIKED_LISTEN": "0.0.0.0:7411"}
    for variable in daemons["spec"]["template"]["spec"]["containers"][0]["env"]:
        if "value" in variable:
            environment[variable["name"]] = variable["value"]
        else:
            source = next(iter(variable["valueFrom"].values()))
            environment[variable["name"]] = FROM_CLUSTER[source.get("fieldPath") or source["resource"]]
    told = subprocess.run([program, "config"], env=environment, capture_output=True, text=True)
    if told.returncode != 0:
        yield f"statefulset.yaml: {told.stderr.strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spiked", help="a program that is asked whether it takes the settings")
    arguments = parser.parse_args()
    resources = next(documents(HERE / "kustomization.yaml"))["resources"]
    problems = list(listed())
    manifests = [(name, manifest) for name in resources if (HERE / name).exists() for manifest in documents(HERE / name)]
    problems.extend(schemas(manifests))
    # The others take for granted that manifests have the form of one.
    if not problems:
        for check in [hardened, connected, routed]:
            problems.extend(check(manifests))
        if arguments.spiked:
            problems.extend(accepted(manifests, arguments.spiked))
    for problem in problems:
        print(problem)
    print(f"{len(manifests)} manifests, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
