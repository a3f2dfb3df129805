"""Amazon ECS services: a stack waits for its service's deployment, and fails with it; a stopped task is replaced."""
import threading
import time

from ministack.services import ecs
from ministack.services.cloudformation import provisioners as cfn, stacks

STEADY_SECONDS = 240
NESTED = ("secrets", "healthCheck", "dependsOn", "ulimits", "repositoryCredentials", "systemControls",
          "linuxParameters")
# These wait; they must not hold up the event loop, on which the registry answers that they pull from.
WAITING = ("AWS::ECS::Service", "AWS::RDS::DBInstance", "AWS::ElastiCache::ReplicationGroup")

# Reasons with which ministack's scheduler stops tasks; StopTask gives others.
BY_THE_SCHEDULER = ("Service scaling down", "Deployment completed", "Deployment capacity limit",
                    "Task definition updated")


def install():
    replace_stopped_tasks()
    handler = cfn._RESOURCE_HANDLERS["AWS::ECS::Service"]
    service = dict(handler)

    def create(logical_id, properties, stack_name):
        arn, attributes = service["create"](logical_id, properties, stack_name)
        # ministack leaves it out.
        service_of(arn)["enableExecuteCommand"] = str(properties.get("EnableExecuteCommand")).lower() == "true"
        until_steady(arn, properties["TaskDefinition"])
        return arn, attributes

    def update(physical_id, old, new, stack_name):
        made = service["update"](physical_id, old, new, stack_name)
        until_steady(physical_id, new["TaskDefinition"])
        return made

    handler.update(create=create, update=update)
    on_thread = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda resource_type: on_thread(resource_type) or resource_type in WAITING
    # ministack leaves what lies deeper in a container definition as the template writes it.
    plain = cfn._normalize_container_defs
    cfn._normalize_container_defs = lambda items: [
        {key: cfn._pascal_to_camel(value) if key in NESTED else value for key, value in item.items()}
        for item in plain(items)]


def replace_stopped_tasks():
    """ministack's scheduler replaces tasks that end by themselves; that of AWS also those that StopTask ends."""
    mark = ecs._mark_task_stopped

    def stopped(arn, task, reason, code, exit_code=None):
        marked = mark(arn, task, reason, code, exit_code=exit_code)
        if marked and code == "UserInitiated" and reason not in BY_THE_SCHEDULER:
            threading.Thread(target=reconciler(task), daemon=True).start()
        return marked

    ecs._mark_task_stopped = stopped


def reconciler(task):
    """A function for another thread, by which the scheduler looks at the task's service again."""
    account, region = ecs.get_account_id(), ecs.get_region()

    def reconcile():
        with ecs.request_scope(account, region):
            cluster = ecs._cluster_name_from_arn(task["clusterArn"])
            if task["group"].startswith("service:"):
                ecs._reconcile_service_tasks(cluster, f"{cluster}/{task['group'].split(':', 1)[1]}")
    return reconcile


def service_of(arn):
    cluster, name = arn.split("service/")[1].split("/")
    return ecs._services[f"{ecs._resolve_cluster_name(cluster)}/{name}"]


def until_steady(arn, definition):
    end = time.monotonic() + STEADY_SECONDS
    while time.monotonic() < end:
        service = service_of(arn)
        for deployment in service["deployments"]:
            if deployment["taskDefinition"] == definition:
                # ministack calls a first deployment completed before its tasks run.
                if deployment["rolloutState"] == "COMPLETED" and service["runningCount"] >= service["desiredCount"]:
                    return
                if deployment["rolloutState"] == "FAILED":
                    raise ValueError(f"{arn}: {deployment['rolloutStateReason']}")
        time.sleep(0.3)
    raise ValueError(f"{arn}: no steady state within {STEADY_SECONDS} s")
