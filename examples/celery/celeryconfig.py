"""Celery's settings for what Holdfast deploys; docs/bring-your-own-app.md says why each of them is there."""

import os
from urllib.parse import quote


def redis_url(url_name, password_name):
    """Addresses and passwords come apart; Celery wants one URL, and over TLS the check of the certificate in it."""
    url = os.environ[url_name]
    password = os.environ.get(password_name)
    if password:
        url = url.replace("://", f"://:{quote(password, safe='')}@", 1)
    return f"{url}/0?ssl_cert_reqs=required" if url.startswith("rediss:") else f"{url}/0"


broker_url = redis_url("QUEUE_REDIS_URL", "QUEUE_REDIS_PASSWORD")
broker_connection_retry_on_startup = True
broker_transport_options = {
    # The configuration's celery.visibilityTimeoutSeconds, which the synth checked against handlers and drain.
    "visibility_timeout": int(os.environ.get("CELERY_VISIBILITY_TIMEOUT_SECONDS", "3600")),
    # Without these a silently lost server is noticed after a quarter of an hour.
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
}

# A task is acknowledged when it is done, and handed out again when its process dies: it may run twice.
task_acks_late = True
task_reject_on_worker_lost = True
worker_prefetch_multiplier = 1

# With REMAP_SIGTERM=SIGQUIT: running tasks may end, what is left goes back to the queue.
worker_soft_shutdown_timeout = float(os.environ.get("DRAIN_SECONDS", "20"))

# Results expire, so a node shared with the cache may evict them; the queue's own keys do not.
result_backend = redis_url("CACHE_REDIS_URL", "CACHE_REDIS_PASSWORD")
result_expires = 3600
