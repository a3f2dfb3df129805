"""What ministack has no service for: recorded, printed by name, and nothing more."""
import uuid

from handlers import call, register
from ministack.services import ecs
from ministack.services.cloudformation import provisioners as cfn


def install():
    register("AWS::ApplicationAutoScaling::ScalableTarget", scalable_target, lambda ident, properties: None)
    register("AWS::ApplicationAutoScaling::ScalingPolicy", record("AWS::ApplicationAutoScaling::ScalingPolicy", "Arn"),
             lambda ident, properties: None)
    alarms_on_expressions()


def scalable_target(logical_id, properties, stack_name):
    """Nothing scales; only the minimum is brought about once, as registering a target does on AWS."""
    _service, cluster, name = properties["ResourceId"].split("/")
    call(ecs._update_service, {"cluster": cluster, "service": name, "desiredCount": int(properties["MinCapacity"])})
    return record("AWS::ApplicationAutoScaling::ScalableTarget", "Id")(logical_id, properties, stack_name)


def record(resource_type, attribute):
    """`test/emulator/emulated-aws.ts` reads the printed line and counts it."""
    def create(logical_id, properties, stack_name):
        print(f"PLACEHOLDER {resource_type} {logical_id}", flush=True)
        ident = f"placeholder-{logical_id}-{uuid.uuid4().hex[:12]}"
        return ident, {attribute: ident}
    return create


def alarms_on_expressions():
    """ministack evaluates alarms on a metric, not on an expression of several."""
    handler = cfn._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    alarm = dict(handler)
    placeholder = record("AWS::CloudWatch::Alarm", "Arn")

    def create(logical_id, properties, stack_name):
        made = placeholder if "Metrics" in properties else alarm["create"]
        return made(logical_id, properties, stack_name)

    def update(physical_id, old, new, stack_name, *rest, **named):
        if physical_id.startswith("placeholder-"):
            return physical_id, {"Arn": physical_id}
        return alarm["update"](physical_id, old, new, stack_name, *rest, **named)

    def delete(physical_id, properties):
        if not physical_id.startswith("placeholder-"):
            alarm["delete"](physical_id, properties)

    handler.update(create=create, update=update, delete=delete)
