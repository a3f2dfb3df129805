"""Terminals and tunnels: what Amazon ECS and Systems Manager answer leads to the real container or server.

On AWS an agent in the container or on the instance serves the session. Here the address of its stream says what it is for,
and ../plugin/session-manager-plugin, which stands in for AWS's own program, opens it. No instance boots: as many as the
autoscaling group asks for are told of as members of the cluster, so that there is one to tunnel through.
"""
import base64
import json
import uuid

from ministack.services import autoscaling, ecs, ssm

FORWARDING = "AWS-StartPortForwardingSessionToRemoteHost"


def install():
    execute, answer = ecs._ACTION_MAP["ExecuteCommand"], ssm.handle_request

    def execute_command(data):
        status, headers, body = execute(data)
        if status == 200:
            given = json.loads(body)
            given["session"] = {"sessionId": given["session"]["sessionId"], "tokenValue": uuid.uuid4().hex,
                                "streamUrl": stream({"command": data["command"]})}
            body = json.dumps(given).encode()
        return status, headers, body

    async def systems_manager(method, path, headers, body, query):
        if headers.get("x-amz-target", "").endswith(".StartSession"):
            return start_session(json.loads(body))
        return await answer(method, path, headers, body, query)

    ecs._ACTION_MAP["ExecuteCommand"] = execute_command
    ecs._ACTION_MAP["ListContainerInstances"] = lambda data: ecs.json_response(
        {"containerInstanceArns": [member["containerInstanceArn"] for member in members(data)]})
    ecs._ACTION_MAP["DescribeContainerInstances"] = lambda data: ecs.json_response(
        {"containerInstances": members(data), "failures": []})
    ssm.handle_request = systems_manager


def stream(content):
    return "emulated:" + base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def start_session(data):
    instances = [member["ec2InstanceId"] for member in members({})]
    if data.get("DocumentName") != FORWARDING or data.get("Target") not in instances:
        return ecs.error_response_json("TargetNotConnected", f"{data.get('Target')} is not connected.", 400)
    asked = {name: values[0] for name, values in data["Parameters"].items()}
    return ecs.json_response({"SessionId": f"session-{uuid.uuid4().hex}", "TokenValue": uuid.uuid4().hex,
                              "StreamUrl": stream(asked)})


def members(data):
    """Container instances of the cluster, which are records; one stage is deployed at a time."""
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    prefix = f"arn:aws:ecs:{ecs.get_region()}:{ecs.get_account_id()}:container-instance/{cluster}"
    instances = [f"i-{uuid.uuid5(uuid.NAMESPACE_OID, f'{name} {number}').hex[:17]}"
                 for name, group in autoscaling._asgs.items() for number in range(group["DesiredCapacity"])]
    return [{"containerInstanceArn": f"{prefix}/{instance}", "ec2InstanceId": instance, "agentConnected": True,
             "status": "ACTIVE"} for instance in instances]
