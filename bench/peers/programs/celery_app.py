"""Celery as its documentation has it for tasks that must not be lost; what is not here is the default.

- https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html: visibility_timeout (default 1 h)
- https://docs.celeryq.dev/en/stable/userguide/tasks.html: acks_late, reject_on_worker_lost, a task that fails is
  retried (autoretry_for, retry_backoff)
- https://docs.celeryq.dev/en/stable/userguide/optimizing.html: prefetch multiplier 1 with acks_late
- https://docs.celeryq.dev/projects/kombu/en/stable/reference/kombu.transport.redis.html: unacked_restore_throttle 1
  where the visibility timeout is low, time-outs and keep-alive of sockets
- https://docs.celeryq.dev/en/stable/userguide/calling.html: publishing is retried three times (default)
"""

import os
import signal
import time

import psycopg
from celery import Celery

app = Celery("work", broker=f"{os.environ['PEER_REDIS_URL']}/0")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_concurrency=int(os.environ["PEER_CONCURRENCY"]),
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 30,
        "unacked_restore_throttle": 1,
        "socket_timeout": 15,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
)

half_seconds = int(os.environ["PEER_HALF_MS"]) / 1000
poison_key = int(os.environ["PEER_POISON_KEY"])
connection = None


def database():
    """One connection for each process of the pool."""
    global connection
    if connection is None or connection.closed:
        connection = psycopg.connect(os.environ["PEER_POSTGRES_URL"], autocommit=True)
    return connection


@app.task(name="work", autoretry_for=(Exception,), retry_backoff=True, max_retries=3)
def work(key):
    if key == poison_key:
        database().execute("insert into death default values")
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(half_seconds)
    database().execute("insert into effect (key, worker) values (%s, %s)", (key, os.environ["PEER_NAME"]))
    time.sleep(half_seconds)
