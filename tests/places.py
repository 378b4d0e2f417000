# SPDX-License-Identifier: Apache-2.0
"""Where output may go: eight kinds of place, each with a reader that pauses."""
import fcntl
import json
import os
import pty
import socket
import subprocess
import termios
import time

import lib

ROOT = os.geteuid() == 0


def fill(fd):
    """Until there is no room; the open file stays one that waits."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    for piece in (b"\0" * 4096, b"\0"):
        try:
            while True:
                os.write(fd, piece)
        except BlockingIOError:
            pass
    fcntl.fcntl(fd, fcntl.F_SETFL, flags)


def stuff(fd):
    """Fill it; a terminal moves what it has a little later, and has room again."""
    for _ in range(5):
        fill(fd)
        time.sleep(0.02)


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="utf-8") as f:
        return [n for n in map(int, f.read().split()) if lib.alive(n)]


class Places(lib.PerActor):
    """Where output may go, each with a reader that pauses."""

    def pipe(self, _actor):
        return os.pipe()

    def fifo(self, actor):
        path = os.path.join(lib.room(actor), "f")
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        writer = os.open(path, os.O_WRONLY)
        fcntl.fcntl(reader, fcntl.F_SETFL, 0)
        return reader, writer

    def stream_socket(self, _actor):
        a, b = socket.socketpair()
        return a.detach(), b.detach()

    def seqpacket_socket(self, _actor):
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return a.detach(), b.detach()

    def terminal(self, actor, give=True):
        """Its other side is not read."""
        master, slave = pty.openpty()
        if give:
            lib.give(os.ttyname(slave), actor)
        mode = termios.tcgetattr(slave)
        mode[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        return master, slave

    def terminal_of_another(self, actor):
        """Which cannot be opened anew: a helper waits."""
        return self.terminal(actor, False)

    def stopped_terminal(self, actor):
        master, slave = self.terminal(actor)
        termios.tcflow(slave, termios.TCOOFF)
        return master, slave

    def other_side(self, actor):
        """A terminal's master as stdout: what its slave would read."""
        master, slave = self.terminal(actor)
        mode = termios.tcgetattr(slave)
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
        mode[0] = 0
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        return slave, master

    def all(self):
        return [self.pipe, self.fifo, self.stream_socket, self.seqpacket_socket, self.terminal,
                self.terminal_of_another, self.stopped_terminal, self.other_side]

    def start(self, actor, options, command, out, err=subprocess.PIPE, **kwargs):
        room = lib.room("root", 0o777)
        report = os.path.join(room, "report.json")
        p = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec", "--report", report] +
                                          options + command), stdin=subprocess.DEVNULL,
                             stdout=out, stderr=err, **kwargs)
        return p, report

    def read_report(self, path):
        with open(path, encoding="utf-8") as f:
            report = json.load(f)
        self.fits(report, "report.schema.json")
        return report

    hung = False

    def status(self, p):
        """
        Its exit status. That it never ends can only be told by waiting long enough; the
        test has failed then, and the other places are not waited for as long.
        """
        if not lib.wait_until(lambda: p.poll() is not None, 5 if self.hung else 60):
            self.hung = True
            p.kill()
            p.wait()
            self.fail("runner does not end: it waits for a stranger")
        return p.returncode

    def each_place(self, check):
        def one(actor):
            for place in self.all():
                with self.subTest(place=place.__name__):
                    reader, writer = place(actor)
                    try:
                        check(actor, place.__name__, reader, writer)
                    finally:
                        for fd in (reader, writer):
                            try:
                                os.close(fd)
                            except OSError:
                                pass
        self.each(one)
