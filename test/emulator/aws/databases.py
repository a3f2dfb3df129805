"""Amazon RDS: a DBInstance of a template gets its PostgreSQL container, reached by a name as on AWS."""
import time

from docker.errors import NotFound
from marks import marks
from ministack.services import rds
from ministack.services.cloudformation import provisioners as cfn

READY_SECONDS = 60


def install(client):
    create_record, delete_record = cfn._rds_db_instance_create, cfn._rds_db_instance_delete

    def drop_volume(database):
        try:
            client.volumes.get(rds._rds_docker_volume_name(database)).remove(force=True)
        except NotFound:
            pass

    def create(logical_id, properties, stack_name):
        database, _attributes = create_record(logical_id, properties, stack_name)
        # One of an earlier run would hold that run's password.
        drop_volume(database)
        client.volumes.create(rds._rds_docker_volume_name(database), labels=marks())
        instance = rds._instances[database]
        rds._start_rds_container_for_instance(database, instance)
        if instance["DBInstanceStatus"] != "available":
            raise ValueError(f"{database}: the database container did not start")
        # The certificate names the container, not its address; containers of the network know the name.
        instance["Endpoint"]["Address"] = rds._rds_docker_name(database)
        container = client.containers.get(instance["_docker_container_id"])
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            # Over TCP: while the image sets up its files, its server listens on the socket only.
            if container.exec_run(["pg_isready", "-h", "127.0.0.1"]).exit_code == 0:
                return database, cfn._rds_db_instance_attrs(instance)
            time.sleep(0.3)
        raise ValueError(f"{database}: the database took no connections within {READY_SECONDS} s")

    def delete(physical_id, properties):
        container = (rds._instances.get(physical_id) or {}).get("_docker_container_id")
        delete_record(physical_id, properties)
        if container:
            client.containers.get(container).remove(force=True, v=True)
        drop_volume(physical_id)

    def change_password(instance, old, new):
        # ministack would log in with a library that is not installed, and only log that it failed.
        role = instance["MasterUsername"].replace('"', '""')
        statement = f"""alter role "{role}" password '{new.replace("'", "''")}'"""
        container = client.containers.get(instance["_docker_container_id"])
        changed = container.exec_run(["psql", "-U", instance["MasterUsername"], "-d", "postgres", "-c", statement],
                                     environment={"PGPASSWORD": old})
        if changed.exit_code != 0:
            raise ValueError(f"{instance['DBInstanceIdentifier']}: {changed.output.decode()}")

    rds._rotate_instance_password = change_password
    cfn._rds_db_instance_create, cfn._rds_db_instance_delete = create, delete
    cfn._RESOURCE_HANDLERS["AWS::RDS::DBInstance"].update(create=create, delete=delete)
