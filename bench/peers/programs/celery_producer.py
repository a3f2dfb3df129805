"""A producer of Celery's tasks: says `ready`, reads a key a line, answers `accepted KEY` or `refused KEY REASON`.

Each of its threads is one caller's request of a web process: a row of its own is committed, then the task is sent, as
https://docs.celeryq.dev/en/stable/userguide/tasks.html#database-transactions has it.
"""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
from celery_app import work

local = threading.local()
answering = threading.Lock()


def answer(text):
    with answering:
        print(text, flush=True)


def accept(key):
    try:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(os.environ["PEER_POSTGRES_URL"], autocommit=True)
        local.connection.execute("insert into request (key) values (%s)", (key,))
        work.delay(key)
        answer(f"accepted {key}")
    except Exception as error:
        first_line = (str(error).splitlines() or [""])[0]
        answer(f"refused {key} {type(error).__name__}: {first_line}")


with ThreadPoolExecutor(int(os.environ["PEER_PRODUCER_CONNECTIONS"])) as threads:
    answer("ready")
    for line in sys.stdin:
        threads.submit(accept, int(line))
