"""IAM: containers and functions act with the rights of their roles, and every call of a role is told.

ministack evaluates policies itself (AUTH=true). Added here: the credentials of a container are those of its task's
role; calls that AWS makes in a role's name (Amazon ECS before a container starts, Lambda for a function's log) are
evaluated too; and the resources, condition keys and further permissions of some actions are those of AWS's Service
Authorization Reference, where ministack names others:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html

`CALL <role's logical id> <action> <resource> allowed|denied` is printed once for each role, action and verdict;
`test/emulator/emulated-aws.ts` reads it. What the roles of the CDK's bootstrap may do is not tried: they are the CDK's own.
"""
import contextvars
import hashlib
import json
from email.utils import parseaddr

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import cloudformation, ecs, lambda_svc, sts

OF_THE_CDK = "cdk-"
request_body = contextvars.ContextVar("request_body", default=b"")
told = set()
logical_ids = {}


def install():
    resource, enforce = iam_actions.extract_resource_arn, iam_evaluator.enforce
    credentials = lambda_runtime.execution_credentials
    # Buckets refuse what comes without TLS; inside the emulator nothing has it.
    app.pin_request_origin = lambda address, _secure: iam_evaluator.pin_request_origin(address, True)

    def extract(service, method, path, headers, body, *rest):
        request_body.set(body)
        return resource(service, method, path, headers, body, *rest)

    def checked(access_key, action, service, region, resource_arn="*", service_context=None):
        session = sts._sessions.get(access_key)
        role = iam_evaluator._role_name_from_assumed_arn(session["Arn"]) if session else ""
        if not role:
            return enforce(access_key, action, service, region, resource_arn, service_context)
        if role.startswith(OF_THE_CDK):
            denied = enforce(access_key, action, service, region, resource_arn, service_context)
            return denied if isinstance(denied, iam_evaluator.AuthError) else None
        for needed, arn, context in demands(action, resource_arn, dict(service_context or {})):
            denied = enforce(access_key, needed, service, region, arn, context)
            tell(role, needed, arn, denied is None)
            if denied:
                return denied
        return None

    def of_function(config):
        log_group = (config.get("LoggingConfig") or {}).get("LogGroup")
        if log_group:
            stream = f"{arn_of('logs', 'log-group:' + log_group)}:log-stream:{config['FunctionName']}"
            for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
                may(config["Role"], action, stream)
        return credentials(config)

    iam_actions.extract_resource_arn, iam_evaluator.enforce = extract, checked
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = of_function


def demands(action, resource, context):
    """(action, resource, condition keys) that a request needs allowed."""
    name = action.split(":", 1)[1]
    if action == "ses:SendEmail":
        _name, address = parseaddr(field("FromEmailAddress"))
        identity = arn_of("ses", f"identity/{address.rsplit('@', 1)[-1]}")
        return [(action, identity, {**context, "ses:FromAddress": address})]
    if action == "logs:GetLogEvents":
        return [(action, f"{arn_of('logs', 'log-group:' + field('logGroupName'))}:log-stream:{field('logStreamName')}",
                 context)]
    if not action.startswith("ecs:") or not field("cluster"):
        return [(action, resource, context)]
    cluster = ecs._resolve_cluster_name(field("cluster"))
    context = {**context, "ecs:cluster": arn_of("ecs", f"cluster/{cluster}")}
    if name == "RunTask":
        definition = ecs._task_defs[ecs._resolve_td_key(field("taskDefinition"))]
        passed = {**context, "iam:PassedToService": "ecs-tasks.amazonaws.com"}
        roles = [definition[key] for key in ("taskRoleArn", "executionRoleArn") if definition.get(key)]
        tagged = [("ecs:TagResource", arn_of("ecs", f"task/{cluster}/*"), {**context, "ecs:CreateAction": name})]
        return [(action, definition["taskDefinitionArn"], context), *[("iam:PassRole", role, passed) for role in roles],
                *(tagged if field("propagateTags") or field("tags") else [])]
    tasks = field("tasks") or ([field("task")] if field("task") else [])
    services = field("services") or ([field("service")] if field("service") else [])
    named = [*[arn_of("ecs", f"task/{cluster}/{task.rsplit('/', 1)[-1]}") for task in tasks],
             *[arn_of("ecs", f"service/{cluster}/{service.rsplit('/', 1)[-1]}") for service in services]]
    return [(action, arn, context) for arn in named or [resource]]


def field(name):
    """One of the request's body, if that is JSON and has it."""
    try:
        return json.loads(request_body.get() or b"{}").get(name) or ""
    except (ValueError, AttributeError):
        return ""


def arn_of(service, resource):
    return f"arn:aws:{service}:{ecs.get_region()}:{ecs.get_account_id()}:{resource}"


def may(role_arn, action, resource, context=None):
    """Whether the role's policies allow a call that AWS makes in its name."""
    role, account = role_arn.rsplit("/", 1)[-1], ecs.get_account_id()
    asked = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{role}/aws", principal_type="AssumedRole",
        principal_account=account, action=action, resource_arn=resource, region=ecs.get_region(),
        service_context={key.lower(): value for key, value in (context or {}).items()})
    allowed = iam_evaluator.evaluate(asked, iam_evaluator._gather_role_policies(role, account)).decision == "Allow"
    tell(role, action, resource, allowed)
    return allowed


def tell(role, action, resource, allowed):
    call = (role, action, allowed)
    if call not in told:
        told.add(call)
        print(f"CALL {logical_id(role)} {action} {resource} {'allowed' if allowed else 'denied'}", flush=True)


def logical_id(role):
    """As the template names it; a role is still told of while its stack goes."""
    for stack in cloudformation._stacks.values():
        for name, made in (stack.get("_resources") or {}).items():
            if made.get("ResourceType") == "AWS::IAM::Role":
                logical_ids[made.get("PhysicalResourceId")] = name
    return logical_ids.get(role, role)


def of_task(task):
    return ecs._task_defs[ecs._resolve_td_key(task["taskDefinitionArn"])].get("taskRoleArn", "")


def credentials_of(role_arn, name):
    """What a container finds in its environment; on AWS the agent hands the same out on 169.254.170.2."""
    role, account = role_arn.rsplit("/", 1)[-1], ecs.get_account_id()
    digest = hashlib.sha256(f"{role_arn} {name}".encode()).hexdigest()
    key, secret, token = f"ASIA{digest[:16].upper()}", digest[16:56], digest[24:]
    sts.register_session(key, {"Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}", "UserId": f"{role}:{name}",
                               "SecretAccessKey": secret, "SessionToken": token, "AccountId": account})
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def check_start(task_definition, task_id):
    """Refuses a task whose execution role may not do what Amazon ECS does with it before a container starts.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
    """
    role = task_definition.get("executionRoleArn") or ""
    refused = [action for container in task_definition["containerDefinitions"]
               for action, resource in calls_before(container, task_id) if not may(role, action, resource)]
    if refused:
        raise ecs._SecretResolutionError(f"AccessDeniedException: {role} may not {', '.join(refused)}")


def calls_before(container, task_id):
    image = container["image"].split("/", 1)
    if ".dkr.ecr." in image[0]:
        repository = arn_of("ecr", f"repository/{image[1].split('@')[0].split(':')[0]}")
        yield "ecr:GetAuthorizationToken", "*"
        for name in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"):
            yield f"ecr:{name}", repository
    for secret in container.get("secrets") or []:
        yield "secretsmanager:GetSecretValue", ":".join(secret["valueFrom"].split(":")[:7])
    options = (container.get("logConfiguration") or {}).get("options") or {}
    if options.get("awslogs-group"):
        group = arn_of("logs", f"log-group:{options['awslogs-group']}")
        stream = f"{group}:log-stream:{options.get('awslogs-stream-prefix')}/{container['name']}/{task_id}"
        yield "logs:CreateLogStream", stream
        yield "logs:PutLogEvents", stream
