"""Measures Celery's queues in Redis."""
