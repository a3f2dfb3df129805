"""Amazon ElastiCache: the parameter group reaches the server, a group without a server is an error, one that a stack
deletes with the policy Snapshot leaves the record of a snapshot, and TestFailover makes a replica the primary."""
import threading
import time
from urllib.parse import parse_qs

from handlers import call
from ministack.core.concurrency import run_offloop
from ministack.services import elasticache
from ministack.services.cloudformation import provisioners as cfn

# Parameters of the service, which the server does not know.
OF_THE_SERVICE = {"reserved-memory-percent"}


def install(client):
    create_group, server_arguments = cfn._ec_rg_create, elasticache._node_server_args
    tell_snapshot, answer = elasticache._snapshot_xml, elasticache.handle_request
    current = threading.local()

    def arguments(port, transit, auth_token):
        given = [(f"--{name}", parameter["Value"]) for name, parameter in getattr(current, "group", {}).items()
                 if parameter.get("Source") == "user" and name not in OF_THE_SERVICE]
        return server_arguments(port, transit, auth_token) + [word for option in given for word in option]

    def create(logical_id, properties, stack_name):
        current.group = elasticache._param_group_params.get(properties.get("CacheParameterGroupName")) or {}
        try:
            name, attributes = create_group(logical_id, properties, stack_name)
        finally:
            current.group = {}
        group = elasticache._replication_groups[name]
        if not group["_docker_container_ids"]:
            raise ValueError(f"{name}: the server did not start")
        options = elasticache._node_cli_args(group["TransitEncryptionEnabled"], elasticache._record_auth(group))
        for ident in group["_docker_container_ids"]:
            if not elasticache._wait_redis_ready(client.containers.get(ident), cli_args=options):
                raise ValueError(f"{name}: the server does not answer; is a parameter unknown to it?")
        return name, attributes

    def told_snapshot(record):
        # As AWS writes times; clients refuse seconds since the epoch.
        nodes = [{**node, "SnapshotCreateTime": time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(node["SnapshotCreateTime"]))} for node in record["NodeSnapshots"]]
        return tell_snapshot({**record, "NodeSnapshots": nodes})

    def snapshot(name, properties):
        call(elasticache._create_snapshot, {"SnapshotName": f"{name}-final-snapshot", "ReplicationGroupId": name})

    async def cache_service(method, path, headers, body, query):
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if asked.get("Action") == "TestFailover":
            return await run_offloop(lambda: fail_over(client, asked))
        return await answer(method, path, headers, body, query)

    elasticache._node_server_args, elasticache._snapshot_xml = arguments, told_snapshot
    elasticache.handle_request = cache_service
    cfn._RESOURCE_HANDLERS["AWS::ElastiCache::ReplicationGroup"].update(create=create, snapshot=snapshot)


def fail_over(client, asked):
    """The members of a group share one server: the roles change in the record, and the server is restarted with all that
    it held lost, which is as if nothing had reached the replica yet."""
    group = elasticache._replication_groups.get(asked.get("ReplicationGroupId"))
    if group is None or group["AutomaticFailover"] != "enabled":
        return elasticache._error("InvalidReplicationGroupState", "No replica could take over.", 400)
    first, second = group["NodeGroups"][0]["NodeGroupMembers"][:2]
    first["CurrentRole"], second["CurrentRole"] = second["CurrentRole"], first["CurrentRole"]
    for ident in group["_docker_container_ids"]:
        container = client.containers.get(ident)
        container.kill()
        container.start()
    told = f"<TestFailoverResult><ReplicationGroup>{elasticache._rg_xml(group)}</ReplicationGroup></TestFailoverResult>"
    return elasticache._xml(200, "TestFailoverResponse", told)
