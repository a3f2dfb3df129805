"""Secrets Manager in templates: `Ref` is the ARN (ministack answers the name), and ExcludePunctuation counts."""
from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners as cfn

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def install():
    handler = cfn._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    secret = dict(handler)
    generate = cfn._sm_secret_string

    def name(physical_id):
        return secretsmanager._resolve(physical_id)[0] or physical_id

    def without_punctuation(properties):
        wanted = properties.get("GenerateSecretString") or {}
        if str(wanted.get("ExcludePunctuation", "")).lower() == "true":
            excluded = wanted.get("ExcludeCharacters", "") + PUNCTUATION
            properties = {**properties, "GenerateSecretString": {**wanted, "ExcludeCharacters": excluded}}
        return generate(properties)

    def create(logical_id, properties, stack_name):
        _name, attributes = secret["create"](logical_id, properties, stack_name)
        return attributes["Arn"], attributes

    def update(physical_id, old, new, stack_name, logical_id=None):
        _name, attributes = secret["update"](name(physical_id), old, new, stack_name, logical_id)
        return attributes["Arn"], attributes

    cfn._sm_secret_string = without_punctuation
    handler.update(create=create, update=update,
                   delete=lambda physical_id, properties: secret["delete"](name(physical_id), properties))
