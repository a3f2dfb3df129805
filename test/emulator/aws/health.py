"""Health of tasks: one counts as running when its check, or that of its target group, succeeds.

On AWS a task runs first and is healthy later, and only healthy ones get requests and let a deployment go on; here both
come at the same moment. A task that goes gets no new requests for its target group's deregistration delay, and then
SIGTERM. A task of no service is never ended for its health. What is not done: a task whose check fails later is not replaced.
"""
import time
import urllib.error
import urllib.request

from ministack.services import alb, ecs

UNHEALTHY_SECONDS = 90


class Health:
    def install(self):
        mark_running, address = ecs._mark_task_running, ecs._task_ip

        def running(task_arn, task):
            healthy = self.becomes_healthy(task_arn, task)
            # Before ministack sees that it has ended, a balancer would send requests to it.
            task["_gets_requests"] = healthy is True
            if healthy is False:
                self.fail(task)
            return mark_running(task_arn, task)

        def address_for_requests(task):
            return address(task) if task.get("_gets_requests", True) else None

        ecs._mark_task_running, ecs._task_ip = running, address_for_requests

    def becomes_healthy(self, task_arn, task):
        """None when the task ends meanwhile: ministack sees that by itself once it counts as running."""
        client = ecs._get_docker()
        definition = ecs._task_defs[ecs._resolve_td_key(task["taskDefinitionArn"])]
        if not task["group"].startswith("service:"):
            return True
        checks = [check for check in (self.check_of(task, index, container)
                                      for index, container in enumerate(definition["containerDefinitions"])) if check]
        end = time.monotonic() + UNHEALTHY_SECONDS
        while checks and time.monotonic() < end:
            if not ecs._task_is_active(task_arn, task):
                return None
            containers = [client.containers.get(ident) for ident in task["_docker_ids"]]
            if any(container.status != "running" for container in containers):
                return None
            checks = [check for check in checks if not check(containers)]
            time.sleep(0.3)
        return not checks

    def fail(self, task):
        """As Amazon ECS stops a task that failed its health checks."""
        for ident in task["_docker_ids"]:
            ecs._get_docker().containers.get(ident).kill()

    def check_of(self, task, index, container):
        command = (container.get("healthCheck") or {}).get("command")
        target = target_group_of(task, container["name"])
        if target is not None:
            port, group = target
            return lambda containers: answers(ecs._task_ip(task), port, group.get("HealthCheckPath") or "/")
        if command:
            words = ["sh", "-c", command[1]] if command[0] == "CMD-SHELL" else command[1:]
            return lambda containers: containers[index].exec_run(words).exit_code == 0
        return None

    def deregister(self, container):
        arn = container.labels.get("com.amazonaws.ecs.task-arn")
        task = ecs._tasks.get(arn)
        target = target_group_of(task, container.labels["com.amazonaws.ecs.container-name"]) if task else None
        container.reload()
        if target is None or container.status != "running":
            return
        _port, group = target
        attributes = alb._tg_attrs.get(group["TargetGroupArn"]) or []
        delay = next((item["Value"] for item in attributes
                      if item["Key"] == "deregistration_delay.timeout_seconds"), "300")
        time.sleep(float(delay))


def target_group_of(task, container):
    """(port, target group) that the task's service registers the container with."""
    cluster = ecs._cluster_name_from_arn(task["clusterArn"])
    service = ecs._services.get(f"{cluster}/{task['group'].split(':', 1)[-1]}")
    for balancer in (service or {}).get("loadBalancers") or []:
        if balancer.get("containerName") == container:
            return balancer["containerPort"], alb._tgs[balancer["targetGroupArn"]]
    return None


def answers(address, port, path):
    try:
        with urllib.request.urlopen(f"http://{address}:{port}{path}", timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
