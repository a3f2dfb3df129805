"""Containers of Amazon ECS tasks: what a definition says of limits, rights, network and stopping reaches the engine.

ministack starts containers by image, command, environment and ports alone. Added here: entry point, user, read-only file
system, folders in memory, capabilities, init process, memory limit, stop time-out, the network, the trust in the
emulated authorities, the agent's endpoint, the credentials of the task's role, and metrics that are written to the log
(embedded metric format).
"""
import copy
import json
import os
import re
import tempfile
import time

from docker.errors import APIError
from docker.models.containers import ContainerCollection
import roles
from health import Health
from marks import marks
from ministack.core import container_reaper
from ministack.services import cloudwatch, ecs, ecs_metadata, elasticache, rds

ECR_HOST = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/")
STOP_TIMEOUT = "emulator.stop-timeout"
# ministack asks the engine ten times a second for each task, which a small machine feels.
LOOK_SECONDS = 0.5
LOOPBACK = "127.0.0.1"
AUTHORITIES = "/etc/emulated-aws/authorities.pem"


def install(network, gateway, port):
    build, register, attach = ecs._build_run_kwargs, ecs._register_metadata, ecs._attach_started_container
    worker, emit, own_labels = ecs._start_task_worker, ecs._emit_awslogs_event, container_reaper.own_labels
    look = ecs._maybe_mark_stopped
    authorities = write_authorities()
    health = Health()

    def options(definition, task_definition, env, ports, _network, host_mode, task_id, task_arn, _ip, cluster_arn):
        given = build(definition, task_definition, env, ports, network, host_mode, task_id, task_arn, gateway,
                      cluster_arn)
        given.update(of_definition(definition))
        # The image's own check, which Amazon ECS never runs.
        given["healthcheck"] = {"test": ["NONE"]}
        given["labels"][STOP_TIMEOUT] = str(definition.get("stopTimeout") or 30)
        given["volumes"] = [*given.get("volumes", []), f"{authorities}:{AUTHORITIES}:ro"]
        return given

    def metadata(task_arn, cluster_arn, task_definition, definition, launch_type, env, host_mode, _ip):
        token = register(task_arn, cluster_arn, task_definition, definition, launch_type, env, host_mode, gateway)
        env["ECS_AGENT_URI"] = env["ECS_CONTAINER_METADATA_URI_V4"]
        env["NODE_EXTRA_CA_CERTS"] = AUTHORITIES
        # An SDK refuses this address, which is neither loopback nor 169.254.170.2, and nothing serves it.
        for name in ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"):
            env.pop(name, None)
        env["AWS_REGION"] = ecs.get_region()
        env.update(roles.credentials_of(task_definition["taskRoleArn"], task_arn.rsplit("/", 1)[-1]))
        owner = ecs._tasks[task_arn]["group"].split(":", 1)
        if owner[0] == "service":
            ecs_metadata._TASKS[task_arn]["ServiceName"] = owner[1]
        return token

    def stop(client, reference):
        try:
            container = client.containers.get(reference) if isinstance(reference, str) else reference
            health.deregister(container)
            container.stop(timeout=int(container.labels.get(STOP_TIMEOUT, 30)))
            container.remove(v=True, force=True)
        except (APIError, AttributeError):
            pass

    def start(task, task_definition, overrides, client):
        roles.check_start(task_definition, task["taskArn"].rsplit("/", 1)[-1])
        task_definition = copy.deepcopy(task_definition)
        for definition in task_definition["containerDefinitions"]:
            definition["image"] = ECR_HOST.sub(f"127.0.0.1:{port}/", definition["image"])
        return worker(task, task_definition, overrides, client)

    def look_sometimes(task, client=None):
        if time.monotonic() - task.get("_looked_at", 0) > LOOK_SECONDS:
            task["_looked_at"] = time.monotonic()
            look(task, client)

    ecs._maybe_mark_stopped = look_sometimes
    ecs._start_task_worker, ecs._build_run_kwargs, ecs._remove_docker_container = start, options, stop
    ecs._register_metadata = metadata
    ecs._attach_started_container = lambda task, container, index, token, _network: attach(
        task, container, index, token, network)
    ecs._emit_awslogs_event = lambda config, message: (emit(config, message), extract_metrics(message))
    container_reaper.own_labels = lambda service, **extra: {**own_labels(service, **extra), **marks()}
    health.install()
    publish_here_alone()


def publish_here_alone():
    """Ports that ministack publishes on all addresses of the machine."""
    run = ContainerCollection.run

    def run_here(self, image, command=None, **options):
        ports = options.get("ports") or {}
        options["ports"] = {port: (LOOPBACK, host) if host else (LOOPBACK,) for port, host in ports.items()}
        return run(self, image, command, **options)

    ContainerCollection.run = run_here


def of_definition(definition):
    """What a container definition says, in the words of the engine."""
    given = {}
    for key, option in (("entryPoint", "entrypoint"), ("user", "user"), ("workingDirectory", "working_dir")):
        if definition.get(key):
            given[option] = definition[key]
    linux = definition.get("linuxParameters") or {}
    if definition.get("memory"):
        given["mem_limit"] = f"{definition['memory']}m"
    given["read_only"] = truth(definition.get("readonlyRootFilesystem"))
    given["init"] = truth(linux.get("initProcessEnabled"))
    given["cap_drop"] = (linux.get("capabilities") or {}).get("drop") or []
    given["tmpfs"] = {folder["containerPath"]: ",".join([f"size={folder['size']}m", *folder.get("mountOptions", [])])
                      for folder in linux.get("tmpfs") or []}
    return given


def truth(value):
    return str(value).lower() == "true"


def write_authorities():
    """The two authorities that sign the servers' certificates; on AWS every client trusts those already."""
    path = os.path.join(tempfile.mkdtemp(prefix="emulated-aws-"), "authorities.pem")
    with open(path, "w", encoding="ascii") as file:
        file.write(rds.pg_ca_cert_pem() + elasticache._ensure_serverless_ca()[0])
    os.chmod(os.path.dirname(path), 0o755)
    return path


def extract_metrics(message):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"""
    try:
        record = json.loads(message)
        for block in record["_aws"]["CloudWatchMetrics"]:
            for metric in block["Metrics"]:
                for names in block["Dimensions"]:
                    cloudwatch._put_metric_data({}, {"Namespace": block["Namespace"], "MetricData": [{
                        "MetricName": metric["Name"], "Unit": metric.get("Unit", "None"),
                        "Value": record[metric["Name"]],
                        "Dimensions": [{"Name": name, "Value": record[name]} for name in names]}]}, False, True)
    except (ValueError, KeyError, TypeError):
        pass
