"""A program that is run and measured: `python -S programs.py SECONDS WORDS…` prints one JSON document at the end.

Nothing is imported but what takes no memory: the most memory that the system tells of a child is never less than its
parent's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

KIB_IN_MIB = 1024


def main(seconds: float, words: list[str]) -> dict[str, float]:
    """Run a program, with this one's standard error as its output.

    Args:
        seconds: When it is killed.
        words: The program and its arguments.

    Returns:
        `status`, its exit status, negative for a signal; `seconds`; the `cpu` seconds and `peak_mib` of it and of
        what it started.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(words, stdout=sys.stderr)
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    _, status, used = os.wait4(process.pid, 0)
    timer.cancel()
    return {
        "status": os.waitstatus_to_exitcode(status),
        "seconds": time.perf_counter() - begun,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / KIB_IN_MIB,
    }


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]), sys.argv[2:])))
