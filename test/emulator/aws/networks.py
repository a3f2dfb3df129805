"""EC2 and ECS types of the network and the fleet: rules of security groups, capacity providers."""
import uuid

from handlers import call, register, xml
from ministack.services import autoscaling, ec2, ecs, ssm
from ministack.services.cloudformation import provisioners as cfn


def install():
    register("AWS::EC2::EIP", create_address, delete_address)
    register("AWS::EC2::NatGateway", create_nat, lambda nat, properties: call(
        ec2._delete_nat_gateway, {"NatGatewayId": nat}))
    register("AWS::EC2::SecurityGroupIngress", *rule("IpPermissions"))
    register("AWS::EC2::SecurityGroupEgress", *rule("IpPermissionsEgress"))
    register("AWS::ECS::CapacityProvider", create_provider, lambda name, properties: call(
        ecs._delete_capacity_provider, {"capacityProvider": name}), update_provider)
    register("AWS::ECS::ClusterCapacityProviderAssociations", associate, lambda name, properties: None,
             lambda name, old, new, stack_name, logical_id=None: associate(logical_id, new, stack_name))
    autoscaling._ACTION_MAP["SetInstanceProtection"] = protect_instances
    machine_images()


def protect_instances(parameters):
    """SetInstanceProtection; the instances themselves are records only."""
    group = autoscaling._asgs.get(autoscaling._p(parameters, "AutoScalingGroupName")) or {}
    chosen = autoscaling._parse_member_list(parameters, "InstanceIds")
    for instance in group.get("Instances", []):
        if instance["InstanceId"] in chosen:
            instance["ProtectedFromScaleIn"] = autoscaling._p(parameters, "ProtectedFromScaleIn") == "true"
    return autoscaling._xml(200, "SetInstanceProtectionResponse", "<SetInstanceProtectionResult/>")


def machine_images():
    """The public parameters of the ECS-optimised images; none is ever started."""
    resolve = ssm.resolve_parameter_value
    image = next(iter(ssm._PUBLIC_AMI_PARAMETERS.values()))
    ssm.resolve_parameter_value = lambda name: (
        image if name.startswith("/aws/service/ecs/optimized-ami/") else resolve(name))


def create_address(logical_id, properties, stack_name):
    text = call(ec2._allocate_address, {"Domain": properties.get("Domain", "vpc")})
    allocation, ip = xml(text, "allocationId"), xml(text, "publicIp")
    return ip, {"AllocationId": allocation, "PublicIp": ip}


def delete_address(ip, properties):
    for allocation, record in list(ec2._addresses.items()):
        if record["PublicIp"] == ip:
            call(ec2._release_address, {"AllocationId": allocation})


def create_nat(logical_id, properties, stack_name):
    names = ("SubnetId", "AllocationId", "ConnectivityType")
    nat = xml(call(ec2._create_nat_gateway, {name: properties[name] for name in names if name in properties}),
              "natGatewayId")
    return nat, {"NatGatewayId": nat}


def rule(key):
    """A rule lands in its group's record, where DescribeSecurityGroups reads it; no packet is ever refused by it."""
    def create(logical_id, properties, stack_name):
        group = ec2._security_groups.get(properties["GroupId"])
        if group is None:
            raise ValueError(f"security group {properties['GroupId']} not found")
        group[key].extend(cfn._ec2_sg_permissions([properties]))
        ident = f"sgr-{uuid.uuid4().hex[:17]}"
        return ident, {"Id": ident}

    def delete(ident, properties):
        group = ec2._security_groups.get(properties["GroupId"])
        for permission in cfn._ec2_sg_permissions([properties]):
            if group and permission in group[key]:
                group[key].remove(permission)
    return create, delete


def create_provider(logical_id, properties, stack_name):
    name = properties.get("Name") or f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:8]}"
    call(ecs._create_capacity_provider, {
        "name": name, "tags": cfn._pascal_to_camel(properties.get("Tags") or []),
        "autoScalingGroupProvider": cfn._pascal_to_camel(properties["AutoScalingGroupProvider"])})
    return name, {}


def update_provider(name, old, new, stack_name, logical_id=None):
    call(ecs._update_capacity_provider, {
        "name": name, "autoScalingGroupProvider": cfn._pascal_to_camel(new["AutoScalingGroupProvider"])})
    return name, {}


def associate(logical_id, properties, stack_name):
    call(ecs._put_cluster_capacity_providers, {
        "cluster": properties["Cluster"], "capacityProviders": properties.get("CapacityProviders") or [],
        "defaultCapacityProviderStrategy": cfn._pascal_to_camel(
            properties.get("DefaultCapacityProviderStrategy") or [])})
    return properties["Cluster"], {}
