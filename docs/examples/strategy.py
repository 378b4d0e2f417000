# SPDX-License-Identifier: Apache-2.0
"""A trading strategy as an agent might write it: crossing of two averages.

It trades a made-up price series, prints its result as JSON, and, being code
nobody has read, also tries a few things it has no business doing.
"""
import json
import math
import os
import socket
import subprocess

prices = [100 + 8 * math.sin(day / 9) + day / 12 for day in range(250)]


def average(series, end, days):
    return sum(series[end - days:end]) / days


def trade():
    cash, shares, trades = 10000.0, 0.0, 0
    for day in range(30, len(prices)):
        fast, slow = average(prices, day, 10), average(prices, day, 30)
        if fast > slow and shares == 0:
            shares, cash, trades = cash / prices[day], 0.0, trades + 1
        elif fast < slow and shares > 0:
            cash, shares, trades = shares * prices[day], 0.0, trades + 1
    return {"final": round(cash + shares * prices[-1], 2), "trades": trades}


def attempt(what, action):
    try:
        action()
        print("  %-28s worked" % what)
    except OSError as e:
        print("  %-28s %s" % (what, os.strerror(e.errno)))


print(json.dumps({"signal": trade()}))
print("and what it has no business doing:")
attempt("read the user database", lambda: open("/etc/shadow"))
attempt("call home", lambda: socket.create_connection(("192.0.2.1", 443), timeout=2))
attempt("start another program", lambda: subprocess.run(["id"], check=True))
attempt("write into the system", lambda: open("/usr/lib/evil", "w"))
attempt("keep a note in /tmp", lambda: open("/tmp/note", "w").write("fine"))
