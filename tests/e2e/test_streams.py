# SPDX-License-Identifier: Apache-2.0
"""No reader or writer of the streams can hold runner up, and nothing is lost unsaid."""
import fcntl
import os
import pty
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib
from places import ROOT, Places, children, fill, stuff

# More than a pipe, its relay and a socket hold.
MUCH = 600000
WRITE = "head -c %d /dev/zero | tr '\\0' x" % MUCH
# One that still has output to hand on when it ends, and does end: 40 KB fit the pipe.
SOME = 40000


class APausedReader(Places):
    def test_the_wall_time_acts(self):
        """Both streams on one place, as a shell's 2>&1 has it."""
        def check(actor, _name, _reader, writer):
            stuff(writer)
            script = "while :; do %s; %s >&2; done" % (WRITE, WRITE)
            p, report = self.start(actor, ["--timeout", "1s", "--drain", "100ms"],
                                   ["--", "sh", "-c", script], writer, writer)
            self.assertEqual(self.status(p), 124)
            r = self.read_report(report)
            self.assertEqual(r["reason"], "wall_time")
            out = r["output"]
            if out["stdout_bytes"] + out["stderr_bytes"]:  # where a second is enough for that
                self.assertGreater(out["stdout_pending"] + out["stderr_pending"], 0)
        self.each_place(check)

    def test_signals_act(self):
        def check(actor, name, _reader, writer):
            stuff(writer)
            p, report = self.start(actor, ["--grace", "100ms", "--timeout", "unlimited", "--drain",
                                           "1h"],
                                   ["--", "sh", "-c", "trap '' TERM; printf x; echo ready >&2; while :; do "
                                    "%s; done" % WRITE], writer)
            self.assertEqual(p.stderr.readline(), b"ready\n")
            p.send_signal(signal.SIGTERM)
            # The end of the drain is far off here; another signal is one.
            self.assertTrue(lib.wait_until(lambda: os.path.exists(report) and
                                           os.path.getsize(report), 60), name)
            p.send_signal(signal.SIGTERM)
            self.assertEqual(self.status(p), 128 + signal.SIGTERM)
            p.stderr.close()
            r = self.read_report(report)
            self.assertEqual(r["reason"], "canceled")
            self.assertGreater(r["output"]["stdout_pending"], 0)
        self.each_place(check)

    def test_the_report_comes_before_the_drain_ends_and_the_rest_after_it(self):
        """Whoever reads the report first, and then the output, gets both."""
        def check(actor, _name, reader, writer):
            if _name in ("stopped_terminal", "other_side", "terminal", "terminal_of_another",
                         "seqpacket_socket"):
                return  # not filled to the last byte, or not read byte by byte
            fill(writer)
            p, report = self.start(actor, ["--drain", "1h"],
                                   ["--", "sh", "-c", "head -c %d /dev/zero | tr '\\0' x" % SOME],
                                   writer)
            os.close(writer)
            self.assertTrue(lib.wait_until(lambda: os.path.exists(report) and
                                           os.path.getsize(report), 60))
            r = self.read_report(report)
            self.assertEqual((r["reason"], r["output"]["stdout_pending"]), ("exited", SOME))
            self.assertIsNone(p.poll())
            got = b""
            while len(got.replace(b"\0", b"")) < SOME:
                piece = os.read(reader, 65536)
                self.assertTrue(piece, len(got))
                got += piece
            self.assertEqual(got.replace(b"\0", b""), b"x" * SOME)
            self.assertEqual(self.status(p), 0)
            self.assertEqual(p.stderr.read(), b"")
            p.stderr.close()
        self.each_place(check)

    def test_what_is_lost_is_said(self):
        def check(actor):
            reader, writer = os.pipe()
            fill(writer)
            p, report = self.start(actor, ["--drain", "100ms"],
                                   ["--", "sh", "-c", "echo lost; exit 3"], writer)
            self.status(p)
            _, err = p.communicate()
            self.assertEqual(p.returncode, 125, err)
            self.assertIn(b"stdout: 5 bytes were lost", err)
            self.assertIn(b"--drain", err)
            r = self.read_report(report)
            self.assertEqual((r["exit_status"], r["output"]["stdout_pending"]), (3, 5))
            # The control: the same, and a reader that reads.
            os.read(reader, 65536)
            p, report = self.start(actor, ["--drain", "100ms"],
                                   ["--", "sh", "-c", "echo lost; exit 3"], writer)
            _, err = p.communicate(timeout=60)
            self.assertEqual((p.returncode, err), (3, b""))
            os.close(reader)
            os.close(writer)
        self.each(check)

    def test_runners_own_words_do_not_wait(self):
        def check(actor):
            reader, writer = os.pipe()
            fill(writer)
            p, report = self.start(actor, ["--without", "keyring", "--drain", "100ms"],
                                   ["--", "sh", "-c", "kill -9 $$"], subprocess.DEVNULL, writer)
            self.assertEqual(self.status(p), 137)
            self.assertEqual(self.read_report(report)["reason"], "signaled")
            os.close(reader)
            os.close(writer)
        self.each(check)

    def test_a_report_nobody_reads(self):
        def check(actor):
            reader, writer = os.pipe()
            fill(writer)
            p = subprocess.Popen(lib.as_actor(actor, [
                lib.RUNNER, "exec", "--report", "fd:%d" % writer, "--drain", "100ms", "--", "true"]),
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[writer])
            self.status(p)
            _, err = p.communicate()
            self.assertEqual(p.returncode, 125, err)
            self.assertIn(b"timed out", err)
            os.close(reader)
            os.close(writer)
        self.each(check)

    def test_no_helper_stays(self):
        """One that waits for a terminal nobody reads dies with runner, however that ends."""
        def check(actor):
            reader, writer = self.other_side(actor)
            p, _ = self.start(actor, ["--timeout", "unlimited"],
                              ["--", "sh", "-c", "echo ready >&2; " + WRITE], writer)
            self.assertEqual(p.stderr.readline(), b"ready\n")
            # Init, and the helper.
            self.assertTrue(lib.wait_until(lambda: len(children(p.pid)) == 2, 60))
            pids = children(p.pid)
            p.kill()
            p.wait()
            p.stderr.close()
            self.assertTrue(lib.wait_until(lambda: not any(map(lib.alive, pids)), 60))
            os.close(reader)
            os.close(writer)
        self.each(check)


class ALiveReader(Places):
    def test_every_byte_arrives_in_order(self):
        """Through each place, more than it holds, to a reader that takes its time."""
        def check(actor, name, reader, writer):
            if name == "stopped_terminal":
                return
            words = "".join("%07d\n" % i for i in range(20000))
            p, report = self.start(actor, ["--drain", "60s"],
                                   ["--", "seq", "-f", "%07g", "0", "19999"], writer)
            if not os.isatty(writer):  # a terminal that hangs up forgets what is in it
                os.close(writer)
            got = b""
            while len(got) < len(words):
                piece = os.read(reader, 65536 if name == "seqpacket_socket" else 3000)
                if not piece:
                    break
                got += piece
            self.assertEqual(got.decode(), words)
            self.assertEqual(self.status(p), 0, p.stderr.read())
            p.stderr.close()
            self.assertEqual(self.read_report(report)["output"]["stdout_bytes"], len(words))
        self.each_place(check)

    def test_a_pipe_needs_no_helper_and_the_description_stays_as_it_was(self):
        def check(actor, name, reader, writer):
            before = fcntl.fcntl(writer, fcntl.F_GETFL)
            script = "echo out; echo ready >&2; sleep 60"
            p, _ = self.start(actor, [], ["--", "sh", "-c", script], writer)
            self.assertEqual(p.stderr.readline(), b"ready\n")
            if name in ("pipe", "fifo", "stream_socket", "seqpacket_socket"):
                # Init alone; who made the network namespace may take a moment to go.
                self.assertTrue(lib.wait_until(lambda: len(children(p.pid)) == 1, 60), name)
            self.assertEqual(fcntl.fcntl(writer, fcntl.F_GETFL), before)
            p.send_signal(signal.SIGTERM)
            p.send_signal(signal.SIGTERM)
            self.status(p)
            p.stderr.close()
        self.each_place(check)

    def test_stdin_that_pauses_holds_nothing_up(self):
        """Another reader of the same pipe is quicker; the limit still acts."""
        def check(actor):
            for make in (self.pipe, self.stream_socket, self.terminal):
                mine, theirs = make(actor)
                if make == self.pipe:
                    mine, theirs = theirs, mine
                p, report = self.start(actor, ["--timeout", "500ms"], ["--", "cat"],
                                       subprocess.DEVNULL)
                self.status(p)
                p.stderr.close()
                p = subprocess.Popen(lib.as_actor(actor, [lib.RUNNER, "exec", "--timeout", "500ms",
                                                          "--", "cat"]), stdin=theirs,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.assertEqual(self.status(p), 124)
                os.close(mine)
                os.close(theirs)
        self.each(check)


class Errors(Places):
    """What could not be written is told; it is not the payload's success."""

    def test_a_full_disk(self):
        def check(actor):
            for stream, redirect in (("stdout", ""), ("stderr", ">&2")):
                with open("/dev/full", "wb") as full:
                    kwargs = {"err": full} if stream == "stderr" else {}
                    p, report = self.start(actor, [], ["--", "sh", "-c", "echo x" + redirect],
                                           full if stream == "stdout" else subprocess.DEVNULL,
                                           **kwargs)
                    _, err = p.communicate(timeout=60)
                self.assertEqual(p.returncode, 125)
                r = self.read_report(report)
                self.assertEqual((r["exit_code"], r["exit_status"], r["reason"]),
                                 (125, 0, "exited"))
                self.assertEqual(r["output"][stream + "_error"], "No space left on device")
                self.assertIn(stream, r["message"])
                if stream == "stdout":
                    self.assertIn(b"stdout could not be handed on: No space left on device", err)
        self.each(check)

    def test_a_small_file_system(self):
        if not ROOT:
            self.skipTest("needs root to mount one")
        d = lib.room()
        script = ("mount -t tmpfs -o size=16k none %s; %s exec -- sh -c '%s' > %s/out; echo $?; "
                  "stat -c %%s %s/out" % (d, lib.RUNNER, WRITE.replace("'", ""), d, d))
        script = script.replace("\\0", "\\\\0")
        r = lib.run(["unshare", "--mount", "sh", "-c", script])
        self.assertEqual(r.out, "125\n16384\n", repr(r))

    def test_a_reader_that_leaves_is_none(self):
        def check(actor):
            reader, writer = os.pipe()
            os.close(reader)
            p, report = self.start(actor, [], ["--", "sh", "-c", "trap '' PIPE; echo x; sleep 0.2; "
                                               "echo y; exit 4"], writer)
            os.close(writer)
            p.communicate(timeout=60)
            r = self.read_report(report)
            self.assertEqual((p.returncode, r["reason"], r["output"]["stdout_error"]),
                             (4, "exited", None))
        self.each(check)

    def test_closed_streams_take_everything(self):
        def check(actor):
            r = lib.run(["sh", "-c", "exec %s exec -- sh -c 'echo x; echo y >&2; exit 5' >&- 2>&-" %
                         lib.RUNNER], actor)
            self.assertEqual((r.status, r.out, r.err), (5, "", ""), repr(r))
        self.each(check)

    def test_input_that_fails(self):
        """A terminal that hangs up in the middle."""
        def check(actor):
            master, slave = pty.openpty()
            lib.give(os.ttyname(slave), actor)
            room = lib.room("root", 0o777)
            path = os.path.join(room, "r.json")
            p = subprocess.Popen(lib.as_actor(actor, [
                lib.RUNNER, "exec", "--report", path, "--", "sh", "-c",
                "echo ready; cat; echo end"]), stdin=slave, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            self.assertEqual(p.stdout.readline(), b"ready\n")
            os.close(slave)
            os.close(master)
            out, _ = p.communicate(timeout=60)
            self.assertEqual((p.returncode, out), (0, b"end\n"))
        self.each(check)


if __name__ == "__main__":
    lib.main()
