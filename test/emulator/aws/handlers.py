"""How this folder adds types to ministack's CloudFormation: through ministack's own service functions."""
import re

from ministack.services.cloudformation import provisioners as cfn


def call(function, parameters):
    """Calls one function of a service; an error of the service fails the resource."""
    status, _headers, body = function(parameters)
    text = body.decode() if isinstance(body, bytes) else str(body)
    if status >= 400:
        raise ValueError(f"{function.__name__}: {text}")
    return text


def xml(text, tag):
    """The text of the first element of that name."""
    return re.search(f"<{tag}>(.*?)</{tag}>", text).group(1)


def register(resource_type, create, delete, update=None):
    """Adds a type that ministack lacks; without `update` a change replaces the resource."""
    def replace(physical_id, old, new, stack_name, logical_id=None):
        made = create(logical_id or physical_id, new, stack_name)
        delete(physical_id, old)
        return made
    cfn._RESOURCE_HANDLERS.setdefault(resource_type, {
        "create": create, "delete": delete, "update": update or replace, "update_with_logical_id": True})
