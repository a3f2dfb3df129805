"""ministack with what Holdfast's stacks need beyond it; README.md beside says what that is.

Environment: GATEWAY_PORT, DOCKER_NETWORK (must exist), EMULATOR_LABELS (`name=value,...` for what it starts).
"""
import asyncio
import os
import signal
import sys

PORT = os.environ["GATEWAY_PORT"]
NETWORK = os.environ["DOCKER_NETWORK"]
os.environ.setdefault("MINISTACK_DOCKER_TIMEOUT", "60")
# Roles may do what their policies allow, and nothing else.
os.environ.setdefault("AUTH", "true")
# The database's files outlive its container, as on AWS.
os.environ.setdefault("RDS_PERSIST", "1")

import docker  # noqa: E402


async def serve(gateway):
    from hypercorn.asyncio import serve as run
    from hypercorn.config import Config
    from ministack.app import app
    config = Config()
    # Docker pushes images to 127.0.0.1 without TLS; containers reach their network's gateway. Nobody else is served.
    config.bind = [f"127.0.0.1:{PORT}", f"{gateway}:{PORT}"]
    config.keep_alive_timeout = 75
    await run(app, config)


def main():
    import buckets
    import caches
    import containers
    import databases
    import networks
    import placeholders
    import protection
    import registry
    import roles
    import sealed
    import services
    import sessions
    client = docker.from_env(timeout=60)
    gateway = client.networks.get(NETWORK).attrs["IPAM"]["Config"][0]["Gateway"]
    roles.install()
    containers.install(NETWORK, gateway, PORT)
    services.install()
    protection.install()
    registry.install(PORT)
    databases.install(client)
    caches.install(client)
    buckets.install()
    sealed.install()
    networks.install()
    sessions.install()
    placeholders.install()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    asyncio.run(serve(gateway))


if __name__ == "__main__":
    main()
