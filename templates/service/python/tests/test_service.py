"""The service as its callers see it."""

import asyncio
import json
import logging
import unittest

from app import logs, service


class ServiceTest(unittest.TestCase):
    def tearDown(self):
        service.store = None

    def test_is_healthy_without_a_redis(self):
        self.assertEqual(asyncio.run(service.healthz()), {"status": "ok", "redis": "none"})

    def test_stays_healthy_while_redis_is_away(self):
        service.store = service.connect("redis://127.0.0.1:1/0")
        self.assertEqual(asyncio.run(service.healthz()), {"status": "ok", "redis": "away"})

    def test_says_what_it_is(self):
        answer = asyncio.run(service.index())
        self.assertEqual(answer, {"service": service.NAME, "version": service.VERSION})

    def test_exposes_metrics(self):
        answer = asyncio.run(service.metrics())
        self.assertIn(b"http_requests_total", answer.body)


class LogsTest(unittest.TestCase):
    def test_a_line_is_one_json_object_whatever_it_says(self):
        record = logging.LogRecord("app", logging.WARNING, "", 0, "two\nlines and \"quotes\"", None, None)
        line = logs.JsonFormatter().format(record)
        self.assertNotIn("\n", line)
        self.assertEqual(json.loads(line)["message"], "two\nlines and \"quotes\"")
        self.assertEqual(json.loads(line)["level"], "warning")


if __name__ == "__main__":
    unittest.main()
