"""Amazon ElastiCache: the parameter group reaches the server, and a group without a server is an error."""
import threading

from ministack.services import elasticache
from ministack.services.cloudformation import provisioners as cfn

# Parameters of the service, which the server does not know.
OF_THE_SERVICE = {"reserved-memory-percent"}


def install(client):
    create_group, server_arguments = cfn._ec_rg_create, elasticache._node_server_args
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

    elasticache._node_server_args = arguments
    cfn._RESOURCE_HANDLERS["AWS::ElastiCache::ReplicationGroup"]["create"] = create
