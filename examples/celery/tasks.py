import time

from celery import Celery

app = Celery("tasks")
app.config_from_object("celeryconfig")


@app.task(soft_time_limit=290, time_limit=300)
def wait(seconds):
    time.sleep(seconds)
    return seconds
