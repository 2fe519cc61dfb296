#!/usr/bin/env python3
"""Sends each line of the standard input to logstash:9000 (or ADDRESS host:port) as a JSON line.

A connection whose other side is closing reads as ended: it is replaced before the next line, so an update of the service loses none.
"""
import json
import os
import select
import socket
import sys
import time

host, port = os.environ.get("ADDRESS", "logstash:9000").rsplit(":", 1)


def connect():
    while True:
        try:
            return socket.create_connection((host, int(port)), timeout=5)
        except OSError as e:
            print(f"send: {e}; trying again", file=sys.stderr)
            time.sleep(0.5)


conn = connect()
for line in sys.stdin:
    record = (json.dumps({"message": line.rstrip("\n"), "service": {"name": "send.py"}}) + "\n").encode()
    while True:
        readable, _, _ = select.select([conn], [], [], 0)
        try:
            if readable and not conn.recv(1):
                raise ConnectionError("closed by the other side")
            conn.sendall(record)
            break
        except OSError:
            conn.close()
            conn = connect()
conn.shutdown(socket.SHUT_WR)
conn.close()
