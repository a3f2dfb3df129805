"""Writes Celery's backlog and workers to standard output, in CloudWatch's embedded metric format.

Runs as `python -c` in a container beside `celery beat`, from the app's own image: needs celery and redis-py, which an
image for Celery on Redis has. Every 30 s one line a worker kind, and one that says that this program lives:

Backlog           messages in the kind's queues, of every priority, and those that workers hold unacknowledged. A queue
                  is the list q and, for priorities, q\\x06\\x163, q\\x06\\x166 and q\\x06\\x169 (kombu's default steps). Held
                  messages stand in one hash `unacked` for all queues of the database; they are told apart by exchange
                  and routing key. They wait in a worker, run (with acks_late), or have a later time (eta, countdown).
RunningWorkers    workers that answered the remote control ("which queues do you consume?") in the last 75 s, so that
                  one busy moment does not make a worker disappear. Needs worker_enable_remote_control, which is on by
                  default; a worker with the pool `solo` answers only between tasks.
BacklogPerWorker  Backlog divided by RunningWorkers; by 1 while there are none.
SchedulerBeat     1. That beat itself sends cannot be seen from outside; it is the task's essential container.

OldestAgeSeconds and DeadTasks are left out: Celery's messages carry no time of their own, and it keeps no failed tasks.
When the workers cannot be asked, RunningWorkers and BacklogPerWorker are left out, and when Redis does not answer all.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from urllib.parse import quote, urlsplit, urlunsplit

import redis
from celery import Celery

SEPARATOR = "\x06\x16"
PRIORITIES = (3, 6, 9)
# Unacknowledged messages read to tell their queues; beyond, their shares stand for all.
SAMPLE = 500
# Two writings and the time that an answer may take.
WORKER_SECONDS = 75
ANSWER_SECONDS = 2
# A connection that a failover left behind answers nothing and never closes.
SOCKET_SECONDS = 10


def url_of(address, password):
    """The address with the password in it, and with the server's certificate checked."""
    parts = urlsplit(address)
    if password:
        host = parts.netloc.rpartition("@")[2]
        user = parts.username or ""
        parts = parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}")
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in parts.query:
        parts = parts._replace(query="&".join(filter(None, [parts.query, "ssl_cert_reqs=required"])))
    return urlunsplit(parts)


def kinds_of(text):
    """`default=default,imports;images=images` as a dict of lists."""
    return {kind: queues.split(",") for kind, _, queues in (part.partition("=") for part in text.split(";"))}


class Unacknowledged:
    """What workers hold, as a share of each queue."""

    def __init__(self, client, prefix):
        self.client = client
        self.prefix = prefix

    def by_queue(self):
        key = self.prefix + "unacked"
        total = self.client.hlen(key)
        if total == 0:
            return {}
        counts, seen, bindings = {}, 0, {}
        for _, value in self.client.hscan_iter(key, count=100):
            for queue in self.queues_of(value, bindings):
                counts[queue] = counts.get(queue, 0) + 1
            seen += 1
            if seen >= SAMPLE:
                break
        return {queue: count * max(total, seen) / max(1, seen) for queue, count in counts.items()}

    def queues_of(self, value, bindings):
        _, exchange, routing_key = json.loads(value)[:3]
        if not exchange:
            return [routing_key]
        if exchange not in bindings:
            members = self.client.smembers(f"{self.prefix}_kombu.binding.{exchange}")
            bindings[exchange] = [member.decode().split(SEPARATOR) for member in members]
        bound = [queue for key, _, queue in bindings[exchange] if key == routing_key]
        return bound or [routing_key]


class Workers:
    """Who answered lately, with the queues that they consume."""

    def __init__(self, app):
        self.app = app
        self.answered = {}

    def queues(self, now):
        """A set of queues for each worker that is alive."""
        answers = self.app.control.inspect(timeout=ANSWER_SECONDS).active_queues() or {}
        for name, queues in answers.items():
            self.answered[name] = (now, {queue["name"] for queue in queues})
        self.answered = {name: one for name, one in self.answered.items() if now - one[0] <= WORKER_SECONDS}
        return [queues for _, queues in self.answered.values()]


def backlog_of(client, prefix, queues, unacknowledged):
    keys = [prefix + queue + step for queue in queues for step in ("", *(f"{SEPARATOR}{p}" for p in PRIORITIES))]
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.llen(key)
    return round(sum(pipeline.execute()) + sum(unacknowledged.get(queue, 0) for queue in queues))


def line(namespace, values, kind=None):
    """As app/src/metrics/cloudwatch-metrics.ts writes it."""
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    directive = {"Namespace": namespace, "Dimensions": [["WorkerKind"] if kind else []], "Metrics": metrics}
    head = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}}
    return json.dumps({**head, **({"WorkerKind": kind} if kind else {}), **values}, separators=(",", ":"))


def measure(client, prefix, kinds, workers):
    """The values of each kind."""
    unacknowledged = Unacknowledged(client, prefix).by_queue()
    backlogs = {kind: backlog_of(client, prefix, queues, unacknowledged) for kind, queues in kinds.items()}
    try:
        consumed = workers.queues(time.monotonic())
    except Exception as error:  # the backlog is worth telling by itself
        complain("the workers could not be asked", error)
        return {kind: {"Backlog": backlog} for kind, backlog in backlogs.items()}
    values = {}
    for kind, backlog in backlogs.items():
        running = sum(1 for queues in consumed if queues & set(kinds[kind]))
        values[kind] = {"Backlog": backlog, "RunningWorkers": running, "BacklogPerWorker": backlog / max(1, running)}
    return values


def complain(what, error):
    """Only the error's kind: its text may hold the address."""
    print(json.dumps({"level": "warn", "msg": f"{what}: {type(error).__name__}"}), file=sys.stderr)


def main():
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    environment = os.environ
    url = url_of(environment["QUEUE_REDIS_URL"], environment.get("QUEUE_REDIS_PASSWORD"))
    namespace = environment["METRICS_NAMESPACE"]
    kinds = kinds_of(environment["WORKER_KINDS"])
    period = float(environment.get("METRICS_PERIOD_SECONDS", "30"))
    prefix = environment.get("CELERY_KEY_PREFIX", "")
    limits = {"socket_timeout": SOCKET_SECONDS, "socket_connect_timeout": SOCKET_SECONDS}
    client = redis.Redis.from_url(url, **limits)
    app = Celery(broker=url, set_as_current=False)
    app.conf.broker_transport_options = {**limits, **({"global_keyprefix": prefix} if prefix else {})}
    workers = Workers(app)
    # Not in step with everything else that starts with the task.
    stop.wait(random.uniform(0, min(1, period)))
    while not stop.is_set():
        started = time.monotonic()
        try:
            values = measure(client, prefix, kinds, workers)
            lines = [line(namespace, of_kind, kind) for kind, of_kind in values.items()]
            print("\n".join([*lines, line(namespace, {"SchedulerBeat": 1})]), flush=True)
        except redis.RedisError as error:
            complain("no metrics written: Redis does not answer", error)
        stop.wait(max(0, period - (time.monotonic() - started)))


if __name__ == "__main__":
    main()
