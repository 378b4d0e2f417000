# SPDX-License-Identifier: Apache-2.0
"""A neighbour, outside of any sandbox: it fills and frees much memory in every way, again
and again, and says so each time.

    neighbour.py MIB SECONDS DIRECTORY...

It ends when its time is over, or its stdin is. Each DIRECTORY gets a file.
"""
import mmap
import os
import resource
import select
import socket
import sys
import time

size, end = int(sys.argv[1]) // 16 << 24, time.monotonic() + float(sys.argv[2])


def goes_on():
    return time.monotonic() < end and not select.select([0], [], [], 0)[0]


def stuff(a):
    """All that fits; how much that was."""
    sent = 0
    a.setblocking(False)
    try:
        while True:
            sent += a.send(b"x" * 65536)
    except BlockingIOError:
        return sent


def tcp():
    listener = socket.create_server(("127.0.0.1", 0))
    ends, sent = [], 0
    while sent < size and len(ends) < 3000 and goes_on():
        a = socket.create_connection(listener.getsockname())
        b, _ = listener.accept()
        sent += stuff(a)
        ends += [a, b]


def unix():
    ends, sent = [], 0
    while sent < size and len(ends) < 3000 and goes_on():
        a, b = socket.socketpair()
        sent += stuff(a) + stuff(b)
        ends += [a, b]


def shared():
    m = mmap.mmap(-1, size)
    for at in range(0, size, 16 << 20):
        m[at:at + (16 << 20):4096] = b"1" * 4096
        if not goes_on():
            break
    m.close()


def file_in(directory):
    def fill():
        path = os.path.join(directory, "neighbour")
        try:
            with open(path, "wb") as f:
                for at in range(0, size // 2, 1 << 20):
                    f.write(b"x" * (1 << 20))
                    if not goes_on():
                        break
        except OSError:
            pass  # it is full, which is as good
        finally:
            os.unlink(path)
    return fill


hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
print("begins", flush=True)
while goes_on():
    for fill in [tcp, unix, shared] + [file_in(d) for d in sys.argv[3:]]:
        if goes_on():
            fill()
    print("filled", flush=True)
