"""Times commands one after the other in rounds: A B C, B C A, C A B, ...

Reads {"rounds": N, "commands": [{"argv": [...], "env": {...}, "cwd": "..."}]} from standard input; writes, per command, the
list of its runs as [wall seconds, processor seconds, exit status]. The processor time is that of the command and of all
its children that it waited for, as the system counted it when the command ended.
"""

import json
import os
import sys
import time


def time_one(command):
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        if command.get("cwd"):
            os.chdir(command["cwd"])
        actions = [(os.POSIX_SPAWN_DUP2, nowhere, stream) for stream in (0, 1, 2)]
        began = time.perf_counter()
        pid = os.posix_spawnp(command["argv"][0], command["argv"], command["env"], file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status)
    finally:
        os.close(nowhere)


def main():
    plan = json.load(sys.stdin)
    commands = plan["commands"]
    runs = [[] for _ in commands]
    for number in range(plan["rounds"]):
        for turn in range(len(commands)):
            index = (number + turn) % len(commands)
            runs[index].append(time_one(commands[index]))
    json.dump(runs, sys.stdout)


main()
