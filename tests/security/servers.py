# SPDX-License-Identifier: Apache-2.0
"""Servers of the host whose sockets lie in a directory, and each way a payload may try them."""
import json
import os
import socket

import lib

KINDS = {"stream": socket.SOCK_STREAM, "packets": socket.SOCK_SEQPACKET,
         "datagrams": socket.SOCK_DGRAM}
ALLOW = lib.write(os.path.join(lib.ROOM, "allow.json"),
                  json.dumps({"defaultAction": "SCMP_ACT_ALLOW"}))
WITHOUT = ["--without", "unix_sockets"]

# Each line: what it tries on DIR/NAME, and what came of it. Waits for a line before NEW.
ASK = """
import errno, os, socket, sys
def name(call, *args):
    try:
        call(*args)
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]
def connect(kind, path):
    with socket.socket(socket.AF_UNIX, kind) as s:
        s.connect(path)
        s.send(b"connect")
def connect_by_descriptor(path):
    fd = os.open(path, os.O_PATH)
    connect(socket.SOCK_STREAM, "/proc/self/fd/%d" % fd)
def send(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(b"sendto", path)
def send_from_pair(kind, path):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    with a, b:
        a.sendmsg([b"pair"], [], 0, path)
def connect_pair(kind, path):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    with a, b:
        a.connect(path)
        a.send(b"reconnected")
d = sys.argv[1]
def all_on(which):
    s, p, g = (d + "/" + which + "." + k for k in ("stream", "packets", "datagrams"))
    yield name(connect, socket.SOCK_STREAM, s)
    yield name(connect_by_descriptor, s)
    yield name(connect, socket.SOCK_SEQPACKET, p)
    yield name(connect, socket.SOCK_DGRAM, g)
    yield name(send, g)
    yield name(send_from_pair, socket.SOCK_DGRAM, g)
    yield name(connect_pair, socket.SOCK_DGRAM, g)
    yield name(send_from_pair, socket.SOCK_RAW, g)
for which in sys.argv[2:]:
    if which == "late":
        print("ready", flush=True)
        sys.stdin.readline()
    print(*all_on(which), flush=True)
# A pair of streams or packets is connected for good, whatever it is asked; a name given with
# a packet counts for nothing.
print(name(connect_pair, socket.SOCK_STREAM, d + "/open.stream"),
      name(send_from_pair, socket.SOCK_STREAM, d + "/open.stream"),
      name(connect_pair, socket.SOCK_SEQPACKET, d + "/open.packets"),
      name(send_from_pair, socket.SOCK_SEQPACKET, d + "/open.packets"))
"""
WAYS = 8
PAIRS = ["EISCONN", "EISCONN", "EISCONN", "done"]

# A payload that is its own server.
OWN = ("import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('/tmp/s')\ns.listen()\n"
       "c = socket.socket(socket.AF_UNIX)\nc.connect('/tmp/s')\nc.send(b'own')\n"
       "print(s.accept()[0].recv(3))\n")


def planned(options, actor):
    """The rows of the plan, by name."""
    r = lib.sandbox(options + ["--dry-run"], ["--", "true"], actor)
    assert r.status == 0, repr(r)
    return {x["name"]: x for x in json.loads(r.out)["layers"]}


class Servers:
    """Some that belong to the actor, with a socket of each kind."""

    def __init__(self, case, directory, actor):
        self.case, self.directory, self.actor, self.all = case, directory, actor, []

    def serve(self, name, mode):
        for kind, number in KINDS.items():
            path = os.path.join(self.directory, name + "." + kind)
            s = socket.socket(socket.AF_UNIX, number)
            self.case.addCleanup(s.close)
            s.setblocking(False)
            s.bind(path)
            if number != socket.SOCK_DGRAM:
                s.listen(64)
            lib.give(path, self.actor)
            os.chmod(path, mode)
            self.all.append(s)

    def reached(self):
        """How often, since the last time anybody asked."""
        n = 0
        for s in self.all:
            try:
                while True:
                    if s.type == socket.SOCK_DGRAM:
                        s.recv(64)
                    else:
                        s.accept()[0].close()
                    n += 1
            except BlockingIOError:
                pass
        return n
