"""Tasks for the test of celery-metrics.py: they sleep."""

import os
import time

from celery import Celery

app = Celery("tests", broker=os.environ["BROKER"])
app.conf.task_acks_late = True
app.conf.broker_transport_options = {"global_keyprefix": os.environ["KEY_PREFIX"]}


@app.task(name="sleep")
def sleep(seconds):
    time.sleep(seconds)
