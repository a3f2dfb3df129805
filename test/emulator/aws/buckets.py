"""Amazon S3: a bucket of a template has its tags, which CDK's deletion of objects asks for."""
from ministack.services import s3
from ministack.services.cloudformation import provisioners as cfn


def install():
    handler = cfn._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    create_bucket = handler["create"]

    def create(logical_id, properties, stack_name):
        name, attributes = create_bucket(logical_id, properties, stack_name)
        if properties.get("Tags"):
            s3._bucket_tags[name] = {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
        return name, attributes

    handler["create"] = create
