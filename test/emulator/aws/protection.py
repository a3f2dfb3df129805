"""Task scale-in protection of Amazon ECS: the API and the agent's endpoint ($ECS_AGENT_URI)."""
import json
import threading
import time

import roles
from ministack.services import ecs, ecs_metadata
from services import BY_THE_SCHEDULER, reconciler


def install():
    stop_task, metadata = ecs._stop_task, ecs_metadata.handle_request

    def scheduler_stop(data):
        # StopTask itself, as on AWS, ignores protection: it does not come here.
        task = ecs._tasks.get(data["task"])
        if not (task and data.get("reason") in BY_THE_SCHEDULER and protected(task)):
            return stop_task(data)
        if data["reason"] == "Service scaling down":
            for other in sorted(ecs._tasks.values(), key=lambda item: item["createdAt"]):
                if (other["group"], other["lastStatus"]) == (task["group"], "RUNNING") and not protected(other):
                    return stop_task({**data, "task": other["taskArn"]})
        return None

    async def agent(method, path, headers, body, query):
        if not path.endswith("/task-protection/v1/state"):
            return await metadata(method, path, headers, body, query)
        task = ecs._tasks.get(ecs_metadata._TOKEN_TO_TASK.get(path.split("/")[2]))
        if not task:
            return ecs.json_response({"message": "unknown token"}, status=404)
        action = "ecs:UpdateTaskProtection" if method == "PUT" else "ecs:GetTaskProtection"
        # The agent asks with the rights of the task.
        if not roles.may(roles.of_task(task), action, task["taskArn"], {"ecs:cluster": task["clusterArn"]}):
            return ecs.json_response({"error": {"Arn": task["taskArn"], "Code": "AccessDeniedException",
                                                "Message": f"not authorized to perform {action}"}}, status=400)
        if method == "PUT":
            asked = json.loads(body)
            protect(task, asked["ProtectionEnabled"], asked.get("ExpiresInMinutes") or 120)
        answer = {"TaskArn": task["taskArn"], "ProtectionEnabled": protected(task)}
        if protected(task):
            until = time.gmtime(task["_protected_until"])
            answer["ExpirationDate"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", until)
        return ecs.json_response({"protection": answer})

    ecs._ACTION_MAP["UpdateTaskProtection"] = operation(lambda task, data: protect(
        task, data["protectionEnabled"], data.get("expiresInMinutes") or 120))
    ecs._ACTION_MAP["GetTaskProtection"] = operation(lambda task, data: view(task))
    ecs._stop_task, ecs_metadata.handle_request = scheduler_stop, agent


def operation(change):
    def handler(data):
        done, failures = [], []
        for reference in data.get("tasks") or []:
            task = ecs._resolve_task(reference, ecs._resolve_cluster_name(data.get("cluster", "default")))
            if not task or task["lastStatus"] == "STOPPED" or not task["group"].startswith("service:"):
                failures.append({"arn": reference, "reason": "TASK_NOT_VALID" if task else "MISSING"})
            else:
                done.append(change(task, data))
        return ecs.json_response({"protectedTasks": done, "failures": failures})
    return handler


def protected(task):
    return task.get("_protected_until", 0) > time.time()


def view(task):
    until = {"expirationDate": task["_protected_until"]} if protected(task) else {}
    return {"taskArn": task["taskArn"], "protectionEnabled": protected(task), **until}


def protect(task, enabled, minutes):
    """Asks the scheduler to look again when the protection ends."""
    was = protected(task)
    task["_protected_until"] = time.time() + minutes * 60 if enabled else 0
    if enabled or was:
        timer = threading.Timer(minutes * 60 + 1 if enabled else 0, reconciler(task))
        timer.daemon = True
        timer.start()
    return view(task)
