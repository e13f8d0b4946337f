"""How urgent the monitor's work is."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, threading
from serve_app.monitor.urgency import LEAST, be_least_urgent

go_on = threading.Event()
found = []

def other():
    go_on.wait(60)
    found.append(os.getpriority(os.PRIO_PROCESS, 0))

before = threading.Thread(target=other)
before.start()
be_least_urgent()
after = threading.Thread(target=other)
after.start()
go_on.set()
before.join(), after.join()
print(found == [LEAST] * 2 and os.getpriority(os.PRIO_PROCESS, 0) == LEAST)
"""


def test_all_threads_of_the_process_go_last():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100)

    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr
